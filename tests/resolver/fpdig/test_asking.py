"""What no transcript shows: the walk, anchors, the barrier, forged errors."""

import errno
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from resolver.answer import Answer
from resolver.asked import Asked
from resolver.client import Walker
from resolver.fpdig.asking import Asker, MakeWalker, Voice, make_walker
from resolver.fpdig.exits import Exit
from resolver.fpdig.options import Options
from resolver.fpdig.output import UnwrittenError, unwritten_in
from tests.resolver.fpdig.answers import BOGUS, CSI, MUTE, SOUND, STEP, WALKED, question
from tests.resolver.fpdig.phonebook import fpdig, make_world
from tests.world import START, World
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.proof import Proof
from transport.resource import USUAL, Resource
from zonedata import wire
from zonedata.identifiers import Csi
from zonedata.kinds import Assurance
from zonedata.names import Name
from zonedata.trust import Trust
from zonedata.wire import QType

WALK = Options(trace=True, anchor="anchor.pem", cmd=False, question=False, stats=False)


@dataclass
class Told:
    """A voice that remembers."""

    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def voice(self) -> Voice:
        return Voice(self.out.append, self.err.append)


@dataclass
class FakeWalker:
    """Takes given steps and comes to a given answer."""

    steps: list[Asked]
    answer: Answer

    async def lookup(self, csi: Csi, observe: Callable[[Asked], None] | None = None) -> Answer:
        assert csi == CSI
        assert observe is not None
        for step in self.steps:
            observe(step)
        return self.answer


def ask(
    options: Options, *, maker: MakeWalker = make_walker, alter: Callable[[World], None] = lambda _: None
) -> Any:
    told = Told()

    async def play() -> Exit:
        world = make_world()
        world.start_resolver()
        alter(world)
        asker = Asker(world.network, world.clock, "1.2.3", maker)
        return await asker.ask(question(options), told.voice())

    return trio.run(play, clock=MockClock(autojump_threshold=0)), "".join(told.out), told.err


def fake(*steps: Asked, answer: Answer = WALKED) -> MakeWalker:
    return lambda _trust, _dialer, _clock, _options: FakeWalker(list(steps), answer)


@pytest.mark.usefixtures("place")
def test_a_walk_tells_its_steps_and_then_the_answer() -> None:
    status, out, err = ask(WALK, maker=fake(STEP, MUTE))
    assert status is Exit.ANSWERED
    assert out.startswith(";; 1. . asked about the way to +14155550123\n")
    assert "\n;; 2. . asked about" in out
    assert "nothing learnt\n\n;; Got answer, by walking from the root:\n\n;; ANSWER SECTION:\n" in out
    assert ";; ANSWER IS: found, complete, verified against anchor.pem (tree " in out
    assert err == []


@pytest.mark.usefixtures("place")
def test_a_walk_begins_with_the_banner_and_ends_with_how_many_were_asked() -> None:
    _, out, _ = ask(replace(WALK, cmd=True, stats=True), maker=fake(STEP, MUTE))
    assert out.startswith("\n; <<>> fpdig 1.2.3 <<>> @192.0.2.53 +14155550123\n; (1 server found)\n")
    assert out.count("; <<>>") == 1
    assert ";; QUESTIONS sent: 2\n" in out


@pytest.mark.usefixtures("place")
def test_a_walk_in_short_and_in_json() -> None:
    assert ask(replace(WALK, short=True), maker=fake(STEP)) == (Exit.ANSWERED, "mimi://alpha.example/u/x\n", [])
    status, out, _ = ask(replace(WALK, json=True), maker=fake(STEP, answer=replace(BOGUS, via=WALKED.via)))
    assert status is Exit.UNVERIFIED
    assert out.count("\n") == 1
    assert '"trace": [{"party": "."' in out


@pytest.mark.usefixtures("place")
def test_a_walk_meets_a_demand_too() -> None:
    status, out, _ = ask(replace(WALK, assurance=Assurance.VALIDATED), maker=fake(STEP))
    assert status is Exit.ANSWERED
    assert "mimi://" not in out.partition("ANSWER IS:")[2]
    assert ";; ANSWER IS: none, complete, verified" in out
    assert ";; LEFT OUT: alpha.example is asserted only\n" in out


@pytest.mark.usefixtures("place")
def test_a_walk_that_nobody_answered() -> None:
    silent = replace(WALKED, complete=False, reaches=(), claims=())
    status, out, _ = ask(WALK, maker=fake(MUTE, answer=silent))
    assert status is Exit.UNREACHED
    assert out.endswith(";; no servers could be reached\n")
    status, out, err = ask(replace(WALK, json=True), maker=fake(answer=silent))
    assert '"error": "no servers could be reached; +lab' in out
    assert err[0].startswith(";; no servers could be reached; +lab allows")


@pytest.mark.usefixtures("place")
def test_the_real_walker_walks_to_the_same_answer() -> None:
    root = Endpoint("10.0.0.1", 53)
    status, out, _ = ask(replace(WALK, lab=True, root=root))
    assert status is Exit.ANSWERED
    assert "+14155550123.    300 IN ASSERTION mimi://alpha.example/u/7f3a" in out
    assert {f";; {number}. " in out for number in (1, 2, 3)} == {True}
    status, out, _ = ask(replace(WALK, root=root))
    assert status is Exit.UNREACHED
    assert "+lab allows private addresses" in out


async def test_a_token_is_read_once_and_stands_in_no_text(place: Path) -> None:
    file = place / "my.token"
    file.touch(0o600)
    file.write_text("abc\n")
    options = Options(over=Protocol.HTTPS, tls_pin=bytes(32), bearer=str(file))
    async with SocketDialer() as dialer:
        asker = Asker(dialer, Clock.starting_at(START), "1")
        way = asker.way(options)
        assert way == replace(options.way, resource=Resource(bearer="abc"))
        file.unlink()
        assert asker.way(options) == way
        assert asker.way(Options()) == Options().way
        assert "abc" not in repr(asker) + repr(way)


def test_a_token_that_others_may_have_read_is_not_shown(place: Path) -> None:
    (place / "open.token").write_text("abc")
    (place / "open.token").chmod(0o640)
    status, out, err = ask(Options(over=Protocol.HTTPS, tls_pin=bytes(32), bearer="open.token"))
    assert (status, out) == (Exit.USAGE, "")
    assert err == [
        "fpdig: +14155550123: open.token: has mode 0640, so others may have read it: ask for another, chmod 0600"
    ]


async def test_the_walker_is_made_with_the_options(place: Path) -> None:
    async with SocketDialer() as dialer:
        asker = Asker(dialer, Clock.starting_at(START), "1")
        trust = replace(asker.load(str(place / "anchor.pem")), servers=())
        walker = make_walker(trust, dialer, asker.clock, Options(root=Endpoint("::1", 5300)))
        assert isinstance(walker, Walker)
        (server,) = walker._finder.trust.servers
        assert (server.addresses, server.ports) == (("::1",), (("tcp", 5300), ("udp", 5300)))
        plain = make_walker(trust, dialer, asker.clock, Options())
        assert isinstance(plain, Walker)
        assert plain._finder.trust is trust


def test_an_anchor_is_read_once(place: Path) -> None:
    async def play() -> tuple[Trust, Trust]:
        asker = Asker(SocketDialer(), Clock(), "1")
        first = asker.load("anchor.pem")
        (place / "anchor.pem").unlink()
        return first, asker.load("anchor.pem")

    first, second = trio.run(play)
    assert first is second


@pytest.mark.usefixtures("place")
def test_an_anchor_that_is_none_is_a_fault_of_usage() -> None:
    status, out, err = ask(Options(anchor="missing.pem"))
    assert (status, out) == (Exit.USAGE, "")
    assert err == ["fpdig: +14155550123: missing.pem: trust anchor cannot be read: No such file or directory"]


@pytest.mark.usefixtures("place")
def test_what_an_error_shows_is_not_believed_beside_an_anchor() -> None:
    said = SOUND.claims[0].sealed.to_wire()

    def forge(world: World) -> None:
        def handler(message: bytes, *_: object) -> bytes:
            query = wire.read_query(message)
            assert isinstance(query, wire.Query)
            reply = wire.Reply(wire.Rcode.SERVFAIL, wire.FLAG_RA, answer=[wire.record(QType.PROOF, 30, said)])
            return reply.to_wire(query, 4_096)

        world.network.hosts[Endpoint("10.9.9.1", 53)].handler = handler

    at: tuple[str, int | None] = ("10.9.9.1", None)
    assert ask(Options(at=at, short=True), alter=forge)[1] == "mimi://alpha.example/u/x\n"
    status, out, err = ask(Options(at=at, short=True, anchor="anchor.pem"), alter=forge)
    assert (status, out) == (Exit.INCOMPLETE, "")
    assert err[0].startswith("fpdig: +14155550123: SERVFAIL; nothing found, incomplete, not verified")


@pytest.mark.parametrize(("cd", "flags"), [(False, wire.FLAG_RD), (True, wire.FLAG_RD | wire.FLAG_CD)])
def test_the_question_that_is_sent(cd: bool, flags: int) -> None:
    seen: list[tuple[Endpoint, Protocol, wire.Query]] = []

    class Listening:
        async def exchange(
            self,
            endpoint: Endpoint,
            protocol: Protocol,
            message: bytes,
            accept: Callable[[bytes], bool],
            deadline: float = math.inf,
            *,
            proof: Proof | None = None,
            resource: Resource = USUAL,
        ) -> bytes:
            assert (proof, resource) == (None, USUAL)
            query = wire.read_query(message)
            assert isinstance(query, wire.Query)
            assert deadline < math.inf
            seen.append((endpoint, protocol, query))
            reply = wire.Reply(flags=wire.FLAG_RA).to_wire(query, 512)
            assert accept(reply)
            return reply

    async def play() -> Exit:
        options = Options(at=("192.0.2.1", 7), cd=cd, csi=True, over=Protocol.TCP, apex=Name(b"x\0"), json=True)
        return await Asker(Listening(), Clock(), "1").ask(question(options), Told().voice())

    assert trio.run(play) is Exit.ANSWERED
    ((endpoint, protocol, query),) = seen
    assert (endpoint.to_text(), protocol, query.qtype, query.flags) == (
        "192.0.2.1#7",
        Protocol.TCP,
        QType.CSI,
        flags,
    )
    assert query.labels[-2:] == [b"e164", b"x"]


@pytest.mark.parametrize("is_walk", [False, True])
def test_whoever_stopped_reading_ends_it(place: Path, is_walk: bool) -> None:
    """A walk tells its steps in the middle of its nurseries, which raise groups."""
    said: list[str] = []

    def closed(text: str) -> None:
        said.append(text)
        raise UnwrittenError("standard output", BrokenPipeError(errno.EPIPE, "Broken pipe"))

    async def play() -> None:
        world = make_world()
        options = Options(at=("10.9.9.2", None), tries=1)
        if is_walk:
            anchor = str(place / "anchor.pem")
            options = replace(WALK, anchor=anchor, lab=True, root=Endpoint("10.0.0.1", 53))
        await Asker(world.network, world.clock, "1").ask(question(options), Voice(closed, closed))

    with pytest.raises((UnwrittenError, ExceptionGroup)) as raised:
        trio.run(play)
    lost = unwritten_in(raised.value)
    assert lost is not None
    assert lost.is_unread
    assert len(said) == 1, "no traceback was told"


def test_other_tries_are_made_after_a_lost_one() -> None:
    def lose_one(world: World) -> None:
        rng = world.network.rng
        draws = iter([0.0, 1.0])
        world.network.hosts[Endpoint("10.9.9.9", 53)].loss = 0.5
        rng.random = lambda: next(draws, 1.0)  # type: ignore[method-assign]  # the first packet is lost, no other

    ran = fpdig("@10.9.9.9", "+14155550123", "+noall", "+answer", "+time=1", alter=lose_one)
    assert ran.status == 0
    assert ran.out.splitlines()[0] == ";; communications error to 10.9.9.9#53: timed out"
    assert ran.out.splitlines()[1].endswith("mimi://alpha.example/u/7f3a")
