"""Names in the tree: text, wire and key forms, covering, canonical order.

A `Name` is its own store key: the labels from the root down, each ended by a zero octet, so that
`5.1.4.1.e164.` is `e164 0 1 0 4 0 1 0 5 0`. A prefix of the tree is then a prefix of the bytes, comparing
the bytes is the canonical order of RFC 4034 section 6.1, and a parent is a shorter slice. The empty bytes
are the root of the tree. Labels hold lower-case letters, digits, `-` and `_` only, so no label contains the
octet that ends it.

Names in statements never carry the apex under which they hang on the wire; `to_wire` and `from_wire` add it
and take it off.
"""

from typing import Final, NewType, NoReturn

from zonedata.errors import MalformedError

Name = NewType("Name", bytes)

ROOT: Final = Name(b"")
MAX_LABEL: Final = 63  # RFC 1035 section 2.3.4
MAX_WIRE_NAME: Final = 255  # RFC 1035 section 2.3.4
MAX_APEX: Final = 64  # octets of the apex on the wire; what it takes, owner names cannot have
MAX_NAME: Final = MAX_WIRE_NAME - MAX_APEX  # octets of a key, so that every name fits under every allowed apex
MAX_LABELS: Final = 40  # on the wire; names of more make parsers slow
MAX_APEX_LABELS: Final = 8  # what the apex takes of them
MAX_NAME_LABELS: Final = MAX_LABELS - MAX_APEX_LABELS  # E.164 needs 16, mail domains rarely ten
_ALLOWED: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_IN_KEYS: Final = bytes((0, *_ALLOWED))
_LENGTHS: Final = [bytes((length,)) for length in range(MAX_LABEL + 1)]


def from_labels(labels: list[bytes]) -> Name:
    """Make a name from its labels, root first.

    Raises:
        MalformedError: A label is empty, too long or holds a character outside a-z, 0-9, `-`, `_`; or the
            whole is too long to hang under an apex.
    """
    key = b"\0".join(labels) + b"\0" if labels else b""
    is_sound = (
        key.count(b"\0") == len(labels) <= MAX_NAME_LABELS
        and len(key) <= MAX_NAME
        and not key.translate(None, _IN_KEYS)
        and not (key.startswith(b"\0") or b"\0\0" in key)
        and max(map(len, labels), default=0) <= MAX_LABEL
    )
    if not is_sound:
        _refuse(labels)
    return Name(key)


def _refuse(labels: list[bytes]) -> NoReturn:
    """Say what is wrong with labels, one by one; the whole has been looked at in one piece."""
    if len(labels) > MAX_NAME_LABELS:
        raise MalformedError(f"name has {len(labels)} labels, at most {MAX_NAME_LABELS} are allowed")
    for label in labels:
        if not 0 < len(label) <= MAX_LABEL:
            raise MalformedError(f"label of {len(label)} octets, expected 1 to {MAX_LABEL}")
        if not _ALLOWED.issuperset(label):
            raise MalformedError(f"label {label!r} holds a character other than a-z, 0-9, '-' and '_'")
    octets = sum(len(label) + 1 for label in labels)
    raise MalformedError(f"name of {octets} octets is too long for DNS, at most {MAX_NAME} are left")


def labels_of(name: Name) -> list[bytes]:
    """Return the labels, root first."""
    return name.split(b"\0")[:-1]


def from_text(text: str) -> Name:
    """Read presentation form, leaf first and ending in a dot: `5.1.4.1.e164.`; `.` is the root."""
    if text == ".":
        return ROOT
    if not text.endswith("."):
        raise MalformedError(f"name {text[:80]!r} does not end in a dot")
    try:
        return from_labels(text[:-1].encode("ascii").split(b".")[::-1])
    except UnicodeEncodeError as error:
        raise MalformedError(f"name {text[:80]!r} holds a character outside ASCII") from error


def to_text(name: Name) -> str:
    """Write presentation form, the only spelling that `from_text` reads for this name."""
    return ".".join(name.decode("ascii").split("\0")[-2::-1]) + "."


def from_wire(labels: list[bytes], apex: Name) -> Name | None:
    """Take the apex off a name read from a message.

    Args:
        labels: As they stood in the message, leaf first, already lower-cased.
        apex: The apex the server answers under.

    Returns:
        The name, or None when it does not hang under the apex or is no name of ours.
    """
    try:
        above = labels_of(apex)
        rest = labels[: len(labels) - len(above)]
        if labels[len(rest) :] != above[::-1]:
            return None
        return from_labels(rest[::-1])
    except MalformedError:
        return None


def to_wire(name: Name, apex: Name) -> bytes:
    """Write the uncompressed wire form (RFC 1035 section 3.1) under an apex."""
    labels = (apex + name).split(b"\0")[-2::-1]
    return b"".join([part for label in labels for part in (_LENGTHS[len(label)], label)]) + b"\0"


def covers(node: Name, name: Name) -> bool:
    """Say whether `name` is `node` or lies below it. A partial order."""
    return name.startswith(node)


def depth(name: Name) -> int:
    """Return the number of labels."""
    return name.count(b"\0")


def ancestor(name: Name, count: int) -> Name:
    """Return the ancestor-or-self of `name` that has `count` labels; `count` is at most its depth."""
    end = 0
    for _ in range(count):
        end = name.index(b"\0", end) + 1
    return Name(name[:end])


def ancestors(name: Name) -> list[Name]:
    """Return every ancestor and the name itself, from the root down."""
    found = [ROOT]
    end = name.find(b"\0") + 1
    while end:
        found.append(Name(name[:end]))
        end = name.find(b"\0", end) + 1
    return found


def child(name: Name, label: bytes) -> Name:
    """Return the name one label below."""
    return Name(name + label + b"\0")


def end_of(node: Name) -> bytes:
    """Return the first key after everything at or below `node`; b"" stands for the end of the tree."""
    return node[:-1] + b"\1" if node else b""
