"""What a judge of many proofs need not do twice: decode the same octets, check the same signature.

The proofs of a batch show the same delegations, gaps and bindings again and again. Both things remembered here
depend on nothing but octets: what an envelope says, and that a signature is a certain key's over a certain body.
Everything else a judge asks (who may say it, whether the key is bound, whether it counts now, what overtakes it) it
asks anew each time, unless `paths` knows that nothing it depends on has changed. So a judge that remembers comes
to the same verdict as one that does not, refusals included.

Left out: failures. They cost the same again, or anybody could fill the memory with them.
"""

from zonedata.keys import PublicKey
from zonedata.kinds import ZONE_SIGNED, Kind
from zonedata.known_paths import KnownPaths
from zonedata.opening import Claim, Refusal, read_claim
from zonedata.sealed import Sealed

MAX_OCTETS = 16_000_000  # of envelopes, ten times that decoded; half of a root of 30,000 nodes with its gaps
SHARED = ZONE_SIGNED | {Kind.BLOCK}  # kinds that many owners share; what is about one person is seen once
_FIRST_OCTETS = frozenset(bytes((kind,)) for kind in SHARED)

_Proven = tuple[bytes, Kind, bytes, bytes]  # raw key, kind, signature, body


class Recall:
    """Remembers what was read and what was proven, as much as fits; not for two threads at a time.

    There are two generations. What is used moves to the younger one; when that has half of the octets, the older
    one is forgotten and the younger one takes its place.

    Attributes:
        paths: Paths found before.

    Args:
        most: Octets of envelopes remembered.
    """

    __slots__ = ("_claims", "_half", "_octets", "_old_claims", "_old_proven", "_proven", "paths")

    def __init__(self, most: int = MAX_OCTETS) -> None:
        self.paths = KnownPaths()
        self._half = most // 2
        self._octets = 0  # of the younger generation
        self._claims: dict[bytes, Claim] = {}
        self._old_claims: dict[bytes, Claim] = {}
        self._proven: set[_Proven] = set()
        self._old_proven: set[_Proven] = set()

    @property
    def octets(self) -> int:
        """Octets of envelopes in the younger generation; the older one has at most half of all that may be."""
        return self._octets

    def read(self, wire: bytes) -> Claim | Refusal:
        """Take steps 1 and 2 on one record's data, as `read_claim`."""
        claim = self._claims.get(wire)
        if claim is not None:
            return claim
        if wire[:1] not in _FIRST_OCTETS:
            return read_claim(wire)
        known = self._old_claims.get(wire)
        read = known if known is not None else read_claim(wire)
        if isinstance(read, Claim):
            self._make_room(len(wire))
            self._claims[wire] = read
        return read

    def verifies(self, sealed: Sealed, public: PublicKey, signature: bytes, message: bytes) -> bool:
        """Say whether a signature of the envelope is this key's over the message, as `PublicKey.verifies`."""
        proof = (public.raw, sealed.kind, signature, sealed.body)
        if proof in self._proven:
            return True
        if proof not in self._old_proven and not public.verifies(signature, message):
            return False
        if sealed.kind in SHARED:
            self._make_room(len(sealed.body))
            self._proven.add(proof)
        return True

    def _make_room(self, octets: int) -> None:
        if self._octets + octets > self._half:
            self._old_claims, self._claims = self._claims, {}
            self._old_proven, self._proven = self._proven, set()
            self._octets = 0
        self._octets += octets
