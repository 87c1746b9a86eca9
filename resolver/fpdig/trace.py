"""The steps of a walk: whom was asked what, what was shown, whether it was believed. Pure."""

from resolver.asked import Asked, Purpose
from resolver.fpdig.statement_text import heading, owner_text
from resolver.fpdig.words import rcode_text
from zonedata.identifiers import Csi
from zonedata.opening import speaker_of
from zonedata.wire import Rcode

_WANTED = {
    Purpose.ZONE: "the way to {}",
    Purpose.BINDING: "who {} is",
    Purpose.PERSON: "{}",
    Purpose.ROOTKEYS: "{}",
}


def step_text(number: int, step: Asked, csi: Csi) -> str:
    """Return one step, ending in a newline."""
    wanted = _WANTED[step.purpose].format(owner_text(step.name, csi))
    where = f"{step.endpoint.to_text()} ({step.protocol.upper()})"
    came = rcode_text(step.rcode) if step.rcode is not None else f"no reply ({step.trouble})"
    lines = [
        f";; {number}. {step.party} asked about {wanted}",
        f";;    at {where}: {came} in {step.milliseconds:.0f} msec, {_verdict(step)}",
    ]
    for claim in step.claims:
        speaker = speaker_of(claim.statement)  # "" of a recipient, whose key stands in the statement
        beside = "" if speaker in {"", step.party} else f" (by {speaker})"
        lines.append(f";;      {heading(claim.statement, csi)}{beside}")
    for refusal in step.refusals:
        kind = refusal.kind.name if refusal.kind is not None else "statement"
        lines.append(f";;      refused at step {refusal.step} ({refusal.step.name.lower()}): {kind}, {refusal.why}")
    return "".join(f"{line}\n" for line in lines)


def _verdict(step: Asked) -> str:
    if step.rcode is None or step.rcode != Rcode.NOERROR:
        return "nothing learnt"
    if step.refusals:
        return f"{len(step.refusals)} REFUSED"
    return f"verified ({len(step.claims)})" if step.claims else "nothing shown"


def silence_of(steps: list[Asked]) -> str:
    """Say why nothing was learnt when no server answered; "" when one did."""
    if any(step.rcode is not None for step in steps):
        return ""
    hint = "" if steps else "; +lab allows private addresses and plain DNS, --root ADDRESS#PORT names a server"
    return f"no servers could be reached{hint}"
