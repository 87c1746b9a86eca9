import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from resolver.fpdig.asking import Asker, Voice
from resolver.fpdig.batch import IN_FLIGHT, MAX_LINE, WAITING, run_batch
from resolver.fpdig.options import DEFAULTS, Options
from resolver.fpdig.verdict import Exit
from resolver.settings import DEFAULT_APEX
from tests.resolver.fpdig.phonebook import fpdig
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
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
        fails: Whether nobody listens for that number.
    """

    seconds: Callable[[int], float] = lambda at: 0.001 * (1_000 - at % 1_000)
    fails: Callable[[int], bool] = lambda _: False
    asked: int = 0
    at_a_time: int = 0
    most: int = 0

    async def exchange(
        self, endpoint: Endpoint, _protocol: Protocol, message: bytes, _accept: Callable[[bytes], bool]
    ) -> bytes:
        query = wire.read_query(message)
        assert isinstance(query, wire.Query)
        at = int(b"".join(query.labels[3::-1])) if query.labels[0].isdigit() else 0
        self.asked += 1
        self.at_a_time += 1
        self.most = max(self.most, self.at_a_time)
        await trio.sleep(self.seconds(at))
        self.at_a_time -= 1
        if self.fails(at):
            raise UnreachableError(endpoint.to_text(), "connection refused")
        name = names.from_wire(query.labels, DEFAULT_APEX)
        assert name is not None
        rows = ((".", Role.REGISTRY, Standing.REFERRED),)
        status = seal(Status(Life(0, 1, 1, 2), name, rows)).to_wire()
        return wire.Reply(flags=wire.FLAG_RA, answer=[wire.record(query.qtype, 1, status)]).to_wire(query, 512)


def batch(path: Path | str, many: Many, options: Options = JSON) -> tuple[Exit, list[str], list[str]]:
    out: list[str] = []
    err: list[str] = []

    async def play() -> Exit:
        asker = Asker(many, Clock.starting_at(1e9), "1")
        return await run_batch(str(path), options, asker, Voice(out.append, err.append))

    return trio.run(play, clock=MockClock(autojump_threshold=0)), out, err


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
    assert (many.asked, many.most) == (1_000, IN_FLIGHT)


def test_one_slow_question_does_not_hold_the_others_but_holds_what_is_waiting(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    count = WAITING + 2 * IN_FLIGHT
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
        asker = Asker(many, Clock.starting_at(1e9), "1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            await run_batch(str(path), JSON, asker, Voice(out.append, out.append))

    trio.run(play, clock=MockClock(autojump_threshold=0))
    assert csis(out) == numbers(count)
    assert WAITING <= asked_by_then[0] <= WAITING + 2  # the first, what waits, and what has no room to wait


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


def test_a_bug_costs_one_answer(tmp_path: Path) -> None:
    def fail(at: int) -> float:
        if at == 1:
            raise RuntimeError("a bug")
        return 0.0

    path = tmp_path / "questions"
    path.write_text("+14155550000\n+14155550199 +14155550123\n+14155550001\n")
    many = Many(seconds=fail)
    status, out, err = batch(path, many)
    assert status is Exit.INTERNAL
    assert len(out) == 3
    assert err[0].endswith("RuntimeError: a bug")
    assert err[1].endswith("internal error")


def test_text_is_whole_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "questions"
    path.write_text("\n".join(f"{number} +tries=1" for number in numbers(50)))
    status, out, err = batch(path, Many(fails=lambda at: at % 2 == 0), DEFAULTS)
    assert status is Exit.UNREACHED
    text = "".join(out)
    assert text.count(";; communications error to 127.0.0.1#53: connection refused\n\n; <<>>") == 25
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
        asker = Asker(Many(seconds=lambda _: 0.0), Clock(), "1")
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_batch, "-", JSON, asker, Voice(say, say))
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


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read(name: str, place: Path) -> None:
    ran = fpdig("-f", name)
    assert (ran.status, ran.out) == (8, "")
    assert ran.err.startswith(f"fpdig: {name}: cannot be read: ")
    assert place.exists()
