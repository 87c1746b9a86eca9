"""An answer as a JSON document; docs/fpdig-json.md tells the fields. Pure.

Keys come in one order and numbers are numbers. `VERSION` goes up when a reader would have to change.
"""

import json
from typing import Any

from resolver.answer import Answer, Reach
from resolver.asked import Asked
from resolver.fpdig.words import instant, rcode_text
from zonedata import names
from zonedata.identifiers import Csi
from zonedata.judgement import Outcome
from zonedata.opening import Claim, Refusal, speaker_of

VERSION = 1


def document(answer: Answer, *, proof: bool = False, steps: list[Asked] | None = None, error: str = "") -> str:
    """Return the document of an answer, on one line.

    Args:
        answer: What to tell.
        proof: Whether to tell every statement.
        steps: Of the walk, when it was made here.
        error: Why nobody answered.
    """
    reply, server = answer.via.reply, answer.via.server
    found = _head(answer.csi) | {
        "outcome": answer.outcome.value,
        "complete": answer.complete,
        "verified": answer.verified,
        "assertions": [_assertion(reach) for reach in answer.reaches],
        "authorities": [
            {"authority": row.authority, "role": row.role.value, "status": row.standing.value}
            for row in answer.rows
        ],
        "refusals": [_refusal(refusal) for refusal in answer.refusals],
        "rcode": rcode_text(reply.rcode) if reply is not None else None,
        "ede": [{"code": code, "text": text} for code, text in answer.errors],
        "server": server or None,
        "transport": answer.via.protocol.value if server else None,
        "ms": round(answer.via.milliseconds, 3),
    }
    if proof:
        found["proof"] = [_claim(claim) for claim in answer.claims]
    if steps is not None:
        found["trace"] = [_step(step) for step in steps]
    if error:
        found["error"] = error
    return json.dumps(found, ensure_ascii=False)


def unreached(csi: Csi, reasons: list[str]) -> str:
    """Return the document of a question that nobody answered."""
    absent: dict[str, Any] = {
        "outcome": Outcome.INCOMPLETE.value,
        "complete": False,
        "verified": None,
        "assertions": [],
        "authorities": [],
        "refusals": [],
        "rcode": None,
        "ede": [],
        "server": None,
        "transport": None,
        "ms": None,
        "error": "; ".join(dict.fromkeys(reasons)),
    }
    return json.dumps(_head(csi) | absent, ensure_ascii=False)


def _head(csi: Csi) -> dict[str, Any]:
    return {"fpdig": VERSION, "csi": csi.text, "owner": names.to_text(csi.owner)}


def _assertion(reach: Reach) -> dict[str, Any]:
    return {
        "msp": reach.msp,
        "ssi": reach.ssi,
        "assurance": reach.assurance.value,
        "expires": reach.expires,
        "expires_text": instant(reach.expires),
        "features": list(reach.features),
    }


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
