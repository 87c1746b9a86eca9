"""The table of flags: their names, how one is found by its beginning, how the values of some are read.

Pure. Readers of values raise ValueError with what was expected. Left out: the grammar around flags (options).
"""

import base64
from collections.abc import Callable

from transport.endpoint import MAX_PORT, Endpoint
from transport.handler import Protocol
from transport.resource import USUAL
from zonedata import names
from zonedata.kinds import Assurance
from zonedata.names import Name
from zonedata.zone_statements import PIN_OCTETS

MAX_SECONDS = 300.0  # for one try; longer is a typing error
MAX_TRIES = 100
MAX_HOST = 253  # characters of a name (RFC 1035 section 2.3.4, without the root's label)
MAX_LABEL = 63
_LDH = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
DISPLAY = ("cmd", "comments", "question", "answer", "rrcomments", "authority", "stats")  # what +all means


def port(text: str) -> int:
    """Read the port of a server."""
    return _number(text, MAX_PORT, "a port")


def _number(text: str, most: int, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= most:
        raise ValueError(f"{text[:40]!r}, expected {what} from 1 to {most}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"expected seconds, at most {MAX_SECONDS:.0f}")
    return seconds


def _count(text: str) -> int:
    return _number(text, MAX_TRIES, "a number")


def _apex(text: str) -> Name:
    apex = names.from_text(text.lower().removesuffix(".") + ".")
    if len(apex) > names.MAX_APEX:
        raise ValueError(f"an apex of {len(apex)} octets, at most {names.MAX_APEX} are allowed")
    return apex


def _path(text: str) -> str:
    if not text:
        raise ValueError("expected a file")
    return text


def _assurance(text: str) -> Assurance:
    if text not in set(Assurance):
        raise ValueError(f"{text[:40]!r}, expected {', '.join(Assurance)}")
    return Assurance(text)


def host_name(text: str) -> str:
    """Read the name of a host (RFC 1123 section 2.1)."""
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > MAX_HOST or not all(0 < len(label) <= MAX_LABEL and set(label) <= _LDH for label in labels):
        raise ValueError(f"{text[:80]!r}, expected the name of a host such as dns.example")
    return name


def _pin(text: str) -> bytes:
    """Read a pin as zone sources have it, in hex, or as kdig takes it, in base64."""
    try:
        octets = bytes.fromhex(text) if len(text) == 2 * PIN_OCTETS else base64.b64decode(text, validate=True)
    except ValueError:
        octets = b""
    if len(octets) != PIN_OCTETS:
        raise ValueError(f"{text[:80]!r}, expected the SHA-256 of a server's key in hex or base64")
    return octets


def doh_path(text: str) -> str:
    """Read the path of DNS over HTTPS."""
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or set(text) & set(" ?#"):
        raise ValueError(f"{text[:80]!r}, expected a path such as {USUAL.path}")
    return text


OVER = {  # by field: over what is asked; the last one that is named counts
    "tcp": Protocol.TCP,
    "tls": Protocol.TLS,
    "https": Protocol.HTTPS,
    "https_get": Protocol.HTTPS,
    "quic": Protocol.QUIC,
}
_NAMES = ("short", "json", "trace", "proof", "tcp", "tls", "quic", "csi", "direct", "cd", "lab", "all", *DISPLAY)
TOGGLES = {name: name for name in _NAMES} | {"cdflag": "cd", "vc": "tcp"}  # the last two as dig spells them
OPTIONAL: dict[str, tuple[Callable[[str], object], object]] = {  # with what stands for no value
    "https": (doh_path, USUAL.path),
    "https_get": (doh_path, USUAL.path),
    "tls_ca": (_path, ""),
}
VALUES: dict[str, Callable[[str], object]] = {
    "oblivious": _path,  # a URL; `options` reads it
    "oblivious_keys": _path,
    "token": _path,
    "bearer": _path,
    "tls_hostname": host_name,
    "tls_pin": _pin,
    "time": _seconds,
    "tries": _count,
    "apex": _apex,
    "anchor": _path,
    "assurance": _assurance,
    "bundle": _path,
    "svg": _path,
    "root": Endpoint.from_text,
}
_FIELDS = TOGGLES | {field.replace("_", "-"): field for field in (*VALUES, *OPTIONAL)}


def resolve(text: str) -> tuple[str, bool]:
    """Return the field that a flag's name, or an unambiguous beginning of it, sets, and whether it is on.

    Raises:
        ValueError: There is none, or several.
    """
    readings = [(text, True)]
    if text.startswith("no") and text != "no":
        readings.append((text[2:], False))
    for name, on in readings:
        if name in _FIELDS:
            return _FIELDS[name], on
    matches = {
        (field, on) for name, on in readings for flag, field in _FIELDS.items() if name and flag.startswith(name)
    }
    if len(matches) == 1:
        return matches.pop()
    if matches:
        spelt = sorted(("" if on else "no") + field.replace("_", "-") for field, on in matches)
        raise ValueError("ambiguous: " + ", ".join(spelt))
    raise ValueError("there is no such option")
