from fingerpost.demo import fiction
from fingerpost.demo.people import BLOCKS, CERTAIN, Block, locals_of, people_of
from fingerpost.demo.plan import ALPHA, BETA, DELTA, LIVE, Plan

BLOCK = Block("+1212555", "mimi://alpha.example/n/{number}", (11,), ("0199", "015"))


def test_there_are_a_hundred_thousand_and_none_is_anybody(plan: Plan) -> None:
    count = 0
    for msp in LIVE:
        csis = [person.csi for person in people_of(plan, msp)]
        assert len(csis) == len(set(csis))
        assert all(fiction.is_fiction(csi) for csi in csis)
        assert set(CERTAIN[msp]) - set(csis) == set()
        count += len(csis)
    assert count >= 100_000


def test_they_are_the_same_every_time(plan: Plan) -> None:
    first = next(people_of(plan, ALPHA))
    assert first == next(people_of(plan, ALPHA))
    assert first.csi == "+12015550100"
    assert first.ssi == "mimi://alpha.example/u/f88179dad8dc5158"


def test_they_live_where_their_provider_is_granted(plan: Plan) -> None:
    nodes = plan.nodes_of(BETA)
    numbers = tuple(node for node in nodes if node.startswith("+"))
    for person in people_of(plan, BETA):
        assert person.csi.startswith(numbers) or person.csi.partition("@")[2].endswith(
            tuple(node[1:] for node in nodes if node.startswith("@"))
        )


def test_some_live_below_a_domain(plan: Plan) -> None:
    assert any(person.csi.endswith("@maths.school.example") for person in people_of(plan, DELTA))


def test_a_block_speaks_for_what_is_below_it_except_its_exceptions() -> None:
    assert BLOCK.speaks_for("+12125550123")
    assert not BLOCK.speaks_for("+12125550199")
    assert not BLOCK.speaks_for("+12125550151")
    assert not BLOCK.speaks_for("+1212555012")
    assert not BLOCK.speaks_for("+12135550123")
    assert BLOCK.covers("+12125550199")
    assert Block("+1212", "mimi://alpha.example/n/{number}", (11,)).speaks_for("+12125550199")


def test_only_the_certain_have_a_line_inside_a_block(plan: Plan) -> None:
    for msp, blocks in BLOCKS.items():
        for person in people_of(plan, msp):
            assert person.csi in CERTAIN[msp] or not any(block.covers(person.csi) for block in blocks)


def test_local_parts_are_different() -> None:
    assert len(set(locals_of())) == len(locals_of())
