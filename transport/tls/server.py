"""The side of the server: whose certificate is shown, which clients are known, and the handshake.

TLS 1.3 alone. What encrypts the tickets with which clients resume is made with the value, and stays when the
certificate changes: a value made before processes are forked is one server to its clients, whichever they meet.
"""

import os
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType

import trio

from transport.tls.credentials import Credentials, CredentialsError
from transport.tls.stream import Alpn, Secured, encrypt

NOBODY: Mapping[bytes, str] = MappingProxyType({})


class ServerTls:
    """Answers handshakes, each protocol's by itself: a ticket of one is nothing to another.

    Args:
        credentials: What the server shows.
        clients: The names of clients that are known, each by its certificate in DER.

    Raises:
        CredentialsError: The library will not serve with these.
    """

    def __init__(self, credentials: Credentials, clients: Mapping[bytes, str] = NOBODY) -> None:
        self._contexts = {alpn: _context(alpn) for alpn in Alpn}
        self._clients = NOBODY
        self.take(credentials, clients)

    def take(self, credentials: Credentials, clients: Mapping[bytes, str] = NOBODY) -> None:
        """Go over to other credentials and clients: handshakes from now on; what was begun before goes on.

        Raises:
            CredentialsError: The library will not serve with these; all is as it was.
        """
        try:
            with _as_files(credentials) as files:
                for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), *self._contexts.values()):
                    context.load_cert_chain(*files, password=_no_password)  # the first only tries whether it works
                    _know(context, clients)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            reason = getattr(error, "reason", None) or str(error)
            raise CredentialsError(f"cannot be served with: {reason}") from error
        self._clients = MappingProxyType(dict(clients))

    async def handshake(self, stream: trio.abc.Stream, alpn: Alpn = Alpn.DOT) -> Secured:
        """Encrypt a stream that a client has opened.

        Who names another protocol, or none, is served DNS over TLS all the same (RFC 7858 demands no name); HTTP/2
        is spoken with those alone who have asked for it (RFC 9113 section 3.3).

        Args:
            stream: Not closed when this fails.
            alpn: What is to be spoken.

        Raises:
            trio.BrokenResourceError: The client speaks no TLS 1.3, left, or shows a certificate that is not known.
        """
        encrypted = encrypt(stream, self._contexts[alpn], server_side=True)
        await encrypted.do_handshake()
        tls = encrypted.tls
        if alpn is Alpn.H2 and tls.selected_alpn_protocol() != alpn:
            raise trio.BrokenResourceError(f"the client has not asked for {alpn}")
        shown = tls.getpeercert(binary_form=True)
        if shown is not None and shown not in self._clients:  # it was until a reload, or is below one that is
            raise trio.BrokenResourceError("the client shows a certificate that is not known")
        identity = self._clients[shown] if shown is not None else ""
        return Secured(encrypted, identity, is_resumed=bool(tls.session_reused))


def _context(alpn: Alpn) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([alpn])
    return context


def _know(context: ssl.SSLContext, clients: Mapping[bytes, str]) -> None:
    """Have clients asked for a certificate, if any is known; none of them has to have one."""
    if clients:
        context.load_verify_locations(cadata=b"".join(clients))
        # Each is trusted by itself, whoever signed it.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_OPTIONAL if clients else ssl.CERT_NONE


def _no_password() -> str:
    """Keep OpenSSL from asking for one at the terminal; keys that need one were refused before."""
    return ""


@contextmanager
def _as_files(credentials: Credentials) -> Iterator[tuple[str, str]]:
    """Give what was read and checked as files, which is all that the library takes: in memory, seen by nobody."""
    with ExitStack() as stack:
        yield (
            stack.enter_context(_as_file(credentials.chain.pem)),
            stack.enter_context(_as_file(credentials.key)),
        )


if sys.platform == "linux":

    @contextmanager
    def _as_file(octets: bytes) -> Iterator[str]:
        descriptor = os.memfd_create("tls")
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(octets)
            yield f"/proc/self/fd/{descriptor}"

else:
    import tempfile
    from pathlib import Path

    @contextmanager
    def _as_file(octets: bytes) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as place:  # of mode 0700
            file = Path(place) / "tls"
            file.write_bytes(octets)
            yield str(file)
