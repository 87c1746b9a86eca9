"""Who is where: the zones of the demonstration, which authorities they grant what, which of these run.

Pure. Two zones: the root, with every real prefix outside the United Kingdom, and the registry `numbers.gb.example`
below it at +44, with every one inside. Five providers run; the real operators have keys and an address at which
nobody listens, so that asking them shows what an authority that is away looks like.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fingerpost.demo.carriers import Operator

ROOT = "."
REGISTRY = "numbers.gb.example"
REGISTRY_NODE = "+44"
ALPHA, BETA, GAMMA, DELTA, EPSILON = (f"{word}.example" for word in ("alpha", "beta", "gamma", "delta", "epsilon"))
LIVE = (ALPHA, BETA, GAMMA, DELTA, EPSILON)
VACANT = "vacant.example"  # granted, and no server of it runs


@dataclass(frozen=True, slots=True)
class Grant:
    """One authority at one node.

    Attributes:
        node: `+1415`, or `@example.com`.
        authority: Who.
        role: As what.
        deep: At a mail domain: whether it reaches subdomains too.
    """

    node: str
    authority: str
    role: str = "msp"
    deep: bool = False


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """One zone.

    Attributes:
        name: Whose, "." for the root.
        scope: Where it was granted itself; nothing for the root.
        grants: What it delegates.
        terminating: Nodes at which its shorter grants end.
        binds: Authorities whose keys and servers it names.
        above: Authorities that the zone above names.
    """

    name: str
    scope: tuple[str, ...]
    grants: tuple[Grant, ...]
    terminating: frozenset[str]
    binds: tuple[str, ...]
    above: tuple[str, ...] = ()

    def at(self) -> dict[str, list[Grant]]:
        """Return the grants by node."""
        found: dict[str, list[Grant]] = {}
        for grant in self.grants:
            found.setdefault(grant.node, []).append(grant)
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole tree.

    Attributes:
        root: The root zone.
        registry: The zone below it.
        areas: North American area codes in which people live, as `+1415`.
        stems: Ranges of a thousand elsewhere in which people live.
        titles: Name of each real operator, by authority.
    """

    root: ZonePlan
    registry: ZonePlan
    areas: tuple[str, ...]
    stems: tuple[str, ...]
    titles: dict[str, str]

    def nodes_of(self, authority: str) -> list[str]:
        """Return every node at which an authority is granted as MSP, ascending."""
        grants = (*self.root.grants, *self.registry.grants)
        return sorted({grant.node for grant in grants if grant.authority == authority and grant.role == "msp"})


ROOT_GRANTS = (
    Grant(REGISTRY_NODE, REGISTRY, "registry"),
    Grant("+1", ALPHA),
    *(Grant(f"+1{digit}", BETA) for digit in "234"),
    *(Grant(f"+1{digit}", GAMMA) for digit in "567"),
    *(Grant(f"+1{digit}", DELTA) for digit in "289"),
    Grant("+1415", BETA),
    Grant("+1415555", GAMMA),
    Grant("+14155550190", DELTA),  # a single ported number
    Grant("+4477009005", ALPHA),  # by the root itself, below the registry's node
    *(Grant(node, DELTA) for node in ("+4930", "+4940", "+4989", "+49221")),
    Grant("@example.com", ALPHA),
    Grant("@example.com", BETA),
    Grant("@example.org", BETA),
    Grant("@example.org", GAMMA),
    Grant("@example.net", GAMMA),
    Grant("@example.net", DELTA),
    Grant("@mail.example", ALPHA),
    Grant("@mail.example", DELTA),
    Grant("@solo.example", ALPHA),
    Grant("@school.example", DELTA, deep=True),
    Grant("@school.example", BETA),
    Grant("@vacant.example", VACANT),
    Grant("@vacant.example", ALPHA),
)
REGISTRY_GRANTS = (
    Grant("+44", BETA),
    Grant("+4411", DELTA),
    *(Grant(f"+441{digit}", EPSILON) for digit in "2345"),
    Grant("+441632960", DELTA),
    Grant("+441632960", EPSILON),
    Grant("+4416329609", VACANT),
    Grant("+442079460", GAMMA),
    Grant("+442079460148", EPSILON),  # a single ported number, inside a block of gamma.example
    Grant("+447700900", GAMMA),
    Grant("+447700900", EPSILON),
)
TERMINATING = frozenset({"+447700900"})  # kept for fiction: neither the real operator at +44770 nor beta is asked


def make_plan(real: Iterable[Operator], areas: tuple[str, ...], stems: tuple[str, ...]) -> Plan:
    """Lay real operators and the five providers out in the two zones.

    Args:
        real: Operators with their prefixes.
        areas: North American area codes in which people are to live.
        stems: Ranges of a thousand numbers elsewhere in which people are to live.
    """
    outside: list[Grant] = []
    inside: list[Grant] = []
    titles: dict[str, str] = {}
    for operator in real:
        titles[operator.authority] = operator.title
        for prefix in operator.prefixes:
            (inside if prefix.startswith(REGISTRY_NODE) else outside).append(Grant(prefix, operator.authority))
    root_grants = (*ROOT_GRANTS, *outside)
    registry_grants = (*REGISTRY_GRANTS, *inside)
    bound_above = _authorities(root_grants)
    below = _authorities(registry_grants)
    return Plan(
        ZonePlan(ROOT, (), root_grants, frozenset(), bound_above),
        ZonePlan(
            REGISTRY,
            (REGISTRY_NODE,),
            registry_grants,
            TERMINATING,
            tuple(name for name in below if name not in bound_above),
            tuple(name for name in below if name in bound_above),
        ),
        areas,
        stems,
        titles,
    )


def _authorities(grants: Iterable[Grant]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(grant.authority for grant in grants))
