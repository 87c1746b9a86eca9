"""What an operator is told of servers, and what is forgotten of them."""

import pytest

from fingerpost.control.attending import RefusedError
from fingerpost.control.server_verbs import servers_forgotten, servers_shown
from resolver.servers import Door, Servers, Turn
from transport.endpoint import Endpoint
from transport.proof import Pinned
from zonedata.standing import Standing

NOW = 1_800_000_000.0
ROOT = Door((), Endpoint("127.0.0.1", 5300), None)
QUICK = Door(("alpha.example",), Endpoint("192.0.2.1", 53), None)
SLOW = Door(("reg.example", "alpha.example"), None, None, Endpoint("2001:db8::1", 853), Pinned(b"p" * 32))
DEAD = Door(("beta.example",), Endpoint("192.0.2.2", 53), None)

BETA = "authority=beta.example server=192.0.2.2#53 encrypted=no"


def servers() -> Servers:
    made = Servers()
    assert made.take(QUICK, NOW) is Turn.NOW
    made.succeeded(QUICK, 0.002, NOW)
    made.succeeded(SLOW, 0.25, NOW)
    made.failed(DEAD, NOW, Standing.UNAUTHENTICATED)
    made.succeeded(ROOT, 0.0004, NOW)
    return made


def test_all_are_shown_the_quickest_first_and_those_left_alone_last() -> None:
    assert [*servers_shown([servers(), Servers()], [], NOW + 1)] == [
        "authority=. server=127.0.0.1#5300 encrypted=no rtt_ms=0.4 failures=0 in_flight=0 may=17",
        "authority=alpha.example server=192.0.2.1#53 encrypted=no rtt_ms=2.0 failures=0 in_flight=1 may=17",
        "authority=alpha.example server=2001:db8::1#853 encrypted=yes rtt_ms=250.0 failures=0 in_flight=0 may=17",
        f"{BETA} rtt_ms=none failures=1 in_flight=0 may=16 left_alone_s=4 why=unauthenticated",
    ]


@pytest.mark.parametrize(("authority", "count"), [("alpha.example", 2), (".", 1), ("gamma.example", 0), ("", 4)])
def test_those_of_one_authority_are_shown_and_forgotten(authority: str, count: int) -> None:
    made = servers()
    words = [authority] if authority else []
    assert len([*servers_shown([made], words, NOW)]) == count
    assert [*servers_forgotten([made], words)] == [f"forgotten={count}"]
    assert len([*servers_shown([made], [], NOW)]) == 4 - count


def test_who_was_left_alone_is_asked_again_once_it_is_forgotten() -> None:
    made = servers()
    assert made.is_left_alone(DEAD, NOW)
    assert [*servers_forgotten([made], ["beta.example"])] == ["forgotten=1"]
    assert not made.is_left_alone(DEAD, NOW)
    made.leave(QUICK)


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(RefusedError):
        [*servers_forgotten([servers()], ["not a name"])]
    with pytest.raises(RefusedError):
        [*servers_shown([servers()], ["not a name"], NOW)]
