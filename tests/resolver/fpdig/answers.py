"""Answers made by hand, for what is pure."""

from dataclasses import replace

from resolver.answer import Answer, Reach, Row, Via
from resolver.asked import Asked, Purpose
from resolver.demand import demanding
from resolver.fpdig.options import DEFAULTS, Options, Question
from tests.zonedata.builders import assertion, block, forged, life
from transport.endpoint import Endpoint
from transport.handler import Protocol
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance, Kind, Role
from zonedata.opening import Claim, Refusal, Step, read_claim
from zonedata.replies import Received, Record
from zonedata.standing import Standing
from zonedata.wire import QType, Section

CSI = parse("+14155550123")
OTHER = parse("+14155550199")
EXPIRES = life(Kind.ASSERTION).expires
REFUSAL = Refusal(Step.SIGNATURE, Kind.ASSERTION, "alpha.example", "the signature does not verify")
UNREAD = Refusal(Step.ENVELOPE, None, "unknown", "envelope is cut short")
FOUND = Row("alpha.example", Role.MSP, Standing.ASSERTED)
SILENT = Row("beta.example", Role.MSP, Standing.UNREACHABLE)
REACH = Reach("alpha.example", "mimi://alpha.example/u/x", Assurance.ASSERTED, EXPIRES, ("e2ee",))


def claim(octets: bytes) -> Claim:
    read = read_claim(octets)
    assert isinstance(read, Claim)
    return read


def reply(
    *octets: bytes, rcode: int = 0, flags: int = 0x8180, errors: tuple[tuple[int, str], ...] = ()
) -> Received:
    records = tuple(Record(Section.ANSWER, QType.PROOF, 30, wire_octets) for wire_octets in octets)
    return Received(flags | rcode & 15, rcode, records, errors, 1232)


def via(received: Received | None) -> Via:
    if received is None:
        return Via("", Protocol.UDP, 41.6)
    return Via("192.0.2.53#5300", Protocol.TCP, 41.6234, 512, received, 4_242)


ASSERTION = assertion(CSI.owner, "alpha.example")
SOUND = Answer(CSI, Outcome.FOUND, True, True, (REACH,), (FOUND,), (), (claim(ASSERTION),), via(reply(ASSERTION)))
EMPTY = replace(
    SOUND, outcome=Outcome.NONE, reaches=(), rows=(replace(FOUND, standing=Standing.DENIED),), claims=()
)
PARTIAL = replace(SOUND, complete=False, rows=(FOUND, SILENT))
BOGUS = replace(SOUND, verified=False, refusals=(REFUSAL, UNREAD))
FAILED = replace(
    EMPTY,
    outcome=Outcome.INCOMPLETE,
    complete=False,
    verified=None,
    rows=(),
    via=via(reply(rcode=2, errors=((22, "no proof from: beta.example"),))),
)
WALKED = replace(SOUND, via=via(None))
BLOCK = block("+1415", "alpha.example")
BLOCK_REACH = replace(
    REACH, ssi="mimi://alpha.example/u/14155550123", expires=claim(BLOCK).statement.life.expires, features=()
)
OF_BLOCK = replace(SOUND, reaches=(BLOCK_REACH,), claims=(claim(BLOCK),), via=via(reply(BLOCK)))
ANN, EVE = bytes(range(32)), bytes(range(32, 64))
THEIRS = replace(REACH, assurance=Assurance.AUTHORIZED, tags=("Business", "Open"), recipient=ANN)
MAPPED = replace(
    SOUND, reaches=(THEIRS, replace(REACH, msp="beta.example", ssi="mimi://beta.example/u/y")), recipient=ANN
)
LEFT_OUT = demanding(SOUND, Assurance.VALIDATED)

STEP = Asked(
    ".", Purpose.ZONE, CSI.owner, Endpoint("192.0.2.1", 53), Protocol.UDP, 1.25, 0, claims=(claim(ASSERTION),)
)
SPOILT = replace(
    STEP,
    party="alpha.example",
    purpose=Purpose.PERSON,
    claims=(claim(forged(ASSERTION)),),
    refusals=(REFUSAL, UNREAD),
)
MUTE = replace(STEP, rcode=None, trouble="timed out", claims=())


def question(options: Options = DEFAULTS) -> Question:
    return Question(CSI, options, "@192.0.2.53 +14155550123")
