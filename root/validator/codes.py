"""One-time codes that are outstanding, each for one key and one CSI.

In memory alone: a code that was never written down cannot be read from a disk, and a restart only costs another
one. Even here a code is kept as a digest under a secret of the process, so that no table of them tells a code.

A code is for the key that asked. So who guesses at somebody's CSI uses up their own attempts, and learns nothing
that helps with another key.
"""

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum, auto

from zonedata.names import Name

CODE_DIGITS = (
    8  # with the limits below and 10 codes a day: 50 guesses in 10^8, one in 5,500 for a whole year of trying
)
ATTEMPTS = 5  # people mistype once or twice
CODE_SECONDS = 600  # for grey-listed mail and slow short messages
MAX_OUTSTANDING = 100_000  # codes; some 40 MB, and 160 a second for ten minutes


class Tried(Enum):
    """How an attempt ended."""

    RIGHT = auto()
    WRONG = auto()
    NONE = auto()  # no code is outstanding: never asked for, too old, or guessed at too often


@dataclass(frozen=True, slots=True)
class _Outstanding:
    digest: bytes
    until: float
    attempts: int


class Codes:
    """All of one validator.

    Args:
        secret: At least 32 octets at random, of this process.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._held: OrderedDict[tuple[Name, bytes], _Outstanding] = OrderedDict()  # oldest first; all live as long

    def begin(self, owner: Name, recipient: bytes, code: str, now: float) -> bool:
        """Take in a code that is being sent, instead of one sent before; False when there is no room."""
        while self._held and next(iter(self._held.values())).until <= now:
            self._held.popitem(last=False)
        self._held.pop((owner, recipient), None)
        if len(self._held) >= MAX_OUTSTANDING:
            return False
        digest = self._digest(owner, recipient, code)
        self._held[owner, recipient] = _Outstanding(digest, now + CODE_SECONDS, ATTEMPTS)
        return True

    def try_(self, owner: Name, recipient: bytes, code: str, now: float) -> Tried:
        """Say whether this is the code; the right one counts until it is spent, wrong ones a few times."""
        held = self._held.get((owner, recipient))
        if held is None or held.until <= now:
            return Tried.NONE
        if hmac.compare_digest(held.digest, self._digest(owner, recipient, code)):
            return Tried.RIGHT
        if held.attempts == 1:
            del self._held[owner, recipient]
        else:
            self._held[owner, recipient] = replace(held, attempts=held.attempts - 1)
        return Tried.WRONG

    def spend(self, owner: Name, recipient: bytes) -> None:
        """Take in that what the right code is for has been done: it counts no more."""
        self._held.pop((owner, recipient), None)

    def take_back(self, owner: Name, recipient: bytes, code: str) -> bool:
        """Take in that a code reached nobody: it is void. False if it was guessed at, or is another by now."""
        held = self._held.get((owner, recipient))
        if held is None or not hmac.compare_digest(held.digest, self._digest(owner, recipient, code)):
            return False
        del self._held[owner, recipient]
        return held.attempts == ATTEMPTS

    def _digest(self, owner: Name, recipient: bytes, code: str) -> bytes:
        return hmac.digest(self._secret, recipient + owner + b"\xff" + code.encode(), hashlib.sha256)
