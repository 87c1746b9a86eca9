from fingerpost.demo import carriers
from fingerpost.demo.plan import (
    ALPHA,
    BETA,
    DELTA,
    EPSILON,
    GAMMA,
    LIVE,
    REGISTRY,
    REGISTRY_NODE,
    VACANT,
    Grant,
    Plan,
    ZonePlan,
    make_plan,
)
from zonedata.identifiers import node_from_text
from zonedata.zone_statements import MAX_GRANTS


def test_every_real_prefix_is_granted_once_to_its_operator(plan: Plan) -> None:
    granted = {(grant.node, grant.authority) for zone in (plan.root, plan.registry) for grant in zone.grants}
    for operator in carriers.operators():
        for prefix in operator.prefixes:
            assert (prefix, operator.authority) in granted
    every = [(grant.node, grant.authority) for grant in (*plan.root.grants, *plan.registry.grants)]
    assert len(every) == len(set(every))


def test_what_lies_below_the_registry_is_in_its_zone(plan: Plan) -> None:
    assert all(grant.node.startswith(REGISTRY_NODE) for grant in plan.registry.grants)
    in_root = {grant for grant in plan.root.grants if grant.node.startswith(REGISTRY_NODE)}
    assert in_root == {Grant("+44", REGISTRY, "registry"), Grant("+4477009005", ALPHA)}


def test_everybody_granted_is_bound_once(plan: Plan) -> None:
    root, registry = plan.root, plan.registry
    assert {grant.authority for grant in root.grants} == set(root.binds)
    assert {grant.authority for grant in registry.grants} == {*registry.binds, *registry.above}
    assert not set(root.binds) & set(registry.binds)
    assert set(registry.above) <= set(root.binds)
    assert EPSILON in registry.binds
    assert {ALPHA, BETA, GAMMA, DELTA, REGISTRY, VACANT} <= set(root.binds)


def test_the_five_overlap_at_several_depths(plan: Plan) -> None:
    grants = (*plan.root.grants, *plan.registry.grants)
    over = {
        grant.authority: {len(grant.node) for grant in grants if "+14155550190".startswith(grant.node)}
        for grant in grants
        if grant.authority in LIVE and "+14155550190".startswith(grant.node)
    }
    assert set(over) == {ALPHA, BETA, GAMMA, DELTA}
    assert len(set().union(*over.values())) >= 4


def test_no_node_has_more_grants_than_a_statement_holds(plan: Plan) -> None:
    for zone in (plan.root, plan.registry):
        assert max(len(grants) for grants in zone.at().values()) < MAX_GRANTS / 10


def test_nodes_of_a_provider_are_those_of_both_zones(plan: Plan) -> None:
    nodes = plan.nodes_of(GAMMA)
    assert {"+1415555", "+442079460", "@example.org"} <= set(nodes)
    assert nodes == sorted(set(nodes))
    assert plan.nodes_of(REGISTRY) == []
    for node in nodes:
        node_from_text(node)


def test_without_operators_only_the_invented_are_left() -> None:
    plan = make_plan([], ("+1415",), ())
    assert set(plan.root.binds) == {REGISTRY, ALPHA, BETA, GAMMA, DELTA, VACANT}
    assert plan.registry.binds == (EPSILON,)
    assert plan.titles == {}


def test_grants_are_found_by_node() -> None:
    here, there = Grant("+1", ALPHA), Grant("+1", BETA)
    zone = ZonePlan(".", (), (here, there, Grant("+2", BETA)), frozenset(), (ALPHA, BETA))
    assert zone.at()["+1"] == [here, there]
