from dataclasses import replace

import pytest

from resolver.complaints import MAX_KNOWN, MAX_LINES, MAX_OF_PARTY, MAX_OF_SORT, Complaints
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
    for step, kind, about in (
        (BAD.step, BAD.kind, "beta.example"),
        (Step.WINDOW, BAD.kind, BAD.about),
        (BAD.step, Kind.DENIAL, BAD.about),
    ):
        others.append(Refusal(step, kind, about, BAD.why))
    assert len(list(complaints.about([BAD, *others], 0.0))) == 4


def test_the_reason_is_the_partys_own_words_and_makes_no_other_fault() -> None:
    complaints = Complaints()
    said = [line for n in range(120) for line in complaints.about([replace(BAD, why=f"key {n:016x}")], n / 2)]
    assert len(said) == 1
    (line,) = complaints.about([replace(BAD, why="key f")], 60.0)
    assert 'reason="key f" more=119' in line


def test_one_party_leaves_room_for_others_and_what_was_unsaid_is_counted() -> None:
    complaints = Complaints()
    of_one = [Refusal(step, kind, "evil.example", "") for step in Step for kind in Kind]
    assert len(list(complaints.about(of_one, 0.0))) == MAX_OF_PARTY
    assert len(list(complaints.about([BAD], 0.5))) == 1
    told, line = complaints.about([replace(BAD, about="beta.example")], 1.0)
    assert told == f"event=refused-unsaid count={len(of_one) - MAX_OF_PARTY}"
    assert line.startswith("event=refused ")
    assert list(complaints.about([BAD], 2.0)) == []


def test_parties_without_number_that_have_one_fault_leave_room_for_other_faults() -> None:
    complaints = Complaints()
    crowd = [Refusal(Step.BINDING, Kind.DELEGATION, f"{n}.example", "") for n in range(400)]
    assert len(list(complaints.about(crowd, 0.0))) == MAX_OF_SORT
    assert len(list(complaints.about([BAD], 0.5))) == 1


def test_hostile_words_stay_on_one_line() -> None:
    (line,) = Complaints().about([Refusal(Step.BODY, None, "a\nb", 'c" level=error')], 0.0)
    assert line.isprintable()
    assert line == 'event=refused step=2 name=body kind=unknown party="a\\nb" reason="c\\" level=error"'


def test_lines_and_memory_have_a_bound() -> None:
    complaints = Complaints()
    kinds = [Kind.ASSERTION, Kind.DENIAL, Kind.BLOCK]
    faults = [Refusal(BAD.step, kinds[n % 3], f"{n}.example", BAD.why) for n in range(2 * MAX_KNOWN)]
    assert len(list(complaints.about(faults, 0.0))) == MAX_LINES
    assert len(list(complaints.about(faults[MAX_LINES:], 1.0))) == 1 + MAX_LINES  # one of what was unsaid
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
