"""Random trees over few digits, what their authorities say, and an independent model of what is owed.

The model speaks of texts such as `+121` and knows nothing of names, gaps, keys or octets: it says who is to be
heard about a number, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.zonedata.builders import World, ZoneSpec, assertion, block, denial, number
from zonedata.kinds import Role
from zonedata.standing import Standing

REGISTRIES = ("r.example", "s.example")
MSPS = ("a.example", "b.example", "c.example")
LOCAL = "local.example"  # bound by r.example alone, and granted by it alone
Row = tuple[str, Role]

_digits = st.text("12", min_size=1, max_size=4)
_node = st.one_of(st.just("."), _digits.map("+".__add__))
owners = st.text("12", min_size=1, max_size=5).map("+".__add__)
_asked = st.sets(st.sampled_from([Role.MSP, Role.CSIP, Role.VALIDATOR]), min_size=1, max_size=2)


@st.composite
def _grants(draw: st.DrawFn, zone: str) -> list[str]:
    parties = [*MSPS, LOCAL] if zone == "r.example" else list(MSPS)
    chosen: dict[str, set[Role]] = {
        name: draw(_asked) for name in draw(st.sets(st.sampled_from(parties), max_size=2))
    }
    for name in draw(st.sets(st.sampled_from(REGISTRIES), max_size=1)):
        chosen[name] = {Role.REGISTRY}
    return [f"{name} {','.join(sorted(roles))}" for name, roles in sorted(chosen.items())]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    zones = {}
    for zone in (".", *REGISTRIES):
        nodes = draw(st.dictionaries(_node, st.booleans(), max_size=5))
        described = {node + "!" * (ends and node != "."): draw(_grants(zone)) for node, ends in nodes.items()}
        zones[zone] = ZoneSpec(described, (LOCAL,) if zone == "r.example" else ())
    zones["."] = ZoneSpec(zones["."].nodes, (*MSPS, *REGISTRIES))
    return World(zones)


@dataclass(frozen=True)
class Words:
    """What one authority says about whatever it is asked: the kinds of statement, and how it then stands."""

    kinds: tuple[str, ...]
    standing: Standing


WORDS = (
    Words((), Standing.MISSING),
    Words(("assertion",), Standing.ASSERTED),
    Words(("denial",), Standing.DENIED),
    Words(("block",), Standing.ASSERTED),
    Words(("assertion", "denial"), Standing.DENIED),  # the denial is issued later
    Words(("late assertion", "denial"), Standing.ASSERTED),
    Words(("block", "denial"), Standing.DENIED),
)
said = st.fixed_dictionaries({name: st.sampled_from(WORDS) for name in (*MSPS, LOCAL)})


def wires_of(name: str, words: Words, csi: str, roles: set[Role]) -> list[bytes]:
    """Return what an authority says in the roles it was granted."""
    owner, wires = number(csi), []
    for kind in words.kinds if Role.MSP in roles else ():
        if kind == "denial":
            wires.append(denial(owner, name))
        elif kind == "block":
            wires.append(block("+", name, lengths=(len(csi) - 1,)))
        else:
            wires.append(assertion(owner, name, issued=-5 if kind.startswith("late") else -50))
    if words.kinds:
        wires += [denial(owner, name, role) for role in sorted(roles - {Role.MSP, Role.REGISTRY})]
    return wires


def owed(world: World, csi: str) -> set[Row]:
    """Say who is to be heard about a number."""
    rows: set[Row] = set()

    def visit(zone: str, node: str) -> None:
        rows.add((zone, Role.REGISTRY))
        found = []
        for text, grants in world.zones[zone].nodes.items():
            prefix = text.rstrip("!") if text != "." else ""
            if csi.startswith(prefix) and prefix.startswith(node):
                found.append((prefix, text.endswith("!"), grants))
        found.sort()
        for at in range(len(found)):
            if any(ends for _, ends, _ in found[at + 1 :]):
                continue
            for grant in found[at][2]:
                name, roles = grant.split()
                for role in roles.split(","):
                    if role != "registry":
                        rows.add((name, Role(role)))
                    elif len(found[at][0]) > len(node):
                        visit(name, found[at][0])

    visit(".", "")
    return rows


def standings(world: World, csi: str, words: Mapping[str, Words]) -> dict[Row, Standing]:
    """Say how everybody stands who is to be heard."""
    rows: dict[Row, Standing] = {}
    for name, role in owed(world, csi):
        if role is Role.REGISTRY:
            rows[name, role] = Standing.REFERRED
        elif role is Role.MSP or not words[name].kinds:
            rows[name, role] = words[name].standing
        else:
            rows[name, role] = Standing.DENIED
    return rows


def proof_of(world: World, csi: str, words: Mapping[str, Words]) -> list[bytes]:
    """Return everything that all zones say, and what the authorities say about the number."""
    granted: dict[str, set[Role]] = {}
    for name, role in sorted(owed(world, csi)):
        granted.setdefault(name, set()).add(role)
    spoken = [wires_of(name, words[name], csi, roles) for name, roles in granted.items() if name in words]
    return [*world.wires(), *(wire for wires in spoken for wire in wires)]
