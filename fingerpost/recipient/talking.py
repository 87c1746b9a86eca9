"""One request to one validator, over HTTP."""

import http.client
from urllib.parse import urlsplit

from fingerpost import httpurl
from zonedata.errors import MalformedError
from zonedata.fields import check_authority
from zonedata.validator_requests import REPLY_CAPS, Reply

SECONDS = 65  # a validator may deliver a code before it replies, which takes up to a minute
MAX_REPLY = REPLY_CAPS.octets


class SilentError(Exception):
    """A validator cannot be asked. Its text begins with the URL."""


def name_of(url: str) -> str:
    """Ask a validator what it is called.

    Raises:
        SilentError: It does not say.
    """
    status, body = _exchange(url, "GET", b"")
    try:
        if status == http.client.OK:
            return check_authority(body.decode("ascii").strip())
    except ValueError:
        pass
    raise SilentError(f"{url}: there is no validator here")


def ask(url: str, wire: bytes) -> Reply:
    """Send a request.

    Raises:
        SilentError: No reply came, or none that a validator gives.
    """
    status, body = _exchange(url, "POST", wire)
    try:
        return Reply.from_wire(body)
    except MalformedError as error:
        raise SilentError(f"{url}: replied with status {status}, and not as a validator does") from error


def _exchange(url: str, method: str, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None, "URLs are checked where they enter"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=SECONDS)
    try:
        connection.request(method, parts.path or "/", body)
        response = connection.getresponse()
        return response.status, response.read(MAX_REPLY + 1)
    except (http.client.HTTPException, OSError) as error:
        raise SilentError(f"{url}: {httpurl.reason_of(error)}") from error
    finally:
        connection.close()
