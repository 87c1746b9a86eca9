from resolver.servers import (
    FINDING_OUT,
    FIRST_BACKOFF,
    FIRST_IN_FLIGHT,
    FIRST_PATIENCE,
    LEAST_PATIENCE,
    MAX_REMEMBERED,
    MOST_BACKOFF,
    MOST_BACKOFF_IN_USE,
    MOST_IN_FLIGHT,
    MOST_PATIENCE,
    Door,
    Servers,
    Turn,
    doors_of,
)
from transport.endpoint import Endpoint
from transport.proof import Pinned
from zonedata.zone_statements import Server

A, B, C = (Door(("a.example",), Endpoint(f"192.0.2.{n}", 53), Endpoint(f"192.0.2.{n}", 53)) for n in (1, 2, 3))


def test_the_quickest_is_asked_first_and_unmeasured_ones_before_it() -> None:
    servers = Servers()
    servers.succeeded(A, 0.2, 0.0)
    servers.succeeded(B, 0.1, 0.0)
    assert servers.in_order([A, B], 1.0) == [B, A]
    assert servers.in_order([A, B, C], 1.0) == [C, B, A]


def test_one_that_was_passed_over_gets_another_chance_in_time() -> None:
    servers = Servers()
    servers.succeeded(A, 0.2, 0.0)
    servers.succeeded(B, 0.1, 0.0)
    firsts = [servers.in_order([A, B], 1.0)[0] for _ in range(60)]
    assert firsts[0] == B
    assert A in firsts


def test_a_silent_server_is_left_alone_longer_each_time_and_one_reply_clears_it() -> None:
    servers = Servers()
    now, waits = 10_000_000.0, []
    for _ in range(9):
        servers.failed(A, now)
        wait = 0.0
        while not servers.in_order([A], now + wait):
            wait += FIRST_BACKOFF
        waits.append(wait)
        now += wait
    assert waits == [5, 10, 20, 40, 80, 160, MOST_BACKOFF, MOST_BACKOFF, MOST_BACKOFF]
    servers.succeeded(A, 0.1, now)
    servers.failed(A, now)
    assert servers.in_order([A], now + FIRST_BACKOFF) == [A]


def test_one_in_use_is_back_soon() -> None:
    servers = Servers()
    servers.succeeded(A, 0.1, 1000.0)
    for _ in range(12):
        servers.failed(A, 1000.0)
    assert servers.in_order([A], 1000.0 + MOST_BACKOFF_IN_USE) == [A]
    assert servers.in_order([A], 999.0 + MOST_BACKOFF_IN_USE) == []


def test_patience_follows_the_measured_time_within_bounds() -> None:
    servers = Servers()
    assert servers.patience(A) == FIRST_PATIENCE
    servers.succeeded(A, 0.1, 0.0)
    assert abs(servers.patience(A) - 0.3) < 1e-9
    servers.succeeded(B, 0.0001, 0.0)
    assert servers.patience(B) == LEAST_PATIENCE
    servers.succeeded(C, 9.0, 0.0)
    assert servers.patience(C) == MOST_PATIENCE


def test_only_so_many_are_remembered() -> None:
    servers = Servers()
    for n in range(MAX_REMEMBERED + 10):
        servers.patience(Door((), Endpoint(f"2001:db8::{n:x}", 53), None))
    assert len(servers._memory) == MAX_REMEMBERED


def _plain(server: Server) -> list[Door]:
    return doors_of((), [server], lab_addresses=False, allow_plain=True).open


def test_inward_addresses_are_no_doors_unless_it_is_a_lab() -> None:
    inward = Server("ns.a.example", ("127.0.0.1", "10.0.0.1", "::1"), (("tcp", 53), ("udp", 53)))
    outward = Server("ns.b.example", ("198.51.100.1", "9.9.9.9"), (("udp", 53),))
    low = Server("ns.c.example", ("9.9.9.9",), (("tcp", 25), ("udp", 53)))
    assert doors_of((), [inward], lab_addresses=False).open == []
    assert len(doors_of((), [inward], lab_addresses=True, allow_plain=True).open) == 3
    assert _plain(outward) == [Door((), Endpoint("9.9.9.9", 53), None)]
    assert _plain(low) == [Door((), Endpoint("9.9.9.9", 53), None)]


def test_a_server_with_streams_only_is_a_door() -> None:
    door = _plain(Server("ns.d.example", ("9.9.9.9",), (("tcp", 53),)))[0]
    assert door.udp is None
    assert door.first == Endpoint("9.9.9.9", 53)


def test_what_one_party_names_as_its_server_says_nothing_of_another_party() -> None:
    servers = Servers()
    same = Door(("evil.example",), A.udp, None)
    servers.failed(same, 0.0)
    assert servers.in_order([same], 1.0) == []
    assert servers.in_order([A], 1.0) == [A]


def test_who_offers_tls_is_a_door_of_tls_alone() -> None:
    pin = bytes(range(32))
    server = Server("ns.t.example", ("9.9.9.9",), (("tcp", 53), ("tls", 853), ("udp", 53)), pin)
    door = Door((), None, None, Endpoint("9.9.9.9", 853), Pinned(pin))
    for allow_plain in (False, True):
        assert doors_of((), [server], lab_addresses=False, allow_plain=allow_plain).open == [door]
    odd = Server("ns.t.example", ("9.9.9.9",), (("tcp", 53), ("tls", 25), ("udp", 53)), pin)
    assert doors_of((), [odd], lab_addresses=False, allow_plain=True).open == [], "not in plain instead"


def test_a_server_with_a_new_pin_is_another_server() -> None:
    servers = Servers()
    old, new = (
        Door(("a.example",), None, None, Endpoint("192.0.2.1", 853), Pinned(bytes(31) + end))
        for end in (b"1", b"2")
    )
    servers.failed(old, 10.0)
    assert servers.in_order([old], 11.0) == []
    assert servers.in_order([new], 11.0) == [new], "what was signed for it has changed, and may be right now"


def test_plain_dns_leaves_the_machine_where_that_is_allowed_only() -> None:
    here = Server("ns.h.example", ("127.0.0.1", "::1"), (("tcp", 53), ("udp", 53)))
    away = Server("ns.w.example", ("9.9.9.9",), (("tcp", 53), ("udp", 53)))
    doors = doors_of((), [here, away], lab_addresses=True)
    assert [door.first.host for door in doors.open] == ["127.0.0.1", "::1"]
    assert doors.has_plain
    assert not doors_of((), [here], lab_addresses=True).has_plain
    assert len(doors_of((), [here, away], lab_addresses=True, allow_plain=True).open) == 3


def room(servers: Servers) -> int:
    """Take as many tries as there are, and give them back."""
    count = 0
    while servers.take(A, 1.0) is Turn.NOW:
        count += 1
    for _ in range(count):
        servers.leave(A)
    return count


def test_a_server_that_is_silent_is_asked_less_at_a_time_and_one_that_answers_more() -> None:
    servers = Servers()
    assert room(servers) == FIRST_IN_FLIGHT
    for _ in range(100):
        assert servers.take(A, 0.0) is Turn.NOW
        servers.succeeded(A, 0.1, 1.0)
        servers.leave(A)
    assert room(servers) == MOST_IN_FLIGHT
    for _ in range(10):
        servers.silent(A)
    assert room(servers) == 1


def test_questions_that_were_in_flight_together_are_one_silence() -> None:
    servers = Servers()
    for _ in range(16):
        servers.failed(A, 10.0, began=9.0)
    assert servers.in_order([A], 10.0 + FIRST_BACKOFF) == [A]
    assert servers.take(A, 15.0) is Turn.NOW
    assert servers.in_order([A], 15.1) == [], "one finds out"
    assert servers.in_order([A], 15.0 + FINDING_OUT) == [A], "and another, should that one have been lost"
    servers.failed(A, 16.0, began=15.0)
    assert servers.in_order([A], 16.0 + FIRST_BACKOFF) == []
    assert servers.in_order([A], 16.0 + 2 * FIRST_BACKOFF) == [A]
