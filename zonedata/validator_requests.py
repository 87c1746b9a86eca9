"""What a recipient asks of a validator, and what it replies: signed octets, whatever carries them.

    0        signature, Ed25519, by the key that stands in the body
    64       the body, canonical, to the end

The signature covers a context of its own, which no kind of statement has, so that neither can pass for the other.
A request names the validator it is for, when it was made, and a nonce: it can be shown to nobody else, and not
twice.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from zonedata import codec, names, statements
from zonedata.codec import Caps
from zonedata.errors import MalformedError, UntrustedError
from zonedata.fields import Fields, check_authority
from zonedata.identifiers import MAX_TEXT, is_owner
from zonedata.keys import PUBLIC_OCTETS, SIGNATURE_OCTETS, PrivateKey, PublicKey, admit
from zonedata.kinds import RULES, Kind
from zonedata.life import MAX_SERIAL, MAX_TIME
from zonedata.names import Name
from zonedata.recipient_statements import Mapping, recipient_of
from zonedata.sealed import CONTEXT, Sealed, signed_octets

REQUEST_CAPS = Caps(octets=2_048)  # a MAPPING of at most 976 octets, an identifier of 320, an owner name of 255
REPLY_CAPS = Caps(octets=2_048)
MAX_REASON = 512  # octets of what a reply says to people
NONCE_OCTETS = 16
MAX_CODE = 16  # characters
WINDOW = 300  # seconds that the clocks of the two may differ, and for which requests are remembered
_CONTEXT = f"{CONTEXT}validator-request\0".encode("ascii")  # no kind's name has a '-'


class Action(StrEnum):
    """What is asked for."""

    CLAIM = "claim"  # send a code to the CSI
    CONFIRM = "confirm"  # the code has come: vouch for me
    MAP = "map"  # show this newer MAPPING
    RELEASE = "release"  # the MAPPING says that I give the CSI up
    KEEP = "keep"  # I still hold it, whoever else says so
    ROLL = "roll"  # from now on the key of this MAPPING is mine
    STATUS = "status"  # how do I stand?


CARRIES_MAPPING = frozenset({Action.MAP, Action.RELEASE, Action.ROLL})


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        action: What is asked for.
        validator: Whom it is for.
        owner: The CSI's owner name.
        time: Unix seconds at which it was made.
        nonce: Chosen at random, so that no two are alike.
        key: The recipient's, which signs.
        csi: For CLAIM the identifier itself, to which the code goes: the owner name has only a digest of a mail
            address.
        code: For CONFIRM.
        mapping: For MAP, RELEASE and ROLL the envelope of a MAPPING; of ROLL it is signed by the new key and names
            the old one among its former keys, which is the new key's consent.
    """

    action: Action
    validator: str
    owner: Name
    time: int
    nonce: bytes
    key: PublicKey
    csi: str = ""
    code: str = ""
    mapping: bytes = b""

    @property
    def recipient(self) -> bytes:
        """Return the digest of the key."""
        return recipient_of(self.key)

    def to_wire(self, key: PrivateKey) -> bytes:
        """Sign it."""
        assert key.public == self.key, "a request is signed by the key that it names"
        fields: dict[str, Any] = {
            "action": self.action.value,
            "validator": self.validator,
            "owner": names.to_text(self.owner),
            "time": self.time,
            "nonce": self.nonce,
            "key": self.key.raw,
        }
        optional = {"csi": self.csi, "code": self.code, "mapping": self.mapping}
        body = codec.pack({**fields, **{name: value for name, value in optional.items() if value}})
        return key.sign(_CONTEXT + body) + body


class RequestError(UntrustedError):
    """A request may not be believed.

    Attributes:
        action: What it asks for, by its own word.
        why: The same as its text in a word that names nobody: `other-validator`, `clock` or `signature`.
    """

    def __init__(self, action: Action, why: str, reason: str) -> None:
        super().__init__(reason)
        self.action = action
        self.why = why


def open_request(wire: bytes, validator: str, now: float) -> Request:
    """Read a request and verify who made it, for whom and when.

    Raises:
        MalformedError: It is none.
        RequestError: It is not by the key it names, for another validator, or too old or too new.
    """
    if len(wire) < SIGNATURE_OCTETS:
        raise MalformedError("request is cut short")
    signature, body = wire[:SIGNATURE_OCTETS], wire[SIGNATURE_OCTETS:]
    request = _read(Fields(codec.unpack(body, REQUEST_CAPS)))
    if request.validator != validator:
        reason = f"the request is for {request.validator}; this is {validator}"
        raise RequestError(request.action, "other-validator", reason)
    if abs(request.time - now) > WINDOW:
        reason = f"the request was made {now - request.time:.0f} s ago by its clock; is that right?"
        raise RequestError(request.action, "clock", reason)
    if not request.key.verifies(signature, _CONTEXT + body):
        raise RequestError(request.action, "signature", "the signature of the request does not verify")
    return request


def _read(fields: Fields) -> Request:
    text = fields.text("action", MAX_CODE)
    if text not in set(Action):
        raise MalformedError(f"unknown action {text!r}")
    action = Action(text)
    validator = check_authority(fields.host("validator"))
    owner = fields.name("owner")
    if not is_owner(owner):
        raise MalformedError(f"{names.to_text(owner)} is no name that a person can have")
    time, nonce = fields.number("time", MAX_TIME), fields.octets("nonce", NONCE_OCTETS)
    key = _admitted(fields.octets("key", PUBLIC_OCTETS))
    csi = fields.text("csi", MAX_TEXT) if action is Action.CLAIM else ""
    code = fields.text("code", MAX_CODE) if action is Action.CONFIRM else ""
    mapping = fields.some_octets("mapping", REQUEST_CAPS.octets) if action in CARRIES_MAPPING else b""
    fields.done()
    return Request(action, validator, owner, time, nonce, key, csi, code, mapping)


def _admitted(raw: bytes) -> PublicKey:
    try:
        return admit(raw)
    except UntrustedError as error:
        raise MalformedError(str(error)) from error


def open_deposit(wire: bytes, owner: Name, now: float) -> Mapping:
    """Read a MAPPING that was handed in and verify that the key in it has signed it, now and about this owner.

    Raises:
        MalformedError: It is none.
        UntrustedError: It does not verify, does not count now, or is about somebody else.
    """
    sealed = Sealed.from_wire(wire)
    mapping = statements.read_untrusted(sealed)
    if not isinstance(mapping, Mapping):
        raise MalformedError(f"a {sealed.kind.name} where a MAPPING was expected")
    if mapping.owner != owner:
        raise UntrustedError("the MAPPING is about another CSI than the request")
    rules = RULES[Kind.MAPPING]
    if (why := mapping.life.refusal_at(now, rules.max_life, rules.serials)) is not None:
        raise UntrustedError(f"the MAPPING does not count: {why}")
    signature = sealed.signatures[0]
    if signature.key_id != mapping.key.key_id or not mapping.key.verifies(
        signature.octets, signed_octets(Kind.MAPPING, sealed.body)
    ):
        raise UntrustedError("the MAPPING is not signed by the key that stands in it")
    return mapping


class Outcome(StrEnum):
    """What came of a request."""

    SENT = "sent"  # a code is on its way to the CSI
    STANDING = "standing"  # the validator vouches for this key
    PENDING = "pending"  # proven, but an older recipient has until the deadline to say that they still hold it
    RELEASED = "released"  # given up
    NONE = "none"  # this key is nothing to the validator for this CSI
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a validator replies.

    Attributes:
        outcome: In a word.
        reason: For people; why it was refused.
        since: Unix seconds from which the asker has held the CSI; 0 where they do not.
        until: Unix seconds until which the validator vouches without another proof.
        deadline: Unix seconds at which a newer claim takes the place of an older one; 0 where there is none.
        mapping: Serial of the newest MAPPING of the asker that the validator shows.
    """

    outcome: Outcome
    reason: str = ""
    since: int = 0
    until: int = 0
    deadline: int = 0
    mapping: int = 0

    def to_wire(self) -> bytes:
        """Write the octets."""
        fields: dict[str, Any] = {
            "outcome": self.outcome.value,
            "since": self.since,
            "until": self.until,
            "deadline": self.deadline,
            "mapping": self.mapping,
        }
        reason = self.reason.encode()[:MAX_REASON].decode(errors="ignore")
        return codec.pack({**fields, "reason": reason} if reason else fields)

    @classmethod
    def from_wire(cls, wire: bytes) -> "Reply":
        """Read them.

        Raises:
            MalformedError: They are no reply.
        """
        fields = Fields(codec.unpack(wire, REPLY_CAPS))
        outcome = fields.text("outcome", MAX_CODE)
        if outcome not in set(Outcome):
            raise MalformedError(f"unknown outcome {outcome!r}")
        reason = fields.text("reason", MAX_REASON) if fields.has("reason") else ""
        reply = cls(
            Outcome(outcome),
            reason,
            fields.number("since", MAX_TIME),
            fields.number("until", MAX_TIME),
            fields.number("deadline", MAX_TIME),
            fields.number("mapping", MAX_SERIAL),
        )
        fields.done()
        return reply
