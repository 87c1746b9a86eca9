"""Requests and replies as octets: read as they were written, and believed of nobody but their signer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import NOW, key
from zonedata import identifiers, statements
from zonedata.codec import pack, unpack
from zonedata.errors import MalformedError, UntrustedError
from zonedata.kinds import DAY, Kind
from zonedata.life import Life
from zonedata.recipient_statements import Mapping, Validation
from zonedata.sealed import CONTEXT, signed_octets
from zonedata.validator_requests import (
    CARRIES_MAPPING,
    MAX_REASON,
    REQUEST_CAPS,
    WINDOW,
    Action,
    Outcome,
    Reply,
    Request,
    open_deposit,
    open_request,
)

ANN = key("ann")
CSI = identifiers.parse("+14155550123")
VERA = "vera.example"


def request(action: Action = Action.STATUS, **fields: object) -> Request:
    usual: dict[str, object] = {
        "validator": VERA,
        "owner": CSI.owner,
        "time": NOW,
        "nonce": bytes(16),
        "key": ANN.public,
        "csi": CSI.text if action is Action.CLAIM else "",
        "code": "12345678" if action is Action.CONFIRM else "",
        "mapping": b"envelope" if action in CARRIES_MAPPING else b"",
    }
    return Request(action, **{**usual, **fields})  # type: ignore[arg-type]  # the test names them


@pytest.mark.parametrize("action", Action)
def test_a_request_is_read_as_it_was_written(action: Action) -> None:
    assert open_request(request(action).to_wire(ANN), VERA, NOW) == request(action)


def test_a_request_of_every_length_fits() -> None:
    longest = request(Action.MAP, mapping=bytes(976), owner=identifiers.parse(f"a@{'b' * 60}.{'c' * 40}.de").owner)
    assert len(longest.to_wire(ANN)) - 64 <= REQUEST_CAPS.octets
    assert open_request(longest.to_wire(ANN), VERA, NOW) == longest


@pytest.mark.parametrize(("late", "counts"), [(0, True), (WINDOW, True), (-WINDOW, True), (WINDOW + 1, False)])
def test_a_request_counts_for_its_time(late: int, counts: bool) -> None:
    wire = request().to_wire(ANN)
    for now in (NOW + late, NOW - late):
        if counts:
            open_request(wire, VERA, now)
        else:
            with pytest.raises(UntrustedError, match="by its clock"):
                open_request(wire, VERA, now)


def test_no_octet_of_a_request_may_change() -> None:
    wire = request(Action.CONFIRM).to_wire(ANN)
    for at in range(len(wire)):
        changed = wire[:at] + bytes((wire[at] ^ 1,)) + wire[at + 1 :]
        with pytest.raises((UntrustedError, MalformedError)):
            open_request(changed, VERA, NOW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action": "obey"}, "unknown action"),
        ({"owner": "example.com."}, "no name that a person can have"),
        ({"key": bytes(32)}, "small order"),
        ({"nonce": bytes(15)}, "expected 16"),
        ({"validator": "."}, "root zone"),
        ({"more": 1}, "unknown field"),
        ({"csi": "+14155550123"}, "unknown field"),
        ({"time": None}, "missing"),
    ],
)
def test_what_is_no_request_is_refused(changes: dict[str, object], words: str) -> None:
    body = unpack(request().to_wire(ANN)[64:], REQUEST_CAPS)
    body = {name: value for name, value in {**body, **changes}.items() if value is not None}
    with pytest.raises(MalformedError, match=words):
        open_request(bytes(64) + pack(body), VERA, NOW)


@given(st.binary(max_size=200))
def test_rubbish_is_refused(wire: bytes) -> None:
    with pytest.raises(MalformedError):
        open_request(wire, VERA, NOW)


def test_no_statement_passes_for_a_request_nor_the_other_way() -> None:
    body = request().to_wire(ANN)[64:]
    for kind in Kind:
        with pytest.raises(UntrustedError, match="does not verify"):
            open_request(ANN.sign(signed_octets(kind, body)) + body, VERA, NOW)
        assert f"{CONTEXT}{kind.name.lower()}" != f"{CONTEXT}validator-request"


# --- deposits -------------------------------------------------------------------------------------------------


def deposit(owner: str = "+14155550123", issued: int = NOW - 10, life: int = DAY) -> Mapping:
    return Mapping(Life(300, 1, issued, issued + life), identifiers.parse(owner).owner, ANN.public, ())


def test_a_deposit_is_the_signers_about_the_owner_and_of_now() -> None:
    good = statements.seal(deposit(), ANN).to_wire()
    assert open_deposit(good, CSI.owner, NOW) == deposit()
    for made, words in (
        (statements.seal(deposit("+14155550124"), ANN), "another CSI"),
        (statements.seal(deposit(issued=NOW - 2 * DAY), ANN), "expired"),
        (statements.seal(deposit(issued=NOW + DAY), ANN), "future"),
        (statements.seal(deposit(life=400 * DAY), ANN), "at most"),
        (statements.seal(deposit(), key("bob")), "not signed by the key"),
    ):
        with pytest.raises(UntrustedError, match=words):
            open_deposit(made.to_wire(), CSI.owner, NOW)
    with pytest.raises(UntrustedError, match="not signed by the key"):
        open_deposit(good[:13] + bytes(64) + good[77:], CSI.owner, NOW)


def test_a_deposit_is_a_mapping() -> None:
    said = Validation(Life(300, 1, NOW, NOW + DAY), CSI.owner, bytes(32), VERA, "sms", NOW, NOW)
    with pytest.raises(MalformedError, match="VALIDATION where a MAPPING"):
        open_deposit(statements.seal(said, ANN).to_wire(), CSI.owner, NOW)


# --- replies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply", [Reply(Outcome.SENT), Reply(Outcome.REFUSED, "why"), Reply(Outcome.STANDING, "", 1, 2, 3, 4)]
)
def test_a_reply_is_read_as_it_was_written(reply: Reply) -> None:
    assert Reply.from_wire(reply.to_wire()) == reply


def test_a_long_reason_is_cut_between_characters() -> None:
    reply = Reply.from_wire(Reply(Outcome.REFUSED, "x" + "é" * MAX_REASON).to_wire())
    assert reply.reason == "x" + "é" * (MAX_REASON // 2 - 1)


@pytest.mark.parametrize("wire", [b"", b"\x80", pack({"outcome": "great"}), Reply(Outcome.SENT).to_wire()[:-1]])
def test_what_is_no_reply_is_refused(wire: bytes) -> None:
    with pytest.raises(MalformedError):
        Reply.from_wire(wire)
