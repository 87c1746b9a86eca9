import os
import re
import stat
from pathlib import Path

import pytest

from resolver import bearer_file
from tests.fingerpost.household import Household
from transport.bearer import digest_of
from zonedata import keys, trust
from zonedata.kinds import DAY


def test_keys_are_made_for_their_owner_alone_and_shown(house: Household) -> None:
    out = house.sound("keygen", "a.pem", "b.pem")
    for line, name in zip(out.splitlines(), ("a.pem", "b.pem"), strict=True):
        public = keys.load(Path(name)).public
        assert line == f"{name} {public.to_text()} {public.key_id.hex()}"
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    assert house.sound("keygen", "--public", "a.pem", "b.pem") == out


def test_nothing_is_overwritten_and_nothing_made_beside_it(house: Household) -> None:
    house.key("a.pem")
    before = Path("a.pem").read_bytes()
    outcome = house.run("keygen", "b.pem", "a.pem", "c.pem", "c.pem")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err == "a.pem: is there already, and is not overwritten\nc.pem: is named twice\n"
    assert Path("a.pem").read_bytes() == before
    assert not Path("b.pem").exists()


def test_a_folder_that_is_not_there_is_said(house: Household) -> None:
    assert house.run("keygen", "no/a.pem").err == "fingerpost keygen: no/a.pem: No such file or directory\n"


def test_every_key_that_cannot_be_shown_is_named(house: Household) -> None:
    house.key("open.pem")
    Path("open.pem").chmod(0o644)
    outcome = house.run("keygen", "--public", "gone.pem", "open.pem")
    assert outcome.status == 1
    first, second = outcome.err.splitlines()
    assert first == "gone.pem: key file cannot be read: No such file or directory"
    assert second.startswith("open.pem: key file has mode 0644, so others may have read it")


def _anchor(house: Household, *words: str, root: str = "abc") -> list[str]:
    names = [f"root-{letter}.pem" for letter in root]
    for name in (*names, "zone.pem"):
        house.key(name)
    options = [word for name in names for word in ("--root-key", name)]
    return ["keygen", "--anchor", "anchor.pem", *options, "--zone-key", "zone.pem", *words]


def test_an_anchor_is_signed_by_all_root_keys(house: Household) -> None:
    out = house.sound(*_anchor(house))
    made = trust.read_anchor(Path("anchor.pem"))
    assert made.rootkeys.threshold == 2
    assert made.rootkeys.life.expires - made.rootkeys.life.issued == 365 * DAY
    assert {key.raw for key in made.rootkeys.root_keys} == {house.key(f"root-{n}.pem").public.raw for n in "abc"}
    assert made.rootkeys.zone_keys == (house.key("zone.pem").public,)
    assert len(made.sealed.signatures) == 3
    expected = rf"anchor\.pem tree {made.tree.hex()} version 1 threshold 2 of 3 expires \S+Z\n"
    assert re.fullmatch(expected, out)


def test_threshold_and_days_are_as_asked(house: Household) -> None:
    house.sound(*_anchor(house, "--threshold", "3", "--days", "30"))
    made = trust.read_anchor(Path("anchor.pem")).rootkeys
    assert (made.threshold, made.life.expires - made.life.issued) == (3, 30 * DAY)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--threshold", "4"), "--threshold 4, expected 1 to 3, the number of root keys"),
        (("--threshold", "0"), "--threshold 0, expected 1 to 3, the number of root keys"),
        (("--days", "0"), "--days 0, expected 1 to 366"),
        (("--days", "367"), "--days 367, expected 1 to 366"),
        (("--root-key", "root-a.pem"), "--root-key names one key twice"),
        (("--zone-key", "zone.pem"), "--zone-key names one key twice"),
        (
            ("--zone-key", "root-a.pem"),
            "one key is --root-key and --zone-key; a root key signs versions of the root's keys only",
        ),
    ],
)
def test_an_anchor_that_cannot_be_is_not_made(house: Household, words: tuple[str, ...], reason: str) -> None:
    outcome = house.run(*_anchor(house, *words))
    assert (outcome.status, outcome.err) == (1, f"fingerpost keygen: {reason}\n")
    assert not Path("anchor.pem").exists()


def test_more_keys_than_an_anchor_holds(house: Household) -> None:
    outcome = house.run(*_anchor(house, root="abcdefghijklmnopq"))
    assert outcome.err == "fingerpost keygen: --root-key is given 17 times, at most 16 are allowed\n"


def test_an_anchor_is_never_overwritten(house: Household) -> None:
    words = _anchor(house)
    house.sound(*words)
    before = Path("anchor.pem").read_bytes()
    assert house.run(*words).err == "anchor.pem: is there already, and is not overwritten\n"
    assert Path("anchor.pem").read_bytes() == before


def test_a_full_disk_leaves_nothing_behind(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    words = _anchor(house)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcome = house.run(*words)
    assert (outcome.status, outcome.err) == (1, "fingerpost keygen: anchor.pem: No space left on device\n")
    assert [path.name for path in Path().iterdir() if "anchor" in path.name] == []


def test_a_token_goes_into_its_file_and_its_digest_to_whoever_configures(house: Household) -> None:
    out = house.sound("keygen", "--bearer", "partner.token")
    token = bearer_file.read(Path("partner.token"))
    assert len(token) == 43
    assert out == f'bearer_sha256 = ["{digest_of(token).hex()}"]\n'
    assert stat.S_IMODE(Path("partner.token").stat().st_mode) == 0o600
    assert "is there already, and is not overwritten" in house.run("keygen", "--bearer", "partner.token").err
    assert bearer_file.read(Path("partner.token")) == token
    for words in (("x.pem",), ("--oblivious", "o"), ("--tls", "a.example"), ("--public",)):
        outcome = house.run("keygen", *words, "--bearer", "b.token")
        assert outcome.status == 1
        assert "takes the file to be made, and nothing else" in outcome.err
    assert not Path("b.token").exists()
