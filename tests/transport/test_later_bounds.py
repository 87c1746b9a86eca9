"""Who gets a place when there are not enough, in virtual time."""

from ipaddress import ip_network

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.virtual import virtual
from transport.clients import NamedClient
from transport.endpoint import Endpoint
from transport.entitlement import Entitled, Entitlement, client_of, entitled
from transport.handler import Caller, Protocol
from transport.later import MOST_AGAIN, MOST_EACH, OLD, Job, LaterPool


def caller(host: str, protocol: Protocol = Protocol.UDP, identity: str = "") -> Caller:
    return Caller(Endpoint(host, 4000), protocol, identity)


class Jobs:
    """Jobs that go on until told, and what became of them."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.evicted: list[str] = []
        self.may_end = trio.Event()

    def job(self, name: str) -> Job:
        async def run() -> None:
            try:
                await self.may_end.wait()
            except trio.Cancelled:
                self.evicted.append(name)
                raise
            self.ended.append(name)

        return run


def ask(pool: LaterPool, jobs: Jobs, host: str, question: str = "", protocol: Protocol = Protocol.UDP) -> bool:
    asked = (question or host).encode()
    return pool.try_start(jobs.job(question or host), caller(host, protocol), asked)


@virtual
async def test_one_client_has_so_many_in_hand_and_no_more() -> None:
    jobs = Jobs()
    async with LaterPool(1_000, each=2).running() as pool:
        assert [ask(pool, jobs, "192.0.2.1", str(n)) for n in range(3)] == [True, True, False]
    async with LaterPool(1_000).running() as pool:
        taken = [ask(pool, jobs, "192.0.2.1", str(n)) for n in range(MOST_EACH + 20)]
        assert taken == [True] * MOST_EACH + [False] * 20
        assert pool.statistics().crowded == 20
        assert ask(pool, jobs, "192.0.2.2"), "somebody else has room"
        sites = [ask(pool, jobs, f"2001:db8:0:{n:x}::1", str(n)) for n in range(MOST_EACH + 1)]
        assert sites == [True] * MOST_EACH + [False], "one site of IPv6 is one client"
        jobs.may_end.set()
        await wait_all_tasks_blocked()
        assert pool.statistics().running == 0
        assert ask(pool, jobs, "192.0.2.1", "again")


@virtual
async def test_a_stream_of_a_client_with_enough_in_hand_waits_and_holds_nobody_up() -> None:
    jobs = Jobs()
    async with LaterPool(1_000).running() as pool, trio.open_nursery() as nursery:
        crowd = caller("192.0.2.1", Protocol.TLS)
        for n in range(MOST_EACH):
            await pool.wait_start(jobs.job(str(n)), crowd)
        nursery.start_soon(pool.wait_start, jobs.job("one more"), crowd)
        await wait_all_tasks_blocked()
        assert pool.statistics().running == MOST_EACH
        assert ask(pool, jobs, "192.0.2.2")
        with trio.fail_after(0.1):
            await pool.wait_start(jobs.job("another"), caller("192.0.2.3", Protocol.TCP))
        jobs.may_end.set()
        await wait_all_tasks_blocked()
        assert "one more" in jobs.ended


@virtual
async def test_datagrams_in_somebodys_name_take_no_place_of_their_streams() -> None:
    jobs = Jobs()
    async with LaterPool(1_000).running() as pool:
        forged = [ask(pool, jobs, "192.0.2.1", str(n)) for n in range(2 * MOST_EACH)]
        assert forged.count(True) == MOST_EACH
        with trio.fail_after(0.1):
            await pool.wait_start(jobs.job("theirs"), caller("192.0.2.1", Protocol.TCP))
        jobs.may_end.set()


@virtual
async def test_half_of_the_places_are_given_up_by_what_is_old_and_half_never() -> None:
    jobs = Jobs()
    async with LaterPool(10).running() as pool:
        assert all(ask(pool, jobs, f"192.0.2.{n}") for n in range(10))
        assert not ask(pool, jobs, "192.0.2.100"), "nobody is old enough"
        await trio.sleep(OLD)
        taken = [ask(pool, jobs, f"192.0.2.{n}") for n in range(101, 110)]
        assert taken == [True] * 5 + [False] * 4
        await wait_all_tasks_blocked()
        assert sorted(jobs.evicted) == [f"192.0.2.{n}" for n in range(5, 10)]
        assert pool.statistics().evicted == 5
        assert pool.statistics().running == 10
        jobs.may_end.set()
        await wait_all_tasks_blocked()
        assert pool.statistics().running == 0
        assert {f"192.0.2.{n}" for n in range(5)} <= set(jobs.ended)


@virtual
async def test_a_question_sent_again_takes_no_place_and_renews_no_age() -> None:
    jobs = Jobs()
    async with LaterPool(2).running() as pool:
        assert ask(pool, jobs, "192.0.2.1")
        assert ask(pool, jobs, "192.0.2.2", "slow")
        for _ in range(MOST_AGAIN):
            await trio.sleep(OLD / 4)
            assert ask(pool, jobs, "192.0.2.2", "slow"), "answered too, with the id it came with"
        assert not ask(pool, jobs, "192.0.2.2", "slow"), "that is enough"
        assert pool.statistics().running == 2
        await trio.sleep(OLD / 4)
        assert ask(pool, jobs, "192.0.2.3"), "the first asked for it a fifth of a second ago"
        await wait_all_tasks_blocked()
        assert jobs.evicted == ["slow"] * (1 + MOST_AGAIN)


@virtual
async def test_the_least_entitled_give_way_first_and_nobody_to_who_stands_below() -> None:
    jobs = Jobs()
    async with LaterPool(8).running() as pool:
        for n in range(4):
            assert ask(pool, jobs, f"192.0.2.{n}")
        await pool.wait_start(jobs.job("named"), caller("198.51.100.1", Protocol.TLS, "campus"))
        await pool.wait_start(jobs.job("proven"), caller("198.51.100.2", Protocol.TCP))
        assert ask(pool, jobs, "192.0.2.8", "unknown 1")
        assert ask(pool, jobs, "192.0.2.9", "unknown 2")
        await trio.sleep(OLD)
        for n in range(3):
            await pool.wait_start(jobs.job(f"new {n}"), caller("198.51.100.3", Protocol.TLS))
        await wait_all_tasks_blocked()
        assert jobs.evicted == ["unknown 1", "unknown 2", "proven"]
        await trio.sleep(OLD)
        assert not ask(pool, jobs, "192.0.2.77"), "all of these are of clients better known"
        await pool.wait_start(jobs.job("last"), caller("198.51.100.9", Protocol.TCP))
        await wait_all_tasks_blocked()
        assert jobs.evicted[3:] == ["new 0"], "the oldest of those that stand no higher"
        jobs.may_end.set()


@virtual
async def test_a_stream_that_waits_gets_the_place_of_what_has_become_old() -> None:
    jobs = Jobs()
    async with LaterPool(2).running() as pool:
        assert ask(pool, jobs, "192.0.2.1")
        assert ask(pool, jobs, "192.0.2.2")
        start = trio.current_time()
        await pool.wait_start(jobs.job("stream"), caller("192.0.2.3", Protocol.TCP))
        assert OLD <= trio.current_time() - start <= 2 * OLD
        await wait_all_tasks_blocked()
        assert jobs.evicted == ["192.0.2.2"]
        jobs.may_end.set()


def test_who_is_known_how_well() -> None:
    assert entitled(caller("192.0.2.1")) is Entitled.ANYBODY
    for protocol in (Protocol.TCP, Protocol.TLS, Protocol.HTTPS, Protocol.QUIC):
        assert entitled(caller("192.0.2.1", protocol)) is Entitled.PROVEN
    assert entitled(caller("192.0.2.1", Protocol.TLS, "campus")) is Entitled.NAMED


def test_clients_that_the_operator_names_are_known() -> None:
    entitlement = Entitlement((NamedClient("campus", (ip_network("192.0.2.0/24"),)),))
    for _ in range(2):
        assert entitlement.of(caller("192.0.2.7")) is Entitled.NAMED
        assert entitlement.of(caller("198.51.100.7")) is Entitled.ANYBODY
        assert entitlement.of(caller("198.51.100.7", Protocol.TCP)) is Entitled.PROVEN
        assert entitlement.of(caller("2001:db8::1")) is Entitled.ANYBODY


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        (caller("192.0.2.1"), "192.0.2.1 datagrams"),
        (caller("192.0.2.1", Protocol.TCP), "192.0.2.1"),
        (caller("192.0.2.1", Protocol.TLS, "campus"), "campus"),
        (caller("2001:db8:1:2ff::5"), "2001:db8:1:200::/56 datagrams"),
        (caller("fe80::1%lo", Protocol.TLS), "fe80::/56"),
    ],
)
def test_under_what_a_client_is_counted(given: Caller, counted: str) -> None:
    assert client_of(given) == counted
