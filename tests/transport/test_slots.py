import pytest

from transport.slots import Slots, StreamLimits

LIMITS = StreamLimits(per_address=2, connections=10)


def test_an_address_has_its_share() -> None:
    slots = Slots(LIMITS)
    assert [slots.try_take("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert slots.try_take("192.0.2.2")
    slots.give_back("192.0.2.1")
    assert slots.try_take("192.0.2.1")
    assert slots.taken == 3


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_one_ipv6_network_is_one_client(first: str, second: str, together: bool) -> None:
    slots = Slots(StreamLimits(per_address=1))
    assert slots.try_take(first)
    assert slots.try_take(second) != together


def test_nobody_gets_more_slots_than_there_are() -> None:
    slots = Slots(LIMITS)
    hosts = [f"192.0.2.{number}" for number in range(11)]
    assert [slots.try_take(host) for host in hosts] == [True] * 10 + [False]
    assert slots.full
    slots.give_back(hosts[0])
    assert not slots.full


@pytest.mark.parametrize(
    ("taken", "idle", "first_octet", "short"),
    [(0, 10, 3, 0.1), (5, 10, 3, 0.1), (6, 1, 1, 0.1), (8, 1, 1, 0.1), (9, 0.2, 0.2, 0.1)],
)
def test_patience_shrinks_with_the_load(taken: int, idle: float, first_octet: float, short: float) -> None:
    slots = Slots(LIMITS)
    for number in range(taken):
        assert slots.try_take(f"192.0.2.{number}")
    assert slots.patience(LIMITS.idle) == idle
    assert slots.patience(LIMITS.first_octet) == first_octet
    assert slots.patience(0.1) == short
