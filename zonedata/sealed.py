"""The envelope: a body, its kind and who claims to have signed it, as octets.

    0        kind
    1        number n of signatures, 0 for STATUS
    2        n times: algorithm (1), key id (8), length of signature (2), signature
    then     the body, to the end

`Sealed` is unverified: anybody can write one. What opens it is `opening.open_sealed`.
"""

from dataclasses import dataclass
from typing import Final

from zonedata.errors import MalformedError
from zonedata.keys import ED25519, KEY_ID_OCTETS, PrivateKey
from zonedata.kinds import MAX_SEALED, RULES, Kind

CONTEXT: Final = "fingerpost/1/"  # the version of everything under a signature
_HEAD: Final = 1 + KEY_ID_OCTETS + 2
_KINDS: Final = {kind.value: kind for kind in Kind}


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Signature:
    """One signature in an envelope.

    Attributes:
        algorithm: 15 is Ed25519; others are for keys to come.
        key_id: Which key claims to have made it.
        octets: The signature itself.
    """

    algorithm: int
    key_id: bytes
    octets: bytes


@dataclass(slots=True, unsafe_hash=True)  # one a look-up: decision 0016
class Sealed:
    """A statement as it travels; nothing in it is to be believed yet."""

    kind: Kind
    signatures: tuple[Signature, ...]
    body: bytes

    def to_wire(self) -> bytes:
        """Write the octets of the envelope."""
        parts = [bytes((self.kind, len(self.signatures)))]
        for signature in self.signatures:
            parts.append(bytes((signature.algorithm,)) + signature.key_id)
            parts.append(len(signature.octets).to_bytes(2, "big") + signature.octets)
        parts.append(self.body)
        return b"".join(parts)

    @classmethod
    def from_wire(cls, wire: bytes) -> "Sealed":
        """Read an envelope.

        Raises:
            MalformedError: Unknown kind, more signatures or a longer body than the kind allows, cut short, or
                longer than any envelope is.
        """
        if len(wire) < 2:
            raise MalformedError("envelope is cut short")
        if len(wire) > MAX_SEALED:
            raise MalformedError(f"envelope of {len(wire)} octets, none has more than {MAX_SEALED}")
        kind = _KINDS.get(wire[0])
        if kind is None:
            raise MalformedError(f"unknown kind {wire[0]}")
        rules = RULES.get(kind)
        if wire[1] > (rules.max_signatures if rules else 0) or (rules is not None and wire[1] == 0):
            raise MalformedError(f"{wire[1]} signatures on one {kind.name}")
        signatures, at = [], 2
        for _ in range(wire[1]):
            length = int.from_bytes(wire[at + _HEAD - 2 : at + _HEAD], "big")
            end = at + _HEAD + length
            if end > len(wire):
                raise MalformedError("envelope is cut short")
            signatures.append(Signature(wire[at], wire[at + 1 : at + 1 + KEY_ID_OCTETS], wire[at + _HEAD : end]))
            at = end
        if rules is not None and len(wire) - at > rules.caps.octets:
            raise MalformedError(f"body of {len(wire) - at} octets, {kind.name} allows {rules.caps.octets}")
        return cls(kind, tuple(signatures), wire[at:])


def signed_octets(kind: Kind, body: bytes) -> bytes:
    """Return what a signature covers: the context, a zero octet, the body as it is."""
    return f"{CONTEXT}{kind.name.lower()}\0".encode("ascii") + body


def seal_body(kind: Kind, body: bytes, keys: list[PrivateKey]) -> Sealed:
    """Sign a body; one signature a key, in ascending order of key id."""
    message = signed_octets(kind, body)
    ordered = sorted(keys, key=lambda key: key.public.key_id)
    return Sealed(
        kind,
        tuple(Signature(ED25519, key.public.key_id, key.sign(message)) for key in ordered),
        body,
    )
