"""What a client and a resolver ask an issuer, over HTTP."""

import http.client
from urllib.parse import urljoin, urlsplit

from fingerpost import httpurl
from transport.tokens.directory import MAX_DIRECTORY, WELL_KNOWN, Directory
from transport.tokens.issuing import BATCH_TYPE, MAX_BATCH
from transport.tokens.tokens import RESPONSE_OCTETS, TokenError

SECONDS = 130  # an issuer takes up to two minutes for a batch when many ask
MAX_REPLY = MAX_BATCH * RESPONSE_OCTETS
MAX_TOLD = 200  # characters of an issuer's reason that are shown


class SilentError(Exception):
    """An issuer cannot be asked, or did not answer. Its text begins with the URL."""


class RefusedError(Exception):
    """An issuer signs nothing.

    Attributes:
        status: Of HTTP.
    """

    def __init__(self, url: str, status: int, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.status = status


def directory_of(url: str) -> Directory:
    """Ask an issuer for its directory.

    Raises:
        SilentError: There is none.
    """
    status, body = _exchange(urljoin(url, WELL_KNOWN), "GET", b"", {}, MAX_DIRECTORY)
    try:
        if status == http.client.OK:
            return Directory.from_json(body)
    except TokenError as error:
        raise SilentError(f"{url}: {error}") from error
    raise SilentError(f"{url}: there is no issuer here")


def request_url(url: str, directory: Directory) -> str:
    """Return where an issuer takes requests; nowhere but where it is itself, for a secret goes there.

    Raises:
        SilentError: It names another host.
    """
    try:
        found = urljoin(urljoin(url, WELL_KNOWN), directory.request_uri)
        is_there = urlsplit(found)[:2] == urlsplit(url)[:2]
    except ValueError as error:
        raise SilentError(f"{url}: takes requests at what is no URL") from error
    if not is_there:
        raise SilentError(f"{url}: would have the secret sent elsewhere, to {found[:MAX_TOLD]}")
    return found


def ask(url: str, secret: str, body: bytes) -> bytes:
    """Send a batch of requests; return the blind signatures.

    Raises:
        SilentError: No answer came, and whether it was granted is not known.
        RefusedError: It was not.
    """
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": BATCH_TYPE}
    status, answer = _exchange(url, "POST", body, headers, MAX_REPLY)
    if status == http.client.OK:
        return answer
    reason = "".join(c if c.isprintable() else " " for c in answer[:MAX_TOLD].decode("ascii", "replace")).strip()
    if status >= http.client.INTERNAL_SERVER_ERROR:
        raise SilentError(f"{url}: {reason or status}")
    raise RefusedError(url, status, reason or str(status))


def _exchange(url: str, method: str, body: bytes, headers: dict[str, str], most: int) -> tuple[int, bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None, "URLs are checked where they enter"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=SECONDS)
    try:
        connection.request(method, parts.path or "/", body, headers)
        response = connection.getresponse()
        return response.status, response.read(most + 1)
    except (http.client.HTTPException, OSError) as error:
        raise SilentError(f"{url}: {httpurl.reason_of(error)}") from error
    finally:
        connection.close()
