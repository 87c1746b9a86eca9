"""Redeeming: the value of an Authorization field to a look-up that is paid for, or why it is not.

It looks at nothing but the token: not at who sent it, nor over what. So a token that came through a relay
(Oblivious HTTP), inside the request that the relay cannot read, counts as one that came directly.

    from whoever has the field: redeem(field, now) -> Redeemed | Refused

A `Redeemed` pays for one look-up. Whoever counts look-ups of clients takes it instead of the client's budget; it
has no name in it, and must not be joined with one. It is spent whatever becomes of the look-up.
"""

import logging
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from transport.tokens import authentication
from transport.tokens.authentication import Challenge
from transport.tokens.blind_rsa import PSS_DETERMINISTIC
from transport.tokens.keys import DAY, IssuerKey
from transport.tokens.spent import Spending, SpentError, SpentTokens
from transport.tokens.tokens import TokenChallenge, TokenError

LOOKUPS = 1  # that a token pays for
SOON = 3_600.0  # seconds before a key's day within which everything is made ready for its tokens
TELL_AGAIN = 3_600.0  # seconds after which a reason for taking no tokens is told again, if it still holds
MAX_REASONS = 100  # that are remembered; two or three a day are many

log = logging.getLogger(__name__)


class Why(StrEnum):
    """Why a token is refused."""

    MALFORMED = "malformed"  # no token of our type
    FOREIGN = "foreign"  # for another challenge: another issuer, another origin, another context
    KEY = "key"  # of a key that the issuer does not list
    EXPIRED = "expired"  # of a key that has ended, or has not begun
    SIGNATURE = "signature"  # not signed by that key
    SPENT = "spent"  # redeemed before
    FULL = "full"  # there is no room to remember it


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A token that was good, and is spent now.

    Attributes:
        lookups: How many it pays for.
    """

    lookups: int = LOOKUPS


@dataclass(frozen=True, slots=True)
class Refused:
    """A token that pays for nothing.

    Attributes:
        why: The reason, for logs and counts; the client is told to bring another token.
    """

    why: Why


Keys = Callable[[float], tuple[IssuerKey, ...]]  # those that the issuer lists, at a time


class Redeemer:
    """A resolver's side of it. One for each worker.

    Args:
        challenge: For what tokens are asked; always the same, so that tokens can be fetched beforehand.
        keys: The issuer's.
        spent: Shared by all workers.

    Attributes:
        counts: Of this worker: how many were `redeemed`, and how many refused, for each reason.
    """

    def __init__(self, challenge: TokenChallenge, keys: Keys, spent: SpentTokens) -> None:
        self._challenge = challenge
        self._digest = challenge.digest
        self._keys = keys
        self._spent = spent
        self._told: dict[str, float] = {}  # reasons, and when each was told last
        self.counts: Counter[str] = Counter()

    def redeem(self, field: str, now: float) -> Redeemed | Refused:
        """Spend the token in an Authorization field, if it is good."""
        outcome = self._redeem(field, now)
        self.counts[outcome.why if isinstance(outcome, Refused) else "redeemed"] += 1
        return outcome

    def _redeem(self, field: str, now: float) -> Redeemed | Refused:
        """Do the cheap looks first; remember only what is signed, so that inventions fill nothing."""
        try:
            token = authentication.token_of(field)
        except TokenError:
            return Refused(Why.MALFORMED)
        if token.challenge_digest != self._digest:
            return Refused(Why.FOREIGN)
        key = next((one for one in self._keys(now) if one.key_id == token.key_id), None)
        if key is None:
            return Refused(Why.KEY)
        if not key.is_redeemed(now):
            return Refused(Why.EXPIRED)
        if not key.public.verifies(token.signed, token.authenticator, PSS_DETERMINISTIC):
            return Refused(Why.SIGNATURE)
        try:
            spending = self._spent.spend(token.key_id, token.nonce, key.not_after, now)
        except SpentError as error:
            self.complain(str(error), now)
            return Refused(Why.FULL)
        if spending is Spending.NEW:
            return Redeemed()
        if spending is Spending.SPENT:
            return Refused(Why.SPENT)
        self.complain(f"no room for another token of the key {token.key_id.hex()[:16]}", now)
        return Refused(Why.FULL)

    def due(self, now: float) -> tuple[IssuerKey, ...]:
        """Return the keys whose tokens are taken now or soon; where none is left for today, complain."""
        keys = self._keys(now)
        if not any(key.is_redeemed(now + SOON + DAY) for key in keys):  # today's counts tomorrow, too
            self.complain("the issuer's directory has no key for today: 'fingerpost token directory' gets it", now)
        return tuple(key for key in keys if key.is_redeemed(now) or key.is_redeemed(now + SOON))

    def complain(self, reason: str, now: float) -> None:
        """Log why good tokens are refused, or will be: each reason once an hour."""
        if 0 <= now - self._told.get(reason, -math.inf) < TELL_AGAIN:
            return
        if len(self._told) >= MAX_REASONS:
            self._told.clear()
        self._told[reason] = now
        log.error('event=tokens-not-taken reason="%s"', reason)

    def challenge(self, now: float) -> str:
        """Return the value of WWW-Authenticate for who has to bring a token."""
        key = next((one for one in self._keys(now) if one.issues(now)), None)
        return authentication.authenticate(Challenge(self._challenge, key.spki if key is not None else b""))
