"""Vectors of whole proofs: verification steps 8 to 11, and proofs in which something is not shown.

Each faulty proof comes with `repair`: the records to leave out, and those to add in their place.
"""

from collections.abc import Sequence
from typing import Any

from tests.zonedata.builders import (
    NOW,
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
from zonedata import identifiers
from zonedata.kinds import Role
from zonedata.names import ROOT
from zonedata.opening import Step

Vector = dict[str, Any]
CSI = "+14155550123"
SUBDOMAIN = "a@sub.example.com"
OWNER = number(CSI)
ALPHA, BETA, REG = "alpha.example", "beta.example", "reg.example"
MSPS = (ALPHA, BETA)
INCOMPLETE = "incomplete"


def _vector(
    name: str,
    description: str,
    expect: Step | str,
    records: Sequence[bytes],
    *,
    remove: Sequence[bytes] = (),
    add: Sequence[bytes] = (),
    csi: str = CSI,
) -> Vector:
    return {
        "name": name,
        "description": description,
        "expect": expect if isinstance(expect, str) else int(expect),
        "anchor": "main",
        "now": NOW,
        "csi": csi,
        "records": [record.hex() for record in records],
        "repair": {"remove": [records.index(record) for record in remove], "add": [record.hex() for record in add]},
    }


def _root(*grants: str, serial: int = 1, more: dict[str, list[str]] | None = None) -> World:
    return World({".": ZoneSpec({"+1": list(grants)} | (more or {}), MSPS)}, serial)


def _sound() -> list[Vector]:
    world = _root("alpha.example msp", more={"+1415": ["beta.example csip,msp"]})
    told = [assertion(OWNER, ALPHA), denial(OWNER, BETA), denial(OWNER, BETA, Role.CSIP)]
    registry = World(
        {
            ".": ZoneSpec({"+1": ["reg.example registry", "alpha.example msp"]}, (*MSPS, REG)),
            REG: ZoneSpec({"+1415": ["gamma.example msp"]}, ("gamma.example",)),
        }
    )
    ending = _root("alpha.example msp", more={"+1415!": ["beta.example msp"]})
    absent = denial(OWNER, ALPHA)
    mail = World({".": ZoneSpec({"@example.com": ["alpha.example msp deep"]}, MSPS)})
    return [
        _vector("found-and-denied", "Two authorities, one asserts, one denies.", "ok", [*world.wires(), *told]),
        _vector(
            "through-a-registry",
            "A registry binds and grants an authority of its own.",
            "ok",
            [*registry.wires(), absent, block("+1415", "gamma.example")],
        ),
        _vector(
            "terminating",
            "At +1415 the root zone drops its own shorter grants: alpha.example owes nothing.",
            "ok",
            [*ending.wires(), assertion(OWNER, BETA)],
        ),
        _vector("nobody-granted", "No delegation reaches this number.", "ok", _root().wires(), csi="+442071234567"),
        _vector(
            "mail-without-grant", "A mail domain that is not delegated.", "ok", mail.wires(), csi="a@example.org"
        ),
        _vector(
            "deep-mail",
            "A deep grant reaches a subdomain.",
            "ok",
            [*mail.wires(), denial(identifiers.parse(SUBDOMAIN).owner, ALPHA)],
            csi=SUBDOMAIN,
        ),
    ]


def _scope() -> list[Vector]:
    zones = _root("alpha.example msp").wires()
    good = assertion(OWNER, ALPHA)
    neighbour = number("+14155550124")

    def vector(name: str, description: str, bad: bytes, instead: bytes = good) -> Vector:
        return _vector(name, description, Step.SCOPE, [*zones, bad], remove=[bad], add=[instead])

    checked = [*_root("alpha.example msp", "beta.example validator").wires(), good]
    issued = [*_root("alpha.example msp", "beta.example csip").wires(), good]
    no_msp = _root("alpha.example csip").wires()
    uttered = assertion(OWNER, ALPHA)
    loop = ZoneSpec({"+1": ["low.example registry"]}, ("low.example",))
    stuck = World({".": ZoneSpec({"+1": ["reg.example registry"]}, (*MSPS, REG)), REG: loop})
    freed = World({".": stuck.zones["."], REG: ZoneSpec({}, ("low.example",))})
    return [
        vector(
            "denial-for-another-owner",
            "It denies the number beside.",
            denial(neighbour, ALPHA),
            denial(OWNER, ALPHA),
        ),
        vector("assertion-for-another-owner", "It asserts the number beside.", assertion(neighbour, ALPHA)),
        vector("block-beside", "A block for another prefix.", block("+1416", ALPHA), block("+1415", ALPHA)),
        vector(
            "block-excepts",
            "A block that lists the number among its exceptions.",
            block("+1415", ALPHA, exceptions=["5550"]),
            block("+1415", ALPHA, exceptions=["5551"]),
        ),
        vector("block-of-other-lengths", "A block for numbers of 10 digits.", block("+1415", ALPHA, lengths=[10])),
        *(
            _vector(name, description, Step.SCOPE, [*shown, bad], remove=[bad], add=[instead])
            for name, description, shown, bad, instead in (
                (
                    "validation-for-another-owner",
                    "A validator vouches for the holder of the number beside.",
                    checked,
                    validation(neighbour, BETA, "eve"),
                    validation(OWNER, BETA, "eve"),
                ),
                (
                    "mapping-for-another-owner",
                    "A validator shows its recipient's mapping of the number beside.",
                    [*checked, validation(OWNER, BETA, "ann")],
                    mapping(neighbour, "ann", ALPHA),
                    mapping(OWNER, "ann", ALPHA),
                ),
                (
                    "revocation-for-another-owner",
                    "A CSIP revokes the number beside.",
                    issued,
                    revocation(neighbour, BETA),
                    denial(OWNER, BETA, Role.CSIP),
                ),
                (
                    "revocation-beside",
                    "A CSIP revokes another block.",
                    issued,
                    revocation(number("+1416"), BETA, is_block=True),
                    revocation(number("+1415"), BETA, is_block=True),
                ),
            )
        ),
        _vector(
            "assertion-of-no-msp",
            "An assertion by an authority that is csip only.",
            Step.SCOPE,
            [*no_msp, uttered],
            remove=[uttered],
            add=[denial(OWNER, ALPHA, Role.CSIP)],
        ),
        _vector(
            "registry-at-its-own-node",
            "A registry grants `registry` at its own node; registries are granted strictly below.",
            Step.SCOPE,
            stuck.wires(),
            remove=stuck.zone(REG).wires(),
            add=freed.zone(REG).wires(),
        ),
    ]


def _order() -> list[Vector]:
    old = _root("alpha.example msp")
    new = _root("alpha.example msp", serial=2, more={"+1415": ["beta.example msp"]})
    told = [assertion(OWNER, ALPHA), assertion(OWNER, BETA)]
    zone = old.zone(".")
    stale_gap = next(zone.seal(gap).to_wire() for gap in zone.gaps() if gap.first == number("+1"))
    latest = [
        wire
        for statement, wire in zip(new.zone(".").statements(), new.wires(), strict=True)
        if getattr(statement, "first", None) != number("+1415")
    ]
    fresh = [wire for wire in new.wires() if wire not in latest]
    stale_delegation = zone.seal(zone.delegation("+1")).to_wire()
    shown = [*new.wires(), *told]
    replayed = assertion(OWNER, ALPHA, serial=1, ssi="mimi://alpha.example/u/before")
    current = assertion(OWNER, ALPHA, serial=2)
    zones = old.wires()
    denied = [denial(OWNER, ALPHA, serial=2), denial(OWNER, ALPHA, serial=1)]
    blocks = [block("+1415", ALPHA), block("+14", ALPHA, serial=9)]
    return [
        _vector(
            "gap-over-a-newer-delegation",
            "An older gap from +1 on, in which +1415 has since been delegated.",
            Step.ORDER,
            [*latest, *told, stale_gap],
            remove=[stale_gap],
            add=fresh,
        ),
        _vector(
            "delegation-replayed",
            "The delegation at +1 of serial 1 beside that of serial 2.",
            Step.ORDER,
            [*shown, stale_delegation],
            remove=[stale_delegation],
        ),
        _vector(
            "assertion-replayed",
            "An assertion of serial 1 after one of serial 2.",
            Step.ORDER,
            [*zones, current, replayed],
            remove=[replayed],
        ),
        _vector(
            "denial-replayed",
            "A denial of serial 1 after one of serial 2.",
            Step.ORDER,
            [*zones, *denied],
            remove=denied[1:],
        ),
        _vector(
            "shorter-block",
            "A shorter block after a longer one of the same provider.",
            Step.ORDER,
            [*zones, *blocks],
            remove=blocks[1:],
        ),
    ]


def _binding() -> list[Vector]:
    spec = ZoneSpec({"+1415": ["alpha.example msp"]}, (ALPHA,))
    root = ZoneSpec({"+1": ["reg.example registry"]}, (*MSPS, REG))
    thief = World({".": root, REG: spec})
    honest = World({".": root, REG: ZoneSpec(spec.nodes)})
    ghost = _root("ghost.example msp")
    bound = World({".": ZoneSpec({"+1": ["ghost.example msp"]}, (*MSPS, "ghost.example"))})
    told = assertion(OWNER, ALPHA)
    return [
        _vector(
            "registry-binds-anothers-name",
            "A registry binds alpha.example, which the root zone has bound; the root's keys count.",
            Step.BINDING,
            [*thief.wires(), told],
            remove=thief.zone(REG).wires(),
            add=honest.zone(REG).wires(),
        ),
        _vector(
            "name-without-binding",
            "ghost.example is granted, and the gaps show that no zone binds it.",
            Step.BINDING,
            ghost.wires(),
            remove=ghost.wires(),
            add=[*bound.wires(), denial(OWNER, "ghost.example")],
        ),
    ]


def _path() -> list[Vector]:
    world = World(
        {
            ".": ZoneSpec(
                {"+1": ["alpha.example msp", "reg.example registry"], "+1415": ["beta.example msp"]},
                (*MSPS, REG, "gamma.example"),
            ),
            REG: ZoneSpec({"+141": ["gamma.example msp"]}),
        }
    )
    told = [assertion(OWNER, ALPHA), denial(OWNER, "gamma.example"), denial(OWNER, BETA)]
    whole = [*world.wires(), *told]
    root, registry = world.zone("."), world.zone(REG)
    last = next(root.seal(gap).to_wire() for gap in root.gaps() if gap.first == number("+1415"))
    short = root.seal(root.gap(number("+1415"), number("+14155550123"), (2, 5))).to_wire()
    counting = root.seal(root.gap(number("+1415"), ROOT, (2, 3, 5))).to_wire()
    newer = World(world.zones, 2).zone(".")
    shorter = newer.seal(newer.delegation("+1")).to_wire()
    uncounted = root.seal(root.gap(number("+1415"), ROOT, (5,))).to_wire()

    def without(name: str, description: str, hidden: bytes, expect: Step | str = Step.PATH) -> Vector:
        return _vector(name, description, expect, [wire for wire in whole if wire != hidden], add=[hidden])

    def instead(name: str, description: str, expect: Step | str, bad: Sequence[bytes], *taken: bytes) -> Vector:
        shown = [*(wire for wire in whole if wire not in taken), *bad]
        return _vector(name, description, expect, shown, remove=bad, add=taken)

    return [
        _vector("whole-path", "Everything is shown.", "ok", whole),
        without(
            "hidden-node", "The delegation at +1415 is left out.", root.seal(root.delegation("+1415")).to_wire()
        ),
        without(
            "hidden-shorter-node", "The delegation at +1 is left out.", root.seal(root.delegation("+1")).to_wire()
        ),
        without("hidden-gap", "The root zone's gap is left out.", last, INCOMPLETE),
        without(
            "hidden-authority",
            "The AUTHORITY of beta.example is left out.",
            root.seal(root.authority(BETA)).to_wire(),
            INCOMPLETE,
        ),
        without(
            "hidden-registry-gap",
            "The gap of the registry on the path is left out.",
            next(registry.seal(gap).to_wire() for gap in registry.gaps() if gap.first == number("+141")),
            INCOMPLETE,
        ),
        without(
            "hidden-registry-node",
            "The delegation of the registry on the path is left out.",
            registry.seal(registry.delegation("+141")).to_wire(),
        ),
        without("hidden-assertion", "What alpha.example says is left out.", told[0], INCOMPLETE),
        instead(
            "denial-in-another-role",
            "beta.example denies as csip, and was granted msp only: passed over, so it owes its word.",
            INCOMPLETE,
            [denial(OWNER, BETA, Role.CSIP)],
            told[2],
        ),
        _vector(
            "denial-in-more-roles",
            "beta.example denies as csip, too, and was granted msp only.",
            "ok",
            [*whole, denial(OWNER, BETA, Role.CSIP)],
        ),
        instead("gap-that-stops-short", "The gap ends at the very number.", INCOMPLETE, [short], last),
        instead(
            "gap-that-counts-too-much",
            "The gap names a delegation at +14 that is not shown.",
            Step.PATH,
            [counting],
            last,
        ),
        instead(
            "gap-that-counts-too-little",
            "An older gap does not count +1, which has since been delegated.",
            INCOMPLETE,
            [uncounted, shorter],
            last,
            root.seal(root.delegation("+1")).to_wire(),
        ),
    ]


def vectors() -> list[Vector]:
    """Return every vector, in the order of the steps."""
    return [*_sound(), *_scope(), *_order(), *_binding(), *_path()]
