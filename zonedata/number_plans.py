"""Telephone numbers that need no parsing: digits which `phonenumbers` would read and write back unchanged.

A full parse costs 14 to 20 us, and of a million numbers in a source nearly all are written canonically already.
For these the full parse comes down to three questions, which are asked here of the same tables: which country
calling code do the digits begin with, does what follows have one of the lengths of its plan, and would nothing be
taken off it or put before it as a national prefix. A yes to all is certain; a no says nothing, and the full parse
decides. So this accepts a part of what that accepts, with the same canonical text, and refuses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, phonenumberutil

MAX_DIGITS: Final = 15  # E.164 section 6
_MIN_NATIONAL: Final = 2  # digits after the calling code, below which nothing is a number whatever its plan says
_MAX_CODE: Final = 3  # digits of a calling code
_BEGINNING: Final = 4  # digits that decide for nearly all plans: calling code and a national prefix of one digit


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What is known of all numbers that begin with the same few digits.

    Attributes:
        lengths: In digits, calling code included, that are possible; none where a national prefix may follow.
        code: Digits of the calling code.
        undecided: The plan, where a national prefix is more than the beginning can show.
    """

    lengths: frozenset[int]
    code: int = 0
    undecided: PhoneMetadata | None = None


# What `phonenumbers.parse` itself takes the national prefix off with, or rewrites the number; private, but it has
# been there as long as the library, and the patterns of the plans stay the library's business.
_without_prefix: Callable[..., Any] = phonenumberutil._maybe_strip_national_prefix_carrier_code  # noqa: SLF001 - as said above
_NOTHING_KNOWN: Final = _Beginning(frozenset())


def is_surely_canonical(digits: str) -> bool:
    """Say whether `+` and these digits are certainly a possible number in canonical form.

    Args:
        digits: 0 to 9 in ASCII, nothing else; the caller has looked.
    """
    known = _known_of(digits[:_BEGINNING])
    if len(digits) not in known.lengths:
        return False
    if known.undecided is None:
        return True
    national = digits[known.code :]
    found = _without_prefix(national, known.undecided)  # a carrier or none, what is left, whether less
    return bool(found[1] == national)


@lru_cache(maxsize=11_111)  # all that up to four digits can be
def _known_of(beginning: str) -> _Beginning:
    """Look the beginning up; no calling code is the beginning of another."""
    for size in range(1, min(len(beginning), _MAX_CODE) + 1):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(beginning[:size])) if beginning[0] != "0" else None
        if regions is None:
            continue
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(beginning[:size]), regions[0])
        if metadata is None or (desc := metadata.general_desc) is None:
            return _NOTHING_KNOWN
        prefix = metadata.national_prefix_for_parsing or ""
        national = [n for n in (*desc.possible_length, *desc.possible_length_local_only) if n >= _MIN_NATIONAL]
        lengths = frozenset(size + n for n in national if size + n <= MAX_DIGITS)
        if prefix.isdigit() and size + len(prefix) <= _BEGINNING:
            return _NOTHING_KNOWN if beginning.startswith(prefix, size) else _Beginning(lengths)
        return _Beginning(lengths, size, metadata if prefix else None)
    return _NOTHING_KNOWN
