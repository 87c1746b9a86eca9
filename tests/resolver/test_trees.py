"""Several trees under one resolver: who is asked, what is believed, what each client can check."""

import pytest
import trio

from resolver.answer import OUR_TYPES, Answer, Case
from resolver.cache import Stores
from resolver.policy import Policy, Tree
from resolver.proven.memory import MemoryProven
from resolver.service import ResolverService
from resolver.stub import Stub, Tries
from resolver.trees import Trees
from root.engine import Engine
from root.service import Service
from root.signing import Signing, sign_listings
from tests.resolver.small import ALICE, small
from tests.virtual import virtual
from tests.world import APEX, RESOLVER, Host, World, key_of
from transport.handler import Handler
from zonedata.identifiers import node_from_text, parse
from zonedata.judgement import Outcome, judge
from zonedata.kinds import Kind, Role
from zonedata.life import Life
from zonedata.listings import Listing
from zonedata.opening import Claim, Step, read_claim
from zonedata.packets import Packets
from zonedata.person_statements import Denial, Status
from zonedata.standing import Standing
from zonedata.statements import seal
from zonedata.store.memory import MemoryTables
from zonedata.trust import Trust
from zonedata.wire import FLAG_AD, QType, Rcode

LONDON = "+447700900123"


class Federation:
    """The small world, another tree beside it, and a resolver that believes both."""

    def __init__(self, party: str = "gamma.example", *, same_keys: bool = False) -> None:
        self.one = small()
        self.two = World(beside=self.one, same_keys=same_keys)
        self.party = party
        self.delegate(self.two, "+1", party)
        self.has(self.two, party, ALICE)

    def delegate(self, world: World, node: str, party: str) -> None:
        world.zones["."].lines += world.binding_lines(party)
        world.delegate(".", f"delegate {node} {party} msp")
        world.holds.setdefault(party, [])

    def has(self, world: World, party: str, csi: str) -> None:
        world.holds[party].append(Listing(1, parse(csi).owner, f"mimi://{party}/u/1", ()))

    @property
    def tree_ids(self) -> tuple[str, str]:
        return self.one.anchor.tree.hex(), self.two.anchor.tree.hex()

    def start(self, nodes_one: str = ".", nodes_two: str = ".") -> ResolverService:
        for world in (self.one, self.two):
            world.publish()
        policy = Policy(
            Tree(name, world.anchor, tuple(node_from_text(text) for text in nodes.split()))
            for name, world, nodes in (("one", self.one, nodes_one), ("two", self.two, nodes_two))
        )
        packets = Packets()
        stores = {tree.trust.tree: Stores(packets, MemoryProven(tree.trust.tree)) for tree in policy.trees}
        trees = Trees(policy, self.one.network, self.one.clock, self.one.settings, stores)
        resolver = ResolverService(trees, self.one.network, self.one.clock, self.one.settings)
        self.one.network.hosts[RESOLVER] = Host("resolver", resolver.handle, latency=0.001)
        return resolver

    async def ask(self, csi: str, *anchors: Trust, qtype: QType = QType.PROOF) -> Answer:
        first, beside = (anchors[0], anchors[1:]) if anchors else (None, ())
        tries = Tries(seconds=8.0, count=1)
        stub = Stub([RESOLVER], self.one.network, self.one.clock, APEX, first, tries, beside)
        return await stub.lookup(parse(csi), qtype)

    async def ask_with_all(self, csi: str) -> Answer:
        return await self.ask(csi, self.one.anchor, self.two.anchor)


def shown(answer: Answer) -> list[bytes]:
    assert answer.via.reply is not None
    return [record.rdata for record in answer.via.reply.records if record.rtype in OUR_TYPES]


@virtual
async def test_both_trees_are_asked_and_each_says_what_is_its_own() -> None:
    made = Federation()
    made.start()
    answer = await made.ask_with_all(ALICE)
    one, two = made.tree_ids
    assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True)
    assert {(reach.tree, reach.msp) for reach in answer.reaches} == {(one, "alpha.example"), (two, "gamma.example")}
    assert {(row.tree, row.authority, row.standing) for row in answer.rows} == {
        (one, ".", Standing.REFERRED),
        (one, "alpha.example", Standing.ASSERTED),
        (one, "beta.example", Standing.DENIED),
        (two, ".", Standing.REFERRED),
        (two, "gamma.example", Standing.ASSERTED),
    }
    assert {(word.tree, word.outcome, word.complete) for word in answer.trees} == {
        (one, Outcome.FOUND, True),
        (two, Outcome.FOUND, True),
    }
    assert answer.case is Case.SEVERAL_MAPPINGS
    assert answer.unverified == ()
    statuses = [c.statement for w in shown(answer) if isinstance(c := read_claim(w), Claim)]
    assert {s.tree.hex() for s in statuses if isinstance(s, Status)} == {one, two}


@virtual
async def test_a_client_with_one_anchor_judges_that_tree_and_names_the_other() -> None:
    made = Federation()
    made.start()
    for mine, other in ((made.one, made.two), (made.two, made.one)):
        answer = await made.ask(ALICE, mine.anchor)
        assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True)
        assert {reach.tree for reach in answer.reaches} == {mine.anchor.tree.hex()}
        assert answer.unverified == (other.anchor.tree.hex(),)


@virtual
async def test_a_client_without_an_anchor_is_told_of_both() -> None:
    made = Federation()
    made.start()
    believed, judged = await made.ask(ALICE), await made.ask_with_all(ALICE)
    assert believed.verified is None
    assert {*believed.reaches} == {*judged.reaches}
    assert {*believed.rows} == {*judged.rows}
    assert (believed.outcome, believed.complete) == (Outcome.FOUND, True)


@virtual
async def test_the_csi_question_gets_what_both_accept() -> None:
    made = Federation()
    made.start()
    answer = await made.ask(ALICE, qtype=QType.CSI)
    assert {reach.msp for reach in answer.reaches} == {"alpha.example", "gamma.example"}
    assert answer.via.reply is not None
    assert answer.via.reply.flags & FLAG_AD


@virtual
async def test_the_longest_node_decides_who_is_asked_and_the_other_cannot_speak() -> None:
    """The first tree claims +44, which is the second one's."""
    made = Federation()
    made.delegate(made.one, "+44", "thief.example")
    made.has(made.one, "thief.example", LONDON)
    made.delegate(made.two, "+44", "delta.example")
    made.start(nodes_one=".", nodes_two="+44")
    answer = await made.ask(LONDON, made.two.anchor)
    assert (answer.outcome, answer.complete, answer.verified) == (Outcome.NONE, True, True)
    assert {packet.host for packet in made.one.network.packets} == {"resolver", ".", "delta.example"}
    assert answer.unverified == (), "the first tree is not asked, and so not reported on"
    made.one.network.packets.clear()
    mine = await made.ask(ALICE, made.one.anchor)
    assert {reach.msp for reach in mine.reaches} == {"alpha.example"}
    assert "gamma.example" not in {packet.host for packet in made.one.network.packets}


@virtual
async def test_what_a_tree_says_where_it_does_not_speak_cannot_be_slipped_in() -> None:
    """A resolver shows what the second tree says about +1, to somebody who believes the first."""
    made = Federation()
    made.start()
    answer = await made.ask_with_all(ALICE)
    wires = [w for w in shown(answer) if w[0] != Kind.STATUS]
    judged = judge(parse(ALICE).owner, made.one.anchor, wires, made.one.clock.now())
    assert {refusal.step for refusal in judged.refusals} == {Step.TREE}
    assert {finding.authority for finding in judged.found} <= {"alpha.example"}


@virtual
async def test_the_same_zone_key_in_two_trees_lets_neither_speak_for_the_other() -> None:
    made = Federation(same_keys=True)
    assert made.one.anchor.tree != made.two.anchor.tree
    assert made.one.anchor.rootkeys.zone_keys == made.two.anchor.rootkeys.zone_keys
    made.start()
    answer = await made.ask_with_all(ALICE)
    assert (answer.complete, answer.verified) == (True, True)
    wires = [w for w in shown(answer) if w[0] != Kind.STATUS]
    for mine, theirs in ((made.one, "alpha.example"), (made.two, "gamma.example")):
        judged = judge(parse(ALICE).owner, mine.anchor, wires, mine.clock.now())
        assert {finding.authority for finding in judged.found} <= {theirs}
        assert {refusal.step for refusal in judged.refusals} == {Step.TREE}


@virtual
async def test_one_msp_in_two_trees_is_shown_once_and_counts_in_both() -> None:
    made = Federation("alpha.example")
    made.two.holds["alpha.example"] = made.one.holds["alpha.example"]
    made.start()
    answer = await made.ask_with_all(ALICE)
    assert (answer.complete, answer.verified) == (True, True)
    assert sorted(reach.tree for reach in answer.reaches) == sorted(made.tree_ids)
    assert [w[0] for w in shown(answer)].count(Kind.ASSERTION) == 1
    assert answer.case is Case.ONE_MSP


@pytest.mark.parametrize("later", ["one", "two"])
@virtual
async def test_what_one_msp_said_at_two_times_is_no_contradiction(later: str) -> None:
    """One tree's part was found before the MSP signed anew, the other's after."""
    made = Federation("alpha.example")
    made.start()
    await trio.sleep(2)
    (made.one if later == "one" else made.two).publish()
    answer = await made.ask_with_all(ALICE)
    assert [w[0] for w in shown(answer)].count(Kind.ASSERTION) == 2
    assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True)


@virtual
async def test_two_of_one_name_with_keys_of_their_own_in_two_trees() -> None:
    made = Federation("alpha.example")
    theirs = {use: key_of(f"{use}-namesake").public.to_text() for use in ("assert", "deny")}
    made.two.zones["."].lines = [
        line for line in made.two.zones["."].lines if not line.startswith("key alpha.example")
    ] + [f"key alpha.example {use} {text}" for use, text in theirs.items()]
    made.start()
    made.two.host("alpha.example").handler = _namesake(made.two)
    answer = await made.ask_with_all(ALICE)
    assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True), answer.refusals
    assert sorted(reach.tree for reach in answer.reaches) == sorted(made.tree_ids)
    assert (await made.ask(ALICE, made.one.anchor)).verified


@virtual
async def test_what_is_added_behind_the_rest_leaves_nothing_unread_though_it_is_older() -> None:
    made = Federation()
    made.start()
    wires, now = shown(await made.ask_with_all(ALICE)), int(made.one.clock.now())
    lives = [Life(300, serial, now, now + 600) for serial in (1, 2)]
    denials = [Denial(one, parse(ALICE).owner, "alpha.example", Role.MSP) for one in lives]
    junk = [seal(one, key_of("eve")).to_wire() for one in denials]
    judged = judge(parse(ALICE).owner, made.one.anchor, [*wires, *junk], now)
    assert [finding.authority for finding in judged.found] == ["alpha.example"]
    assert [refusal.step for refusal in judged.refusals] == [Step.KEY] * 2


def _namesake(world: World) -> Handler:
    """Serve what alpha.example of a world holds, signed with the keys of somebody of its name."""
    now = int(world.clock.now())
    signing = Signing(key_of("assert-namesake"), now, now)
    entries = sign_listings(world.holds["alpha.example"], "alpha.example", [node_from_text("+")], signing)
    return Service(Engine(MemoryTables(entries), key_of("deny-namesake")), APEX).handle


@virtual
async def test_a_tree_that_is_down_leaves_the_rest_and_is_named() -> None:
    made = Federation()
    made.start()
    made.two.host(".").is_dead = True
    start = trio.current_time()
    answer = await made.ask_with_all(ALICE)
    one, two = made.tree_ids
    assert trio.current_time() - start < 5.5
    assert (answer.outcome, answer.complete) == (Outcome.FOUND, False)
    assert {reach.tree for reach in answer.reaches} == {one}
    assert [(row.tree, row.authority) for row in answer.rows if not row.standing.is_proven] == [(two, ".")]
    assert answer.errors == ((22, "two: no proof from: ."),)
    alone = await made.ask(ALICE, made.one.anchor)
    assert (alone.complete, alone.verified) == (True, True), "who believes the first alone lacks nothing"


@virtual
async def test_nothing_found_where_a_tree_is_down_is_no_absence() -> None:
    made = Federation()
    made.start()
    made.two.host(".").is_dead = True
    answer = await made.ask("+14155550199")
    assert (answer.outcome, answer.complete, answer.rcode) == (Outcome.INCOMPLETE, False, Rcode.NOERROR)
    assert (await made.ask("+14155550199", qtype=QType.CSI)).rcode == Rcode.SERVFAIL


@virtual
async def test_a_tree_that_was_silent_a_moment_ago_is_not_asked_again() -> None:
    made = Federation()
    made.start()
    made.two.host(".").is_dead = True
    await made.ask(ALICE)
    made.one.network.packets.clear()
    await made.ask(ALICE, qtype=QType.CSI)
    assert {packet.host for packet in made.one.network.packets} == {"resolver"}


@virtual
async def test_a_tree_left_out_is_missed_by_whoever_believes_it() -> None:
    """A client cannot tell a policy from a resolver that hides a tree."""
    made = Federation()
    made.start(nodes_two="+44")
    answer = await made.ask_with_all(ALICE)
    assert (answer.outcome, answer.complete) == (Outcome.FOUND, False)
    assert [row.tree for row in answer.rows if not row.standing.is_proven] == [made.tree_ids[1]]


@virtual
async def test_nobody_speaks() -> None:
    made = Federation()
    made.start("+49", "+44")
    answer = await made.ask(ALICE)
    assert (answer.outcome, answer.rcode) == (Outcome.INCOMPLETE, Rcode.REFUSED)
    assert answer.errors[0][1] == "not a name of any tree here"


@virtual
async def test_new_root_keys_of_one_tree_are_shown_with_the_proof() -> None:
    made = Federation()
    made.two.add_rootkeys()
    made.one.add_rootkeys()
    made.start()
    answer = await made.ask_with_all(ALICE)
    assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True)
    assert [w[0] for w in shown(answer)].count(Kind.ROOTKEYS) == 2


@virtual
async def test_a_resolver_of_one_tree_is_checked_with_two_anchors() -> None:
    made = Federation()
    made.start()
    resolver = ResolverService(made.one.anchor, made.one.network, made.one.clock, made.one.settings)
    made.one.network.hosts[RESOLVER].handler = resolver.handle
    answer = await made.ask_with_all(ALICE)
    assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, False, True)
    assert {word.tree: word.complete for word in answer.trees} == dict(
        zip(made.tree_ids, (True, False), strict=True)
    )
    plain = await made.ask(ALICE, made.one.anchor)
    assert (plain.trees, plain.unverified) == ((), ())
    assert {row.tree for row in plain.rows} == {""}
    assert {row.role for row in plain.rows} == {Role.REGISTRY, Role.MSP}


@virtual
async def test_why_somebody_is_silent_is_told_of_each_tree_by_itself() -> None:
    made = Federation("alpha.example")
    made.two.scopes["alpha.example"] = ["+44"]  # answers that this is not its own
    made.start()
    made.one.host("alpha.example").is_dead = True
    answer = await made.ask_with_all(ALICE)
    one, two = made.tree_ids
    assert {(row.tree, row.standing) for row in answer.rows if row.authority == "alpha.example"} == {
        (one, Standing.UNREACHABLE),
        (two, Standing.REFUSED),
    }
