"""Binary HTTP (RFC 9292): an HTTP request or response as octets, to be carried in something else. Pure.

Both framings are read and written, of known and of indeterminate length; what we send has the known length, each
integer as short as it can be, and zeros after it up to a size that does not depend on what is in it (section 3.8).

Caps come before anything is gathered. Pseudo-fields are refused: extensions may define some, and we have none.
"""

from dataclasses import dataclass
from typing import Final

MAX_OCTETS: Final = 131_072  # of a message with its padding; a DNS message of 65,535 octets and all around it fits
MAX_FIELDS: Final = 64  # of a section; ours have three, browsers send some twenty
MAX_CHUNKS: Final = 1_024  # of content; one in steps of an octet would cost more than it carries
MAX_INFORMATIONAL: Final = 8  # before a response; more than one is rare
MAX_INTEGER: Final = 2**62 - 1  # RFC 9000 section 16

KNOWN_REQUEST: Final = 0
KNOWN_RESPONSE: Final = 1
INDETERMINATE_REQUEST: Final = 2
INDETERMINATE_RESPONSE: Final = 3

_TOKEN: Final = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME: Final = frozenset(_TOKEN - frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))  # of a field (RFC 9113 section 8.2.1)
_SCHEME: Final = frozenset(b"+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_VISIBLE: Final = frozenset(range(0x21, 0x7F))
_OF_A_CONNECTION: Final = frozenset(  # RFC 9113 section 8.2.2; here there is none
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
_LENGTH_DIGITS: Final = 10  # of a Content-Length; more is more than anything taken here
_BREAKS: Final = (b"\0", b"\r", b"\n")  # in no field value (RFC 9113 section 8.2.1)

Fields = tuple[tuple[bytes, bytes], ...]  # names in lower case, and values


class BinaryHttpError(ValueError):
    """Octets that are no such message, or a message that cannot be written as one."""


@dataclass(frozen=True, slots=True)
class BinaryRequest:
    """A request.

    Attributes:
        method: Such as POST.
        scheme: Such as https.
        authority: Host, and port where it is not the scheme's; may be empty.
        path: With the query, beginning with "/"; or "*".
        headers: Before the content.
        content: All of it.
        trailers: After the content.
    """

    method: bytes
    scheme: bytes
    authority: bytes
    path: bytes
    headers: Fields = ()
    content: bytes = b""
    trailers: Fields = ()


@dataclass(frozen=True, slots=True)
class BinaryResponse:
    """A response.

    Attributes:
        status: 200 to 599.
        headers: Before the content.
        content: All of it.
        trailers: After the content.
        informational: What was said before it: statuses from 100 to 199, each with its fields.
    """

    status: int
    headers: Fields = ()
    content: bytes = b""
    trailers: Fields = ()
    informational: tuple[tuple[int, Fields], ...] = ()


def value_of(fields: Fields, name: bytes) -> bytes | None:
    """Return the value of a field that is there once; None where it is missing, or where several disagree."""
    values = {value for one, value in fields if one == name}
    return values.pop() if len(values) == 1 else None


# --- writing --------------------------------------------------------------------------------------------------


def encode_request(request: BinaryRequest, size: int = 0, *, known_length: bool = True) -> bytes:
    """Write a request.

    Args:
        request: What to write.
        size: Octets to fill with padding, if it is shorter.
        known_length: Which framing.

    Raises:
        BinaryHttpError: It is nothing that a reader would take, or longer than `size` where that is given.
    """
    _check_control(request)
    control = b"".join(
        _prefixed(part) for part in (request.method, request.scheme, request.authority, request.path)
    )
    framing = KNOWN_REQUEST if known_length else INDETERMINATE_REQUEST
    rest = _body(request.headers, request.content, request.trailers, known_length=known_length)
    return _padded(_integer(framing) + control + rest, size)


def encode_response(response: BinaryResponse, size: int = 0, *, known_length: bool = True) -> bytes:
    """Write a response; as `encode_request`."""
    if len(response.informational) > MAX_INFORMATIONAL:
        raise BinaryHttpError(f"{len(response.informational)} informational responses, at most {MAX_INFORMATIONAL}")
    written = [_integer(KNOWN_RESPONSE if known_length else INDETERMINATE_RESPONSE)]
    for status, fields in response.informational:
        if not 100 <= status <= 199:
            raise BinaryHttpError(f"informational status {status}, expected 100 to 199")
        written += [_integer(status), _section(fields, known_length=known_length)]
    if not 200 <= response.status <= 599:
        raise BinaryHttpError(f"status {response.status}, expected 200 to 599")
    written.append(_integer(response.status))
    written.append(_body(response.headers, response.content, response.trailers, known_length=known_length))
    return _padded(b"".join(written), size)


def _padded(message: bytes, size: int) -> bytes:
    if size and len(message) > size:
        raise BinaryHttpError(f"message of {len(message)} octets, and {size} is what all are filled up to")
    if max(len(message), size) > MAX_OCTETS:
        raise BinaryHttpError(f"message of {max(len(message), size)} octets, at most {MAX_OCTETS} are allowed")
    return message.ljust(size, b"\0")


def _integer(value: int) -> bytes:
    for octets, limit in ((1, 1 << 6), (2, 1 << 14), (4, 1 << 30), (8, 1 << 62)):
        if value < limit:
            return (value | (octets.bit_length() - 1) << (8 * octets - 2)).to_bytes(octets)
    raise BinaryHttpError(f"{value} is more than {MAX_INTEGER}")


def _prefixed(octets: bytes) -> bytes:
    return _integer(len(octets)) + octets


def _body(headers: Fields, content: bytes, trailers: Fields, *, known_length: bool) -> bytes:
    middle = _prefixed(content) if known_length or not content else _prefixed(content) + b"\0"
    return _section(headers, known_length=known_length) + middle + _section(trailers, known_length=known_length)


def _section(fields: Fields, *, known_length: bool) -> bytes:
    if len(fields) > MAX_FIELDS:
        raise BinaryHttpError(f"{len(fields)} fields, at most {MAX_FIELDS} are allowed")
    for name, value in fields:
        _check_field(name, value)
    lines = b"".join(_prefixed(name) + _prefixed(value) for name, value in fields)
    return _prefixed(lines) if known_length else lines + b"\0"


# --- reading --------------------------------------------------------------------------------------------------


def decode_request(octets: bytes) -> BinaryRequest:
    """Read a request.

    Args:
        octets: Untrusted, with their padding.

    Raises:
        BinaryHttpError: They are none.
    """
    reader = _Reader(octets)
    framing = reader.integer()
    if framing not in {KNOWN_REQUEST, INDETERMINATE_REQUEST}:
        raise BinaryHttpError(f"framing indicator {framing} is no request's")
    known = framing == KNOWN_REQUEST
    method, scheme, authority, path = (reader.prefixed() for _ in range(4))
    request = BinaryRequest(
        method, scheme, authority, path, reader.section(known), reader.content(known), reader.section(known)
    )
    _check_control(request)
    reader.finish()
    return request


def decode_response(octets: bytes) -> BinaryResponse:
    """Read a response; as `decode_request`."""
    reader = _Reader(octets)
    framing = reader.integer()
    if framing not in {KNOWN_RESPONSE, INDETERMINATE_RESPONSE}:
        raise BinaryHttpError(f"framing indicator {framing} is no response's")
    known = framing == KNOWN_RESPONSE
    informational: list[tuple[int, Fields]] = []
    while 100 <= (status := reader.integer()) <= 199:
        if len(informational) == MAX_INFORMATIONAL:
            raise BinaryHttpError(f"more than {MAX_INFORMATIONAL} informational responses")
        informational.append((status, reader.section(known)))
    if not 200 <= status <= 599:
        raise BinaryHttpError(f"status {status}, expected 100 to 599")
    response = BinaryResponse(
        status, reader.section(known), reader.content(known), reader.section(known), tuple(informational)
    )
    reader.finish()
    return response


class _Reader:
    """A walk over untrusted octets; every step raises `BinaryHttpError` at their end."""

    def __init__(self, octets: bytes) -> None:
        if len(octets) > MAX_OCTETS:
            raise BinaryHttpError(f"message of {len(octets)} octets, at most {MAX_OCTETS} are allowed")
        self._octets = octets
        self._at = 0

    def integer(self) -> int:
        """Read an integer of RFC 9000 section 16; it need not be as short as it can be (section 3)."""
        first = self.take(1)[0]
        more = (1 << (first >> 6)) - 1
        return (first & 0x3F) << (8 * more) | int.from_bytes(self.take(more))

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._octets):
            raise BinaryHttpError("cut short")
        taken = self._octets[self._at : end]
        self._at = end
        return taken

    def prefixed(self) -> bytes:
        return self.take(self.integer())

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._octets)

    def section(self, known: bool) -> Fields:
        """Read fields; none where the message was truncated before them (section 3.8)."""
        if self.is_at_end:
            return ()
        if known:
            inner = _Reader(self.prefixed())
            fields: list[tuple[bytes, bytes]] = []
            while not inner.is_at_end:
                _add_field(fields, inner.prefixed(), inner.prefixed())
            return tuple(fields)
        fields = []
        while name := self.prefixed():
            _add_field(fields, name, self.prefixed())
        return tuple(fields)

    def content(self, known: bool) -> bytes:
        """Read content; none where the message was truncated before it."""
        if self.is_at_end:
            return b""
        if known:
            return self.prefixed()
        chunks: list[bytes] = []
        while chunk := self.prefixed():
            if len(chunks) == MAX_CHUNKS:
                raise BinaryHttpError(f"content in more than {MAX_CHUNKS} chunks")
            chunks.append(chunk)
        return b"".join(chunks)

    def finish(self) -> None:
        """See that nothing but padding is left."""
        if self._octets[self._at :].strip(b"\0"):
            raise BinaryHttpError("padding that is not zero")


def _add_field(fields: list[tuple[bytes, bytes]], name: bytes, value: bytes) -> None:
    if len(fields) == MAX_FIELDS:
        raise BinaryHttpError(f"more than {MAX_FIELDS} fields")
    _check_field(name, value)
    fields.append((name, value))


def _check_field(name: bytes, value: bytes) -> None:
    if not name or not _NAME.issuperset(name):
        raise BinaryHttpError(f"field name {name[:40]!r} is no name in lower case")
    if value.strip(b" \t") != value or any(mark in value for mark in _BREAKS):
        raise BinaryHttpError(f"field {name[:40]!r} has a value that HTTP does not carry")
    if name in _OF_A_CONNECTION or (name == b"te" and value.lower() != b"trailers"):
        raise BinaryHttpError(f"field {name!r} is of a connection")


def _check_control(request: BinaryRequest) -> None:
    """Hold a request's control data to the rules of RFC 9113 section 8.3.1, and its length to those of 8.1.1."""
    if not request.method or not _TOKEN.issuperset(request.method):
        raise BinaryHttpError(f"method {request.method[:40]!r} is no name")
    if not request.scheme or not _SCHEME.issuperset(request.scheme):
        raise BinaryHttpError(f"scheme {request.scheme[:40]!r} is no name")
    if not _VISIBLE.issuperset(request.authority):
        raise BinaryHttpError(f"authority {request.authority[:40]!r} is no host")
    if not _VISIBLE.issuperset(request.path) or not (request.path.startswith(b"/") or request.path == b"*"):
        raise BinaryHttpError(f"path {request.path[:40]!r} is none")
    for name, value in request.headers:
        if name == b"content-length" and not _says(value, len(request.content)):
            raise BinaryHttpError(f"content of {len(request.content)} octets, of which its header says otherwise")


def _says(length: bytes, octets: int) -> bool:
    return length.isdigit() and len(length) <= _LENGTH_DIGITS and int(length) == octets
