"""The next version of the root's keys, from its making until enough have signed it.

A draft is a file that goes from holder to holder, or in copies that are joined afterwards:

    FINGERPOST ROOTKEYS DRAFT    the next version, with the signatures it has so far
    FINGERPOST ROOTKEYS BEFORE   the version it follows, whose keys must sign it, too

Nothing else reads a draft; `finished` makes of it the file that `[sign] rootkeys` names.
"""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from fingerpost.anchor import MAX_DAYS, ROOTKEYS_TTL, ascending
from zonedata import statements, trust
from zonedata.errors import MalformedError, UntrustedError
from zonedata.keys import PrivateKey, PublicKey
from zonedata.kinds import DAY, Kind
from zonedata.life import Life
from zonedata.opening import Refusal, read_claim
from zonedata.sealed import Sealed, Signature, seal_body, signed_octets
from zonedata.trust import Trust
from zonedata.zone_statements import MAX_ROOT_KEYS, MAX_ZONE_KEYS, RootKeys

DRAFT, BEFORE = "FINGERPOST ROOTKEYS DRAFT", "FINGERPOST ROOTKEYS BEFORE"
_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Changes:
    """What the next version has other than the one before.

    Attributes:
        add_root: Keys that are root keys from then on.
        drop_root: Ids of those that are no more.
        threshold: Root keys that must sign the version after; as before if None.
        add_zone: Keys that sign the root zone from then on.
        drop_zone: Ids of those that do no more.
        days: Until it expires.
    """

    add_root: tuple[PublicKey, ...] = ()
    drop_root: tuple[bytes, ...] = ()
    threshold: int | None = None
    add_zone: tuple[PublicKey, ...] = ()
    drop_zone: tuple[bytes, ...] = ()
    days: int = 365


@dataclass(frozen=True, slots=True)
class Draft:
    """A next version on its way.

    Attributes:
        before: The version it follows.
        rootkeys: What it says.
        body: The octets that are signed.
        signatures: Those it has, by key id; each was verified.
    """

    before: Trust
    rootkeys: RootKeys
    body: bytes
    signatures: tuple[Signature, ...] = ()

    def signers(self) -> dict[bytes, PublicKey]:
        """Return the keys whose signature counts, by id: root keys of either version."""
        keys = (*self.before.rootkeys.root_keys, *self.rootkeys.root_keys)
        return {key.key_id: key for key in keys}

    def missing(self) -> tuple[int, int]:
        """Return how many signatures are missing of the version before, and of its own keys."""
        have = {signature.key_id for signature in self.signatures}
        lacks = [
            max(0, version.threshold - sum(key.key_id in have for key in version.root_keys))
            for version in (self.before.rootkeys, self.rootkeys)
        ]
        return lacks[0], lacks[1]

    def to_text(self) -> str:
        """Write the file."""
        wire = Sealed(Kind.ROOTKEYS, self.signatures, self.body).to_wire()
        return _block(DRAFT, wire) + _block(BEFORE, self.before.sealed.to_wire())


def next_version(before: Trust, changes: Changes, now: int) -> Draft:
    """Make the version after one, signed by nobody yet.

    Raises:
        MalformedError: The keys, the threshold or the days cannot be so.
    """
    held = before.rootkeys
    root = _changed("root key", held.root_keys, changes.add_root, changes.drop_root, MAX_ROOT_KEYS)
    zone = _changed("zone key", held.zone_keys, changes.add_zone, changes.drop_zone, MAX_ZONE_KEYS)
    threshold = changes.threshold if changes.threshold is not None else held.threshold
    if {key.key_id for key in root} & {key.key_id for key in zone}:
        raise MalformedError("one key would be root key and zone key; a root key signs versions of the keys only")
    if not 1 <= threshold <= len(root):
        raise MalformedError(f"threshold {threshold}, expected 1 to {len(root)}, the number of root keys")
    if not 1 <= changes.days <= MAX_DAYS:
        raise MalformedError(f"--days {changes.days}, expected 1 to {MAX_DAYS}")
    life = Life(ROOTKEYS_TTL, held.version + 1, now, now + changes.days * DAY)
    rootkeys = RootKeys(life, held.version + 1, before.tree, root, threshold, zone)
    return Draft(before, rootkeys, statements.to_body(rootkeys))


def _changed(
    what: str, held: tuple[PublicKey, ...], add: tuple[PublicKey, ...], drop: tuple[bytes, ...], most: int
) -> tuple[PublicKey, ...]:
    known = {key.key_id for key in held}
    for key_id in drop:
        if key_id not in known:
            raise MalformedError(f"{key_id.hex()} is no {what} of the version before, and cannot be dropped")
    made = ascending(what, [*(key for key in held if key.key_id not in drop), *add], most)
    if not made:
        raise MalformedError(f"no {what} would be left")
    return made


def signed(draft: Draft, key: PrivateKey) -> Draft:
    """Add a holder's signature.

    Raises:
        UntrustedError: It is no root key of either version, or has signed.
    """
    key_id = key.public.key_id
    if key_id not in draft.signers():
        versions = f"version {draft.before.rootkeys.version} or {draft.rootkeys.version}"
        raise UntrustedError(f"{key_id.hex()} is no root key of {versions}")
    if any(signature.key_id == key_id for signature in draft.signatures):
        raise UntrustedError(f"{key_id.hex()} has signed already")
    return with_signatures(draft, seal_body(Kind.ROOTKEYS, draft.body, [key]).signatures)


def joined(draft: Draft, other: Draft) -> Draft:
    """Take over the signatures of a copy.

    Raises:
        UntrustedError: It is a draft of something else.
    """
    if other.body != draft.body or other.before.sealed.body != draft.before.sealed.body:
        raise UntrustedError("is a draft of another version")
    have = {signature.key_id for signature in draft.signatures}
    return with_signatures(draft, tuple(one for one in other.signatures if one.key_id not in have))


def with_signatures(draft: Draft, more: tuple[Signature, ...]) -> Draft:
    """Return the draft with more signatures, whatever they are worth."""
    signatures = tuple(sorted((*draft.signatures, *more), key=lambda one: one.key_id))
    return Draft(draft.before, draft.rootkeys, draft.body, signatures)


def finished(draft: Draft, now: float) -> Trust:
    """Return the version, once both thresholds have signed it and it counts.

    Raises:
        UntrustedError: They have not, or it has expired meanwhile.
    """
    of_before, of_own = draft.missing()
    if of_before or of_own:
        raise UntrustedError(
            f"version {draft.rootkeys.version} lacks {of_before} of the keys of version "
            f"{draft.before.rootkeys.version} and {of_own} of its own; nothing was written"
        )
    claim = read_claim(Sealed(Kind.ROOTKEYS, draft.signatures, draft.body).to_wire())
    if isinstance(claim, Refusal):
        raise UntrustedError(claim.why)
    made = trust.advance(draft.before, claim)
    if not trust.is_current(made, now):
        raise UntrustedError(f"version {draft.rootkeys.version} does not count now; nothing was written")
    return made


def read_draft(path: Path) -> Draft:
    """Read a draft.

    Raises:
        MalformedError: It is none.
        UntrustedError: A signature in it is false, or the version before is not signed by its own keys.
    """
    try:
        text = path.read_text("ascii")
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MalformedError("is no draft of root keys") from error
    blocks = _blocks(text)
    if DRAFT not in blocks or BEFORE not in blocks:
        raise MalformedError("is no draft of root keys; 'fingerpost rootkeys next' makes one")
    wire = blocks[DRAFT]
    sealed = Sealed(Kind.ROOTKEYS, (), wire[2:]) if wire[1:2] == b"\0" else Sealed.from_wire(wire)
    said = statements.read_untrusted(sealed)
    if not isinstance(said, RootKeys):
        raise MalformedError("is no draft of root keys")
    draft = Draft(trust.from_sealed(Sealed.from_wire(blocks[BEFORE])), said, sealed.body, sealed.signatures)
    message, signers = signed_octets(Kind.ROOTKEYS, draft.body), draft.signers()
    for signature in draft.signatures:
        key = signers.get(signature.key_id)
        if key is None or not key.verifies(signature.octets, message):
            raise UntrustedError(f"the signature of {signature.key_id.hex()} is false")
    return draft


def _block(label: str, wire: bytes) -> str:
    text = base64.b64encode(wire).decode("ascii")
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def _blocks(text: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for label in (DRAFT, BEFORE):
        _, begin, rest = text.partition(f"-----BEGIN {label}-----\n")
        inside, end, _ = rest.partition(f"-----END {label}-----")
        if begin and end:
            try:
                found[label] = base64.b64decode("".join(inside.split()), validate=True)
            except binascii.Error as error:
                raise MalformedError(f"the block {label} is damaged: {error}") from error
    return found
