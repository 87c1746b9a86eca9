"""Statements read as far as a batch of answers needs, and only where all in them is as usual.

What is glimpsed is what `statements.read_untrusted` would read, at a third of the cost; where anything is unusual
nothing is glimpsed, and that function says what it is.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from zonedata import codec
from zonedata.errors import MalformedError
from zonedata.fields import check_authority, strictly_ascending
from zonedata.kinds import MAX_SEALED, RULES, Kind
from zonedata.life import are_usual
from zonedata.person_statements import (
    MAX_FEATURES,
    MAX_SSI,
    MAX_STATUS,
    MIMI,
    NOT_IN_SSI,
    Rows,
    feature,
    in_order,
    status_row,
)
from zonedata.statements import STATUS_CAPS
from zonedata.zone_statements import TREE_OCTETS

_ASSERTION_CAPS: Final = RULES[Kind.ASSERTION].caps
_BODY_AT: Final = 13  # of an envelope with one signature of no octets: kind, count, algorithm, key id, length
_USUAL: Final = ("expires", "issued", "msp", "owner", "serial", "ssi", "ttl")  # of an ASSERTION, in canonical order
_WITH_FEATURES: Final = ("expires", "features", *_USUAL[1:])
_OF_STATUS: Final = ("expires", "issued", "owner", "rows", "serial", "ttl")
_OF_STATUS_IN_TREE: Final = (*_OF_STATUS[:-1], "tree", "ttl")
_IN_SSI: Final = bytes(octet for octet in range(0x21, 0x7F) if chr(octet) not in NOT_IN_SSI)


class Glimpse(NamedTuple):
    """As much of an ASSERTION as says where somebody can be reached; a tuple, since a batch makes one an answer.

    Attributes:
        owner: In presentation form, which `names` has not read.
    """

    owner: str
    msp: str
    ssi: str
    features: tuple[str, ...]
    expires: int


def glimpse_assertion(wire: bytes) -> Glimpse | None:
    """Read the envelope of one ASSERTION as far as `Glimpse` goes; None where it takes `read_untrusted`."""
    if not _BODY_AT <= len(wire) <= MAX_SEALED or wire[0] != Kind.ASSERTION or wire[1] != 1:
        return None
    start = _BODY_AT + (wire[_BODY_AT - 2] << 8 | wire[_BODY_AT - 1])
    body = wire[start:]
    try:
        value = codec.decode(body, _ASSERTION_CAPS)
    except MalformedError:
        return None
    glimpsed = _assertion(value)
    return glimpsed if glimpsed is not None and codec.encode(value) == body else None


def glimpse_status(wire: bytes, owner: str) -> tuple[Rows, bytes] | None:
    """Read the envelope of a STATUS about an owner: its rows and its tree; None where it takes `read_untrusted`."""
    if not 2 <= len(wire) <= MAX_SEALED or wire[0] != Kind.STATUS or wire[1]:
        return None
    body = wire[2:]
    try:
        value = codec.decode(body, STATUS_CAPS)
    except MalformedError:
        return None
    glimpsed = _status(value, owner)
    return glimpsed if glimpsed is not None and codec.encode(value) == body else None


def _assertion(value: Any) -> Glimpse | None:  # noqa: C901 - what is not as usual is many things
    """Read the decoded body of an ASSERTION in which all is as usual, at a third of the cost of the whole.

    Args:
        value: From `codec.decode`; whether it was in canonical form is left to `codec.encode`.

    Returns:
        None where it takes `Assertion.from_fields` to say what it is. What is glimpsed is what that would read,
        provided that the owner is a name that a person can have.
    """
    if type(value) is not dict:
        return None
    fields = tuple(value)
    if fields == _USUAL:
        expires, issued, msp, owner, serial, ssi, ttl = value.values()
        listed: Any = None
    elif fields == _WITH_FEATURES:
        expires, listed, issued, msp, owner, serial, ssi, ttl = value.values()
        if type(listed) is not list or not 0 < len(listed) <= MAX_FEATURES:
            return None
        for one in listed:
            if type(one) is not str:
                return None
    else:
        return None
    if not (type(owner) is str and type(msp) is str and type(ssi) is str):
        return None
    begin = MIMI + msp + "/"
    if not (ssi.startswith(begin) and len(begin) < len(ssi) <= MAX_SSI) or ssi.encode().translate(None, _IN_SSI):
        return None
    if not are_usual(ttl, serial, issued, expires):
        return None
    try:
        return Glimpse(owner, check_authority(msp), ssi, _features(tuple(listed)) if listed else (), expires)
    except MalformedError:
        return None


def _status(value: Any, owner: str) -> tuple[Rows, bytes] | None:
    """Read rows and tree of a decoded STATUS about this owner, as `_assertion` does; None if anything is unusual.

    Args:
        value: From `codec.decode`; whether it was in canonical form is left to `codec.encode`.
        owner: In presentation form, of a name that a person can have.
    """
    if type(value) is not dict:
        return None
    tree: Any = b""
    fields = tuple(value)
    if fields == _OF_STATUS:
        expires, issued, stated, rows, serial, ttl = value.values()
    elif fields == _OF_STATUS_IN_TREE:
        expires, issued, stated, rows, serial, tree, ttl = value.values()
        if type(tree) is not bytes or len(tree) != TREE_OCTETS:
            return None
    else:
        return None
    if stated != owner or type(rows) is not list or not are_usual(ttl, serial, issued, expires):
        return None
    try:
        return _rows(tuple([tuple(row) for row in rows])), tree
    except (TypeError, MalformedError):  # no rows of text
        return None


@lru_cache(maxsize=1_024)  # a resolver says the same of most; at most some 300 octets a row
def _rows(listed: tuple[tuple[Any, ...], ...]) -> Rows:
    if len(listed) > MAX_STATUS:
        raise MalformedError(f"{len(listed)} rows, at most {MAX_STATUS} are allowed")
    return in_order(tuple(status_row(list(row)) for row in listed))


@lru_cache(maxsize=256)  # an MSP has few combinations; at most 500 octets each
def _features(listed: tuple[str, ...]) -> tuple[str, ...]:
    features = tuple(feature(one) for one in listed)
    strictly_ascending(features, "features")
    return features
