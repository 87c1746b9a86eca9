"""Batches of requests and of blind signatures in files: text, a line of base64url for each."""

from pathlib import Path

from transport.tokens.issuing import MAX_BATCH
from transport.tokens.tokens import (
    REQUEST_OCTETS,
    RESPONSE_OCTETS,
    TokenError,
    from_base64url,
    split,
    to_base64url,
)
from zonedata.errors import MalformedError

MAX_FILE = 1_048_576  # octets; a thousand requests take 350,000


def requests_text(body: bytes) -> str:
    """Write TokenRequests that stand one after the other."""
    return _text(body, REQUEST_OCTETS)


def responses_text(body: bytes) -> str:
    """Write blind signatures that stand one after the other."""
    return _text(body, RESPONSE_OCTETS)


def read_requests(path: Path) -> bytes:
    """Read what `requests_text` writes.

    Raises:
        MalformedError: It cannot be read, or is none.
    """
    return _read(path, REQUEST_OCTETS)


def read_responses(path: Path) -> bytes:
    """Read what `responses_text` writes.

    Raises:
        MalformedError: It cannot be read, or is none.
    """
    return _read(path, RESPONSE_OCTETS)


def _text(body: bytes, size: int) -> str:
    return "".join(to_base64url(one) + "\n" for one in split(body, size, MAX_BATCH))


def _read(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror}") from error
    try:
        lines = [from_base64url(line) for line in raw[:MAX_FILE].decode("ascii").split()]
        if len(raw) > MAX_FILE or any(len(line) != size for line in lines):
            raise MalformedError(f"expected lines of base64url, {size} octets each")
        body = b"".join(lines)
        split(body, size, MAX_BATCH)
    except UnicodeDecodeError as error:
        raise MalformedError("is no text of ASCII") from error
    except TokenError as error:
        raise MalformedError(str(error)) from error
    return body
