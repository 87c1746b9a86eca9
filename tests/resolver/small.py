"""A small world that most tests of the resolver stand in."""

from tests.virtual import in_world
from tests.world import World
from zonedata.identifiers import parse
from zonedata.listings import Listing

ALICE = "+14155550123"


def small() -> World:
    """+1 at alpha and beta; alpha has Alice."""
    made = World()
    for party in ("alpha.example", "beta.example"):
        made.zones["."].lines += made.binding_lines(party)
        made.delegate(".", f"delegate +1 {party} msp")
        made.holds[party] = []
    made.holds["alpha.example"].append(Listing(1, parse(ALICE).owner, "mimi://alpha.example/u/1", ("e2ee",)))
    return made


in_small_world = in_world(small)
