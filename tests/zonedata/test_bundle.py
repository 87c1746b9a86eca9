"""One question, the chain and the answer in one file: what is written is read, and nothing else."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.zonedata.builders import (
    NOW,
    World,
    ZoneSpec,
    anchor,
    assertion,
    denial,
    rootkeys,
    seal_rootkeys,
)
from zonedata import trust
from zonedata.bundle import MAX_BUNDLE, MAX_RESOLVER, MAX_STATEMENTS, Bundle, read, write
from zonedata.errors import MalformedError, UntrustedError
from zonedata.identifiers import Csi, parse
from zonedata.judgement import Judgement, hear, judge
from zonedata.trust import Trust

CSI = parse("+14155550123")
GRANTS = ["alpha.example msp", "beta.example msp"]
ZONES = World({".": ZoneSpec({"+1": GRANTS}, ("alpha.example", "beta.example"))}).wires()
SHOWN = (assertion(CSI.owner, "alpha.example"), denial(CSI.owner, "beta.example"), *ZONES)
BUNDLE = Bundle(CSI, NOW, "192.0.2.53#53", anchor(), SHOWN)
TEXT = write(BUNDLE)


def digested(text: bytes) -> bytes:
    """Give a text that somebody changed the digest that goes with it."""
    body = text[: text.rindex(b"sha256: ")]
    return body + f"sha256: {hashlib.sha256(body).hexdigest()}\n".encode()


def judged(shown: Bundle, by: Trust) -> Judgement:
    return hear(shown.csi.owner, by, shown.wires(), NOW).judgement


def refused(text: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        read(text)
    return str(caught.value)


def test_what_is_written_is_read_and_judged_as_the_records_were() -> None:
    assert read(TEXT) == BUNDLE
    judgement = judged(read(TEXT), anchor())
    assert judgement == judge(CSI.owner, anchor(), SHOWN, NOW)
    assert judgement.complete
    assert [finding.ssi for finding in judgement.found] == ["mimi://alpha.example/u/x"]


CSIS = st.sampled_from(
    [parse(text) for text in ("+14155550123", "alice@example.com", "josé@exämple.com", "+390612345")]
)
RESOLVERS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=MAX_RESOLVER)
YEAR_9999 = 253_402_300_799


@given(CSIS, st.integers(0, YEAR_9999), RESOLVERS, st.lists(st.binary(max_size=200), max_size=12))
def test_every_bundle_comes_back(csi: Csi, asked: int, resolver: str, shown: list[bytes]) -> None:
    made = Bundle(csi, asked, resolver, anchor(), tuple(shown))
    assert read(write(made)) == made


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_every_changed_octet_is_found(flip: int) -> None:
    for at in range(len(TEXT)):
        with pytest.raises((MalformedError, UntrustedError)):
            read(TEXT[:at] + bytes((TEXT[at] ^ flip,)) + TEXT[at + 1 :])


@settings(max_examples=400)
@given(st.data())
def test_who_changes_an_octet_and_the_digest_has_nothing_more_believed(data: st.DataObject) -> None:
    """Deceit instead of damage: any octet of what was shown, the head or the text, with the digest made anew."""
    at = data.draw(st.integers(0, TEXT.rindex(b"sha256: ") - 1))
    octet = data.draw(st.integers(0, 255))
    changed = digested(TEXT[:at] + bytes((octet,)) + TEXT[at + 1 :])
    try:
        shown = read(changed)
    except (MalformedError, UntrustedError):
        return
    judgement = judged(shown, anchor())
    believed = {(finding.authority, finding.ssi) for finding in judgement.found}
    assert believed <= {("alpha.example", "mimi://alpha.example/u/x")}
    if shown.csi != CSI:
        assert not believed
    if judgement.complete and shown.csi == CSI:
        assert believed


@given(st.integers(0, len(SHOWN) - 1), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_octet_of_a_statement_costs_belief(which: int, at: int, flip: int) -> None:
    wire = bytearray(SHOWN[which])
    wire[at % len(wire)] ^= flip
    changed = replace(BUNDLE, shown=(*SHOWN[:which], bytes(wire), *SHOWN[which + 1 :]))
    judgement, sound = judged(read(write(changed)), anchor()), judged(BUNDLE, anchor())
    assert judgement.refusals or not judgement.complete or judgement.evidence == sound.evidence


def test_the_rootkeys_in_it_are_not_trusted() -> None:
    other = trust.from_sealed(seal_rootkeys(rootkeys(root="def"), "def"))
    judgement = judged(read(write(BUNDLE)), other)
    assert not judgement.complete
    assert not judgement.found


def test_an_older_anchor_catches_up_over_the_version_in_it() -> None:
    second = seal_rootkeys(rootkeys(2, tree=anchor().tree))
    newer = trust.from_sealed(second)
    kept = read(write(replace(BUNDLE, trust=newer)))
    assert kept.trust.rootkeys.version == 2
    hearing = hear(CSI.owner, anchor(), kept.wires(), NOW)
    assert hearing.known.trust.rootkeys.version == 2
    assert hearing.judgement.complete


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t: t[:9], "not a bundle"),
        (lambda t: b"\xff" + t, "not a bundle"),
        (lambda t: t.replace(b"owner: ", b"owner: \xff"), "not UTF-8"),
        (lambda t: t.replace(b"\n", b"\r\n"), "line ends"),
        (lambda t: t.replace(b"asked: ", b"asked: \xe2\x80\xa8"), "line ends"),
        (lambda t: t.replace(b"bundle: 1", b"bundle: 2"), "a bundle of version '2', this is a reader of 1"),
        (lambda t: t.replace(b"csi: ", b"cis: "), "line 2: expected csi: and a value"),
        (lambda t: t.replace(b"csi: +1", b"csi: +1" + b"0" * 2_000), "line 2: expected csi: and a value"),
        (lambda t: t.replace(b"csi: +", b"csi: "), "neither a telephone number"),
        (lambda t: t.replace(b"csi: +1415", b"csi: +1 415"), "does not have the owner name"),
        (lambda t: t.replace(b"owner: 3.", b"owner: 4."), "does not have the owner name"),
        (lambda t: t.replace(b"asked: 2", b"asked: x"), "asked at 'x"),
        (lambda t: t.replace(b"asked: 20", b"asked: 19").replace(b"asked: 19", b"asked: 18"), "before 1970"),
        (lambda t: t.replace(b"resolver: 192.0.2.53#53", b"resolver: "), "is no resolver's address"),
        (lambda t: t.replace(b"#53", b"\x1b[2J"), "is no resolver's address"),
        (lambda t: t.replace(b"#53", b"#" + b"5" * MAX_RESOLVER), "is no resolver's address"),
        (lambda t: t.replace(b"tree: ", b"tree: 0"), "of another tree or version"),
        (lambda t: t.replace(b"rootkeys: 1", b"rootkeys: 2"), "of another tree or version"),
        (lambda t: t.replace(b"statements: ", b"statements: 9"), "statements, at most"),
        (lambda t: t.replace(b"statements: ", b"statements: -"), "statements, at most"),
        (lambda t: t.replace(b"statements: ", b"statements: 0"), "digest or its spelling"),
        (lambda t: t.replace(f"statements: {len(SHOWN) + 1}".encode(), b"statements: 0"), "without a statement"),
        (lambda t: t.replace(f"statements: {len(SHOWN) + 1}".encode(), b"statements: 40"), "expected -----BEGIN"),
        (lambda t: t.replace(f"statements: {len(SHOWN) + 1}".encode(), b"statements: 3"), "digest or its spelling"),
        (lambda t: t.replace(b"\n\n", b"\nnote: x\n\n", 1), "expected an empty line"),
        (lambda t: t.replace(b"END FINGERPOST GAP", b"END FINGERPOST GAPS"), "block that begins here is damaged"),
        (lambda t: t.replace(b"FINGERPOST GAP-", b"FINGERPOST BLOCK-"), "digest or its spelling"),
        (lambda t: t.replace(b"-----\nAwEP", b"-----\nAwE*"), "block that begins here is damaged"),
        (lambda t: digested(t).replace(b"sha256: ", b"\nsha256: "), "digest or its spelling"),
        (lambda t: t + b"\n", "digest or its spelling"),
        (lambda t: t[:-1], "digest or its spelling"),
        (lambda t: t[: len(t) // 2], ""),
    ],
)
def test_what_is_no_bundle_is_said(change: Callable[[bytes], bytes], why: str) -> None:
    changed = change(TEXT)
    assert changed != TEXT
    assert why in refused(changed)


def test_what_is_first_must_be_rootkeys() -> None:
    head, _, rest = TEXT.partition(b"-----BEGIN FINGERPOST ROOTKEYS")
    _, _, rest = rest.partition(b"END FINGERPOST ROOTKEYS-----\n")
    assert "the first statement is not the ROOTKEYS" in refused(
        head.replace(b"statements: 10", b"statements: 9") + rest
    )
    label = b"-----%s FINGERPOST UNKNOWN-----\n"
    assert "the first statement is not the ROOTKEYS" in refused(head + label % b"BEGIN" + label % b"END" + rest)


def test_rootkeys_that_their_own_keys_did_not_sign_are_refused() -> None:
    lone = seal_rootkeys(rootkeys(), "a")
    held = replace(anchor(), sealed=lone)
    with pytest.raises(UntrustedError):
        read(write(replace(BUNDLE, trust=held)))


def test_nothing_longer_than_the_caps_is_written_or_looked_at() -> None:
    with pytest.raises(MalformedError, match="514 statements, at most 513"):
        write(replace(BUNDLE, shown=(b"",) * MAX_STATEMENTS))
    with pytest.raises(MalformedError, match="at most 262144"):
        write(replace(BUNDLE, shown=(bytes(MAX_BUNDLE),)))
    assert refused(TEXT + b" " * MAX_BUNDLE) == "bundle is longer than 262144 octets"


def test_the_longest_reply_there_is_fits() -> None:
    each = 65_535 // (MAX_STATEMENTS - 1)
    most = replace(BUNDLE, shown=(bytes(each),) * (MAX_STATEMENTS - 1))
    assert read(write(most)) == most
    one = replace(BUNDLE, shown=(bytes(65_535),))
    assert read(write(one)) == one


def test_a_block_is_the_base64_of_an_envelope() -> None:
    label = b"-----BEGIN FINGERPOST ASSERTION-----\n"
    text = TEXT.split(label)[1].split(b"-----END")[0]
    assert base64.b64decode(text) == SHOWN[0]
    assert max(map(len, text.splitlines())) == 64
