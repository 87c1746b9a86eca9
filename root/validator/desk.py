"""A validator at work: a request and `now` to a reply, and what is to be done although nobody asks.

    octets -> how often does this client ask? -> signed, for us, of now -> of a CSI that is ours -> not taken before
           -> the action, in one transaction with what is shown -> written -> reply, and a code to be delivered

What is kept in memory alone changes once that is written: where it cannot be, neither the right code nor a count of
codes was used up. A wrong guess counts at once.

Sockets, delivery and randomness are the daemon's. Not to be used by two threads at a time.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from root.validator import claims
from root.validator.allowances import ALL_TOGETHER, PER_CLIENT, PER_CSI, REQUESTS, Allowance, client_of
from root.validator.claims import Record, Refused, Terms
from root.validator.codes import Codes, Tried
from root.validator.refusals import CONFLICT, LIMITED, MALFORMED, OK, UNAVAILABLE, UNTRUSTED, TurnedAwayError
from root.validator.store import RegisterWriter, Writing
from root.validator.vouching import Voucher
from zonedata import identifiers, names
from zonedata.errors import MalformedError, UntrustedError
from zonedata.identifiers import Csi
from zonedata.names import Name
from zonedata.recipient_statements import recipient_of
from zonedata.validator_requests import (
    CARRIES_MAPPING,
    WINDOW,
    Action,
    Outcome,
    Reply,
    Request,
    RequestError,
    open_deposit,
    open_request,
)

SWEEP = 500  # CSIs a transaction: some milliseconds, in which no request waits long


@dataclass(frozen=True, slots=True)
class Delivery:
    """A code that is to reach a CSI.

    Attributes:
        csi: Whose.
        code: Which.
        time: Unix seconds at which it was counted.
        recipient: Digest of the key that asked for it.
    """

    csi: Csi
    code: str
    time: float = 0.0
    recipient: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        status: As HTTP counts.
        reply: What to say.
        delivery: What is to be delivered before that is said.
        event: What was asked for, for the log; "" where that cannot be read.
        why: In a word for the log, without anybody's name, why it was refused; "" when it was done.
        fault: For the log: why the register could not be written; "" when it was.
    """

    status: int
    reply: Reply
    delivery: Delivery | None = None
    event: str = ""
    why: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """How possession is proven.

    Attributes:
        methods: For each scheme of CSIs that codes can be delivered to, the word for it in a VALIDATION.
        draw: Makes a code, at random.
        secret: Octets at random, for keeping codes.
    """

    methods: dict[str, str]
    draw: Callable[[], str]
    secret: bytes


class Desk:
    """One validator.

    Args:
        register: What it knows, on disk.
        voucher: Who it is and what it signs with.
        nodes: Where it is delegated to; nothing is vouched for elsewhere.
        ways: How possession is proven.
        terms: What its operator decides.
    """

    def __init__(
        self, register: RegisterWriter, voucher: Voucher, nodes: tuple[Name, ...], ways: Ways, terms: Terms
    ) -> None:
        self._register = register
        self._voucher = voucher
        self._nodes = nodes
        self._ways = ways
        self._terms = terms
        self._codes = Codes(ways.secret)
        # Up to which owner what another key signed has been made due; None when all of it is.
        self._renewed: bytes | None = None
        self._requests, self._by_client = Allowance(REQUESTS), Allowance(PER_CLIENT)
        self._by_csi, self._together = Allowance(PER_CSI), Allowance(ALL_TOGETHER)

    def handle(self, wire: bytes, host: str, now: float) -> Answer:
        """Answer a request of a client at an address; where the register cannot be written nothing has changed."""
        client = client_of(host)
        try:
            _check(self._requests, client, now, "limit-requests", "requests from this address")
            self._requests.count(client, now)
            request = open_request(wire, self._voucher.name, now)
        except RequestError as error:
            return _refusal(TurnedAwayError.of(error, ""), error.action.value)
        except MalformedError as error:
            return _refusal(TurnedAwayError.of(error, "malformed"), "")
        except TurnedAwayError as error:
            return _refusal(error, "")
        action = request.action.value
        try:
            return self._handled(request, hashlib.sha256(wire).digest(), client, now)
        except TurnedAwayError as error:
            return _refusal(error, action)
        except OSError as error:
            reply = Reply(Outcome.REFUSED, "the register cannot be written; try again later")
            return Answer(UNAVAILABLE, reply, None, action, "register", str(error))

    def _handled(self, request: Request, digest: bytes, client: bytes, now: float) -> Answer:
        if not any(names.covers(node, request.owner) for node in self._nodes):
            raise TurnedAwayError(UNTRUSTED, "elsewhere", "this validator does not vouch for such identifiers")
        with self._register.writing() as writing:
            if not writing.is_new(request.time, digest, now - WINDOW):
                raise TurnedAwayError(UNTRUSTED, "replay", "this very request was taken before")
            try:
                answer = self._done(request, client, writing, now)
            except TurnedAwayError as error:  # here, so that it is written that the request was taken
                return _refusal(error, request.action.value)
        if answer.delivery is not None:
            self._begin(answer.delivery, request, client)
        elif request.action is Action.CONFIRM:
            self._codes.spend(request.owner, request.recipient)
        return answer

    def _done(self, request: Request, client: bytes, writing: Writing, now: float) -> Answer:
        if request.action is Action.CLAIM:
            return self._claim(request, client, now)
        known = writing.record(request.owner)
        before = claims.settled(known, now)
        recipient = request.recipient
        after: Record | Refused | None
        if request.action in CARRIES_MAPPING:
            after, recipient = self._deposited(before, request, now)
        elif request.action is Action.CONFIRM:
            after = self._confirmed(before, request, now)
        elif request.action is Action.KEEP:
            after = claims.kept(before, recipient)
        else:
            after = before
        if isinstance(after, Refused):
            raise TurnedAwayError(CONFLICT, "conflict", after.reason)
        if after is None:
            writing.drop(request.owner)
        elif after != known:
            self._put(writing, request.owner, after, now)
        return Answer(OK, state_of(after, recipient), event=request.action.value)

    def _claim(self, request: Request, client: bytes, now: float) -> Answer:
        """See whether a code may be sent to the CSI, and make it."""
        try:
            csi = identifiers.parse(request.csi)
        except MalformedError as error:
            raise TurnedAwayError.of(error, "identifier") from error
        if csi.owner != request.owner:
            raise TurnedAwayError(
                MALFORMED, "identifier", "the identifier is not the one that the request is about"
            )
        if csi.scheme not in self._ways.methods:
            reason = "this validator has no way to send codes to such identifiers"
            raise TurnedAwayError(UNTRUSTED, "no-way", reason)
        _check(self._by_client, client, now, "limit-client", "codes for this address")
        _check(self._by_csi, request.owner, now, "limit-csi", "codes to this identifier")
        _check(self._together, b"", now, "limit-all", "codes")
        return Answer(
            OK, Reply(Outcome.SENT), Delivery(csi, self._ways.draw(), now, request.recipient), Action.CLAIM.value
        )

    def _begin(self, delivery: Delivery, request: Request, client: bytes) -> None:
        """Take in that a code is being sent."""
        if not self._codes.begin(request.owner, request.recipient, delivery.code, delivery.time):
            reason = "too many codes are under way; try again in ten minutes"
            raise TurnedAwayError(UNAVAILABLE, "no-room", reason)
        self._by_client.count(client, delivery.time)
        self._by_csi.count(request.owner, delivery.time)
        self._together.count(b"", delivery.time)

    def undelivered(self, delivery: Delivery) -> None:
        """Take in that a code surely reached nobody: it is void, and no reason to keep its owner waiting.

        It counts for the client all the same, since it cost us as much; and for all if somebody has guessed at it
        meanwhile, since the counts are what bounds guesses.
        """
        if self._codes.take_back(delivery.csi.owner, delivery.recipient, delivery.code):
            self._by_csi.give_back(delivery.csi.owner, delivery.time)
            self._together.give_back(b"", delivery.time)

    def _confirmed(self, before: Record | None, request: Request, now: float) -> Record:
        match self._codes.try_(request.owner, request.recipient, request.code, now):
            case Tried.WRONG:
                raise TurnedAwayError(UNTRUSTED, "code", "this is not the code")
            case Tried.NONE:
                reason = "no code is outstanding for this key: too old, tried too often or used; claim again"
                raise TurnedAwayError(UNTRUSTED, "no-code", reason)
            case Tried.RIGHT:
                scheme = request.owner.split(b"\0", 1)[0].decode("ascii")
                return claims.proven(before, request.recipient, self._ways.methods[scheme], now, self._terms)

    def _deposited(self, before: Record | None, request: Request, now: float) -> tuple[Record | Refused, bytes]:
        """Take in a MAPPING; return with what is known now whose it is."""
        try:
            mapping = open_deposit(request.mapping, request.owner, now)
        except (MalformedError, UntrustedError) as error:
            raise TurnedAwayError.of(error, "mapping") from error
        if request.action is Action.ROLL:
            return claims.rolled(before, request.recipient, mapping, request.mapping), mapping.recipient
        if recipient_of(mapping.key) != request.recipient:
            raise TurnedAwayError(UNTRUSTED, "mapping", "the MAPPING is signed by another key than the request")
        if request.action is Action.RELEASE:
            return claims.released(before, mapping, request.mapping, now), mapping.recipient
        if mapping.is_released:
            raise TurnedAwayError(CONFLICT, "conflict", "the MAPPING gives the CSI up; ask for a release")
        return claims.mapped(before, mapping, request.mapping), mapping.recipient

    def _put(self, writing: Writing, owner: Name, record: Record, now: float) -> None:
        """Write what is known; what is shown is signed anew where it has changed."""
        if record.renew <= now:
            record, entries = self._voucher.vouch(owner, record, now)
        else:
            entries = writing.shown(owner)
        writing.put(owner, record, entries)

    def sweep(self, now: float) -> int:
        """Do some of what is due: sign anew, end what is too old, let deadlines pass; return how much was done.

        Raises:
            OSError: The register cannot be written; nothing has changed.
        """
        if self._renewed is not None and (count := self._renew(self._renewed)):
            return count
        with self._register.writing() as writing:
            owners = writing.due(now, SWEEP)
            for owner in owners:
                record = claims.settled(writing.record(owner), now)
                if record is None:
                    writing.drop(owner)
                else:
                    self._put(writing, owner, record, now)
        return len(owners)

    def begin(self) -> None:
        """See to it that what another key has signed is signed anew by the next sweeps.

        Raises:
            OSError: The register cannot be written; nothing has changed.
        """
        with self._register.writing() as writing:
            is_ours = writing.signer == self._voucher.key.public.key_id
        if not is_ours:
            self._renew(b"")

    def _renew(self, after: bytes) -> int:
        """Have some more signed anew, and when there are no more note that all is ours; return how many."""
        with self._register.writing() as writing:
            owners = writing.renew_some(after, SWEEP)
            is_all = len(owners) < SWEEP
            writing.signer = self._voucher.key.public.key_id if is_all else b""  # until then of several keys
        self._renewed = None if is_all else owners[-1]
        return len(owners)


def state_of(record: Record | None, recipient: bytes) -> Reply:
    """Say how a recipient stands."""
    if record is None:
        return Reply(Outcome.NONE)
    deadline = record.pending.deadline if record.pending is not None else 0
    if record.standing.recipient == recipient:
        outcome = Outcome.RELEASED if record.is_released else Outcome.STANDING
        serial = record.deposit.serial if record.deposit is not None else 0
        return Reply(outcome, "", record.standing.since, record.standing.until, deadline, serial)
    if record.pending is not None and record.pending.claim.recipient == recipient:
        claim = record.pending.claim
        return Reply(Outcome.PENDING, "", claim.since, claim.until, deadline)
    return Reply(Outcome.NONE)


def _refusal(error: TurnedAwayError, action: str) -> Answer:
    return Answer(error.status, Reply(Outcome.REFUSED, str(error)), None, action, error.why)


def _check(allowance: Allowance, key: bytes, now: float, why: str, what: str) -> None:
    wait = allowance.wait(key, now)
    if wait > 0:
        raise TurnedAwayError(LIMITED, why, f"too many {what}; try again in {wait:.0f} s")
