"""A path from memory is the path that following it anew would give."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from resolver.routes import GRANTEE_OCTETS, ROUTE_OCTETS, Routes
from tests.zonedata.builders import NOW, World, ZoneSpec, anchor, number, read
from tests.zonedata.random_worlds import owners, worlds
from zonedata.admission import admit_zone
from zonedata.holdings import Holdings
from zonedata.identifiers import parse
from zonedata.names import Name
from zonedata.opening import Claim
from zonedata.path import Known, Path, follow
from zonedata.sealed import Sealed


def _claims(world: World) -> list[Claim]:
    return [read(Sealed.from_wire(wire)) for wire in world.wires()]


def _fetch(owner: Name, claims: Iterable[Claim], known: Known) -> Path:
    """Take in what is needed, as far as it is shown."""
    tried: set[object] = set()
    path = follow(owner, known)
    while untried := [need for need in path.needs if need.key not in tried]:
        for need in untried:
            tried.add(need.key)
            admit_zone(need, owner, claims, known)
        path = follow(owner, known)
    return path


def _essence(path: Path) -> object:
    return (
        path.owner,
        [(zone.signer, zone.node) for zone in path.zones],
        {principal: (one.signer, one.servers, one.roles) for principal, one in path.grantees.items()},
        [need.key for need in path.needs],
        path.unbound,
        path.refusals,
        {(opened.sealed, opened.keep) for opened in path.evidence.values()},
    )


def _one(nodes: dict[str, list[str]], serial: int = 1) -> World:
    return World({".": ZoneSpec(nodes, ("a.example", "b.example"))}, serial)


_steps = st.lists(st.tuples(owners, st.sampled_from("abc"), st.sets(st.integers(0, 30), max_size=6)), max_size=25)


@given(worlds(), worlds(), _steps)
def test_it_is_the_path_that_following_gives(
    first: World, second: World, steps: list[tuple[str, str, set[int]]]
) -> None:
    known, routes = Known(anchor(), Holdings(), NOW), Routes()
    shown = {"a": _claims(first), "b": _claims(World(second.zones, 2)), "c": []}
    for csi, world, withheld in steps:
        claims = [claim for at, claim in enumerate(shown[world]) if at not in withheld]
        _fetch(number(csi), claims, known)
        for asked in (csi, csi + "1", csi + "2", csi[:-1] or csi, "+1", "+2211"):
            if len(asked) > 1:
                assert _essence(routes.path(number(asked), known)) == _essence(follow(number(asked), known))


def test_one_path_serves_a_whole_prefix() -> None:
    known, routes = Known(anchor(), Holdings(), NOW), Routes()
    _fetch(number("+1415555"), _claims(_one({"+1415": ["a.example msp"]})), known)
    evidence = {id(routes.path(number(f"+1415{n}"), known).evidence) for n in range(100, 200)}
    assert len(routes) == 1
    assert len(evidence) == 1
    assert routes.path(number("+1415777"), known).owner == number("+1415777")


def test_addresses_of_one_domain_share_and_those_below_it_do_not() -> None:
    known, routes = Known(anchor(), Holdings(), NOW), Routes()
    claims = _claims(_one({"@mail.example": ["a.example msp"], "@": ["b.example msp deep"]}))
    for text in ("x@mail.example", "y@mail.example", "x@sub.mail.example"):
        owner = parse(text).owner
        _fetch(owner, claims, known)
        assert _essence(routes.path(owner, known)) == _essence(follow(owner, known))
    assert len(routes) == 2
    assert set(routes.path(parse("x@sub.mail.example").owner, known).grantees) == {("b.example",)}


def test_it_ends_with_what_it_stands_on() -> None:
    held, routes = Holdings(), Routes()
    owner = number("+1415555")
    path = _fetch(owner, _claims(_one({"+1415": ["a.example msp"]})), Known(anchor(), held, NOW))
    assert not path.needs
    assert not routes.path(owner, Known(anchor(), held, NOW)).needs
    end = path.keep(NOW)
    assert not routes.path(owner, Known(anchor(), held, end - 1)).needs
    assert routes.path(owner, Known(anchor(), held, end)).needs


def test_a_path_that_is_not_whole_is_not_kept() -> None:
    routes = Routes()
    assert routes.path(number("+1415555"), Known(anchor(), Holdings(), NOW)).needs
    assert len(routes) == 0


def test_it_is_bounded_and_the_oldest_give_way() -> None:
    known = Known(anchor(), Holdings(), NOW)
    nodes = {f"+{n}": ["a.example msp"] for n in range(100, 120)}
    claims = _claims(_one(nodes))
    routes = Routes(5 * (ROUTE_OCTETS + GRANTEE_OCTETS))
    for node in nodes:
        owner = number(node + "5")
        _fetch(owner, claims, known)
        routes.path(owner, known)
    assert len(routes) == 5
    assert routes.octets == 5 * (ROUTE_OCTETS + GRANTEE_OCTETS)
