"""DNS over QUIC as a daemon serves it.

Its library is an extra of the installation: nothing of it is imported where no configuration has `[listen] quic`.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from fingerpost import tls_sections as t
from fingerpost.configuration import Configuration
from fingerpost.served_tls import ServedTls
from transport.handler import Admit
from transport.tls.credentials import CredentialsError
from zonedata.errors import ConfigError


def prepare(configuration: Configuration, tls: ServedTls) -> None:
    """Load the library, once for all workers, and see whether it serves with the certificate.

    Raises:
        ConfigError: It does not.
    """
    from transport.quic.terms import server_terms  # noqa: PLC0415 - as the module says

    try:
        server_terms(tls.credentials, 0)
    except CredentialsError as error:
        raise ConfigError(
            [configuration.fault(t.ENCRYPTION.where(t.KEY.name), f"cannot be served over QUIC: {error}")]
        ) from error


def serving(tls: ServedTls, admit: Admit) -> Callable[..., Awaitable[None]]:
    """Return what serves a socket with the certificate that is shown at the time, to those who are let in."""
    from transport.quic.limits import QuicLimits  # noqa: PLC0415 - as the module says
    from transport.quic.listener import serve_quic  # noqa: PLC0415 - as above

    return partial(serve_quic, credentials=lambda: tls.credentials, limits=QuicLimits(), admit=admit)
