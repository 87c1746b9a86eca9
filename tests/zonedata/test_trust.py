from dataclasses import replace
from pathlib import Path

import pytest

from tests.zonedata.builders import NOW, SERVERS, Zone, ZoneSpec, anchor, key, life, read, rootkeys, seal_rootkeys
from tests.zonedata.samples import SAMPLES
from zonedata import trust
from zonedata.errors import MalformedError, UntrustedError
from zonedata.kinds import DAY, YEAR, Kind, Use
from zonedata.sealed import Sealed, Signature
from zonedata.statements import seal
from zonedata.trust import Trust, advance, from_sealed, is_current, read_anchor, to_pem

FIRST = seal_rootkeys(rootkeys())
TREE = anchor().tree


def version(number: int, root: str = "abc", threshold: int = 2, by: str = "abc", tree: bytes = TREE) -> Sealed:
    return seal_rootkeys(rootkeys(number, tree=tree, root=root, threshold=threshold), by)


def step(before: Trust, sealed: Sealed) -> Trust:
    return advance(before, read(sealed))


@pytest.mark.parametrize("by", ["ab", "bc", "ac", "abc", "abz"])
def test_an_anchor_that_its_own_threshold_signed(by: str) -> None:
    assert from_sealed(seal_rootkeys(rootkeys(), by)).rootkeys == rootkeys()


@pytest.mark.parametrize("by", ["a", "c", "xyz", "az"])
def test_an_anchor_that_it_did_not(by: str) -> None:
    with pytest.raises(UntrustedError, match="threshold"):
        from_sealed(seal_rootkeys(rootkeys(), by))


def test_one_key_counts_once_however_often_it_signs() -> None:
    one = FIRST.signatures[0]
    with pytest.raises(UntrustedError):
        from_sealed(replace(FIRST, signatures=(one, one, one)))


def test_signatures_of_an_unknown_algorithm_do_not_count() -> None:
    other = tuple(Signature(16, one.key_id, one.octets) for one in FIRST.signatures)
    with pytest.raises(UntrustedError):
        from_sealed(replace(FIRST, signatures=other))
    assert from_sealed(replace(FIRST, signatures=(*FIRST.signatures[:2], other[2])))


def test_an_anchor_is_rootkeys() -> None:
    with pytest.raises(MalformedError, match="expected ROOTKEYS"):
        from_sealed(seal(SAMPLES[Kind.GAP], key("./zone")))
    with pytest.raises(MalformedError):
        from_sealed(Sealed(Kind.ROOTKEYS, FIRST.signatures, b"\x80"))


def test_the_tree_is_named_after_version_one_for_ever() -> None:
    first = from_sealed(FIRST)
    assert first.tree == trust.tree_of(FIRST)
    second = step(first, version(2))
    assert second.tree == first.tree
    assert from_sealed(version(2)).tree == first.tree
    assert second.rootkeys.version == 2
    assert second.sealed == version(2)


def test_the_root_zone_is_signed_by_its_zone_keys_while_the_version_lives() -> None:
    signer = anchor().signer()
    assert (signer.name, signer.principal, signer.until) == (".", (), NOW + 180 * DAY)
    assert [(one.public, one.uses) for one in signer.keys] == [(key("./zone").public, (Use.ZONE,))]
    assert signer.key_for(key("./zone").public.key_id)
    assert signer.key_for(key("root a").public.key_id) is None


def test_keys_rotate_when_both_thresholds_sign() -> None:
    second = step(anchor(), version(2, root="bcd", by="bc"))
    third = step(second, version(3, root="def", by="cdef"))
    assert third.rootkeys.version == 3
    assert anchor().chain == ()
    assert third.chain == (version(2, root="bcd", by="bc"), version(3, root="def", by="cdef"))
    assert {public.key_id for public in third.rootkeys.root_keys} == {
        key(f"root {one}").public.key_id for one in "def"
    }


@pytest.mark.parametrize(
    ("following", "why"),
    [
        (version(2, root="def", by="def"), "the version before"),
        (version(2, root="def", by="ab"), "its own"),
        (version(2, root="cde", by="cde"), "the version before"),
        (version(2, root="abc", threshold=3, by="ab"), "its own"),
        (version(3), "expected ROOTKEYS version 2"),
        (FIRST, "expected ROOTKEYS version 2"),
        (seal(SAMPLES[Kind.GAP], key("./zone")), "expected ROOTKEYS version 2"),
        (version(2, tree=bytes(16)), "another tree"),
        (
            seal_rootkeys(replace(rootkeys(2, tree=TREE), life=replace(rootkeys(2).life, expires=NOW + YEAR + 1))),
            "longer than a year",
        ),
    ],
)
def test_what_is_no_next_version(following: Sealed, why: str) -> None:
    with pytest.raises(UntrustedError, match=why):
        step(anchor(), following)


def test_versions_never_go_back() -> None:
    second = step(anchor(), version(2))
    for old in (FIRST, version(2)):
        with pytest.raises(UntrustedError, match="version 3"):
            step(second, old)


def test_an_expired_anchor_catches_up() -> None:
    old = from_sealed(
        seal_rootkeys(replace(rootkeys(), life=life(Kind.ROOTKEYS, issued=-90 * DAY, expires=-30 * DAY)))
    )
    assert not is_current(old, NOW)
    renewed = step(old, seal_rootkeys(rootkeys(2, tree=old.tree)))
    assert is_current(renewed, NOW)
    assert not is_current(renewed, NOW + 181 * DAY)


# --- the file ----------------------------------------------------------------------------------------------

ROOT_AUTHORITY = Zone(".", ZoneSpec()).seal(Zone(".", ZoneSpec()).authority("."))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "anchor.pem"
    path.write_text(text)
    return path


def test_anchor_file_round_trip(tmp_path: Path) -> None:
    assert read_anchor(write(tmp_path, to_pem(FIRST))) == anchor()
    both = "A comment.\n" + to_pem(FIRST) + "\n" + to_pem(ROOT_AUTHORITY)
    assert read_anchor(write(tmp_path, both)) == replace(anchor(), servers=SERVERS)
    assert step(read_anchor(write(tmp_path, both)), version(2)).servers == SERVERS


def test_other_blocks_after_the_first_are_passed_over(tmp_path: Path) -> None:
    text = to_pem(FIRST) + to_pem(seal(SAMPLES[Kind.GAP], key("./zone"))) + to_pem(Sealed(Kind.STATUS, (), b""))
    assert read_anchor(write(tmp_path, text)) == anchor()


def test_pem_is_lines_of_64() -> None:
    lines = to_pem(FIRST).splitlines()
    assert lines[0] == "-----BEGIN FINGERPOST ROOTKEYS-----"
    assert lines[-1] == "-----END FINGERPOST ROOTKEYS-----"
    assert max(map(len, lines[1:-1])) == 64


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no block"),
        ("hello", "no block"),
        (to_pem(ROOT_AUTHORITY) + to_pem(FIRST), "no block"),
        (to_pem(FIRST).replace("-----END FINGERPOST ROOTKEYS-----", ""), "has no end"),
        (to_pem(FIRST).replace("A", "*"), "damaged"),
        ("-----BEGIN FINGERPOST X-----\nAAAA\n-----END FINGERPOST X-----\n", "line 3.*damaged"),
        ("é", "not text"),
        ("x" * 70_000, "longer"),
    ],
)
def test_files_that_are_no_anchor(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        read_anchor(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="cannot be read"):
        read_anchor(tmp_path / "absent")


def test_a_file_with_a_forged_anchor(tmp_path: Path) -> None:
    with pytest.raises(UntrustedError):
        read_anchor(write(tmp_path, to_pem(seal_rootkeys(rootkeys(), "a"))))
