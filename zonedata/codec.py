"""The one place where msgpack is read and written: canonical, capped, one meaning one spelling.

A body is a map of short text keys in ascending order; values are whole numbers, text, octets, booleans,
lists and such maps. Bytes that do not re-encode to themselves are refused, which leaves every value exactly
one encoding. Caps stand before the parser: a msgpack header may claim millions of elements in five octets,
and the decoder allocates what is claimed (about 8 octets an element, at up to 1,024 levels).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # ships no types; narrowed at once below

from zonedata.errors import MalformedError

MAX_DEPTH: Final = 6  # map -> list of grants -> grant -> roles is four; two to spare
MAX_ELEMENTS: Final = 64  # of a list or map in an ordinary body; caps what a header can make the decoder allocate
MAX_VALUES: Final = 4_096  # of a whole body with long lists; 400 grants with all roles have 3,600
UNSCANNED: Final = 512  # octets; if each were the header of a list of 512 elements, they would claim 2 MB together
MAX_INT: Final = 2**53  # times, serials and counts; whole in every language's numbers


@dataclass(frozen=True, slots=True)
class Caps:
    """What a body may hold at most.

    Attributes:
        octets: Length of the whole body.
        elements: Elements of one list or one map.
    """

    octets: int
    elements: int = MAX_ELEMENTS


_packer = msgpack.Packer(use_bin_type=True)  # used again and again: making one costs as much as a body


def pack(value: Any) -> bytes:
    """Encode canonically: map keys ascending, every number and length in its shortest form."""
    return encode(_ordered(value))


def encode(value: Any) -> bytes:
    """Take the second half of `pack`: encode what has its keys in order; what decodes to it otherwise differs."""
    packed: bytes = _packer.pack(value)
    return packed


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_ordered(element) for element in value]
    return value


def unpack(data: bytes, caps: Caps) -> dict[str, Any]:
    """Decode a body.

    Raises:
        MalformedError: Too long, too deep, too many elements, not a map, a value of another type than those
            above, or not in canonical form.
    """
    value = decode(data, caps)
    if not isinstance(value, dict):
        raise MalformedError("body is not a map")
    _check(value, MAX_DEPTH)
    if encode(value) != data:
        raise MalformedError("body is not in canonical form")
    return value


def decode(data: bytes, caps: Caps) -> Any:
    """Take the first half of `unpack`: decode within the caps; for who checks types, order and form on the way.

    Raises:
        MalformedError: Too long, too deep, too many elements, or not msgpack.
    """
    if len(data) > caps.octets:
        raise MalformedError(f"body of {len(data)} octets, at most {caps.octets} are allowed")
    if caps.elements > MAX_ELEMENTS and len(data) > UNSCANNED and _deepest(data) > MAX_DEPTH:
        raise MalformedError(f"body nested deeper than {MAX_DEPTH} levels, or of more than {MAX_VALUES} values")
    try:
        return msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_str_len=1024,
            max_bin_len=1024,
            max_array_len=caps.elements,
            max_map_len=MAX_ELEMENTS,
            max_ext_len=0,
            ext_hook=_no_extension,  # the cap alone lets extensions of no octets pass
        )
    except (ValueError, msgpack.StackError, msgpack.ExtraData, RecursionError, OverflowError) as error:
        raise MalformedError(f"body is not msgpack within its caps: {type(error).__name__}") from error


def _no_extension(code: int, data: bytes) -> None:
    raise ValueError(f"extension {code} of {len(data)} octets")


def _in_order(value: dict[Any, Any]) -> Iterable[Any]:
    """Return the values of a map once its keys are seen to be text in ascending order."""
    keys = list(value)
    for key in keys:
        if type(key) is not str:
            raise MalformedError("body has a map key that is no text")
    if keys != sorted(keys):
        raise MalformedError("body is not in canonical form")
    return value.values()


def _check(value: dict[Any, Any] | list[Any], depth: int) -> None:
    """Check what the decoder made: types, range, depth, and that every map has its keys in order.

    A message costs a dozen of these, so types are compared as they are (the decoder makes no others), and there is
    a call for each list and map only.
    """
    if value and depth == 1:
        raise MalformedError(f"body nested deeper than {MAX_DEPTH} levels")
    for element in _in_order(value) if isinstance(value, dict) else value:
        kind = type(element)
        if kind is str or kind is bytes or kind is bool:
            continue
        if kind is int:
            if not 0 <= element <= MAX_INT:
                raise MalformedError(f"number {element} outside 0 to 2^53")
        elif kind is dict or kind is list:
            _check(element, depth - 1)
        else:
            raise MalformedError(f"body holds a value of type {kind.__name__}")


# What follows a msgpack type octet: (octets of length field, octets of payload that length counts or not).
_SIZED: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_FIXED: Final = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_NESTED: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def _deepest(data: bytes) -> int:
    """Return how deep lists and maps nest, or MAX_DEPTH + 1 when that or MAX_VALUES is passed; allocates nothing.

    Needed where a kind allows long lists: there the decoder's caps alone would let nested headers claim
    megabytes. Unknown or truncated bytes end the scan; the decoder refuses them by itself. After an extension
    the scan is out of step, but there the decoder has stopped.
    """
    at, left, values = 0, [1], 0  # left[i]: elements still to come at level i
    while at < len(data) and left:
        if not left[-1]:
            left.pop()
            continue
        left[-1] -= 1
        values += 1
        octet = data[at]
        at += 1
        elements = -1
        if 0x80 <= octet <= 0x8F:
            elements = 2 * (octet & 0x0F)
        elif 0x90 <= octet <= 0x9F:
            elements = octet & 0x0F
        elif 0xA0 <= octet <= 0xBF:
            at += octet & 0x1F
        elif octet in _NESTED:
            width, per = _NESTED[octet]
            elements = per * int.from_bytes(data[at : at + width], "big")
            at += width
        elif octet in _SIZED:
            width = _SIZED[octet]
            at += width + int.from_bytes(data[at : at + width], "big")
        else:
            at += _FIXED.get(octet, 0)
        if elements >= 0:
            left.append(elements)
        if len(left) - 1 > MAX_DEPTH or values > MAX_VALUES:
            return MAX_DEPTH + 1
    return len(left) - 1
