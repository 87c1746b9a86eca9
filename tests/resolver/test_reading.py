"""What a reply comes to; and that reading less of an assertion reads the same."""

from dataclasses import replace
from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver import reading as module
from resolver.answer import Answer, Reach, Via
from resolver.reading import Manner, Shown, from_reply
from tests.zonedata.builders import NOW, assertion, block, denial, life, number
from transport.handler import Protocol
from zonedata import names
from zonedata.glimpses import glimpse_assertion, glimpse_status
from zonedata.identifiers import Csi
from zonedata.kinds import Assurance, Kind, Role
from zonedata.opening import Claim, read_claim
from zonedata.person_statements import MAX_FEATURES, Assertion, Status
from zonedata.replies import Received, Record
from zonedata.sealed import Sealed, Signature
from zonedata.standing import Standing
from zonedata.statements import seal
from zonedata.wire import QType, Section

OWNER = number("+14155550123")
CSI = Csi("+14155550123", OWNER, "e164")
MSP = "a.example"
MANNER = Manner(QType.CSI)


def reply(*wires: bytes, flags: int = 0x8180) -> Received:
    records = tuple(Record(Section.ANSWER, QType.CSI, 30, wire) for wire in wires)
    return Received(flags, flags & 15, records, (), 1_232)


def answer(received: Received, manner: Manner = MANNER) -> Answer:
    return from_reply(CSI, Via("192.0.2.1#53", Protocol.TCP, 1.0, 100, received, 1), manner, NOW)


def envelope(body: bytes, signature: bytes = bytes(64)) -> bytes:
    return Sealed(Kind.ASSERTION, (Signature(15, bytes(8), signature),), body).to_wire()


USUAL = {
    "expires": NOW + 9, "features": ["a", "b"], "issued": NOW - 9, "msp": MSP, "owner": names.to_text(OWNER),
    "serial": 1, "ssi": f"mimi://{MSP}/u/x", "ttl": 300,
}  # fmt: skip
_odd: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2**60), st.text(max_size=9), st.binary(max_size=40),
    st.lists(st.text("ab-Z é", max_size=3), max_size=MAX_FEATURES + 1), st.floats(allow_nan=False),
    st.sampled_from([
        f"mimi://{MSP}/", f"mimi://{MSP}/u x", f"mimi://{MSP}/é", f"mimi://{MSP}/\x7f", f"mimi://{MSP}", "mimi://./u",
        f"mimi://{MSP}/" + "y" * 285, f"mimi://{MSP}/" + "y" * 300, ".", "A.example", "a", f"{MSP}.", "b.example",
        ["b", "a"], ["a", "a"], ["a" * 33], ["A"], [""], [], 2**40, 2**40 + 1, 2**53, 2**53 + 1, 604_800, 604_801,
        names.to_text(number("+1")), "x.e164.", "e164.", ".",
    ]),
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from([*USUAL, "recipient", "zone"]), _odd, max_size=2),
    st.sets(st.sampled_from([*USUAL]), max_size=1),
    st.booleans(),
    st.integers(0, 80),
)
@example({}, set(), True, 64)
@example({}, {"features"}, True, 64)
@example({"recipient": bytes(32)}, {"features"}, True, 64)
@example({"msp": ".", "ssi": "mimi://./u"}, set(), True, 64)
def test_a_glimpse_is_what_the_whole_says(odd: dict[str, Any], less: set[str], in_order: bool, size: int) -> None:
    fields = {key: value for key, value in {**USUAL, **odd}.items() if key not in less}
    ordered = sorted(fields.items(), reverse=not in_order)
    wire = envelope(msgpack.packb(dict(ordered), use_bin_type=True), bytes(size))
    check(wire)
    if not odd and in_order and less <= {"features"}:
        assert glimpse_assertion(wire) is not None


def check(wire: bytes) -> None:
    """What is glimpsed is what is read; unless its owner is none, which shows when it is compared with one."""
    glimpsed, read = glimpse_assertion(wire), read_claim(wire)
    if glimpsed is None or glimpsed.owner != names.to_text(OWNER):
        return
    assert isinstance(read, Claim)
    said = read.statement
    assert isinstance(said, Assertion)
    assert said.owner == OWNER
    assert (said.msp, said.ssi, said.features, said.life.expires) == tuple(glimpsed)[1:]


ROWS = [[".", "registry", "referred"], [MSP, "msp", "asserted"], [MSP, "validator", "denied"]]
STATUS: dict[str, Any] = {
    "expires": NOW + 9, "issued": NOW - 9, "owner": names.to_text(OWNER), "rows": ROWS, "serial": 1, "ttl": 0,
}  # fmt: skip
_word = st.sampled_from([".", MSP, "b.example", "A.example", "", "msp", "registry", "asserted", "lost"])
_rows = st.lists(st.lists(st.one_of(_word, _odd), min_size=2, max_size=4), max_size=4)


@given(
    st.dictionaries(
        st.sampled_from([*STATUS, "zone", "tree"]), st.one_of(_odd, _rows, st.just(bytes(16))), max_size=2
    ),
    st.sets(st.sampled_from([*STATUS]), max_size=1),
    st.booleans(),
    st.lists(st.sampled_from(ROWS), max_size=4),
    st.binary(max_size=1),
)
@example({}, set(), True, ROWS, b"")
@example({"tree": bytes(16)}, set(), True, ROWS, b"")
@example({"tree": bytes(15)}, set(), True, ROWS, b"")
def test_a_glimpse_of_a_status_is_what_the_whole_says(
    odd: dict[str, Any], less: set[str], in_order: bool, rows: list[Any], tail: bytes
) -> None:
    fields = {key: value for key, value in {**STATUS, "rows": rows, **odd}.items() if key not in less}
    ordered = dict(sorted(fields.items(), reverse=not in_order))
    wire = b"\xff\0" + msgpack.packb(ordered, use_bin_type=True) + tail
    glimpsed, read = glimpse_status(wire, names.to_text(OWNER)), read_claim(wire)
    if glimpsed is not None:
        assert isinstance(read, Claim)
        assert isinstance(read.statement, Status)
        assert (read.statement.owner, (read.statement.rows, read.statement.tree)) == (OWNER, glimpsed)
    elif not odd and not less and in_order and not tail:
        assert rows != sorted(rows) or len(rows) != len({tuple(row) for row in rows})


def test_a_glimpse_of_another_owners_status_is_none() -> None:
    wire = b"\xff\0" + msgpack.packb(STATUS, use_bin_type=True)
    assert glimpse_status(wire, names.to_text(OWNER)) is not None
    assert glimpse_status(wire, names.to_text(number("+1415555"))) is None
    assert glimpse_status(b"\xff\1" + wire[2:], names.to_text(OWNER)) is None
    longer = wire.replace(b"\xa3ttl\0", b"\xa3ttl\xcc\0")
    assert longer != wire
    assert glimpse_status(longer, names.to_text(OWNER)) is None, "a second spelling"


@given(st.data())
def test_a_glimpse_of_what_was_spoilt(data: st.DataObject) -> None:
    wire = bytearray(envelope(msgpack.packb(USUAL, use_bin_type=True)))
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(wire[: data.draw(st.sampled_from([None, None, 1, 12, 13, 40, -1]))]))
    check(bytes(wire) + data.draw(st.sampled_from([b"", b"\0", bytes(40_000)])))


@pytest.mark.parametrize("tail", [b"\0", b"\xc0"])
def test_a_glimpse_of_a_second_spelling_is_none(tail: bytes) -> None:
    body = msgpack.packb(USUAL, use_bin_type=True)
    assert glimpse_assertion(envelope(body)) is not None
    assert glimpse_assertion(envelope(body + tail)) is None
    longer = body.replace(b"\xa3ttl\xcd\x01\x2c", b"\xa3ttl\xce\0\0\x01\x2c")
    assert longer != body
    assert glimpse_assertion(envelope(longer)) is None


def test_the_answer_is_the_same_whether_glimpsed_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = [assertion(OWNER, MSP), block("+1415", "b.example"), denial(OWNER, "c.example"), b"\x10junk"]
    wires += [
        assertion(number("+14155550124"), "d.example"),
        assertion(OWNER, "e.example", ssi="mimi://e.example/v"),
    ]
    glimpsed = answer(reply(*wires))
    monkeypatch.setattr(module, "glimpse_assertion", lambda _: None)
    assert answer(reply(*wires)) == glimpsed
    assert [reach.msp for reach in glimpsed.reaches] == [MSP, "b.example", "e.example"]
    assert glimpsed.reaches[0] == Reach(
        MSP, f"mimi://{MSP}/u/x", Assurance.ASSERTED, life(Kind.ASSERTION).expires, ()
    )


def test_only_what_the_answer_needs_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []

    def reading(wire: bytes) -> object:
        decoded.append(wire[0])
        return read_claim(wire)

    monkeypatch.setattr(module, "read_claim", reading)
    found = answer(reply(assertion(OWNER, MSP), denial(OWNER, "b.example")))
    assert decoded == []
    assert [claim.statement.kind for claim in found.claims] == [Kind.ASSERTION, Kind.DENIAL]


def test_a_status_decides_whose_assertion_counts() -> None:
    rows = ((MSP, Role.MSP, Standing.BOGUS), ("b.example", Role.MSP, Standing.ASSERTED))
    status = seal(Status(life(Kind.DENIAL), OWNER, rows)).to_wire()
    found = answer(reply(assertion(OWNER, MSP), assertion(OWNER, "b.example"), status))
    assert [reach.msp for reach in found.reaches] == ["b.example"]
    assert not found.complete


def test_claims_are_a_sequence_read_once() -> None:
    received = reply(assertion(OWNER, MSP), b"\x10junk", denial(OWNER, "b.example"))
    shown = Shown(received)
    assert len(shown) == 2
    assert shown[0] is shown[0]
    assert shown[:1] == (shown[0],)
    assert shown == Shown(received) == tuple(shown)
    assert shown != Shown(reply()) and shown != 5  # noqa: PT018 - one thought
    assert hash(shown) == hash(Shown(received))
    assert repr(shown) == repr(tuple(shown))
    assert replace(answer(received), claims=tuple(shown)) == answer(received)
