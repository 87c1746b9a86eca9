"""An answer in dig's layout.

Pure. Records of the answer stand on lines of their own, everything else on lines that begin with a semicolon, as
scripts that read dig's output expect. Left out: JSON (document), the steps of a walk (trace).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import wrap

from resolver.answer import Answer, Reach
from resolver.fpdig.options import Options, Question
from resolver.fpdig.statement_text import details, heading
from resolver.fpdig.verdict import Basis, left_out, summary, unproven
from resolver.fpdig.words import CASES, MEANINGS, error_text, instant, rcode_text
from zonedata import names, wire
from zonedata.identifiers import node_to_text
from zonedata.kinds import Assurance
from zonedata.names import Name
from zonedata.opening import Claim
from zonedata.person_statements import Assertion, Block
from zonedata.wire import Section

COLUMNS = 80
RECIPIENT_DIGITS = 16  # of a recipient's digest, in hex, where it is to stand beside an SSI
_FLAGS = (
    (wire.FLAG_QR, "qr"),
    (wire.FLAG_AA, "aa"),
    (wire.FLAG_TC, "tc"),
    (wire.FLAG_RD, "rd"),
    (wire.FLAG_RA, "ra"),
    (wire.FLAG_AD, "ad"),
    (wire.FLAG_CD, "cd"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around an answer.

    Attributes:
        version: Of fpdig.
        basis: What the answer was checked against.
        now: Unix seconds.
        asked: Questions sent, when the walk was made here.
    """

    version: str
    basis: Basis
    now: float
    asked: int = 0


def answer_text(answer: Answer, question: Question, frame: Frame) -> str:
    """Lay out a whole answer, as far as the options want it; ends in a newline unless it is empty."""
    options = question.options
    blocks = [
        [*(banner(question, frame) if options.cmd else []), *(_header(answer) if options.comments else [])],
        [*(_extended(answer) if options.comments else []), *(_question(answer, question, frame))],
        _answer(answer, options) if options.answer else [],
        _authorities(answer, options) if options.authority else [],
        _proof(answer, options) if options.proof else [],
        conclusion(answer, frame.basis) if options.comments else [],
        [*_closing(answer, frame), ""] if options.stats else [],
    ]
    between = [""] if options.comments else []
    lines = [line for block in blocks if block for line in (*block, *between)]
    if lines[-2:] == ["", ""]:
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


def short_text(answer: Answer, reach: Reach) -> str:
    """Return a reach on a line: the SSI, its tags, and the beginning of whose it is where that is vouched for."""
    is_theirs = answer.recipient and reach.assurance is not Assurance.ASSERTED
    whose = [f"recipient:{answer.recipient.hex()[:RECIPIENT_DIGITS]}"] if is_theirs else []
    return " ".join([reach.ssi, *([",".join(reach.tags)] if reach.tags else []), *whose])


def banner(question: Question, frame: Frame) -> list[str]:
    """Return what stands before anything is asked."""
    return [
        "",
        f"; <<>> fpdig {frame.version} <<>> {question.words}",
        "; (1 server found)",
        ";; global options: +cmd",
    ]


def _header(answer: Answer) -> list[str]:
    reply, via = answer.via.reply, answer.via
    if reply is None:
        return [";; Got answer, by walking from the root:"]
    counts = [sum(record.section is section for record in reply.records) for section in Section]
    counts[Section.ADDITIONAL] += bool(reply.udp_size)  # the OPT record
    flags = " ".join(name for flag, name in _FLAGS if reply.flags & flag)
    lines = [
        ";; Got answer:",
        f";; ->>HEADER<<- opcode: QUERY, status: {rcode_text(reply.rcode)}, id: {via.message_id}",
        f";; flags: {flags}; QUERY: 1, ANSWER: {counts[0]}, AUTHORITY: {counts[1]}, ADDITIONAL: {counts[2]}",
    ]
    if reply.flags & wire.FLAG_RD and not reply.flags & wire.FLAG_RA:
        lines.append(";; WARNING: recursion requested but not available")
    return lines


def _extended(answer: Answer) -> list[str]:
    reply = answer.via.reply
    if reply is None or not reply.udp_size:
        return []
    errors = [f"; EDE: {error_text(code, text)}" for code, text in reply.errors]
    return [";; OPT PSEUDOSECTION:", f"; EDNS: version: 0, flags:; udp: {reply.udp_size}", *errors]


def _question(answer: Answer, question: Question, frame: Frame) -> list[str]:
    options = question.options
    if not options.question:
        return []
    name = names.to_text(Name(options.apex + answer.csi.owner))
    title = [";; QUESTION SECTION:"] if options.comments else []
    return [*title, f";{name} IN {frame.basis.qtype.name}"]


def _answer(answer: Answer, options: Options) -> list[str]:
    title = [";; ANSWER SECTION:"] if options.comments and answer.reaches else []
    return [*title, *(line for reach in answer.reaches for line in _reach(answer, reach, options))]


def _reach(answer: Answer, reach: Reach, options: Options) -> list[str]:
    claim = _claim_of(answer, reach)
    kind, ttl = "ASSERTION", 0
    says = [f"{reach.msp}, {reach.assurance}, expires {instant(reach.expires)}"]
    if claim is not None:
        kind, ttl = claim.statement.kind.name, _ttl(answer, claim)
        says[0] += f", serial {claim.statement.life.serial}"
        if isinstance(claim.statement, Block):
            says.append(f"for the whole block {node_to_text(claim.statement.node)}")
    if reach.tags:
        says.append("tags: " + " ".join(reach.tags))
    if reach.recipient and reach.recipient != answer.recipient:
        says.append(f"names another recipient, {reach.recipient.hex()}")
    if reach.features:
        says.append("features: " + " ".join(reach.features))
    comments = [line for text in says for line in _comment(text, "    ; ")] if options.rrcomments else []
    return [f"{answer.csi.text}. {ttl:>6} IN {kind:<9} {reach.ssi}", *comments]


def _claim_of(answer: Answer, reach: Reach) -> Claim | None:
    """Find the statement that says so."""
    for claim in answer.claims:
        said = claim.statement
        match said:
            case Assertion() if said.owner == answer.csi.owner:
                ssi = said.ssi
            case Block() if said.speaks_for(answer.csi.owner):
                ssi = said.ssi_for(answer.csi.owner)
            case _:
                continue
        if (said.msp, ssi, said.life.expires) == (reach.msp, reach.ssi, reach.expires):
            return claim
    return None


def _ttl(answer: Answer, claim: Claim) -> int:
    """Return the TTL of a statement's record, its own where it came in none."""
    octets = claim.sealed.to_wire()
    records = answer.via.reply.records if answer.via.reply is not None else ()
    return next((record.ttl for record in records if record.rdata == octets), claim.statement.life.ttl)


def _authorities(answer: Answer, options: Options) -> list[str]:
    title = [";; AUTHORITIES:"] if options.comments and answer.rows else []
    width = max((len(row.authority) for row in answer.rows), default=0)
    return title + [
        f"; {row.authority:<{width}}  {row.role:<9} {row.standing:<12} {MEANINGS[row.standing]}"
        for row in answer.rows
    ]


def _proof(answer: Answer, options: Options) -> list[str]:
    lines = [";; PROOF SECTION:"] if options.comments and answer.claims else []
    for claim in answer.claims:
        lines += [f"; {heading(claim.statement, answer.csi)}", *(f";     {line}" for line in details(claim))]
    return lines


def conclusion(answer: Answer, basis: Basis) -> list[str]:
    """Return what the answer is, what is missing in it and what was not believed."""
    lines = _comment(f"ANSWER IS: {summary(answer, basis)}", ";; ")
    lines.append(f";; CASE: {answer.case}, {CASES[answer.case]}")
    if answer.recipient:
        lines.append(f";; RECIPIENT: {answer.recipient.hex()}")
    for words in left_out(answer):
        lines += _comment(f"LEFT OUT: {words}", ";; ")
    for name in answer.asked_directly:
        lines += _comment(f"ASKED DIRECTLY: {name}", ";; ")
    for row in unproven(answer):
        lines += _comment(f"UNPROVEN: {row.authority} as {row.role} is {row.standing}", ";; ")
    for refusal in answer.refusals:
        lines += _comment(f"REFUSED: {refusal.to_text()}", ";; ")
    return lines


def _closing(answer: Answer, frame: Frame) -> list[str]:
    via = answer.via
    address = via.server.partition("#")[0]
    where = f"{via.server}({address}) ({via.protocol.upper()})" if via.server else "none, walked from the root here"
    size = f"MSG SIZE  rcvd: {via.octets}" if via.server else f"QUESTIONS sent: {frame.asked}"
    when = datetime.fromtimestamp(frame.now, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    return [
        f";; Query time: {via.milliseconds:.0f} msec",
        f";; SERVER: {where}",
        f";; WHEN: {when}",
        f";; {size}",
    ]


def _comment(text: str, mark: str) -> list[str]:
    """Wrap a comment; no word is broken."""
    return wrap(
        text,
        COLUMNS,
        initial_indent=mark,
        subsequent_indent=mark + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
