"""The keys under which a store keeps what it holds.

    about an owner    hash of principal and owner          8
    else              hash of principal                    8
                      tag: A, B, D or G                    1
                      name                                 rest

The hashes are BLAKE2b with a secret that the store was begun with and the id of the trust anchor, so nobody
outside can make two parties or two owners meet, and trees never do. By accident two of ten million keys meet with
a chance of one in 400,000; then one of them is forgotten, because who said it and about whom is looked at again
in the statement itself.
"""

import hashlib
from typing import Final

from zonedata.holdings import Principal
from zonedata.identifiers import authority_node
from zonedata.names import Name
from zonedata.opening import Signer, speaker_of
from zonedata.person_statements import Assertion, Block, Denial
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.statements import Statement
from zonedata.zone_statements import Authority, Delegation, Gap

HASH: Final = 8  # octets
SECRET_OCTETS: Final = 32
MAX_KNOWN: Final = 4_096  # hashes of principals kept ready; some hundreds are usual

AUTHORITY, BLOCK, DELEGATION, GAP = b"A", b"B", b"D", b"G"  # REVOCATIONs lie with the blocks
OF_AN_OWNER: Final = (Assertion, Denial, Validation, Mapping)


class Keys:
    """Makes the keys of one store, for one tree."""

    __slots__ = ("_known", "_secret", "tree")

    def __init__(self, secret: bytes, tree: bytes) -> None:
        self.tree = tree
        self._secret = secret + tree  # at most 64 octets: BLAKE2b's limit
        self._known: dict[Principal, bytes] = {}

    def _hash_of(self, principal: Principal) -> bytes:
        known = self._known.get(principal)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            text = "\0".join(principal).encode()
            known = hashlib.blake2b(text, key=self._secret, digest_size=16, person=b"principal").digest()
            self._known[principal] = known
        return known

    def about(self, principal: Principal, owner: Name) -> bytes:
        """Return the key of all that a party said about exactly this owner."""
        salt = self._hash_of(principal)
        return hashlib.blake2b(owner, key=self._secret, digest_size=HASH, salt=salt, person=b"owner").digest()

    def tagged(self, principal: Principal, tag: bytes, name: bytes = b"") -> bytes:
        """Return the key of what a party said at a name; keys of one party and tag are in the order of names."""
        return self._hash_of(principal)[:HASH] + tag + name

    def of(self, principal: Principal, statement: Statement) -> bytes:
        """Return the key of a statement.

        Raises:
            ValueError: Statements of its kind are not kept.
        """
        match statement:
            case Assertion() | Denial() | Validation() | Mapping():
                return self.about(principal, statement.owner)
            case Block() | Revocation():
                return self.tagged(principal, BLOCK, statement.node)
            case Delegation():
                return self.tagged(principal, DELEGATION, statement.node)
            case Authority():
                return self.tagged(principal, AUTHORITY, authority_node(statement.authority))
            case Gap():
                return self.tagged(principal, GAP, statement.first)
            case _:
                raise ValueError(f"{statement.kind.name} is not kept")

    def fits(self, signer: Signer, statement: Statement, key: bytes, owner: Name | None) -> bool:
        """Say whether a statement found at a key is this party's, of this tree, and belongs there.

        Args:
            signer: The party.
            statement: What was found.
            key: Where it was found; names stand in full in all keys but those about an owner.
            owner: The owner, where the key is about one.
        """
        if getattr(statement, "tree", self.tree) != self.tree:
            return False
        # A MAPPING is a recipient's word, kept beside that of the validator who showed it.
        if speaker_of(statement) != signer.name and not isinstance(statement, Mapping):
            return False
        if owner is not None:
            return isinstance(statement, OF_AN_OWNER) and statement.owner == owner
        return not isinstance(statement, OF_AN_OWNER) and self.of(signer.principal, statement) == key
