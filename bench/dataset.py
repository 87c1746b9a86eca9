"""The data set: the same numbers for everybody, as assertions for us and as NAPTR records for the peers. Pure.

Number `i` of the set is +1415 and seven digits, scattered over that area by a permutation, so that every size is a
part of the next and no two are the same. That they can be dialled is not meant.
"""

import random
from collections.abc import Iterable, Iterator

PREFIX = "1415"
SPACE = 10_000_000  # numbers that there are below the prefix
STEP, START = 7_368_787, 1_234_567  # has no factor in common with SPACE, so that no number comes twice
APEX = "fingerpost.internal."
ZONE = f"e164.{APEX}"
MSP = "alpha.example"
CSI = "TYPE65280"  # our question; dnsperf and BIND know it by its number
NAPTR = "NAPTR"
TTL = 86_400  # seconds; nothing of the peers' is to expire during a run


def number(index: int) -> str:
    """Return the digits of a number of the set, without the plus."""
    return f"{PREFIX}{(index * STEP + START) % SPACE:07d}"


def evenly(count: int) -> Iterator[str]:
    """Return `count` numbers in ascending order, evenly over the area: for stores that are only looked up in."""
    return (f"{PREFIX}{at:07d}" for at in range(0, SPACE // count * count, SPACE // count))


def some_evenly(count: int, most: int) -> list[str]:
    """Return at most so many of the numbers of `evenly`, picked at random and always the same."""
    picked = random.Random(164).sample(range(count), min(count, most))
    return [f"{PREFIX}{at * (SPACE // count):07d}" for at in picked]


def owner(digits: str) -> str:
    """Return the name of a number, as DNS has it (RFC 6116 section 3.2)."""
    return f"{'.'.join(reversed(digits))}.{ZONE}"


def written(digits: str) -> str:
    """Return a number as people write it."""
    return f"+{digits[0]}-{digits[1:4]}-{digits[4:7]}-{digits[7:]}"


def _account(digits: str) -> str:
    return f"{int(digits) * 2_654_435_761 % 2**64:016x}"


def ssi(digits: str, msp: str) -> str:
    """Return the account of a number at a provider, as an address."""
    return f"mimi://{msp}/u/{_account(digits)}"


def question(digits: str, qtype: str) -> str:
    """Return the line by which dnsperf asks for a number."""
    return f"{owner(digits)} {qtype}\n"


def shuffled(numbers: Iterable[str], qtype: str) -> list[str]:
    """Return questions for numbers, in an order that is random and always the same."""
    lines = [question(digits, qtype) for digits in numbers]
    random.Random(6116).shuffle(lines)
    return lines


def people(count: int, msp: str) -> Iterator[str]:
    """Return the source of a provider that has the first numbers of the set."""
    for index in range(count):
        digits = number(index)
        yield f'{{"csi": "+{digits}", "ssi": "{ssi(digits, msp)}", "features": ["e2ee"]}}\n'


def zone(count: int) -> Iterator[str]:
    """Return a zone file with the first numbers of the set (RFC 6116 section 3.4)."""
    yield f"$ORIGIN {ZONE}\n$TTL {TTL}\n"
    yield "@ IN SOA ns hostmaster 1 3600 600 604800 300\n@ IN NS ns\nns IN A 127.0.0.1\n"
    yield f"$ORIGIN {'.'.join(reversed(PREFIX))}.{ZONE}\n"
    for index in range(count):
        digits = number(index)
        name = ".".join(reversed(digits[len(PREFIX) :]))
        yield f'{name} NAPTR 100 10 "u" "E2U+mimi" "!^.*$!{ssi(digits, MSP)}!" .\n'
