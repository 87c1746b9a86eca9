import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from resolver.answer import Answer
from resolver.batch import WAITING
from resolver.fpdig import batch as module
from resolver.fpdig.asking import Asker, Voice
from resolver.fpdig.batch import BLOCK, HOLD, MAX_LINE, run_batch
from resolver.fpdig.exits import Exit
from resolver.fpdig.options import Options, Question
from resolver.fpdig.render import Frame
from resolver.fpdig.telling import Told, tell
from resolver.settings import DEFAULT_APEX
from tests.resolver.fpdig.phonebook import fpdig
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.framing import Deframer, frame
from transport.handler import Protocol
from transport.pipeline import WINDOW
from transport.proof import Proof
from transport.resource import USUAL, Resource
from zonedata import names, wire
from zonedata.kinds import Role
from zonedata.life import Life
from zonedata.person_statements import Status
from zonedata.standing import Standing
from zonedata.statements import seal

JSON = Options(json=True, tries=1)


@dataclass
class Many:
    """Answers everything with complete absence, later numbers sooner; counts how many are asked at a time.

    Attributes:
        seconds: How long it takes, by the last four digits of the number.
        fails: Whether that number is never answered.
    """

    seconds: Callable[[int], float] = lambda at: 0.001 * (1_000 - at % 1_000)
    fails: Callable[[int], bool] = lambda _: False
    asked: int = 0
    at_a_time: int = 0
    most: int = 0
    connections: int = 0
    nursery: trio.Nursery | None = None

    async def connect(self, _: Endpoint) -> trio.abc.Stream:
        self.connections += 1
        ours, theirs = memory_stream_pair()
        assert self.nursery is not None
        self.nursery.start_soon(self._serve, theirs)
        return ours

    async def _serve(self, stream: trio.abc.Stream) -> None:
        deframer, sending = Deframer(), trio.Lock()

        async def answer(message: bytes) -> None:
            reply = await self._reply(message)
            if reply is not None:
                async with sending:
                    await stream.send_all(frame(reply))

        with suppress(trio.BrokenResourceError):
            async with trio.open_nursery() as nursery:
                while data := await stream.receive_some():
                    deframer.feed(data)
                    for message in deframer:
                        nursery.start_soon(answer, message)

    async def _reply(self, message: bytes) -> bytes | None:
        query = wire.read_query(message)
        assert isinstance(query, wire.Query)
        at = int(b"".join(query.labels[3::-1])) if query.labels[0].isdigit() else 0
        self.asked += 1
        self.at_a_time += 1
        self.most = max(self.most, self.at_a_time)
        await trio.sleep(self.seconds(at))
        self.at_a_time -= 1
        if self.fails(at):
            return None
        name = names.from_wire(query.labels, DEFAULT_APEX)
        assert name is not None
        rows = ((".", Role.REGISTRY, Standing.REFERRED),)
        status = seal(Status(Life(0, 1, 1, 2), name, rows)).to_wire()
        return wire.Reply(flags=wire.FLAG_RA, answer=[wire.record(query.qtype, 1, status)]).to_wire(query, 512)

    async def exchange(
        self,
        _endpoint: Endpoint,
        _protocol: Protocol,
        message: bytes,
        _accept: Callable[[bytes], bool],
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
        resource: Resource = USUAL,
    ) -> bytes | None:
        """As a dialer: what is asked apart comes here."""
        assert (proof, resource) == (None, USUAL)
        with trio.move_on_at(deadline):
            reply = await self._reply(message)
            if reply is None:
                await trio.sleep_forever()
            return reply
        return None

    async def run(self, path: Path | str, options: Options, voice: Voice, clock: Clock) -> Exit:
        async with trio.open_nursery() as self.nursery:
            status = await run_batch(
                str(path), options, Asker(self, clock, "1"), voice, options.server, self.connect
            )
            self.nursery.cancel_scope.cancel()
        return status


def batch(path: Path | str, many: Many, options: Options = JSON) -> tuple[Exit, list[str], list[str]]:
    out: list[str] = []
    err: list[str] = []

    async def play() -> Exit:
        return await many.run(path, options, Voice(out.append, err.append), Clock.starting_at(1e9))

    status = trio.run(play, clock=MockClock(autojump_threshold=0))
    return status, "".join(out).splitlines(keepends=True), err


def numbers(count: int) -> list[str]:
    return [f"+1415555{at:04}" for at in range(count)]


def csis(out: list[str]) -> list[str]:
    return [text.split('"csi": "')[1].split('"')[0] for text in out]


def test_hundreds_of_questions_many_in_flight_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    path.write_text("\n".join(numbers(1_000)))
    many = Many()
    status, out, err = batch(path, many)
    assert (status, err) == (Exit.ANSWERED, [])
    assert csis(out) == numbers(1_000)
    assert (many.asked, many.most, many.connections) == (1_000, WINDOW, 1)


def test_one_slow_question_does_not_hold_the_others_but_holds_what_is_waiting(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    count = WAITING + 2 * WINDOW
    path.write_text("\n".join(numbers(count)))
    asked_by_then: list[int] = []
    begun = trio.Event()

    def seconds(at: int) -> float:
        begun.set()
        return 4.0 if at == 0 else 0.001

    many = Many(seconds)

    async def look() -> None:
        await begun.wait()  # the whole file is read by then: virtual time would jump while a thread reads
        await trio.sleep(3.0)
        asked_by_then.append(many.asked)

    out: list[str] = []

    async def play() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            await many.run(path, JSON, Voice(out.append, out.append), Clock.starting_at(1e9))

    trio.run(play, clock=MockClock(autojump_threshold=0))
    assert csis("".join(out).splitlines()) == numbers(count)
    assert asked_by_then == [WAITING]


def test_lines_that_are_no_question_are_reported_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    lines = [
        b"+14155550123",
        b"",
        b"; x",
        b"bob +zz",
        b"\xff",
        b"x" * (MAX_LINE + 1),
        b"a@example.com",
        b"y" * 9_000,
    ]
    path.write_bytes(b"\n".join(lines))
    status, out, err = batch(path, Many())
    assert status is Exit.USAGE
    assert csis(out) == ["+14155550123", "a@example.com"]
    assert [line.removeprefix(f"fpdig: {path}:")[:32] for line in err] == [
        "4: bob: 'bob' is neither a telep",
        "4: +zz: there is no such option",
        "5: not UTF-8 text",
        f"6: line of more than {MAX_LINE} octets",
        f"8: line of more than {MAX_LINE} octets",
    ]


def test_the_worst_status_counts(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    path.write_text("\n".join([*numbers(20), "bob"]))
    status, out, err = batch(path, Many(fails=lambda at: at == 7))
    assert status is Exit.UNREACHED
    assert [at for at, text in enumerate(out) if '"error"' in text] == [7]
    assert len(err) == 3


def test_a_bug_costs_one_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(answer: Answer, question: Question, frame: Frame) -> Told:
        if answer.csi.text.endswith("1"):
            raise RuntimeError("a bug")
        return tell(answer, question, frame)

    monkeypatch.setattr(module, "tell", fail)
    path = tmp_path / "questions"
    path.write_text("+14155550000\n+14155550199 +14155550123\n+14155550001\n")
    status, out, err = batch(path, Many())
    assert status is Exit.INTERNAL
    assert len(out) == 3
    assert err[0].endswith("RuntimeError: a bug")
    assert err[1].endswith("internal error")


def test_text_is_whole_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    path.write_text("\n".join(numbers(50)))
    status, out, err = batch(path, Many(fails=lambda at: at % 2 == 0), Options(tries=1))
    assert status is Exit.UNREACHED
    text = "".join(out)
    assert text.count(";; communications error to 127.0.0.1#53: timed out\n\n; <<>>") == 25
    banners = [line.split()[5] for line in text.splitlines() if line.startswith("; <<>>")]
    assert banners == numbers(50)
    assert err == []


def test_standard_input() -> None:
    kept = os.dup(0)
    read, write = os.pipe()
    os.dup2(read, 0)
    try:
        os.write(write, b"+14155550001\n+1415555")
        os.write(write, b"0002\n")
        os.close(write)
        status, out, _ = batch("-", Many())
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(read)
    assert (status, csis(out)) == (Exit.ANSWERED, numbers(3)[1:])


def test_an_answer_is_told_before_the_next_question_comes() -> None:
    kept = os.dup(0)
    read, write = os.pipe()
    os.dup2(read, 0)
    out: list[str] = []
    told = trio.Event()

    def say(text: str) -> None:
        out.append(text)
        told.set()

    async def play() -> None:
        many = Many(seconds=lambda _: 0.0)
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(many.run, "-", JSON, Voice(say, say), Clock())
                os.write(write, b"+14155550001\n")
                await told.wait()
                os.write(write, b"+14155550002\n")
                os.close(write)

    try:
        trio.run(play)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(read)
    assert csis(out) == numbers(3)[1:]


def test_lines_with_options_of_their_own(tmp_path: Path) -> None:
    """Those that change how often or whom to ask are asked apart, the others with the rest; the order stays."""
    path = tmp_path / "questions"
    options = [
        "",
        "+csi",
        "+short +nojson",
        "+tries=2",
        "+time=2",
        "@127.0.0.2",
        "+cd +csi",
        "+apex=fingerpost.internal",
    ]
    lines = [f"{number} {options[at % len(options)]}" for at, number in enumerate(numbers(80))]
    path.write_text("\n".join(lines))
    many = Many()
    status, out, err = batch(path, many)
    assert status is Exit.ANSWERED
    told = [number for at, number in enumerate(numbers(80)) if options[at % len(options)] != options[2]]
    assert csis(out) == told
    assert (many.asked, many.connections) == (80, 1)
    servers = ['"127.0.0.2#53"' in text for text in out]
    assert servers.count(True) == 10
    assert [line.split(": ")[1] for line in err] == [number for number in numbers(80) if number not in told]


def test_an_anchor_of_a_line_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    path.write_text(f"+14155550001\n+14155550002 --anchor {tmp_path}/none.pem\n+14155550003\n")
    status, out, err = batch(path, Many())
    assert status is Exit.USAGE
    assert len(out) == 2
    assert err == [
        f"fpdig: +14155550002: {tmp_path}/none.pem: trust anchor cannot be read: No such file or directory"
    ]


def pieces(tmp_path: Path, *, is_watched: bool, seconds: Callable[[int], float] = lambda _: 0.001) -> list[float]:
    """When something was written, for 2,000 answers; each is some 300 characters."""
    path = tmp_path / "questions"
    path.write_text("\n".join(numbers(2_000)))
    times: list[float] = []

    async def play() -> None:
        def say(_: str) -> None:
            times.append(trio.current_time())

        await Many(seconds).run(path, JSON, Voice(say, say, is_watched), Clock.starting_at(1e9))

    trio.run(play, clock=MockClock(autojump_threshold=0))
    return times


def test_text_is_written_in_large_blocks_unless_somebody_watches(tmp_path: Path) -> None:
    assert len(pieces(tmp_path, is_watched=False)) <= 2_000 * 400 // BLOCK + 2
    assert len(pieces(tmp_path, is_watched=True)) >= 2_000 // WINDOW


def test_text_does_not_wait_for_a_block_to_fill(tmp_path: Path) -> None:
    times = pieces(tmp_path, is_watched=False, seconds=lambda at: 4.0 if at == 100 else 0.001)
    assert times[0] <= 4 * HOLD
    assert times[-1] >= 4.0


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read(name: str, place: Path) -> None:
    ran = fpdig("-f", name)
    assert (ran.status, ran.out) == (8, "")
    assert ran.err.startswith(f"fpdig: {name}: cannot be read: ")
    assert place.exists()
