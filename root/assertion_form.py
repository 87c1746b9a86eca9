"""Assertions of one signing, written into a form: what is the same in all of them is encoded once.

The result is octet for octet that of `layout.entry(life, statements.seal(assertion, key))`, at a fifth of the time
beside the signature itself. Every fixed part is cut from what those functions make, so there is no second
description of body, envelope or entry here; only the order of the fields is known, and a test holds it.
"""

from functools import lru_cache

from zonedata import codec, names, statements
from zonedata.errors import MalformedError
from zonedata.keys import ED25519, SIGNATURE_OCTETS, PrivateKey
from zonedata.kinds import RULES, Kind
from zonedata.life import Life
from zonedata.names import MAX_NAME, Name
from zonedata.person_statements import MAX_SSI, RECIPIENT_OCTETS, Assertion
from zonedata.sealed import Sealed, Signature, signed_octets
from zonedata.store.layout import entry

_MAX_BODY = RULES[Kind.ASSERTION].caps.octets
_LONGEST = max(MAX_SSI, MAX_NAME + 1)  # octets of text in a body
_MAX_BEGINNINGS = 1_000  # remembered; the sets of features that people have are few
_HOLE = "hole"
_NOBODY = b"\xff" * RECIPIENT_OCTETS  # stands where a recipient's digest goes; no digest of a key that is known
_LENGTHS = tuple(codec.pack("x" * n)[: -n or None] for n in range(_LONGEST + 1))  # what stands before a text


class AssertionForm:
    """The form for one MSP's assertions of one signing.

    Args:
        msp: Whose word.
        life: Of every one of them.
        key: The MSP's, for assertions.
    """

    def __init__(self, msp: str, life: Life, key: PrivateKey) -> None:
        self._msp = msp
        self._life = life
        self._sign = key.sign
        _, self._middle, self._end = self._parts((), b"")
        _, self._middle_named, self._end_named = self._parts((), _NOBODY)
        self._beginning = lru_cache(_MAX_BEGINNINGS)(self._beginning_of)
        self._context = signed_octets(Kind.ASSERTION, b"")
        unsigned = Sealed(Kind.ASSERTION, (Signature(ED25519, key.public.key_id, bytes(SIGNATURE_OCTETS)),), b"")
        self._envelope = unsigned.to_wire()[:-SIGNATURE_OCTETS]
        self._times = entry(life, unsigned)[: -2 - len(unsigned.to_wire())]
        self._around = len(unsigned.to_wire())

    def _beginning_of(self, features: tuple[str, ...], *, is_named: bool) -> bytes:
        return self._parts(features, _NOBODY if is_named else b"")[0]

    def _parts(self, features: tuple[str, ...], recipient: bytes) -> list[bytes]:
        """Return what stands before the owner, between it and the SSI, and after that."""
        sample = Assertion(self._life, Name(_HOLE.encode() + b"\0"), self._msp, _HOLE, features, recipient)
        body = statements.to_body(sample)
        owner, ssi = codec.pack("owner") + codec.pack(_HOLE + "."), codec.pack("ssi") + codec.pack(_HOLE)
        before, after_owner = body.split(owner)
        between, after = after_owner.split(ssi)
        return [before + codec.pack("owner"), between + codec.pack("ssi"), after]

    def entry_of(self, owner: Name, ssi: str, features: tuple[str, ...], recipient: bytes = b"") -> bytes:
        """Sign one and make its entry.

        Raises:
            MalformedError: The body is longer than that of an assertion may be.
        """
        name, place = _text_of(owner), ssi.encode()
        try:
            before_name, before_place = _LENGTHS[len(name)], _LENGTHS[len(place)]
        except IndexError as error:
            raise MalformedError(f"ASSERTION with a text of more than {_LONGEST} octets") from error
        middle, end = self._middle, self._end
        if recipient:
            middle, end = self._middle_named.replace(_NOBODY, recipient), self._end_named
        beginning = self._beginning(features, is_named=bool(recipient))
        body = b"".join((beginning, before_name, name, middle, before_place, place, end))
        if len(body) > _MAX_BODY:
            raise MalformedError(f"ASSERTION of {len(body)} octets, at most {_MAX_BODY} are allowed")
        signature = self._sign(self._context + body)
        length = (self._around + len(body)).to_bytes(2, "big")
        return b"".join((self._times, length, self._envelope, signature, body))


def _text_of(owner: Name) -> bytes:
    """Return the presentation form of a name, that of a number in a third of the time."""
    digits = owner[5:]
    if digits and owner.startswith(b"e164\0") and len(digits) == 2 * digits.count(b"\0"):  # labels of one octet
        return digits[-2::-1].replace(b"\0", b".") + b".e164."
    return names.to_text(owner).encode("ascii")
