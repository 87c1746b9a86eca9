"""The side of the client: connecting over TLS 1.3 to somebody who proves who they are (RFC 8310).

What they show is looked at before any octet of a message is sent. Handshakes are resumed where the other side has
given a ticket: then it shows no certificate again, but proves that it is who showed it before.
"""

import hmac
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import assert_never

import trio

from transport.endpoint import Endpoint
from transport.errors import UnprovenError
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.stream_link import connect_stream
from transport.tls.stream import Alpn, TlsStream, encrypt

TRY = 1.0  # seconds for an address of several: two round trips around the planet, and a lost packet
MAX_TRIED = 4  # addresses of one host: nobody waits for a connection longer than five seconds
MAX_SESSIONS = 1_000  # tickets kept for resuming, some KB each
MAX_CONTEXTS = 64  # by who is trusted and what is spoken; who names more files of authorities starts over

Connect = Callable[[Endpoint], Awaitable[trio.abc.Stream]]
_Peer = tuple[Endpoint, Proof, Alpn]


class _Trust(Enum):
    """Whose certificates are believed, where it is not the authorities of a file."""

    NOBODY = "nobody"  # whom a pin proves, or nothing does: `Unproven` is chosen by a person alone
    SYSTEM = "system"


_Trusted = Path | _Trust


class ClientTls:
    """Makes encrypted connections, and remembers the tickets with which the next ones are quicker.

    Args:
        connect: Makes the connections below; raises OSError or `trio.BrokenResourceError`.
    """

    def __init__(self, connect: Connect = connect_stream) -> None:
        self._connect = connect
        self._contexts: dict[tuple[_Trusted, Alpn], ssl.SSLContext] = {}
        self._sessions: dict[_Peer, tuple[ssl.SSLContext, ssl.SSLSession]] = {}  # oldest first

    async def connect(self, endpoint: Endpoint, proof: Proof, alpn: Alpn = Alpn.DOT) -> trio.abc.Stream:
        """Connect and have the other side prove who it is. Waits as it is let.

        No name is sent but the one that a certificate is demanded for.

        Raises:
            UnprovenError: Whoever is there has not proved it; nothing but the handshake was sent.
            OSError: There is no way there, or nobody there who speaks TLS 1.3.
            trio.BrokenResourceError: The connection broke.
        """
        peer = endpoint, proof, alpn
        context = self._context(endpoint, proof, alpn)
        below = await self._connect(endpoint)
        try:
            return await self._secured(peer, context, below)
        except BaseException:
            await trio.aclose_forcefully(below)
            raise

    async def connect_any(self, endpoints: Sequence[Endpoint], proof: Proof, alpn: Alpn) -> trio.abc.Stream:
        """Connect to the first of a host's addresses at which it can be had; raises what came of the last.

        Args:
            endpoints: At least one; MAX_TRIED are tried. Each but the last has TRY seconds, so that one that is
                silent is not the end.
            proof: As `connect`.
            alpn: As `connect`.
        """
        *others, last = endpoints[:MAX_TRIED]
        for endpoint in others:
            with suppress(OSError, trio.BrokenResourceError, UnprovenError), trio.move_on_after(TRY):
                return await self.connect(endpoint, proof, alpn)
        return await self.connect(last, proof, alpn)

    async def _secured(self, peer: _Peer, context: ssl.SSLContext, below: trio.abc.Stream) -> trio.abc.Stream:
        endpoint, proof, _ = peer
        host = proof.host if isinstance(proof, Certified) else None
        session = self._sessions.pop(peer, None)
        if session is not None and session[0] is not context:  # it has been given up meanwhile
            session = None
        used = session[1] if session is not None else None
        try:
            encrypted = encrypt(below, context, host=host, session=used)
        except ValueError as error:  # no host name, as the library sees it
            raise UnprovenError(endpoint.to_text(), f"{host!r} cannot stand in a certificate") from error
        await _shake(encrypted, peer)

        tls = encrypted.tls

        def remember() -> None:
            newest = tls.session
            if (
                newest is not None and newest.has_ticket and newest != used
            ):  # one is used once (RFC 8446 section C.4)
                self._remember(peer, context, newest)

        encrypted.at_end = remember  # by then the newest ticket has come
        return encrypted

    def _remember(self, peer: _Peer, context: ssl.SSLContext, session: ssl.SSLSession) -> None:
        self._sessions.pop(peer, None)
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[peer] = context, session

    def _context(self, endpoint: Endpoint, proof: Proof, alpn: Alpn) -> ssl.SSLContext:
        match proof:
            case Certified(authorities=authorities):
                trusted: _Trusted = authorities if authorities is not None else _Trust.SYSTEM
            case Pinned() | Unproven():
                trusted = _Trust.NOBODY
            case other:
                assert_never(other)
        context = self._contexts.get((trusted, alpn))
        if context is None:
            try:
                context = _made(trusted, alpn)
            except OSError as error:
                reason = f"{trusted}: certificates of authorities cannot be read: {_reason(error)}"
                raise UnprovenError(endpoint.to_text(), reason) from error
            if len(self._contexts) >= MAX_CONTEXTS:
                self._contexts.clear()
                self._sessions.clear()  # a ticket belongs to the context that got it
            self._contexts[trusted, alpn] = context
        return context


def connecting(proof: Proof, below: Connect = connect_stream) -> Connect:
    """Return what makes encrypted connections for somebody who makes them by endpoint alone.

    Args:
        proof: What is demanded of whoever is there.
        below: Makes the connections below.
    """
    tls = ClientTls(below)

    async def connect(endpoint: Endpoint) -> trio.abc.Stream:
        return await tls.connect(endpoint, proof)

    return connect


def look_at_authorities(file: Path) -> None:
    """See that a file with the certificates of authorities can be used.

    Raises:
        ValueError: It cannot; why is in it.
    """
    try:
        _made(file, Alpn.H2)
    except OSError as error:
        raise ValueError(f"certificates of authorities cannot be read: {_reason(error)}") from error


def _made(trusted: _Trusted, alpn: Alpn) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([alpn])
    if trusted is _Trust.NOBODY:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif trusted is _Trust.SYSTEM:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=trusted)
    return context


async def _shake(encrypted: TlsStream, peer: _Peer) -> None:
    """Have the other side prove who it is; raises as `ClientTls.connect` does."""
    endpoint, proof, alpn = peer
    try:
        await encrypted.do_handshake()
    except trio.BrokenResourceError as error:
        raise _explained(endpoint, error) from error
    if isinstance(proof, Pinned):
        _check_pin(endpoint, proof.pin, encrypted.tls.getpeercert(binary_form=True))
    if alpn is Alpn.H2 and encrypted.tls.selected_alpn_protocol() != alpn:
        raise ConnectionError(f"speaks TLS, but not {alpn}")


def _check_pin(endpoint: Endpoint, pin: bytes, shown: bytes | None) -> None:
    """Compare the key of the certificate that was shown, in DER, with the one that it has to be.

    Raises:
        UnprovenError: It is another.
    """
    from transport.tls.certificates import pin_of  # noqa: PLC0415 - takes long to import, and plain DNS needs none

    try:
        found = pin_of(shown) if shown is not None else b""
    except ValueError as error:
        raise UnprovenError(endpoint.to_text(), f"shows a certificate that cannot be read: {error}") from error
    if not hmac.compare_digest(found, pin):
        raise UnprovenError(endpoint.to_text(), f"has another key (pin {found.hex()}) than {pin.hex()}")


def _explained(endpoint: Endpoint, error: trio.BrokenResourceError) -> Exception:
    """Say why a handshake failed: because of the certificate, because of something else of TLS, or of the line."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return UnprovenError(endpoint.to_text(), f"its certificate is not taken: {cause.verify_message}")
    if isinstance(cause, ssl.SSLEOFError):
        return ConnectionError("closed by the other side while TLS was being agreed on")
    if isinstance(cause, ssl.SSLError):
        return ConnectionError(f"TLS 1.3 could not be agreed on: {_reason(cause)}")
    return error


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)
