"""The certificate that is being served with: read, found sound, and replaced while clients are connected."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from fingerpost import tls_sections as t
from fingerpost.definitions import Section
from fingerpost.logfmt import quoted
from fingerpost.toml_lines import Where
from transport.tls.credentials import Chain, Credentials, CredentialsError, read_chain, read_key
from transport.tls.server import ServerTls
from zonedata.errors import ConfigError, Fault

log = logging.getLogger(__name__)


class Shows(Protocol):
    """A configuration, of a daemon or of a relay, that says what is shown to clients."""

    @property
    def tls(self) -> t.TlsPart | None:
        """What is shown, if anything is."""
        ...

    def fault(self, where: Where, reason: str, /) -> Fault:
        """Return a fault at the line where a key stands."""
        ...


class ServedTls:
    """What [tls] names, as it is shown to clients.

    Made before workers are forked, so that a client resumes with whichever it meets; and reloaded in the supervisor
    too, so that the successor of a worker has what is new.

    Attributes:
        server: Answers handshakes; the same value before and after a reload.

    Args:
        configuration: Says what is shown.
        now: Unix seconds.
        section: Where it says so.

    Raises:
        ConfigError: With every fault of the files.
    """

    def __init__(self, configuration: Shows, now: float, section: Section = t.ENCRYPTION) -> None:
        self._configuration = configuration
        self._section = section
        self._credentials, self._clients = read_files(configuration, section)
        with _blaming(configuration, section):
            self.server = ServerTls(self.credentials, self._clients)
        self._warn(now)

    @property
    def credentials(self) -> Credentials:
        """What is shown now, for those who encrypt by themselves; another value when it is something else."""
        return self._credentials

    def reload(self, now: float) -> None:
        """Go over to what the files hold now; if that cannot be, log why and go on as before."""
        file = quoted(part_of(self._configuration).certificate)
        try:
            credentials, clients = read_files(self._configuration, self._section)
            if (credentials, clients) == (self.credentials, self._clients):
                log.info("event=reload-not-needed certificate=%s", file)
                return
            with _blaming(self._configuration, self._section):
                self.server.take(credentials, clients)
        except ConfigError as error:
            for fault in error.faults:
                log.warning("event=reload-failed certificate=%s reason=%s", file, quoted(fault.to_text()))
            return
        self._credentials, self._clients = credentials, clients
        chain = credentials.chain
        log.info(
            "event=certificate-reloaded certificate=%s pin=%s expires=%s", file, chain.pin.hex(), _date(chain.ends)
        )
        self._warn(now)

    def _warn(self, now: float) -> None:
        chain = self.credentials.chain
        if not chain.begins <= now < chain.ends:
            file = quoted(part_of(self._configuration).certificate)
            log.warning(
                "event=certificate-not-current certificate=%s reason=%s", file, quoted(standing_of(chain, now))
            )


def part_of(configuration: Shows) -> t.TlsPart:
    """Return what a configuration that shows something says of it."""
    assert configuration.tls is not None, "whoever calls has looked"
    return configuration.tls


def read_files(configuration: Shows, section: Section) -> tuple[Credentials, Mapping[bytes, str]]:
    """Read the files that a section names.

    Returns:
        Certificate and key, and the name of each client by its certificates in DER.

    Raises:
        ConfigError: With a fault for each file that is not sound.
    """
    part = part_of(configuration)
    faults: list[Fault] = []
    credentials: Credentials | None = None
    file, where = part.certificate, section.where(t.CERTIFICATE.name)
    try:
        chain = read_chain(file)
        file, where = part.key, section.where(t.KEY.name)
        credentials = read_key(file, chain)
    except CredentialsError as error:
        faults.append(configuration.fault(where, f"{file}: {error}"))
    clients: dict[bytes, str] = {}
    for index, client in enumerate(part.clients):
        where = section.where(t.CLIENTS.name, index)
        try:
            shown = read_chain(client.file).certificates
        except CredentialsError as error:
            faults.append(configuration.fault(where, f"{client.file}: {error}"))
            continue
        for certificate in shown:
            if clients.setdefault(certificate, client.name) != client.name:
                reason = f"{client.file}: holds a certificate of {clients[certificate]}, too"
                faults.append(configuration.fault(where, reason))
    if credentials is None or faults:
        raise ConfigError(faults)
    return credentials, clients


def look_at(configuration: Shows, now: float, section: Section) -> str:
    """Look at all that a section names without serving anybody, and return what is worth knowing of it.

    Raises:
        ConfigError: With every fault of the files.
    """
    credentials, clients = read_files(configuration, section)
    with _blaming(configuration, section):
        ServerTls(credentials, clients)
    chain = credentials.chain
    return f"{part_of(configuration).certificate}: pin={chain.pin.hex()}, {standing_of(chain, now)}"


def standing_of(chain: Chain, now: float) -> str:
    """Say how long the certificate counts, or that it does not; clients that know it by its pin take it always."""
    if now >= chain.ends:
        return f"expired {_date(chain.ends)}; clients that look at dates refuse it"
    if now < chain.begins:
        return f"begins {_date(chain.begins)}; clients that look at dates refuse it until then"
    return f"expires {_date(chain.ends)}"


@contextmanager
def _blaming(configuration: Shows, section: Section) -> Iterator[None]:
    """Say of the certificate's line what the library has against serving with it."""
    try:
        yield
    except CredentialsError as error:
        reason = f"{part_of(configuration).certificate}: {error}"
        raise ConfigError([configuration.fault(section.where(t.CERTIFICATE.name), reason)]) from error


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
