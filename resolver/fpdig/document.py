"""An answer as a JSON document; docs/fpdig-json.md tells the fields. Pure.

Keys come in one order and numbers are numbers. `VERSION` goes up when a reader would have to change. What every
document has is written here as text: a batch writes ten thousands a second, and the encoder of maps would be a
third of its work. What few have goes through the encoder.
"""

import json
from typing import Any

from resolver.answer import Answer, Case, Reach, Row
from resolver.asked import Asked
from resolver.fpdig.options import DEFAULTS, Options
from resolver.fpdig.words import instant, rcode_text
from zonedata import names
from zonedata.identifiers import Csi
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance
from zonedata.opening import Claim, Refusal, speaker_of

VERSION = 1
_text = json.encoder.encode_basestring
_value = json.JSONEncoder(ensure_ascii=False).encode
_WORDS = {True: "true", False: "false", None: "null"}
_word = _WORDS.__getitem__


def document(
    answer: Answer, options: Options = DEFAULTS, *, steps: list[Asked] | None = None, error: str = ""
) -> str:
    """Return the document of an answer, on one line.

    Args:
        answer: What to tell.
        options: `assurance`, `direct` and `proof` add keys of their own.
        steps: Of the walk, when it was made here.
        error: Why nobody answered.
    """
    reply, via = answer.via.reply, answer.via
    has_server = bool(via.server)
    parts = [
        _head(answer.csi),
        f'"outcome": {_text(answer.outcome)}, "case": {_text(answer.case)}, "complete": {_word(answer.complete)}',
        f'"verified": {_word(answer.verified)}, "recipient": {_hex(answer.recipient)}',
        f'"assertions": [{", ".join([_assertion(reach) for reach in answer.reaches])}]',
        f'"authorities": [{", ".join([_row(row) for row in answer.rows])}]',
        f'"refusals": {_value([_refusal(refusal) for refusal in answer.refusals]) if answer.refusals else "[]"}',
        f'"rcode": {_text(rcode_text(reply.rcode)) if reply is not None else "null"}',
        f'"ede": {_value([{"code": c, "text": text} for c, text in answer.errors]) if answer.errors else "[]"}',
        f'"server": {_text(via.server) if has_server else "null"}',
        f'"transport": {_text(via.protocol) if has_server else "null"}',
        f'"ms": {round(via.milliseconds, 3)!r}',
    ]
    if options.assurance is not Assurance.ASSERTED:
        parts.append(f'"left_out": [{", ".join([_assertion(reach) for reach in answer.left_out])}]')
    if options.direct:
        parts.append(f'"asked_directly": {_value(answer.asked_directly)}')
    if options.proof:
        parts.append(f'"proof": {_value([_claim(claim) for claim in answer.claims])}')
    if steps is not None:
        parts.append(f'"trace": {_value([_step(step) for step in steps])}')
    if error:
        parts.append(f'"error": {_text(error)}')
    return f"{{{', '.join(parts)}}}"


def unreached(csi: Csi, reasons: list[str]) -> str:
    """Return the document of a question that nobody answered."""
    return (
        f'{{{_head(csi)}, "outcome": {_text(Outcome.INCOMPLETE)}, "case": {_text(Case.UNPROVEN)}, '
        '"complete": false, "verified": null, "recipient": null, "assertions": [], "authorities": [], '
        '"refusals": [], "rcode": null, "ede": [], "server": null, "transport": null, "ms": null, '
        f'"error": {_text("; ".join(dict.fromkeys(reasons)))}}}'
    )


def _head(csi: Csi) -> str:
    return f'"fpdig": {VERSION}, "csi": {_text(csi.text)}, "owner": {_text(names.to_text(csi.owner))}'


def _hex(digest: bytes) -> str:
    return f'"{digest.hex()}"' if digest else "null"


def _assertion(reach: Reach) -> str:
    tags = ", ".join(map(_text, reach.tags)) if reach.tags else ""
    return (
        f'{{"msp": {_text(reach.msp)}, "ssi": {_text(reach.ssi)}, "assurance": {_text(reach.assurance)}, '
        f'"expires": {reach.expires}, "expires_text": {_text(instant(reach.expires))}, '
        f'"features": [{", ".join(map(_text, reach.features))}], '
        f'"tags": [{tags}], "recipient": {_hex(reach.recipient)}}}'
    )


def _row(row: Row) -> str:
    return f'{{"authority": {_text(row.authority)}, "role": {_text(row.role)}, "status": {_text(row.standing)}}}'


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "step": int(refusal.step),
        "name": refusal.step.name.lower(),
        "kind": refusal.kind.name if refusal.kind is not None else None,
        "about": refusal.about,
        "why": refusal.why,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    """Tell a statement as its body has it, octets in hex."""
    statement = claim.statement
    told = {
        "kind": statement.kind.name,
        "speaker": speaker_of(statement) or None,
        "keys": [signature.key_id.hex() for signature in claim.sealed.signatures],
    }
    body: dict[str, Any] = _plain({**statement.life.to_fields(), **statement.to_fields()})
    return told | {"body": body}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return value.hex() if isinstance(value, bytes) else value


def _step(step: Asked) -> dict[str, Any]:
    return {
        "party": step.party,
        "purpose": step.purpose.value,
        "name": names.to_text(step.name),
        "server": step.endpoint.to_text(),
        "transport": step.protocol.value,
        "ms": round(step.milliseconds, 3),
        "rcode": rcode_text(step.rcode) if step.rcode is not None else None,
        "trouble": step.trouble or None,
        "shown": [_claim(claim) for claim in step.claims],
        "refusals": [_refusal(refusal) for refusal in step.refusals],
    }
