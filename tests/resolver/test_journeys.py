"""The recipient's seven journeys (J1 to J7), through the real parties: who picks what, and why."""

import trio

from resolver.answer import Answer, Case
from resolver.choice import Choice, Context, Why, choose
from tests.virtual import in_world
from tests.world import World, key_of
from zonedata.identifiers import parse
from zonedata.kinds import Role
from zonedata.listings import Listing
from zonedata.recipient_statements import recipient_of

ANN = "+14155550123"
MSPS = ALPHA, BETA, GAMMA = "alpha.example", "beta.example", "gamma.example"


def at_three() -> World:
    """Ann's number at three MSPs, whose listings name her key; check.example vouches."""
    made = World()
    for party, role in (*((msp, "msp") for msp in MSPS), ("check.example", "validator")):
        made.zones["."].lines += made.binding_lines(party)
        made.delegate(".", f"delegate +1 {party} {role}")
    made.roles["check.example"] = (Role.VALIDATOR,)
    for msp in MSPS:
        made.holds[msp] = [
            Listing(1, parse(ANN).owner, f"mimi://{msp}/u/ann", (), recipient_of(key_of("ann").public))
        ]
    made.validate("check.example", ANN, "ann")
    return made


in_three = in_world(at_three)


def picked(choice: Choice) -> tuple[str, Why]:
    return choice.pick.msp if choice.pick is not None else "", choice.why


async def mapped(world: World, *entries: str) -> Answer:
    """Ann says where she wants to be reached; then somebody looks her up."""
    world.map("ann", ANN, *entries)
    world.validate("check.example", ANN, "ann")
    await trio.sleep(301)  # what was said before has ended everywhere
    found = await world.ask(ANN)
    assert found.verified
    assert found.complete
    return found


@in_three
async def test_j1_found_on_one_app_only(world: World) -> None:
    found = await mapped(world, BETA)
    assert picked(choose(found, own_services=(ALPHA,))) == (BETA, Why.ONLY_ONE)
    assert found.case is Case.ONE_MSP
    assert [one.msp for one in found.reaches] == [BETA], "the others do not show"


@in_three
async def test_j2_found_on_the_app_that_the_sender_uses(world: World) -> None:
    found = await mapped(world, f"{ALPHA}=SameService", f"{BETA}=SameService", f"{GAMMA}=Default")
    assert picked(choose(found, own_services=(BETA,))) == (BETA, Why.SAME_SERVICE)
    assert picked(choose(found, own_services=(ALPHA,))) == (ALPHA, Why.SAME_SERVICE)
    assert picked(choose(found)) == (GAMMA, Why.DEFAULT)


@in_three
async def test_j3_never_in_a_random_one(world: World) -> None:
    first = choose(await mapped(world, ALPHA, BETA, GAMMA))
    assert first.why is Why.TIE_BREAK
    assert first.pick is not None
    for _ in range(3):
        assert choose(await mapped(world, ALPHA, BETA, GAMMA)).pick == first.pick
    walked = await world.walk(ANN)
    assert choose(walked).pick == first.pick, "whoever answers"
    others = [msp for msp in (ALPHA, BETA, GAMMA) if msp != first.pick.msp]
    kept = choose(await mapped(world, ALPHA, BETA, GAMMA), Context(earlier=f"mimi://{others[1]}/u/ann"))
    assert picked(kept) == (others[1], Why.KEPT)
    moved = choose(await mapped(world, *others), Context(earlier=first.pick.ssi))
    assert moved.pick is not None
    assert moved.pick.msp in others


@in_three
async def test_j4_no_copies_in_several(world: World) -> None:
    choice = choose(await world.ask(ANN))
    assert len(choice.candidates) == 3, "nothing mapped yet, and still there is one best"
    assert choice.pick == choice.candidates[0]
    choice = choose(await mapped(world, f"{ALPHA}=Work", f"{BETA}=Work", f"{GAMMA}=Work"), Context(tags=("Work",)))
    assert choice.pick == choice.candidates[0]


@in_three
async def test_j5_another_app_for_each_sender(world: World) -> None:
    found = await mapped(world, f"{ALPHA}=Default", f"{BETA}=Family,Sister", f"{GAMMA}=Work")
    assert picked(choose(found, Context(tags=("Sister", "Family")))) == (BETA, Why.TAG)
    assert picked(choose(found, Context(tags=("Work",)))) == (GAMMA, Why.TAG)
    assert picked(choose(found)) == (ALPHA, Why.DEFAULT)


@in_three
async def test_j6_another_app_for_a_closed_group(world: World) -> None:
    found = await mapped(world, f"{ALPHA}=Default", f"{BETA}=k7Gq", f"{GAMMA}=k7Gq")
    members = [choose(found, Context(group="k7Gq"), own) for own in ((), (ALPHA,), (BETA,), (GAMMA, BETA))]
    assert {member.pick for member in members} == {members[0].pick}
    assert members[0].tag == "k7Gq"
    assert picked(choose(found, Context(group="other"), (BETA,))) == (ALPHA, Why.DEFAULT)


@in_three
async def test_j7_another_app_for_business(world: World) -> None:
    found = await mapped(world, f"{ALPHA}=Personal", f"{BETA}=Business", f"{GAMMA}=Default")
    assert picked(choose(found, Context(tags=("Business",)))) == (BETA, Why.TAG)
    assert picked(choose(found, Context(tags=("Personal",)))) == (ALPHA, Why.TAG)
    assert {one.msp: one.tags for one in choose(found).candidates}[BETA] == ("Business",), "shown before it is used"


@in_three
async def test_a_further_account_changes_no_preference(world: World) -> None:
    before = choose(await mapped(world, f"{BETA}=Default"))
    after = choose(await mapped(world, f"{BETA}=Default", ALPHA, GAMMA), own_services=(ALPHA,))
    assert before.pick is not None
    assert after.pick is not None
    assert (before.pick.msp, after.pick.msp) == (BETA, BETA)


@in_three
async def test_an_msp_cannot_prefer_itself(world: World) -> None:
    owner, recipient = parse(ANN).owner, recipient_of(key_of("ann").public)
    loud = Listing(1, owner, f"mimi://{ALPHA}/u/ann", ("business", "default", "preferred"), recipient)
    quiet = choose(await mapped(world, ALPHA, BETA, GAMMA))
    world.holds[ALPHA] = [loud]
    world.publish()
    still = choose(await mapped(world, ALPHA, BETA, GAMMA), Context(tags=("business",)))
    assert quiet.pick is not None
    assert still.pick is not None
    assert (still.pick.msp, still.why) == (quiet.pick.msp, Why.TIE_BREAK)


@in_three
async def test_opted_out_leaves_nobody(world: World) -> None:
    assert picked(choose(await mapped(world), own_services=MSPS)) == ("", Why.NOBODY)


@in_three
async def test_silence_moves_no_messages(world: World) -> None:
    entries = f"{ALPHA}=Default", BETA, GAMMA
    first = choose(await mapped(world, *entries))
    assert picked(first) == (ALPHA, Why.DEFAULT)
    assert first.unsure == ()
    assert first.pick is not None
    world.host(ALPHA).is_dead = True
    await trio.sleep(301)
    later = choose(await world.ask(ANN), Context(earlier=first.pick.ssi))
    assert later.unsure == (ALPHA,), "the earlier pick is to be used until it is heard"
    world.host(ALPHA).is_dead = False
    world.host(BETA).is_dead = True
    await trio.sleep(301)
    assert picked(choose(await world.ask(ANN))) == (ALPHA, Why.DEFAULT)
    assert choose(await world.ask(ANN)).unsure == (), "whatever this one says"
