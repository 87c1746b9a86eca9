"""Who holds a CSI, and how that changes: a state machine over values, `now` an argument.

    nobody --proof--> standing --proof by another--> standing, and the other pending
                                    keep, or the standing one's own proof --> the pending claim is gone
                                    deadline passed, released, proof too old --> the pending one stands

Nothing but these arrows takes a CSI from its standing recipient: who proves possession today, with a swapped SIM
card perhaps, waits until the one who has held it longer was asked and said nothing.
"""

from dataclasses import dataclass, replace
from typing import Any

from zonedata import codec
from zonedata.codec import Caps
from zonedata.fields import Fields
from zonedata.kinds import DAY, RULES, Kind
from zonedata.life import MAX_SERIAL, MAX_TIME
from zonedata.person_statements import RECIPIENT_OCTETS
from zonedata.recipient_statements import MAX_METHOD, Mapping, method

RECONFIRM_SECONDS = (
    7 * DAY
)  # a week away from one's client is usual; a month would keep a new owner waiting too long
MIN_RECONFIRM = DAY  # below it a night without a network would lose a number
MAX_RECONFIRM = 30 * DAY  # the least time for which a proof may count, so that no claim ends while it is pending
PROOF_SECONDS = 365 * DAY  # numbers that are given up are handed out again after some months to a year
MIN_PROOF = MAX_RECONFIRM
MAX_PROOF = RULES[Kind.VALIDATION].max_life
SHOWN_AFTER_RELEASE = RULES[
    Kind.ASSERTION
].max_life  # until assertions that name the recipient have ended by themselves
_CAPS = Caps(octets=4_096)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a validator's operator decides, in seconds.

    Attributes:
        reconfirm: For which a standing recipient may take their time to confirm that they still hold the CSI.
        proof: For which one proof of possession is vouched for.
    """

    reconfirm: int = RECONFIRM_SECONDS
    proof: int = PROOF_SECONDS


@dataclass(frozen=True, slots=True)
class Claim:
    """One recipient's.

    Attributes:
        recipient: Digest of their key.
        method: How possession was proven.
        since: Unix seconds of the first proof.
        executed: Unix seconds of the last proof.
        until: Unix seconds until which the last proof is vouched for.
    """

    recipient: bytes
    method: str
    since: int
    executed: int
    until: int

    def proven_again(self, how: str, now: float, terms: Terms) -> "Claim":
        """Return it after another proof, which adds nothing to its seniority."""
        executed = max(int(now), self.executed)
        return replace(self, method=how, executed=executed, until=max(executed + terms.proof, self.until))


@dataclass(frozen=True, slots=True)
class Pending:
    """A newer claim, and the instant at which it takes the place of the standing one."""

    claim: Claim
    deadline: int


@dataclass(frozen=True, slots=True)
class Deposit:
    """The standing recipient's newest MAPPING."""

    serial: int
    expires: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """All that a validator knows of one CSI.

    Attributes:
        standing: Whom it vouches for.
        pending: Who proved possession since.
        deposit: The standing recipient's MAPPING, if they handed one in.
        is_released: Whether the standing recipient has given the CSI up.
        serial: Of the newest VALIDATION; 0 where none has been signed.
        renew: Unix seconds at which it is to be signed anew; 0 for at once.
    """

    standing: Claim
    pending: Pending | None = None
    deposit: Deposit | None = None
    is_released: bool = False
    serial: int = 0
    renew: int = 0

    @property
    def due(self) -> int:
        """Unix seconds at which something is to be done although nobody asks."""
        times = [self.renew, self.standing.until]
        if self.pending is not None:
            times.append(self.pending.deadline)
        if self.deposit is not None:
            times.append(self.deposit.expires)
        return min(times)

    def to_octets(self) -> bytes:
        """Write it for the register."""
        fields: dict[str, Any] = {
            "standing": _claim_fields(self.standing),
            "released": self.is_released,
            "serial": self.serial,
            "renew": self.renew,
        }
        if self.pending is not None:
            fields["pending"] = {**_claim_fields(self.pending.claim), "deadline": self.pending.deadline}
        if self.deposit is not None:
            fields["deposit"] = {
                "serial": self.deposit.serial,
                "expires": self.deposit.expires,
                "envelope": self.deposit.envelope,
            }
        return codec.pack(fields)

    @classmethod
    def from_octets(cls, octets: bytes) -> "Record":
        """Read it.

        Raises:
            MalformedError: It is none.
        """
        fields = Fields(codec.unpack(octets, _CAPS))
        pending = deposit = None
        if fields.has("pending"):
            inner = fields.map("pending")
            deadline = inner.number("deadline", MAX_TIME)
            pending = Pending(_claim(inner), deadline)
        if fields.has("deposit"):
            inner = fields.map("deposit")
            deposit = Deposit(
                inner.number("serial", MAX_SERIAL),
                inner.number("expires", MAX_TIME),
                inner.some_octets("envelope", _CAPS.octets),
            )
            inner.done()
        record = cls(
            _claim(fields.map("standing")),
            pending,
            deposit,
            fields.flag("released"),
            fields.number("serial", MAX_SERIAL),
            fields.number("renew", MAX_TIME),
        )
        fields.done()
        return record


def _claim_fields(claim: Claim) -> dict[str, Any]:
    return {
        "recipient": claim.recipient,
        "method": claim.method,
        "since": claim.since,
        "executed": claim.executed,
        "until": claim.until,
    }


def _claim(fields: Fields) -> Claim:
    claim = Claim(
        fields.octets("recipient", RECIPIENT_OCTETS),
        method(fields.text("method", MAX_METHOD)),
        fields.number("since", MAX_TIME),
        fields.number("executed", MAX_TIME),
        fields.number("until", MAX_TIME),
    )
    fields.done()
    return claim


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something was not done, for people."""

    reason: str


# --- what time does ------------------------------------------------------------------------------------------


def settled(record: Record | None, now: float) -> Record | None:
    """Return what is left of a record at `now`; None when nobody is vouched for any more."""
    if record is None:
        return None
    pending = record.pending
    if pending is not None and (record.is_released or now >= min(pending.deadline, record.standing.until)):
        record = Record(pending.claim, serial=record.serial)
    if now >= record.standing.until:
        return None
    if record.deposit is not None and now >= record.deposit.expires:
        record = replace(record, deposit=None, renew=0)
    return record


# --- what people do ------------------------------------------------------------------------------------------


def proven(record: Record | None, recipient: bytes, how: str, now: float, terms: Terms) -> Record:
    """Take in that a recipient has just proven possession.

    Of two who are pending the later has the better proof, and its deadline is counted anew: the standing recipient
    has the whole time to answer each of them.
    """
    record = settled(record, now)
    fresh = Claim(recipient, how, int(now), int(now), int(now) + terms.proof)
    if record is None:
        return Record(fresh)
    if record.is_released:
        return Record(fresh, serial=record.serial)
    if record.standing.recipient == recipient:
        return replace(record, standing=record.standing.proven_again(how, now, terms), pending=None, renew=0)
    if record.pending is not None and record.pending.claim.recipient == recipient:
        again = replace(record.pending, claim=record.pending.claim.proven_again(how, now, terms))
        return replace(record, pending=again)
    return replace(record, pending=Pending(fresh, int(now) + terms.reconfirm))


def mapped(record: Record | None, mapping: Mapping, envelope: bytes) -> Record | Refused:
    """Take in a newer MAPPING of the standing recipient; the same once more changes nothing."""
    standing = _standing(record, mapping.recipient)
    if isinstance(standing, Refused):
        return standing
    held = standing.deposit
    if held is not None and held.envelope == envelope:
        return standing
    if held is not None and held.serial >= mapping.life.serial:
        return Refused(f"a MAPPING of serial {held.serial} is known; this has {mapping.life.serial}")
    return replace(standing, deposit=_deposit(mapping, envelope), renew=0)


def released(record: Record | None, mapping: Mapping, envelope: bytes, now: float) -> Record | Refused:
    """Take in that the standing recipient gives the CSI up.

    Their last MAPPING says so, and is shown with the VALIDATION of its key until what MSPs said of that key has
    ended; or, if somebody else has proven possession, that one stands at once.
    """
    if not mapping.is_released:
        return Refused("the MAPPING does not say that the CSI is given up")
    last = mapped(record, mapping, envelope)
    if isinstance(last, Refused):
        return last
    until = min(last.standing.until, int(now) + SHOWN_AFTER_RELEASE)
    ended = settled(replace(last, standing=replace(last.standing, until=until), is_released=True), now)
    assert ended is not None, "who stood a moment ago is shown for a while"
    return ended


def kept(record: Record | None, recipient: bytes) -> Record | Refused:
    """Take in that the standing recipient still holds the CSI: whoever is newer has to prove it anew."""
    standing = _standing(record, recipient)
    return standing if isinstance(standing, Refused) else replace(standing, pending=None)


def rolled(record: Record | None, old: bytes, mapping: Mapping, envelope: bytes) -> Record | Refused:
    """Take in that the standing recipient goes over to the key of this MAPPING, and keeps their seniority."""
    held = _standing(record, old)
    if isinstance(held, Refused):
        return held
    if mapping.recipient == old:
        return Refused("the MAPPING is signed by the old key; the new one has to sign it")
    if old not in mapping.former:
        return Refused("the MAPPING of the new key does not name the old one among its former keys")
    if mapping.is_released:
        return Refused("the MAPPING of the new key gives the CSI up")
    standing = replace(held.standing, recipient=mapping.recipient)
    pending = held.pending
    if pending is not None and pending.claim.recipient == mapping.recipient:
        pending = None
    return replace(held, standing=standing, pending=pending, deposit=_deposit(mapping, envelope), renew=0)


def _standing(record: Record | None, recipient: bytes) -> Record | Refused:
    if record is None or record.standing.recipient != recipient:
        return Refused("this key is not vouched for here; only the standing recipient's may do that")
    if record.is_released:
        return Refused("this key has given the CSI up; claim it anew")
    return record


def _deposit(mapping: Mapping, envelope: bytes) -> Deposit:
    return Deposit(mapping.life.serial, mapping.life.expires, envelope)
