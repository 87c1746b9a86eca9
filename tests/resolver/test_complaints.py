import pytest

from resolver.complaints import MAX_KNOWN, MAX_LINES, Complaints
from tests.scenario import LIES
from tests.world import World, run_in
from zonedata.identifiers import parse
from zonedata.kinds import Kind
from zonedata.listings import Listing
from zonedata.opening import Refusal, Step

BAD = Refusal(Step.SIGNATURE, Kind.ASSERTION, "alpha.example", "the signature does not verify")


def test_a_refusal_is_one_line_that_says_what_why_and_whose() -> None:
    (line,) = Complaints().about([BAD], 0.0)
    assert line == f'event=refused step=7 name=signature kind=assertion party="alpha.example" reason="{BAD.why}"'


def test_the_same_again_waits_for_a_minute_and_is_counted() -> None:
    complaints = Complaints()
    assert len(list(complaints.about([BAD], 0.0))) == 1
    assert [list(complaints.about([BAD], now)) for now in (0.1, 30.0, 59.9)] == [[], [], []]
    (line,) = complaints.about([BAD], 60.0)
    assert line.endswith(" more=3")
    assert list(complaints.about([BAD], 61.0)) == []


def test_another_fault_is_another_line() -> None:
    complaints, others = Complaints(), []
    for about, why in (("beta.example", BAD.why), ("alpha.example", "expired 5 s ago")):
        others.append(Refusal(BAD.step, BAD.kind, about, why))
    assert len(list(complaints.about([BAD, *others], 0.0))) == 3


def test_hostile_words_stay_on_one_line() -> None:
    (line,) = Complaints().about([Refusal(Step.BODY, None, "a\nb", 'c" level=error')], 0.0)
    assert line.isprintable()
    assert line == 'event=refused step=2 name=body kind=unknown party="a\\nb" reason="c\\" level=error"'


def test_lines_and_memory_have_a_bound() -> None:
    complaints = Complaints()
    faults = [Refusal(BAD.step, BAD.kind, f"{n}.example", BAD.why) for n in range(2 * MAX_KNOWN)]
    assert len(list(complaints.about(faults, 0.0))) == MAX_LINES
    assert len(list(complaints.about(faults[MAX_LINES:], 1.0))) == MAX_LINES
    for second, fault in enumerate(faults, 2):
        list(complaints.about([fault], float(second)))
    assert len(complaints._said) == MAX_KNOWN


@pytest.mark.usefixtures("autojump_clock")
async def test_what_a_resolver_refuses_stands_in_its_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.zones["."].lines += [*world.binding_lines("alpha.example"), "delegate +1 alpha.example msp"]
    owner = parse("+14155550123").owner
    world.holds["alpha.example"] = [Listing(1, owner, "mimi://alpha.example/u/1", ())]

    async def body(_: World) -> None:
        world.host("alpha.example").lies = LIES["flip"]
        answer = await world.ask("+14155550123")
        assert not answer.complete
        assert (6, "refused at step 7: alpha.example") in answer.errors

    with caplog.at_level("INFO"):
        await run_in(world, body)
    lines = [record.getMessage() for record in caplog.records if "event=refused" in record.getMessage()]
    assert lines == [f'event=refused step=7 name=signature kind=assertion party="alpha.example" reason="{BAD.why}"']
