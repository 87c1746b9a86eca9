"""The ceremony of the root's keys: three holders, threshold two; one key is replaced, the zone key rolls."""

import re
from pathlib import Path

import pytest

from fingerpost import ceremony, rootkeys
from fingerpost.ceremony import Changes
from tests.fingerpost.household import ROOT, Household
from zonedata import trust
from zonedata.errors import MalformedError, UntrustedError
from zonedata.kinds import DAY, Kind
from zonedata.trust import to_pem

START = 1_800_000_000


def _begin(house: Household) -> None:
    for name in ("root-a", "root-b", "root-c", "root-d", "zone", "zone-2"):
        house.key(f"{name}.pem")
    roots = [word for letter in "abc" for word in ("--root-key", f"root-{letter}.pem")]
    house.sound("keygen", "--anchor", "anchor.pem", *roots, "--zone-key", "zone.pem", "--threshold", "2")


def _ident(house: Household, name: str) -> str:
    return house.key(f"{name}.pem").public.key_id.hex()


def _public(house: Household, name: str) -> str:
    return house.key(f"{name}.pem").public.to_text()


def _draft(house: Household) -> str:
    return house.sound(
        *("rootkeys", "next", "anchor.pem", "draft.pem", "--days", "300"),
        *("--drop-root-key", _ident(house, "root-c"), "--add-root-key", _public(house, "root-d")),
        *("--drop-zone-key", _ident(house, "zone"), "--add-zone-key", _public(house, "zone-2")),
    )


def test_a_whole_ceremony(house: Household) -> None:
    _begin(house)
    assert _draft(house) == "draft.pem lacks 2 signatures of version 1, 2 of version 2\n"
    too_early = house.run("rootkeys", "finish", "draft.pem", "rootkeys-2.pem")
    assert (too_early.status, too_early.out) == (1, "")
    assert too_early.err == (
        "fingerpost rootkeys: version 2 lacks 2 of the keys of version 1 and 2 of its own; nothing was written\n"
    )
    for holder in "ad":  # each signs a copy, on their own machine
        Path(f"copy-{holder}.pem").write_bytes(Path("draft.pem").read_bytes())
    signed = house.sound("rootkeys", "sign", "copy-a.pem", "root-a.pem")
    assert signed == "copy-a.pem lacks 1 signatures of version 1, 1 of version 2\n"
    house.sound("rootkeys", "sign", "copy-d.pem", "root-d.pem")
    joined = house.sound("rootkeys", "join", "draft.pem", "copy-a.pem", "copy-d.pem")
    assert joined == "draft.pem lacks 1 signatures of version 1, 0 of version 2\n"
    assert house.run("rootkeys", "finish", "draft.pem", "rootkeys-2.pem").status == 1
    last = house.sound("rootkeys", "sign", "draft.pem", "root-c.pem")  # who leaves may sign for the version before
    assert last == "draft.pem has all signatures it needs: finish it\n"
    shown = house.sound("rootkeys", "show", "draft.pem")
    for name, words in {
        "root-a": "root key {} stays, signed",
        "root-b": "root key {} stays",
        "root-c": "root key {} dropped, signed",
        "root-d": "root key {} new, signed",
        "zone": "zone key {} dropped",
        "zone-2": "zone key {} new",
    }.items():
        assert words.format(_ident(house, name)) in shown.splitlines()
    in_full = [_public(house, name) for name in ("root-d", "zone-2")]
    assert re.findall(r"^.* new.*\n  (.*)$", shown, re.MULTILINE) == in_full
    assert shown.count("ed25519:") == len(in_full)
    assert all(len(line) <= 80 for line in shown.splitlines())
    house.sound("rootkeys", "finish", "draft.pem", "rootkeys-2.pem")
    assert "version 2" in house.sound("rootkeys", "show", "rootkeys-2.pem")
    _root_signs_with_it(house)


def _root_signs_with_it(house: Household) -> None:
    house.write("root.zone", "zone .\n")
    house.write("root.toml", ROOT + 'rootkeys = ["anchor.pem", "rootkeys-2.pem"]\n')
    refused = house.run("sign", "root.toml")
    assert "version 2 of its keys has others" in refused.err
    house.write(
        "root.toml", ROOT.replace("zone.pem", "zone-2.pem") + 'rootkeys = ["anchor.pem", "rootkeys-2.pem"]\n'
    )
    house.sound("sign", "root.toml")


def test_a_draft_is_no_version_and_no_anchor(house: Household) -> None:
    _begin(house)
    _draft(house)
    house.sound("rootkeys", "sign", "draft.pem", "root-a.pem")
    with pytest.raises(MalformedError, match="no part of an anchor file"):
        trust.read_anchor(Path("draft.pem"))
    outcome = house.run("rootkeys", "sign", "anchor.pem", "root-a.pem")
    assert outcome.err == "anchor.pem: is no draft of root keys; 'fingerpost rootkeys next' makes one\n"


def test_what_is_wrong_changes_no_file(house: Household) -> None:
    _begin(house)
    _draft(house)
    before = Path("draft.pem").read_bytes()
    for words, reason in (
        (("sign", "draft.pem", "zone.pem"), "is no root key of version 1 or 2"),
        (("next", "anchor.pem", "draft.pem"), "is there already"),
        (("next", "anchor.pem", "x.pem", "--drop-root-key", "00" * 8), "is no root key of the version before"),
        (("next", "anchor.pem", "x.pem", "--drop-root-key", "no"), "--drop-root-key: no is no key id"),
        (("next", "anchor.pem", "x.pem", "--drop-zone-key", "00"), "--drop-zone-key: 00 is no key id"),
        (("next", "anchor.pem", "x.pem", "--add-root-key", "no"), "--add-root-key: key 'no': expected 'ed25519:'"),
        (
            ("next", "anchor.pem", "x.pem", "--add-zone-key", "ed25519:AAAA"),
            "--add-zone-key: Ed25519 public key",
        ),
        (("next", "anchor.pem", "x.pem", "--threshold", "4"), "threshold 4, expected 1 to 3"),
        (("next", "anchor.pem", "x.pem", "--days", "400"), "--days 400, expected 1 to 366"),
        (("next", "anchor.pem", "x.pem", "--add-zone-key", _public(house, "root-a")), "root key and zone key"),
        (("next", "anchor.pem", "x.pem", "--add-root-key", _public(house, "root-a")), "names one key twice"),
        (("next", "anchor.pem", "x.pem", "--drop-zone-key", _ident(house, "zone")), "no zone key would be left"),
        (("sign", "draft.pem"), "sign takes 2 files"),
        (("show", "gone.pem"), "gone.pem: No such file"),
        (("sign", "draft.pem", "root-a.pem", "--days", "3"), "sign takes"),
    ):
        outcome = house.run("rootkeys", *words)
        assert outcome.status == 1, words
        assert reason in outcome.err, (words, outcome.err)
        assert all(len(line) <= 116 for line in outcome.err.splitlines())
    assert Path("draft.pem").read_bytes() == before
    assert not Path("x.pem").exists()


def test_nobody_signs_twice_and_no_signature_is_believed_unseen(house: Household) -> None:
    _begin(house)
    _draft(house)
    house.sound("rootkeys", "sign", "draft.pem", "root-a.pem")
    assert "has signed already" in house.run("rootkeys", "sign", "draft.pem", "root-a.pem").err
    draft = ceremony.read_draft(Path("draft.pem"))
    (mine,) = draft.signatures
    forged = type(mine)(mine.algorithm, house.key("root-b.pem").public.key_id, mine.octets)
    Path("draft.pem").write_text(ceremony.with_signatures(draft, (forged,)).to_text())
    assert "is false" in house.run("rootkeys", "show", "draft.pem").err


def test_copies_of_another_draft_are_not_joined(house: Household) -> None:
    _begin(house)
    _draft(house)
    house.sound("rootkeys", "next", "anchor.pem", "other.pem", "--days", "10")
    assert (
        house.run("rootkeys", "join", "draft.pem", "other.pem").err == "other.pem: is a draft of another version\n"
    )


def test_a_version_that_has_expired_meanwhile_is_not_finished(house: Household) -> None:
    _begin(house)
    held = trust.read_anchor(Path("anchor.pem"))
    draft = ceremony.next_version(held, Changes(days=1), START)
    for letter in "ab":
        draft = ceremony.signed(draft, house.key(f"root-{letter}.pem"))
    assert ceremony.finished(draft, START + 5).rootkeys.version == 2
    with pytest.raises(UntrustedError, match="does not count now"):
        ceremony.finished(draft, START + DAY)


def test_versions_follow_one_another(house: Household) -> None:
    _begin(house)
    held = trust.read_anchor(Path("anchor.pem"))
    for version in (2, 3):
        draft = ceremony.next_version(held, Changes(), START + version)
        for letter in "ab":
            draft = ceremony.signed(draft, house.key(f"root-{letter}.pem"))
        held = ceremony.finished(draft, START + version)
        Path(f"rootkeys-{version}.pem").write_text(to_pem(held.sealed))
    assert held.rootkeys.version == 3
    assert trust.read_anchor(Path("rootkeys-3.pem")).tree == held.tree
    assert held.sealed.kind is Kind.ROOTKEYS


PAGE = (Path(__file__).parents[2] / "docs" / "keys.md").read_text()
COMMANDS = re.findall(r"`(fingerpost [^`]*)`", PAGE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_can_be_typed(house: Household, command: str) -> None:
    """It fails for want of files, or because the key is only hinted at, and not for how it is written."""
    assert house.folder.exists()
    _, name, *words = command.split()
    if name == "keygen":
        house.sound(name, *words)
        return
    outcome = house.run(name, *words)
    assert outcome.status == 1
    assert "usage:" not in outcome.err
    if name == "rootkeys":
        assert "No such file" in outcome.err or "ed25519:..." in outcome.err, outcome


def test_the_page_shows_every_action() -> None:
    shown = {command.split()[2] for command in COMMANDS if command.startswith("fingerpost rootkeys")}
    assert shown == set(rootkeys._ACTIONS)
