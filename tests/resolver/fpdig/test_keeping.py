import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from resolver.answer import Answer
from resolver.fpdig.asking import Asker
from resolver.fpdig.grammar import read_command, read_line
from resolver.fpdig.keeping import bundle_of, keep, write_new
from resolver.fpdig.main import prepare
from resolver.fpdig.options import Command, Options, UsageError
from resolver.fpdig.running import run
from tests.resolver.fpdig.answers import FAILED, SOUND, WALKED
from tests.resolver.fpdig.phonebook import add, after, false_denials, fpdig, hide, make_world
from tests.world import START, World
from tests.zonedata.builders import anchor
from zonedata import bundle
from zonedata.errors import MalformedError
from zonedata.judgement import Outcome, hear
from zonedata.trust import read_anchor

ALICE = "+14155550123"
BY = ("--anchor", "anchor.pem")


def test_what_is_kept_is_what_was_shown_and_judged(place: Path) -> None:
    ran = fpdig("@10.9.9.9", ALICE, *BY, "+json", "+proof", "+bundle=a.bundle", "+svg=a.svg")
    assert ran.status == 0
    kept = bundle.read((place / "a.bundle").read_bytes())
    assert (kept.csi.text, kept.asked, kept.resolver) == (ALICE, int(START), "10.9.9.9#53")
    trust = read_anchor(place / "anchor.pem")
    assert kept.trust.sealed == trust.sealed
    judgement = hear(kept.csi.owner, trust, kept.wires(), START).judgement
    assert judgement.complete
    assert [finding.ssi for finding in judgement.found] == ["mimi://alpha.example/u/7f3a"]
    assert ran.out.count('"speaker"') == len(kept.shown)
    assert "mimi://alpha.example/u/7f3a" in (place / "a.svg").read_text(encoding="ascii")
    assert stat.S_IMODE((place / "a.bundle").stat().st_mode) == 0o600
    assert sorted(path.name for path in place.iterdir() if path.name.startswith(("a.", "."))) == [
        "a.bundle",
        "a.svg",
    ]


def test_what_does_not_verify_is_kept_too(place: Path) -> None:
    ran = fpdig("@10.9.9.9", "+33142685300", *BY, "+short", "+cd", "+bundle=liar.bundle")
    assert ran.status == 3
    kept = bundle.read((place / "liar.bundle").read_bytes())
    judgement = hear(kept.csi.owner, kept.trust, kept.wires(), START).judgement
    assert [refusal.about for refusal in judgement.refusals] == ["liar.example"]


def test_what_was_asked_directly_is_kept_as_it_was_told(place: Path) -> None:
    """A resolver puts two forgeries of beta's word before the rest; beta itself is asked."""
    csi = "+81312345673"

    def spoil(world: World) -> None:
        resolver = world.network.hosts[next(e for e in world.network.hosts if e.host == "10.9.9.9")]
        resolver.lies = after(hide, add(*false_denials("beta.example", csi), is_in_front=True))

    ran = fpdig("@10.9.9.9", csi, *BY, "+short", "+direct", "+lab", "+bundle=a.bundle", "+svg=a.svg", alter=spoil)
    assert ran.status == 3, "not all that was shown is true, and that is still said"
    assert "found, complete" in ran.err
    kept = bundle.read((place / "a.bundle").read_bytes())
    judgement = hear(kept.csi.owner, kept.trust, kept.wires(), kept.asked).judgement
    assert (judgement.outcome, judgement.complete) == (Outcome.FOUND, True)
    assert {finding.authority for finding in judgement.found} == {"alpha.example", "beta.example"}
    assert [refusal.about for refusal in judgement.refusals] == ["beta.example"] * 2
    assert (place / "a.svg").exists()


def test_what_would_say_something_else_than_the_answer_is_not_kept(place: Path) -> None:
    async def play() -> Answer:
        world = make_world()
        async with trio.open_nursery() as nursery:
            world.start_resolver(nursery)
            answer = await world.ask(ALICE)
            nursery.cancel_scope.cancel()
        return answer

    answer, trust = trio.run(play), read_anchor(place / "anchor.pem")
    assert keep(answer, Options(anchor="a.pem", bundle="a.bundle"), trust, START) == []
    told = replace(answer, complete=False), replace(answer, outcome=Outcome.NONE, reaches=())
    for other, words in zip(told, ("found, not complete", "none, complete"), strict=True):
        options = Options(anchor="a.pem", bundle="b.bundle", svg="b.svg")
        why = f"nothing was written: the answer is {words}, and what there is to keep comes to found, complete"
        assert keep(other, options, trust, START) == [f"+bundle=b.bundle: {why}", f"+svg=b.svg: {why}"]
    assert not [path.name for path in place.iterdir() if path.name.startswith(("b.", "."))]


def test_an_answer_that_brings_no_proof_is_not_kept(place: Path) -> None:
    def fail(world: World) -> None:
        resolver = world.network.hosts[next(e for e in world.network.hosts if e.host == "10.9.9.9")]
        resolver.lies = lambda query, reply: [reply[:3] + bytes((reply[3] | 2,)) + reply[4:]] if query else []

    ran = fpdig("@10.9.9.9", ALICE, *BY, "+short", "+tcp", "+bundle=a.bundle", alter=fail)
    assert ran.status == 7
    assert "+bundle=a.bundle: nothing was written: an answer of SERVFAIL brings no proof" in ran.err
    assert not (place / "a.bundle").exists()
    for answer in (FAILED, WALKED):
        with pytest.raises(MalformedError):
            bundle_of(answer, anchor(), START)
    assert bundle_of(SOUND, anchor(), START + 0.9).asked == START


def test_a_file_is_written_whole_or_not_at_all(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_new(place / "new", b"first")
    with pytest.raises(FileExistsError, match="is there already, and is not overwritten"):
        write_new(place / "new", b"second")
    assert (place / "new").read_bytes() == b"first"
    (place / "link").symlink_to(place / "nowhere")
    with pytest.raises(FileExistsError):
        write_new(place / "link", b"second")
    with pytest.raises(OSError, match="no/new") as caught:
        write_new(Path("no/new"), b"")
    assert caught.value.filename == "no/new"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = sorted(place.iterdir())
    with pytest.raises(OSError, match="No space left"):
        write_new(place / "other", b"third")
    assert sorted(place.iterdir()) == before


def test_what_appears_while_it_is_asked_is_not_overwritten(place: Path) -> None:
    def appear(_: World) -> None:
        (place / "a.bundle").write_text("somebody else's")

    command = prepare(["@10.9.9.9", ALICE, *BY, "+short", "+bundle=a.bundle"])
    assert isinstance(command, Command)

    async def play() -> int:
        world = make_world()
        world.start_resolver()
        question = command.questions[0]
        asker = Asker(world.network, world.clock, "")
        said: list[str] = []
        from resolver.fpdig.asking import Voice  # noqa: PLC0415 - beside its only use

        appear(world)
        status = await asker.ask(question, Voice(said.append, said.append))
        assert any("is there already, and is not overwritten" in line for line in said)
        return int(status)

    assert trio.run(play) == 7
    assert (place / "a.bundle").read_text() == "somebody else's"


def test_a_file_that_is_there_is_told_before_anything_is_asked(place: Path) -> None:
    (place / "a.svg").write_text("mine")

    async def play(command: Command) -> tuple[int, int]:
        world = make_world()
        world.start_resolver()
        status = await run(command, world.network, world.clock, world.network.connect)
        return int(status), len(world.network.packets)

    command = prepare(["@10.9.9.9", ALICE, *BY, "+bundle=a.bundle", "+svg=a.svg"])
    assert isinstance(command, Command)
    assert trio.run(play, command) == (1, 0)
    assert (place / "a.svg").read_text() == "mine"


def test_a_batch_keeps_nothing() -> None:
    line = read_line(f"{ALICE} +bundle=a", Options(anchor="x"))
    assert line == UsageError(("+bundle keeps one answer: it is not for a batch",))
    every = read_command(["-f", "questions", "+svg=a", "--anchor", "x"])
    assert every == UsageError(("+svg keeps one answer: it is not for a batch",))
    each = read_command([ALICE, "+bundle=a", ALICE, "+bundle=b", "+svg=a", "--anchor", "x"])
    assert isinstance(each, UsageError)
    assert "+svg=a: the same file twice; a file keeps one answer" in each.faults
