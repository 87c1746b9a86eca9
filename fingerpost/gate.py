"""Who may ask how much, before anything is answered: rates, budgets and cookies, before a daemon's own fast path.

    datagram -> rate -> (cookie) -> budget -> what is ready -> what is not: the handler -> cookie -> short enough?
    stream   -> rate of handshakes, where there is one -> rate of streams -> budget -> the handler -> cookie

A client that is named and has no budget costs one look at its rate. All others cost a look at the question.

Whoever is over a limit and has not proved an address is told to: a reply with TC sends them to a stream, BADCOOKIE
gives those who understand it a cookie. Whoever has proved it and is over a budget is refused, and told when to ask
again. Dry, all is counted and nobody is held up.

Belongs to one worker. What is counted is in memory that all workers share.
"""

import logging
from collections.abc import Callable
from typing import Final

from fingerpost.verdicts import Kind, Noted
from transport.budgets import Budgets
from transport.clients import CHARGED, DROP, PASSES, SLIP, SMALL, Client, Clients, source_of
from transport.fast_path import FastPath
from transport.handler import Caller, Handler, Later, Protocol, Verdict
from transport.rates import SMALL_FACTOR, Rates
from zonedata import wire
from zonedata.cookies import Cookies, answer_alone, asked_alone, with_cookie
from zonedata.packets import asked_in, cookie_in, cut_short_reply
from zonedata.padding import BLOCK
from zonedata.wire import Ede, Rcode, Rejected, Reply, cut_short, told_briefly

MAX_SOURCES: Final = 65_536  # addresses whose octets are remembered; some 10 MB
_CLIENT_COOKIE: Final = 8  # octets of a cookie without a server's part
_OVER: Final = (DROP, SLIP)

log = logging.getLogger(__name__)


class Gate(FastPath):
    """Stands before a daemon's handler and its fast path.

    Args:
        fast: Has ready replies.
        handler: Has the others.
        clients: Who is named.
        rates: Of all clients.
        budgets: Likewise; None where nobody has one.
        cookies: Those that `fast` answers with, too.
        is_dry: Whether nothing is refused.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what stands before a daemon is named once, where it is composed
        self,
        fast: FastPath,
        handler: Handler,
        clients: Clients,
        rates: Rates,
        budgets: Budgets | None,
        cookies: Cookies,
        is_dry: bool = False,
    ) -> None:
        self._fast = fast
        self._handler = handler
        self._clients = clients
        self._rates = rates
        self._budgets = budgets
        self._cookies = cookies
        self._is_dry = is_dry
        self._sources: dict[str, bytes] = {}
        self.noted = Noted(is_dry=is_dry)

    def counts(self) -> dict[str, int]:
        """Return what came of the limits so far."""
        charged = self._budgets.charged if self._budgets is not None else 0
        given = {"limited": self._rates.dropped, "sent_to_streams": self._rates.slipped, "charged": charged}
        return {**given, **self.noted.counts()}

    # --- datagrams ----------------------------------------------------------------------------------------

    def answer(  # noqa: PLR0913, PLR0917 - as FastPath
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """See `FastPath.answer`."""
        verdict = self._rates.verdict(source, now)
        if verdict == PASSES:
            return self._fast.answer(inbox, at, end, source, outbox, to, now)
        message = bytes(inbox[at:end])
        asked, cookie = asked_in(message) if verdict >= CHARGED else (b"", cookie_in(message))
        is_proven, back = self._cookies.read(cookie, source, now) if cookie else (False, b"")
        if is_proven and verdict != CHARGED:
            verdict = self._rates.proven_verdict(source, now)
            asked = asked_in(message)[0]
        if verdict in _OVER:
            self.noted.add(Kind.RATE, source, now)
            if not self._is_dry:
                return cut_short_reply(message, outbox, to) if verdict == SLIP else 0
            asked = asked_in(message)[0]
        reply = self._over_budget(message, asked, cookie, source, now, is_proven) if asked else None
        if reply is None:
            octets = self._fast.answer(inbox, at, end, source, outbox, to, now)
            if verdict != SMALL or octets <= SMALL_FACTOR * len(message):  # NOT_READY is less, too
                return octets
            self.noted.add(Kind.LONG, source, now)
            if self._is_dry:
                return octets
            reply = prove_yourself(message, cookie)
        if back:
            reply = with_cookie(reply, back)
        outbox[to : to + len(reply)] = reply
        return len(reply)

    def _over_budget(  # noqa: PLR0913, PLR0917 - what is known of a datagram by then
        self, message: bytes, asked: bytes, cookie: bytes, source: bytes, now: float, is_proven: bool
    ) -> bytes | None:
        """Count whom a datagram is about; return what is said to it if that is one too many."""
        budgets, client = self._budgets, self._clients.of_source(source)
        if budgets is None or not client.quota.is_limited:
            return None
        wait = budgets.charge(client, source, asked, now, is_proven=is_proven)
        if not wait:
            return None
        self.noted.add(Kind.BUDGET if is_proven else Kind.UNPROVEN, source, now)
        if self._is_dry:
            return None
        return over_budget(message, wait) if is_proven else prove_yourself(message, cookie)

    def handle(self, message: bytes, caller: Caller, now: float) -> Verdict:
        """Answer what `answer` has let pass, or what came over a stream; never raises, never waits."""
        try:
            source = self._source_of(caller.endpoint.host)
            if message[4:6] == b"\0\0":
                alone = asked_alone(message)
                if alone is not None:
                    is_proven, back = self._cookies.read(alone, source, now)
                    is_refused = not is_proven and len(alone) > _CLIENT_COOKIE
                    return answer_alone(message, back, is_refused=is_refused)
            if caller.protocol is Protocol.UDP:
                return self._datagram(message, caller, source, now)
            return self._stream(message, caller, source, now)
        except Exception:  # the barrier: a bug must cost one answer, not the daemon
            log.exception("event=bug-in-gate octets=%d", len(message))
            return wire.servfail(message)

    def _datagram(self, message: bytes, caller: Caller, source: bytes, now: float) -> Verdict:
        cookie = cookie_in(message)
        is_proven, back = self._cookies.read(cookie, source, now) if cookie else (False, b"")
        is_small = not is_proven and self._rates.is_small(source, now)

        def finished(reply: bytes | None) -> bytes | None:
            if reply is None:
                return None
            whole = with_cookie(reply, back) if back else reply
            if is_small and len(whole) > SMALL_FACTOR * len(message):
                self.noted.add(Kind.LONG, source, now)
                if not self._is_dry:
                    reply = prove_yourself(message, cookie)
                    return with_cookie(reply, back) if back else reply
            return whole

        verdict = self._handler(message, caller, now)
        if not isinstance(verdict, Later):
            return finished(verdict)
        if self._clients.of_source(source).name:
            return _then(verdict, finished) if back else verdict

        def crowded() -> bytes:
            self.noted.add(Kind.WAITING, source, now)
            reply = prove_yourself(message, b"")
            return with_cookie(reply, back) if back else reply

        return _then(verdict, finished, crowded)

    # --- streams ------------------------------------------------------------------------------------------

    def admit(self, host: str, now: float, *, is_proven: bool = True) -> bool:
        """See `transport.handler.Admit`."""
        source = self._source_of(host)
        if self._rates.passes_handshake(source, self._clients.of_source(source), now, is_proven=is_proven):
            return True
        if is_proven:
            self.noted.add(Kind.HANDSHAKE, source, now)
        return self._is_dry

    def _stream(self, message: bytes, caller: Caller, source: bytes, now: float) -> Verdict:
        client = self._clients.of_identity(caller.identity) or self._clients.of_source(source)
        refused = None
        if not client.is_unlimited:
            refused = self._refusal(message, client, source, now, caller)
        verdict: Verdict = refused if refused is not None else self._handler(message, caller, now)
        cookie = cookie_in(message)
        if not cookie or verdict is None:
            return verdict
        back = self._cookies.read(cookie, source, now)[1]
        if isinstance(verdict, Later):
            return _then(verdict, lambda reply: None if reply is None else with_cookie(reply, back))
        return with_cookie(verdict, back)

    def _refusal(self, message: bytes, client: Client, source: bytes, now: float, caller: Caller) -> bytes | None:
        """Count a question over a stream; return what is said to it if it is one too many."""
        block = BLOCK if caller.protocol.is_encrypted else 0
        if not self._rates.passes_stream(source, client, now):
            self.noted.add(Kind.STREAM_RATE, source, now)
            if not self._is_dry:
                return refusal(message, "too many queries a second; retry after 1 s", block)
        budgets = self._budgets if client.quota.is_limited and not caller.is_paid else None
        asked = asked_in(message)[0] if budgets is not None else b""
        if budgets is None or not asked:
            return None
        wait = budgets.charge(client, source, asked, now, is_proven=True)
        if not wait:
            return None
        self.noted.add(Kind.BUDGET, source, now)
        return None if self._is_dry else over_budget(message, wait, block)

    def _source_of(self, host: str) -> bytes:
        source = self._sources.get(host)
        if source is None:
            source = source_of(host)
            if len(self._sources) >= MAX_SOURCES:
                self._sources.clear()
            self._sources[host] = source
        return source


def _then(
    later: Later,
    finished: Callable[[bytes | None], bytes | None],
    crowded: Callable[[], bytes | None] | None = None,
) -> Later:
    """Return the same work, its reply finished, and perhaps something else to say to a client with too much."""

    async def work() -> bytes | None:
        return finished(await later.work())

    return Later(work, crowded or later.crowded)


def over_budget(message: bytes, wait: int, block: int = 0) -> bytes:
    """Refuse a question of somebody who has asked about too many, and say when to ask again."""
    why = f"too many new identifiers; those asked before are answered; retry after {wait} s"
    return refusal(message, why, block)


def refusal(message: bytes, why: str, block: int = 0) -> bytes:
    """Refuse a question (RFC 8914: Prohibited).

    Args:
        message: The question.
        why: For people.
        block: If any, to a multiple of this it is padded.
    """
    query = wire.read_query(message)
    if isinstance(query, Rejected):
        return query.reply or b""
    errors = [(Ede.PROHIBITED, why)]
    return Reply(Rcode.REFUSED, errors=errors).to_wire(query, wire.MIN_UDP, block)


def prove_yourself(message: bytes, cookie: bytes) -> bytes:
    """Say that there is an answer over a stream, or, to whoever sent a cookie, with the one that goes back."""
    reply = told_briefly(message, Rcode.BADCOOKIE) if cookie else cut_short(message)
    return reply or b""
