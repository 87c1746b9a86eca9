"""Why things stand as they do, in words for people; and what of strangers' text may be shown."""

from zonedata.findings import Finding, Ground
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
    """Say what was refused at which step, and why."""
    kind = refusal.kind.name if refusal.kind is not None else "a statement"
    return f"{kind} of {refusal.about}: {refusal.why} (step {int(refusal.step)}, {refusal.step.name.lower()})"


def counts(standing: Standing) -> bool:
    """Say whether what an authority said is let stand."""
    return standing in {Standing.ASSERTED, Standing.DENIED, Standing.REFERRED, Standing.VALIDATED}
