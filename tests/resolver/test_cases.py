"""The cases of requirement R5 on the wire: a plain DNS client tells them apart by what stands in a CSI reply.

It looks at ANSWER and AUTHORITY only, and at the statements' own text; it verifies nothing and needs no STATUS.
"""

from dataclasses import replace

import pytest

from resolver.answer import Case
from resolver.hearsay import Holder
from resolver.stub import Stub
from tests.resolver.fpdig.phonebook import leave_out, make_world
from tests.virtual import in_world
from tests.world import APEX, RESOLVER, World
from tests.zonedata.samples import SAMPLES
from zonedata import wire
from zonedata.identifiers import parse
from zonedata.kinds import Assurance, Kind
from zonedata.opening import Claim, read_claim
from zonedata.person_statements import Assertion
from zonedata.recipient_statements import Mapping, Validation
from zonedata.standing import Standing
from zonedata.wire import QType, Section

CASES = {
    "+81312345670": Case.NO_MAPPING,
    "+81312345671": Case.OPTED_OUT,
    "+81312345672": Case.ONE_MSP,
    "+81312345673": Case.SEVERAL_MSPS,
    "+81312345674": Case.SEVERAL_MAPPINGS,
    "+81312345675": Case.SEVERAL_MAPPINGS,  # two MSPs name two people
    "+14155550123": Case.ONE_MSP,  # without a mapping
    "+442079460124": Case.UNPROVEN,
    "+81312345676": Case.SEVERAL_MAPPINGS,  # two people are vouched for, and nobody says where they are
    "+81312345677": Case.SEVERAL_MAPPINGS,  # one is vouched for, and the only MSP that speaks names another
}
in_phonebook = in_world(make_world)


async def shown(world: World, text: str) -> tuple[int, dict[Section, list[str]], list[Claim]]:
    """The status, the kinds in each section, and what of ANSWER and AUTHORITY can be read."""
    stub = Stub([RESOLVER], world.network, world.clock, APEX)
    reply = (await stub.exchange(parse(text).owner, QType.CSI, wire.FLAG_RD)).reply
    assert reply is not None
    kinds: dict[Section, list[str]] = {section: [] for section in Section}
    claims = []
    for record in reply.records:
        read = read_claim(record.rdata) if record.rtype == QType.CSI else None
        kinds[record.section].append(read.statement.kind.name if isinstance(read, Claim) else "SOA")
        if isinstance(read, Claim):
            claims.append(read)
    return reply.rcode, kinds, claims


def case_of(rcode: int, answer: list[Claim]) -> Case:
    """What a client makes of it that can read statements, and knows no more than docs/protocol.md section 12."""
    said = [claim.statement for claim in answer]
    recipients = {one.recipient for one in said if isinstance(one, Validation | Assertion) and one.recipient}
    mappings = [one for one in said if isinstance(one, Mapping)]
    asserted = [one for one in said if isinstance(one, Assertion)]
    if rcode:
        return Case.UNPROVEN
    if len(recipients) > 1 or (not mappings and len(asserted) > 1):
        return Case.SEVERAL_MAPPINGS
    if not mappings:
        return Case.ONE_MSP if asserted else Case.NO_MAPPING
    return {0: Case.OPTED_OUT, 1: Case.ONE_MSP}.get(len(mappings[0].entries), Case.SEVERAL_MSPS)


@pytest.mark.parametrize("text", CASES)
def test_a_csi_reply_tells_the_case(text: str) -> None:
    @in_phonebook
    async def play(world: World) -> None:
        rcode, _, claims = await shown(world, text)
        assert case_of(rcode, claims) is CASES[text]
        assert (await world.ask(text)).case is CASES[text]

    play()


def test_an_opt_out_counts_when_everybody_has_spoken_only() -> None:
    @in_phonebook
    async def play(world: World) -> None:
        answer = await world.ask("+81312345671")
        assert answer.case is Case.OPTED_OUT
        assert replace(answer, complete=False).case is Case.UNPROVEN

    play()


@pytest.mark.parametrize("text", CASES)
def test_the_client_library_tells_it_too_from_the_bare_reply(text: str) -> None:
    @in_phonebook
    async def play(world: World) -> None:
        for qtype in (QType.CSI, QType.PROOF):
            believed = await world.ask(text, trust=False, qtype=qtype)
            assert believed.verified is None
            assert believed.case is CASES[text], qtype

    play()


@in_phonebook
async def test_the_sections_of_all_five_differ(world: World) -> None:
    laid_out = {}
    for text in list(CASES)[:6]:
        _, kinds, claims = await shown(world, text)
        entries = [len(one.statement.entries) for one in claims if isinstance(one.statement, Mapping)]
        laid_out[text[-1]] = sorted(kinds[Section.ANSWER]), sorted(set(kinds[Section.AUTHORITY])), entries
    assert laid_out == {
        "0": ([], ["DENIAL", "SOA"], []),
        "1": (["MAPPING", "VALIDATION"], ["DENIAL"], [0]),
        "2": (["ASSERTION", "MAPPING", "VALIDATION"], ["DENIAL"], [1]),
        "3": (["ASSERTION", "ASSERTION", "MAPPING", "VALIDATION"], ["DENIAL"], [2]),
        "4": (["ASSERTION", "MAPPING", "VALIDATION", "VALIDATION"], [], [1]),
        "5": (["ASSERTION", "VALIDATION"], ["ASSERTION", "DENIAL"], []),
    }


@in_phonebook
async def test_who_stands_is_told_before_who_contests_it(world: World) -> None:
    _, _, claims = await shown(world, "+81312345674")
    validations = [one.statement for one in claims if isinstance(one.statement, Validation)]
    assert [one.validator for one in validations] == ["check.example", "other.example"]
    believed = await world.ask("+81312345674", trust=False, qtype=QType.CSI)
    assert believed.recipient == validations[0].recipient
    assert [(row.authority, str(row.standing)) for row in believed.rows] == [("other.example", "contested")]


@in_phonebook
async def test_a_proof_without_its_report_says_nothing_of_absence_whoever_contests(world: World) -> None:
    world.network.hosts[RESOLVER].lies = leave_out(Kind.STATUS)
    believed = await world.ask("+81312345674", trust=False)
    assert believed.rows == ()
    assert not believed.complete


@in_phonebook
async def test_what_an_msp_says_of_somebody_else_is_not_found(world: World) -> None:
    for trust, qtype in ((True, QType.PROOF), (False, QType.PROOF), (False, QType.CSI)):
        found = await world.ask("+81312345675", trust=trust, qtype=qtype)
        assert [(reach.msp, reach.assurance) for reach in found.reaches] == [("alpha.example", Assurance.VALIDATED)]
        contested = [row.authority for row in found.rows if row.standing is Standing.CONTESTED]
        assert contested == ["beta.example"]


@in_phonebook
async def test_where_nobody_is_found_and_not_all_spoke_nothing_is_shown(world: World) -> None:
    world.host("alpha.example").is_dead = True
    rcode, kinds, _ = await shown(world, "+81312345674")
    assert rcode == wire.Rcode.SERVFAIL
    assert kinds[Section.ANSWER] == []


def test_a_holder_has_the_keys_they_had_before() -> None:
    said = SAMPLES[Kind.MAPPING]
    assert isinstance(said, Mapping)
    holder = Holder(said.recipient, replace(said, former=(bytes(32),)))
    assert [holder.has(named) for named in (said.recipient, bytes(32), bytes(31) + b"1", b"")] == [
        True,
        True,
        False,
        False,
    ]
