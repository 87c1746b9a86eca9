"""Why things stand as they do, in words for people; and what of strangers' text may be shown."""

from resolver.fpdig.words import MEANINGS
from zonedata.findings import Finding, Ground
from zonedata.kinds import Role
from zonedata.opening import Refusal
from zonedata.standing import Standing

GROUNDS = {
    Ground.SAID_BEFORE: "it was said before the instant before which the CSIP lets nothing hold",
    Ground.GIVEN_UP: "the recipient that it names has given the identifier up",
    Ground.NOBODY_SINCE: "what was said was revoked, and no validator vouches for anybody since",
    Ground.BARE_WORD: "what was said was revoked, and since then a word that names no recipient is not enough",
    Ground.NOT_LISTED: "the recipient's mapping does not list it",
    Ground.OTHER_RECIPIENT: "it speaks for another recipient than the one who has held the identifier longest",
    Ground.TOO_LITTLE: "it is vouched for less than the delegation demands",
}
_MEANINGS = {
    (Role.CSIP, Standing.REVOKED): "ended what was said before",
    (Role.CSIP, Standing.DENIED): "says it has ended nothing",
    (Role.VALIDATOR, Standing.REVOKED): "vouched, and that was ended",
    (Role.VALIDATOR, Standing.CONTESTED): "vouches for another than whose it is",
    (Role.VALIDATOR, Standing.DENIED): "says it vouches for nobody",
}
KEY_DIGITS = 16  # of a recipient's digest, in hex: enough to tell two apart by eye


def plain(text: str) -> str:
    """Replace what is no visible character: escapes, control characters, what turns the direction of text."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def ground_of(finding: Finding) -> str:
    """Say why a row does not stand as its authority said; "" when it does."""
    if finding.ground is None:
        return ""
    if finding.ground is Ground.TOO_LITTLE:
        return f"it is {finding.assurance}, and the delegation demands {finding.required}"
    return GROUNDS[finding.ground]


def short(digest: bytes) -> str:
    """Write the beginning of a digest."""
    return digest.hex()[:KEY_DIGITS]


def refusal_text(refusal: Refusal) -> str:
    """Say what was refused, and why."""
    kind = refusal.kind.name if refusal.kind is not None else "a statement"
    return f"{kind} of {refusal.about}: {refusal.why}"


def step_text(refusal: Refusal) -> str:
    """Name the step of the verification that refused something."""
    return f"step {int(refusal.step)}, {refusal.step.name.lower()}"


def counts(finding: Finding) -> bool:
    """Say whether what an authority said is let stand."""
    stands = finding.standing in {Standing.ASSERTED, Standing.DENIED, Standing.REFERRED, Standing.VALIDATED}
    return stands or (finding.role is Role.CSIP and finding.standing is Standing.REVOKED)


def meaning(finding: Finding) -> str:
    """Say what a row's word means in its role."""
    return _MEANINGS.get((finding.role, finding.standing)) or MEANINGS[finding.standing]
