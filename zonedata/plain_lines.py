"""Lines of NDJSON as programs write them, read without parsing the whole: a million lines differ in little.

A plain line begins `{"csi": "+digits", "ssi": "mimi://msp/...`, or the same without the blanks. What stands in
front of the digits and between them and the user part is compared with what it must be; what comes after the SSI
is the same for thousands of lines, so that is parsed as JSON once and remembered. Whatever is not plain, or not
surely right, is for `listings` to read in full, so no mistake is judged here.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from zonedata.errors import MalformedError
from zonedata.identifiers import number_name
from zonedata.names import Name
from zonedata.number_plans import is_surely_canonical
from zonedata.person_statements import feature, host_of_ssi
from zonedata.source_lines import once_each

Plain = tuple[Name, str, tuple[str, ...]]  # owner, SSI, features

_BLANKS = (" ", "")  # after `:` and `,`, as Python and as most other languages write them
_MAX_LINE = 500  # octets; 16 features of ordinary length have 200
_MAX_TAILS = 4_096  # remembered; the sets of features that people have are few
_FORBIDDEN = bytes({*range(0x21), *range(0x7F, 0x100), *b' ?#\\"<>'})  # in an SSI


def reader(msp: str) -> Callable[[bytes], Plain | None]:
    """Make the reader of one MSP's plain lines.

    Returns:
        Takes a line with its end, returns what it says, or None when it is to be read in full.
    """
    if not _is_host(msp):
        return lambda _: None
    base = f"mimi://{msp}/"
    shapes = tuple((f'{{"csi":{blank}"+'.encode(), f'",{blank}"ssi":{blank}"{base}'.encode()) for blank in _BLANKS)
    parts = [(head, len(head), middle, len(middle) - len(base), len(middle)) for head, middle in shapes]

    def read(raw: bytes) -> Plain | None:
        for head, first, middle, to_ssi, to_user in parts:
            if not raw.startswith(head):
                continue
            end = raw.find(b'"', first)
            digits = raw[first:end].decode("latin-1")  # any octet is a character of its own in it
            last = raw.find(b'"', end + to_user)
            user = raw[end + to_user : last]
            if (
                digits.isdecimal()
                and raw.startswith(middle, end)
                and (user.replace(b"/", b"").isalnum() or _is_user(user))
                and is_surely_canonical(digits)
                and len(raw) <= _MAX_LINE
                and (features := _features_at_end(raw[last:])) is not None
            ):
                return number_name(digits), raw[end + to_ssi : last].decode("ascii"), features
            return None
        return None

    return read


def _is_host(msp: str) -> bool:
    try:
        return host_of_ssi(f"mimi://{msp}/u") == msp
    except MalformedError:
        return False


def _is_user(user: bytes) -> bool:
    """Say whether this can follow the host in an SSI: printable ASCII without a few."""
    return user != b"" and user.translate(None, _FORBIDDEN) == user


@lru_cache(maxsize=_MAX_TAILS)
def _features_at_end(tail: bytes) -> tuple[str, ...] | None:
    """Return the features in the end of a line, from the quote that ends the SSI; None: read the line in full."""
    try:
        value = json.loads('{"ssi":"' + tail.decode(), object_pairs_hook=once_each)
        if not isinstance(value, dict) or not value.keys() <= {"ssi", "features"}:
            return None
        return features_of(value.get("features", []))
    except (ValueError, RecursionError, MalformedError):
        return None


def features_of(value: Any) -> tuple[str, ...]:
    """Read a list of features, in any order and as often as it may be."""
    if not isinstance(value, list):
        raise MalformedError("expected a list of short words")
    return tuple(sorted({feature(word) for word in value}))
