"""Opening what is sealed: verification steps 1 to 7, and the words for every refusal.

The whole verification of a look-up has the numbered steps of `Step`. The first seven concern one statement
and stand here; the others concern how statements fit together and stand in `holdings`, `path` and
`judgement`. Each returns a `Refusal` that names its step, so that a log, an EDE and a test can say which rule
it was.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from math import ceil
from typing import Final, Generic, Protocol, TypeVar

from zonedata import statements
from zonedata.errors import MalformedError
from zonedata.keys import ED25519, PublicKey
from zonedata.kinds import RULES, ZONE_SIGNED, Kind
from zonedata.recipient_statements import Mapping
from zonedata.sealed import Sealed, signed_octets
from zonedata.statements import Statement
from zonedata.zone_statements import BoundKey

KEEP_PARTS: Final = 1_024  # of a second, to which `keep` is rounded up: exact in a float, the same out of any store
S_co = TypeVar("S_co", bound=Statement, covariant=True)


class Step(IntEnum):
    """The verification steps, in the order they are taken."""

    ENVELOPE = 1  # a known kind, the right number of signatures, nothing cut short or too long
    BODY = 2  # canonical, every field there and sound
    SPEAKER = 3  # it claims to be said by the party that was asked
    TREE = 4  # a zone's statement names our trust anchor
    WINDOW = 5  # issued, not expired, not living longer than its kind may
    KEY = 6  # a key bound to that party, for this use, at this time
    SIGNATURE = 7  # and that key signed these octets
    SCOPE = 8  # about a name that the party may speak of
    ORDER = 9  # not overtaken by a later statement of the same party
    BINDING = 10  # the authority's name is bound once, by the uppermost zone
    PATH = 11  # every node that the gap names is shown


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not believed.

    Attributes:
        step: Which verification step refused it.
        kind: Of the statement refused.
        about: The party or the name it is about.
        why: What was wrong.
        octets: The envelope that was refused, or b"" where it is not one statement's fault.
    """

    step: Step
    kind: Kind | None
    about: str
    why: str
    octets: bytes = field(default=b"", repr=False, compare=False)

    def to_text(self) -> str:
        """Return one line for a log or a terminal."""
        kind = self.kind.name if self.kind is not None else "statement"
        return f"step {self.step} ({self.step.name.lower()}) refused {kind} of {self.about}: {self.why}"


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Claim:
    """A statement that can be read, said by anybody."""

    sealed: Sealed
    statement: Statement


@dataclass(frozen=True, slots=True)
class Signer:
    """Whom we believe: a party, its keys and how long the chain to it holds.

    Attributes:
        name: "." for the root zone, else the authority.
        principal: The names from the root down of who bound whom, this party last; () for the root. Two
            parties of one name that different zones bind are different principals.
        keys: What it may sign with.
        until: Unix seconds at which the shortest-lived statement above it ends.
    """

    name: str
    principal: tuple[str, ...]
    keys: tuple[BoundKey, ...]
    until: float

    def key_for(self, key_id: bytes) -> BoundKey | None:
        """Return the bound key of that id. Ids are unique: admission refuses a clash."""
        for bound in self.keys:
            if bound.public.key_id == key_id:
                return bound
        return None

    def vouches_for(self, opened: "Opened[Statement]", now: float) -> bool:
        """Say whether the key that signed it is still bound, for that use, at this time.

        Asked at every use of what is held: a key that was withdrawn takes its statements along. A recipient's key
        stands in the MAPPING itself; whose it is, `zonedata.weighing` looks at.
        """
        if opened.sealed.kind is Kind.MAPPING:
            return True
        bound = self.key_for(opened.key_id)
        rules = RULES.get(opened.sealed.kind)
        if bound is None or rules is None or rules.use not in bound.uses:
            return False
        return bound.start - opened.statement.life.skew <= now < bound.end


class Opened(Generic[S_co]):
    """A statement that its party has signed. Made by `open_claim`, and of what a store kept; never changed.

    No dataclass, since one that is generic cannot be compiled.

    Attributes:
        sealed: The octets it came in, to pass on.
        key_id: The key that signed; it counts only while that key is bound.
        until: Unix seconds at which it or anything above it ends.
        keep: Unix seconds until which it may be used without asking again, in whole parts of 1/KEEP_PARTS; never
            after `until`.
    """

    __slots__ = ("keep", "key_id", "sealed", "statement", "until")

    def __init__(self, statement: S_co, sealed: Sealed, key_id: bytes, until: float, keep: float) -> None:
        self.statement = statement
        self.sealed = sealed
        self.key_id = key_id
        self.until = until
        self.keep = keep

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opened) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self.sealed)

    def _values(self) -> tuple[object, ...]:
        return self.statement, self.sealed, self.key_id, self.until, self.keep

    def __repr__(self) -> str:
        return f"Opened({self.statement!r}, key_id={self.key_id.hex()}, until={self.until}, keep={self.keep})"


def read_claim(wire: bytes) -> Claim | Refusal:
    """Take steps 1 and 2 on one record's data."""
    try:
        sealed = Sealed.from_wire(wire)
    except MalformedError as error:
        return Refusal(Step.ENVELOPE, None, "unknown", str(error), wire)
    try:
        return Claim(sealed, statements.read_untrusted(sealed))
    except MalformedError as error:
        return Refusal(Step.BODY, sealed.kind, "unknown", str(error), wire)


def speaker_of(statement: Statement) -> str:
    """Return the party that a statement claims to be said by.

    "" for STATUS, which nobody says, and for MAPPING, which a recipient says, who is no party but a key.
    """
    for said_by in ("zone", "msp", "authority", "validator", "csip"):
        speaker = getattr(statement, said_by, None)
        if isinstance(speaker, str):
            return speaker
    return "." if statement.kind is Kind.ROOTKEYS else ""


class Verifies(Protocol):
    """Says whether a signature of an envelope is a key's over a message; exactly what the key itself would say."""

    def __call__(self, sealed: Sealed, public: PublicKey, signature: bytes, message: bytes, /) -> bool:
        """Check it, or know it."""
        ...


def verifies(_sealed: Sealed, public: PublicKey, signature: bytes, message: bytes, /) -> bool:
    """Check it."""
    return public.verifies(signature, message)


def open_claim(  # noqa: PLR0913, PLR0917 - what a statement is opened by is many things
    claim: Claim,
    signer: Signer,
    tree: bytes,
    now: float,
    keep: float | None = None,
    check: Verifies = verifies,
) -> Opened[Statement] | Refusal:
    """Take steps 3 to 7. A MAPPING is opened by the recipient's key in it, whoever the party is that showed it.

    Args:
        claim: What was read.
        signer: The party we asked, as the chain above it says.
        tree: Id of our trust anchor.
        now: Unix seconds.
        keep: Unix seconds until which the caller may keep it by the record's TTL; None where nothing is kept.
        check: Checks the signature.
    """
    statement, kind = claim.statement, claim.sealed.kind
    rules = RULES.get(kind)

    def refuse(step: Step, why: str) -> Refusal:
        return Refusal(step, kind, signer.name, why)

    if isinstance(statement, Mapping):
        return _open_mapping(claim, statement, signer.until, now, keep, check)
    if rules is None or speaker_of(statement) != signer.name:
        return refuse(Step.SPEAKER, f"said by {speaker_of(statement) or 'nobody'}, not by {signer.name}")
    if kind in ZONE_SIGNED and getattr(statement, "tree", None) != tree:
        return refuse(Step.TREE, "belongs to another trust anchor")
    if (why := statement.life.refusal_at(now, rules.max_life, rules.serials)) is not None:
        return refuse(Step.WINDOW, why)
    signature = claim.sealed.signatures[0]
    bound = signer.key_for(signature.key_id)
    if bound is None or signature.algorithm != ED25519:
        return refuse(Step.KEY, f"key {signature.key_id.hex()} is not bound to {signer.name}")
    if rules.use not in bound.uses:
        return refuse(Step.KEY, f"key {signature.key_id.hex()} may not sign what needs '{rules.use}'")
    if not bound.start - statement.life.skew <= now < bound.end:
        return refuse(Step.KEY, f"key {signature.key_id.hex()} does not count at this time")
    if not check(claim.sealed, bound.public, signature.octets, signed_octets(kind, claim.sealed.body)):
        return refuse(Step.SIGNATURE, "the signature does not verify")
    until = min(statement.life.expires, bound.end, signer.until)
    return Opened(statement, claim.sealed, signature.key_id, until, _kept(statement, until, now, keep))


def _kept(statement: Statement, until: float, now: float, keep: float | None) -> float:
    """Return until when a statement may be used without asking again, as `Opened` has it."""
    if keep is None:
        return until
    ttl = min(statement.life.ttl, RULES[statement.kind].max_ttl)
    return ceil(min(until, keep, now + ttl) * KEEP_PARTS) / KEEP_PARTS


def _open_mapping(  # noqa: PLR0913, PLR0917 - as `open_claim`
    claim: Claim, mapping: Mapping, until: float, now: float, keep: float | None, check: Verifies
) -> Opened[Statement] | Refusal:
    """Take steps 5 to 7 on a recipient's MAPPING, which is signed by the key that stands in it.

    That says nothing yet about whose the CSI is; a VALIDATION does (`zonedata.weighing`). It counts no longer than
    the chain to whoever showed it, which ends at `until`.
    """
    sealed = claim.sealed

    def refuse(step: Step, why: str) -> Refusal:
        return Refusal(step, Kind.MAPPING, f"recipient {mapping.key.key_id.hex()}", why)

    rules = RULES[Kind.MAPPING]
    if (why := mapping.life.refusal_at(now, rules.max_life, rules.serials)) is not None:
        return refuse(Step.WINDOW, why)
    signature = sealed.signatures[0]
    if signature.key_id != mapping.key.key_id or signature.algorithm != ED25519:
        return refuse(Step.KEY, f"signed by the key {signature.key_id.hex()}, not by the recipient's own")
    if not check(sealed, mapping.key, signature.octets, signed_octets(Kind.MAPPING, sealed.body)):
        return refuse(Step.SIGNATURE, "the signature does not verify")
    ends = min(mapping.life.expires, until)
    return Opened(mapping, sealed, signature.key_id, ends, _kept(mapping, ends, now, keep))
