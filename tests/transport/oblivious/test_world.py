"""Who saw what: nobody but the client has both who asked and what was asked."""

import logging

import pytest

from tests.transport.oblivious.people import ANSWER, CLIENT, NOW, QUERY, RELAY, Listening, World
from transport.endpoint import Endpoint
from transport.oblivious.key_chain import PERIOD
from transport.oblivious.sizes import SEALED_REQUEST

NUMBER = "14155550123"
FORMS = [  # in which the number could stand in octets or text
    NUMBER.encode(),
    NUMBER[::-1].encode(),
    b"+" + NUMBER.encode(),
    ".".join(NUMBER[::-1]).encode(),
    b"".join(b"\1" + digit.encode() for digit in NUMBER[::-1]),
    b"".join(b"\\x01" + digit.encode() for digit in NUMBER[::-1]),
    int(NUMBER).to_bytes(8),
    bytes.fromhex(NUMBER + "f"),
    b"e164",
    QUERY,
    QUERY[12:],
    QUERY.hex().encode(),
    repr(QUERY)[2:-1].encode(),
    ANSWER,
    ANSWER[12:],
    b"alice",
    b"dns-message",
    b"dns-query",
]
ADDRESS = [CLIENT.host.encode(), bytes(map(int, CLIENT.host.split("."))), str(CLIENT.port).encode()]


def _numbered(number: str) -> bytes:
    labels = b"".join(b"\1" + digit.encode() for digit in number[::-1])
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\4e164\0\xff\1\0\1"


async def test_the_relay_saw_who_and_the_gateway_what() -> None:
    world, log = World(), Listening()
    logging.getLogger().addHandler(log)
    try:
        assert await world.client().exchange(_numbered(NUMBER), NOW) == ANSWER
    finally:
        logging.getLogger().removeHandler(log)
    by_relay, by_gateway = world.seen_by_relay.whole, world.seen_by_gateway.whole
    assert [form for form in FORMS if form in by_relay] == []
    assert [form for form in ADDRESS if form in by_gateway] == []
    assert all(form in by_relay for form in (CLIENT.host.encode(), str(CLIENT.port).encode()))
    assert QUERY[12:] in by_gateway, "the search finds what is there"
    assert RELAY.host.encode() in by_gateway
    assert log.lines == []


async def test_the_forms_are_found_where_they_are() -> None:
    """The search above means something: the same record, of a relay that could read, has the number in it."""
    world = World()
    assert _numbered(NUMBER) == QUERY
    await world.client().exchange(QUERY, NOW)
    world.seen_by_relay.note(*world.questions)
    assert [form for form in FORMS if form in world.seen_by_relay.whole]


async def test_two_questions_and_two_clients_look_alike() -> None:
    """The relay sees equal lengths; the gateway equal fields, whoever asked."""
    world = World()
    other = Endpoint("192.0.2.99", 999)
    await world.client().exchange(QUERY, NOW)
    await world.client(endpoint=other).exchange(_numbered("442079460000"), NOW + 20)
    first, second = world.posted
    assert (first.method, first.path, first.query, first.headers) == (
        second.method,
        second.path,
        second.query,
        second.headers,
    )
    assert len(first.body) == len(second.body) == SEALED_REQUEST
    assert first.body[:7] == second.body[:7], "key and algorithms are everybody's"
    assert world.callers[0] == world.callers[1]


async def test_a_request_that_a_relay_repeats_is_answered_once_however_often() -> None:
    world = World()
    await world.client().exchange(QUERY, NOW)
    for after in (0, 1, 60, 119, 3_600, PERIOD):
        world.now = NOW + after
        await world.ask_gateway(world.posted[0])
    assert len(world.questions) == 1


async def test_days_go_by_and_no_client_notices() -> None:
    world = World()
    clients = [world.client(endpoint=Endpoint("192.0.2.1", port)) for port in range(1, 4)]
    for hour in range(0, 14 * 24, 5):
        world.now = NOW + 3_600 * hour
        assert await clients[hour % 3].exchange(QUERY, world.now) == ANSWER
    assert world.gateway.counts.unopened == 0


@pytest.mark.parametrize("part", ["relay", "gateway"])
async def test_statistics_hold_numbers_alone(part: str) -> None:
    world = World()
    await world.client().exchange(QUERY, NOW)
    counts = world.relay.statistics() if part == "relay" else world.gateway.statistics()
    assert all(type(count) is int and name.replace("_", "").isalpha() for name, count in counts.items())
