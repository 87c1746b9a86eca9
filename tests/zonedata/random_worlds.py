"""Random trees over few digits, what their authorities say, and an independent model of what is owed.

The model speaks of texts such as `+121` and knows nothing of names, gaps, keys or octets: it says who is to be
heard about a number, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.zonedata.builders import (
    World,
    ZoneSpec,
    assertion,
    block,
    denial,
    mapping,
    number,
    revocation,
    validation,
)
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


# --- who vouches for whom ----------------------------------------------------------------------------------

MAPPINGS: dict[str, tuple[tuple[str, ...], ...]] = {  # by recipient, the MSPs of serials 1, 2 and 3
    "ann": (("a.example",), ("b.example Business", "c.example", LOCAL), ()),
    "eve": (("b.example", "c.example"), (), ("a.example Default", "b.example", "c.example", LOCAL)),
}
RELEASED = ("ann", 3)  # the mapping by which she gives the number up; that of eve without MSPs is an opt-out


@dataclass(frozen=True)
class Vouching:
    """What one authority says as validator and as CSIP, and whom it names as MSP.

    Attributes:
        names: Whose key its assertions name, or "".
        vouches: For whom; "" denies, "-" says nothing.
        since: Of that, in seconds from now; proven anew `executed`.
        executed: As said.
        serial: Of the newest mapping that it knows and shows, 0 for none.
        revokes: The instant before which it revokes, in seconds from now; 0 denies, 1 says nothing.
        is_block: Whether it revokes a block.
    """

    names: str
    vouches: str
    since: int
    executed: int
    serial: int
    revokes: int
    is_block: bool

    def as_validator(self, name: str, csi: str) -> list[bytes]:
        """Return what it says as validator."""
        if self.vouches not in MAPPINGS:
            return [denial(number(csi), name, Role.VALIDATOR)] if self.vouches != "-" else []
        said = validation(
            number(csi), name, self.vouches, since=self.since, executed=self.executed, mapping=self.serial
        )
        if self.serial == 0:
            return [said]
        entries = MAPPINGS[self.vouches][self.serial - 1]
        is_released = (self.vouches, self.serial) == RELEASED
        shown = mapping(number(csi), self.vouches, *entries, serial=self.serial, is_released=is_released)
        return [said, shown]

    def as_csip(self, name: str, csi: str) -> list[bytes]:
        """Return what it says as CSIP."""
        if self.revokes >= 0:
            return [denial(number(csi), name, Role.CSIP)] if self.revokes == 0 else []
        node = number(csi[:2] if self.is_block else csi)
        return [revocation(node, name, before=self.revokes, is_block=self.is_block, issued=-5)]


_people = st.sampled_from(["ann", "eve"])
_vouching = st.builds(
    lambda names, vouches, since, proven, serial, revokes, is_block: Vouching(
        names, vouches, since, max(since, proven), serial, revokes, is_block
    ),
    st.one_of(_people, st.just("")),
    st.one_of(_people, _people, st.sampled_from(["", "-"])),
    st.sampled_from([-900, -700, -300, -20]),
    st.sampled_from([-900, -300, -15]),
    st.integers(0, 3),
    st.sampled_from([1, 0, 0, 0, -600, -300, -20]),
    st.booleans(),
)
vouched = st.fixed_dictionaries(dict.fromkeys((*MSPS, LOCAL), _vouching))
CROWD = World(  # in which everybody has a say about every number, some of them in two roles
    {
        ".": ZoneSpec(
            {
                f"+{digit}": [
                    "a.example msp",
                    "b.example msp,validator",
                    "c.example csip,msp",
                    "r.example registry",
                ]
                for digit in "12"
            },
            (*MSPS, *REGISTRIES),
        ),
        "r.example": ZoneSpec(
            {f"+{digit}": ["c.example validator", f"{LOCAL} msp,validator"] for digit in ("1", "11", "2", "22")},
            (LOCAL,),
        ),
        "s.example": ZoneSpec(),
    }
)
crowds = st.one_of(worlds(), st.just(CROWD))


def wires_of(name: str, words: Words, csi: str, roles: set[Role], vouching: Vouching | None = None) -> list[bytes]:
    """Return what an authority says in the roles it was granted."""
    owner, wires = number(csi), []
    for kind in words.kinds if Role.MSP in roles else ():
        if kind == "denial":
            wires.append(denial(owner, name))
        elif kind == "block":
            wires.append(block("+", name, lengths=(len(csi) - 1,)))
        else:
            whose = vouching.names if vouching is not None else ""
            wires.append(assertion(owner, name, issued=-5 if kind.startswith("late") else -50, whose=whose))
    if vouching is not None:
        wires += vouching.as_validator(name, csi) if Role.VALIDATOR in roles else []
        wires += vouching.as_csip(name, csi) if Role.CSIP in roles else []
    elif words.kinds:
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


def proof_of(
    world: World, csi: str, words: Mapping[str, Words], vouching: Mapping[str, Vouching] | None = None
) -> list[bytes]:
    """Return everything that all zones say, and what the authorities say about the number."""
    more = vouching or {}
    granted: dict[str, set[Role]] = {}
    for name, role in sorted(owed(world, csi)):
        granted.setdefault(name, set()).add(role)
    parties = [(name, roles) for name, roles in granted.items() if name in words]
    spoken = [wires_of(name, words[name], csi, roles, more.get(name)) for name, roles in parties]
    return [*world.wires(), *(wire for wires in spoken for wire in wires)]
