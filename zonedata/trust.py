"""The trust anchor: one ROOTKEYS in a file, and how it catches up with later versions.

What is in the anchor file is trusted because the operator put it there. From then on a version counts only
when a threshold of the keys of the version before *and* a threshold of its own keys signed it, version by
version (as TUF rotates its root). An anchor that has expired may still catch up: its keys sign the next
version; but what is used in the end must be current.

The file holds PEM blocks: `FINGERPOST ROOTKEYS`, and after it an optional `FINGERPOST AUTHORITY` with the
root's servers, signed by a zone key, which only says where to ask first.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from zonedata.errors import MalformedError, UntrustedError
from zonedata.keys import ED25519, PublicKey
from zonedata.kinds import RULES, Kind, Use
from zonedata.opening import Claim, Refusal, Signer, read_claim
from zonedata.sealed import Sealed, signed_octets
from zonedata.zone_statements import TREE_OCTETS, Authority, BoundKey, RootKeys, Server

MAX_ANCHOR_FILE = 65_536  # octets; one ROOTKEYS and one AUTHORITY are under ten thousand
MAX_VERSIONS = 256  # that one catching-up takes, as python-tuf
PEM_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Trust:
    """A verified version of the root's keys.

    Attributes:
        tree: Id of the tree, the same for all versions.
        rootkeys: The newest version known.
        sealed: Its octets, to keep.
        servers: Where to ask the root first.
        chain: The versions after the one that was trusted first, oldest first, so that others can catch up.
    """

    tree: bytes
    rootkeys: RootKeys
    sealed: Sealed
    servers: tuple[Server, ...] = ()
    chain: tuple[Sealed, ...] = ()

    def signer(self) -> Signer:
        """Return the root zone as a party."""
        life = self.rootkeys.life
        keys = tuple(BoundKey(key, (Use.ZONE,), life.issued, life.expires) for key in self.rootkeys.zone_keys)
        return Signer(".", (), keys, life.expires)


def tree_of(first: Sealed) -> bytes:
    """Return the tree's id: the first 16 octets of SHA-256 of the body of version 1."""
    return hashlib.sha256(first.body).digest()[:TREE_OCTETS]


def _signed_by(sealed: Sealed, keys: tuple[PublicKey, ...], threshold: int) -> bool:
    message = signed_octets(sealed.kind, sealed.body)
    by_id = {key.key_id: key for key in keys}
    good = {
        signature.key_id
        for signature in sealed.signatures
        if signature.algorithm == ED25519
        and signature.key_id in by_id
        and by_id[signature.key_id].verifies(signature.octets, message)
    }
    return len(good) >= threshold


def from_sealed(sealed: Sealed) -> Trust:
    """Trust a version because the operator says so; its own keys must still have signed it.

    Raises:
        MalformedError: It is no ROOTKEYS.
        UntrustedError: Its own threshold did not sign it.
    """
    claim = read_claim(sealed.to_wire())
    if isinstance(claim, Refusal):
        raise MalformedError(claim.why)
    if not isinstance(claim.statement, RootKeys):
        raise MalformedError(f"expected ROOTKEYS, found {sealed.kind.name}")
    rootkeys = claim.statement
    if not _signed_by(sealed, rootkeys.root_keys, rootkeys.threshold):
        raise UntrustedError("ROOTKEYS is not signed by the threshold of its own keys")
    return Trust(rootkeys.tree or tree_of(sealed), rootkeys, sealed)


def advance(trust: Trust, following: Claim) -> Trust:
    """Step to the next version.

    Raises:
        UntrustedError: Not the next version, another tree, or not signed by both thresholds.
    """
    rootkeys = following.statement
    if not isinstance(rootkeys, RootKeys) or rootkeys.version != trust.rootkeys.version + 1:
        raise UntrustedError(f"expected ROOTKEYS version {trust.rootkeys.version + 1}")
    if rootkeys.tree != trust.tree:
        raise UntrustedError(f"ROOTKEYS version {rootkeys.version} belongs to another tree")
    life = rootkeys.life
    if life.expires - life.issued > RULES[Kind.ROOTKEYS].max_life:
        raise UntrustedError(f"ROOTKEYS version {rootkeys.version} lives longer than a year")
    for keys, threshold, whose in (
        (trust.rootkeys.root_keys, trust.rootkeys.threshold, "the version before's"),
        (rootkeys.root_keys, rootkeys.threshold, "its own"),
    ):
        if not _signed_by(following.sealed, keys, threshold):
            raise UntrustedError(f"ROOTKEYS version {rootkeys.version} lacks the threshold of {whose} keys")
    return Trust(trust.tree, rootkeys, following.sealed, trust.servers, (*trust.chain, following.sealed))


def is_current(trust: Trust, now: float) -> bool:
    """Say whether the version counts at `now`."""
    return trust.rootkeys.life.refusal_at(now, RULES[Kind.ROOTKEYS].max_life) is None


def to_pem(sealed: Sealed) -> str:
    """Write one block of an anchor file."""
    text = base64.b64encode(sealed.to_wire()).decode("ascii")
    lines = [text[at : at + PEM_WIDTH] for at in range(0, len(text), PEM_WIDTH)]
    label = f"FINGERPOST {sealed.kind.name}"
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def read_blocks(text: str) -> list[Sealed]:
    """Read the envelopes of an anchor file, or of one like it.

    Raises:
        MalformedError: One of them is damaged.
    """
    found: list[Sealed] = []
    label, lines = "", list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("-----BEGIN FINGERPOST "):
            label, lines = line[11:-5], []
        elif label and line == f"-----END {label}-----":
            try:
                sealed = Sealed.from_wire(base64.b64decode("".join(lines), validate=True))
            except (binascii.Error, MalformedError) as error:
                raise MalformedError(f"line {number}: the block before is damaged: {error}") from error
            if label != f"FINGERPOST {sealed.kind.name}":
                raise MalformedError(f"line {number}: the block {label} is no part of an anchor file")
            found.append(sealed)
            label = ""
        elif label:
            lines.append(line.strip())
    if label:
        raise MalformedError(f"the block {label} has no end")
    return found


def read_anchor(path: Path) -> Trust:
    """Read an anchor file.

    Raises:
        MalformedError: Not readable, or not in the form above.
        UntrustedError: As `from_sealed`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_ANCHOR_FILE + 1)
        if len(raw) > MAX_ANCHOR_FILE:
            raise MalformedError(f"trust anchor is longer than {MAX_ANCHOR_FILE} octets")
        text = raw.decode("ascii")
    except OSError as error:
        raise MalformedError(f"trust anchor cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MalformedError("trust anchor is not text") from error
    blocks = read_blocks(text)
    if not blocks or blocks[0].kind is not Kind.ROOTKEYS:
        raise MalformedError("trust anchor holds no block FINGERPOST ROOTKEYS at its beginning")
    trust = from_sealed(blocks[0])
    servers: tuple[Server, ...] = ()
    for sealed in blocks[1:]:
        claim = read_claim(sealed.to_wire())
        if isinstance(claim, Claim) and isinstance(claim.statement, Authority):
            servers = claim.statement.servers
    return Trust(trust.tree, trust.rootkeys, trust.sealed, servers)
