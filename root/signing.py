"""Signing a zone or an MSP's listings: sources in, store entries out, in canonical order.

Pure: keys and the time of signing are arguments, randomness is none. What comes out has been made from the same
classes that read it back, so nothing is signed that a verifier would refuse.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from root.assertion_form import AssertionForm
from zonedata import identifiers, names, statements
from zonedata.errors import MalformedError
from zonedata.identifiers import authority_node
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY, RULES, Kind
from zonedata.life import Life
from zonedata.listings import BlockListing, Listing
from zonedata.names import Name
from zonedata.person_statements import Block
from zonedata.recipient_statements import Revocation
from zonedata.revocations import RevocationLine
from zonedata.sealed import Sealed
from zonedata.store.layout import Table, block_entry, entry
from zonedata.zone_statements import Authority, Delegation, Gap, ZoneDigest
from zonedata.zonefile import Binding, ZoneSource

ZONE_LIFE = RULES[Kind.DELEGATION].max_life  # seven days: the longest allowed, re-signed daily
ASSERTION_LIFE = 14 * DAY  # half of what is allowed, so that a missed signing is noticed before it hurts
REVOCATION_LIFE = RULES[Kind.REVOCATION].max_life  # it must outlive every validation that it ends
BLOCK_LIFE = DAY  # what is allowed: a block speaks for people it does not name
ASSERTION_TTL = 300  # seconds: with the skew of 60 s a removed listing is gone after 360 s

# Octets of a zone's delegations above one another. All of them answer one question, in one message of at most
# 65,535 with the gap, the question and the heads of records; a longer path could be signed, but never served.
MAX_PATH = 60_000

Entry = tuple[Table, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Signing:
    """One act of signing.

    Attributes:
        key: Whose signature.
        now: Unix seconds of signing.
        serial: Of every statement that comes of it; above that of the signing before.
    """

    key: PrivateKey
    now: int
    serial: int

    def life(self, ttl: int, seconds: int) -> Life:
        """Return the lifetime of a statement signed now."""
        return Life(ttl, self.serial, self.now, self.now + seconds)


def next_serial(now: int, previous: int) -> int:
    """Return the serial of the next signing: the time, unless the one before was later."""
    return max(now, previous + 1)


def sign_zone(source: ZoneSource, tree: bytes, signing: Signing) -> Iterator[Entry]:
    """Sign a root or registry zone: every binding, every delegation, the chain of gaps, the digest of all.

    Raises:
        MalformedError: A statement is too long, or the delegations on one path are together.
    """
    life = signing.life(source.ttl, ZONE_LIFE)
    digest, count = hashlib.sha256(), 0
    path: list[tuple[Name, int]] = []
    for table, key, statement in _zone_statements(source, tree, life):
        sealed = statements.seal(statement, signing.key)
        wire = sealed.to_wire()
        if isinstance(statement, Delegation):
            _lengthen(path, statement.node, len(wire))
        digest.update(len(wire).to_bytes(4, "big") + wire)
        count += 1
        yield table, key, entry(life, sealed)
    whole = ZoneDigest(life, tree, source.zone, count, digest.digest())
    yield Table.DIGEST, b"", entry(life, statements.seal(whole, signing.key))
    yield Table.META, b"authority", source.zone.encode()
    yield Table.META, b"serial", str(signing.serial).encode()
    yield Table.META, b"nodes", b"\n".join(names.to_text(node).encode() for node in source.scope)


def _lengthen(path: list[tuple[Name, int]], node: Name, octets: int) -> None:
    """Go on to the next delegated node in canonical order.

    Args:
        path: The delegated nodes that the last one lies in, itself last, each with the octets down to it.
        node: The next one.
        octets: Of its delegation.
    """
    while path and not names.covers(path[-1][0], node):
        path.pop()
    total = octets + (path[-1][1] if path else 0)
    if total > MAX_PATH:
        at = identifiers.node_to_text(node)
        raise MalformedError(f"delegations at and above {at} of {total} octets; {MAX_PATH} fit into one answer")
    path.append((node, total))


def _zone_statements(
    source: ZoneSource, tree: bytes, life: Life
) -> Iterator[tuple[Table, Name, Authority | Delegation | Gap]]:
    bindings = {authority_node(name): (name, binding) for name, binding in source.bindings.items()}
    for node, (name, binding) in sorted(bindings.items()):
        yield Table.AUTHORITIES, node, _authority(source.zone, tree, life, name, binding)
    for node, granted in sorted(source.nodes.items()):
        grants = sorted(granted.grants.values(), key=lambda grant: (grant.authority, grant.roles, grant.deep))
        said = Delegation(life, tree, source.zone, node, tuple(grants), granted.terminating)
        yield Table.DELEGATIONS, node, said
    for gap in gaps_of(source.zone, tree, life, source.nodes, bindings):
        yield Table.GAPS, gap.first, gap


def _authority(zone: str, tree: bytes, life: Life, name: str, binding: Binding) -> Authority:
    keys = sorted(binding.keys.values(), key=lambda bound: bound.public.key_id)
    servers = sorted(binding.servers.values(), key=lambda server: server.name)
    return Authority(life, tree, zone, name, tuple(keys), tuple(servers))


def gaps_of(zone: str, tree: bytes, life: Life, nodes: Iterable[Name], bound: Iterable[Name]) -> Iterator[Gap]:
    """Make the chain of gaps over every delegated node and every bound name, from the root of the tree round."""
    delegated = set(nodes)
    every = sorted({names.ROOT, *delegated, *bound})
    for first, following in pairwise([*every, names.ROOT]):
        counts = tuple(names.depth(above) for above in names.ancestors(first) if above in delegated)
        yield Gap(life, tree, zone, first, following, counts)


def sign_listings(
    listings: Iterable[Listing | BlockListing], msp: str, nodes: Iterable[Name], signing: Signing
) -> Iterator[Entry]:
    """Sign an MSP's listings, which come in canonical order and without two of one name.

    Args:
        listings: Blocks before the numbers below them, as canonical order has it.
        msp: Whose word.
        nodes: Where it answers.
        signing: Key, time and serial.
    """
    form = AssertionForm(msp, signing.life(ASSERTION_TTL, ASSERTION_LIFE), signing.key)
    block_life = signing.life(ASSERTION_TTL, BLOCK_LIFE)
    above: list[Name] = []  # the blocks that the last one lies in, itself last
    for listing in listings:
        if isinstance(listing, Listing):
            _line, owner, ssi, features, recipient = listing
            yield Table.ASSERTIONS, owner, form.entry_of(owner, ssi, features, recipient)
        else:
            while above and not names.covers(above[-1], listing.node):
                above.pop()
            above.append(listing.node)
            sealed = _sealed_block(listing, msp, block_life, signing)
            value = block_entry([names.depth(node) for node in above], entry(block_life, sealed))
            yield Table.BLOCKS, listing.node, value
    yield Table.META, b"authority", msp.encode()
    yield Table.META, b"serial", str(signing.serial).encode()
    yield Table.META, b"nodes", b"\n".join(names.to_text(node).encode() for node in nodes)


def sign_revocations(lines: Iterable[RevocationLine], csip: str, signing: Signing) -> Iterator[Entry]:
    """Sign what a CSIP revokes; the lines come in canonical order of their nodes, none of them twice."""
    life = signing.life(ASSERTION_TTL, REVOCATION_LIFE)
    above: list[Name] = []  # the nodes that the last one lies in, itself last
    for line in lines:
        while above and not names.covers(above[-1], line.node):
            above.pop()
        above.append(line.node)
        said = Revocation(life, csip, line.node, line.is_block, line.before, line.reason)
        value = entry(life, statements.seal(said, signing.key))
        yield Table.REVOCATIONS, line.node, block_entry([names.depth(node) for node in above], value)


def _sealed_block(listing: BlockListing, msp: str, life: Life, signing: Signing) -> Sealed:
    said = Block(life, listing.node, msp, listing.template, listing.lengths, listing.exceptions)
    try:
        return statements.seal(said, signing.key)
    except MalformedError as error:
        raise MalformedError(f"line {listing.line}: {error}") from error


def rootkeys_entries(versions: Iterable[Sealed]) -> Iterator[Entry]:
    """Make the entries of every ROOTKEYS version, oldest first.

    A version on the way may have expired and must be served all the same, or nobody whose anchor is old could catch
    up; so all are served as long as the newest counts.

    Raises:
        MalformedError: One of them is no ROOTKEYS.
    """
    read = [(statements.read_untrusted(sealed), sealed) for sealed in versions]
    last = max((said.life.expires for said, _ in read), default=0)
    for said, sealed in read:
        if said.kind is not Kind.ROOTKEYS:
            raise MalformedError(f"expected ROOTKEYS, found {sealed.kind.name}")
        served = replace(said.life, expires=last)
        yield Table.ROOTKEYS, said.life.serial.to_bytes(4, "big"), entry(served, sealed)
