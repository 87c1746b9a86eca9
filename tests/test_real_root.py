"""The root with all the carrier prefixes there are: what a cold resolver asks it."""

import random

from fingerpost.demo import carriers
from tests.virtual import in_world
from tests.world import World
from zonedata import identifiers, names
from zonedata.identifiers import node_from_text
from zonedata.judgement import Outcome
from zonedata.kinds import Kind
from zonedata.names import Name, child
from zonedata.zone_statements import Delegation

LOOKUPS = 120


def real() -> World:
    """Every operator an authority that answers and has nobody."""
    world = World()
    lines = world.zones["."].lines
    for operator in carriers.operators():
        party = operator.authority
        lines += world.binding_lines(party)
        lines += [f"delegate {prefix} {party} msp" for prefix in operator.prefixes]
        world.holds[party] = []
    return world


def number_below(prefix: str, rng: random.Random) -> Name:
    """Some name of eleven digits below a prefix; whether the plan allows it is the client's business."""
    name = node_from_text(prefix)
    while len(identifiers.digits_of(name)) < 11:
        name = child(name, str(rng.randrange(10)).encode())
    return name


@in_world(real)
async def test_the_root_is_told_as_many_digits_of_a_new_prefix_as_it_needs_in_few_questions(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    prefixes = [prefix for operator in carriers.operators() for prefix in operator.prefixes]
    assert len(prefixes) > 29_000
    rng = random.Random(1)
    known_again, questions, digits = 0, [0], [0]
    for prefix in rng.sample(prefixes, LOOKUPS):
        owner = number_below(prefix, rng)
        first = await finder.find(owner)
        assert first.judgement.complete
        assert first.judgement.outcome is Outcome.NONE
        nodes = {
            opened.statement.node for opened in first.judgement.evidence if isinstance(opened.statement, Delegation)
        }
        assert node_from_text(prefix) in nodes
        told = dict.fromkeys(packet.name for packet in world.network.packets if packet.host == ".")
        depths = [names.depth(names.from_text(name)) - 1 for name in told if name.endswith("e164.")]
        assert depths == sorted(depths)
        questions.append(len(depths))
        digits += depths[-1:]
        world.sent()
        gap = finder.cache.held.zone(()).gap_for(owner, finder.trust.signer(), world.clock.now())
        assert gap is not None
        candidates = [n for n in (number_below(prefix, rng) for _ in range(50)) if gap.statement.holds(n)]
        above = gap.statement.delegated_above(owner)
        same = [n for n in candidates if n != owner and gap.statement.delegated_above(n) == above]
        if same:
            known_again += 1
            again = await finder.find(same[0])
            assert again.judgement.complete
            assert world.sent().count(".") == 0, "the prefix is known"
    assert known_again > LOOKUPS / 2
    assert max(questions) <= 4
    assert sum(questions) <= 3 * LOOKUPS
    assert sum(digits) <= 8 * (len(digits) - 1), "of eleven; the prefixes have seven"


@in_world(real)
async def test_a_gap_answers_for_names_that_nobody_asked_before(world: World) -> None:
    assert world.resolver is not None
    finder = world.resolver.finder
    first = await finder.find(number_below("+999", random.Random(2)))
    assert [opened.sealed.kind for opened in first.judgement.evidence] == [Kind.GAP]
    world.sent()
    rng = random.Random(3)
    for _ in range(50):
        found = await finder.find(number_below("+9990", rng))
        assert found.judgement.outcome is Outcome.NONE
    assert world.sent() == []
