"""Real carrier prefixes, as the `phonenumbers` package has them, and a domain name for each operator.

Pure. The names and prefixes are public facts; that these operators take part in anything is fiction, so each
is named under `.example`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

RESERVED = frozenset({"alpha", "beta", "gamma", "delta", "epsilon", "vacant"})  # the fictitious parties of `plan`
MAX_SLUG = 40  # characters: an authority's name stands in every delegation that grants to it


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of the real data.

    Attributes:
        title: As the data names it, in English where it does.
        authority: `<slug>.example`, its own alone.
        prefixes: `+1242357` and the like, ascending.
    """

    title: str
    authority: str
    prefixes: tuple[str, ...]


def slug_of(title: str) -> str:
    """Return the letters and digits of a name in ASCII, parted by dashes; "" when it has none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-")


@cache
def operators() -> tuple[Operator, ...]:
    """Return every operator, in the order of its first prefix."""
    # The data takes 11 MB, and every command imports this file on its way: only this one is to pay for it.
    from phonenumbers.carrierdata import CARRIER_DATA  # noqa: PLC0415 - the lines above

    prefixes: dict[str, list[str]] = {}
    for digits, titles in sorted(CARRIER_DATA.items()):
        title = titles.get("en") or min(titles.items())[1]
        prefixes.setdefault(title, []).append(f"+{digits}")
    taken = set(RESERVED)
    made = []
    for title, held in prefixes.items():
        slug = slug_of(title) or f"operator-{held[0][1:]}"
        count = 1
        unique = slug
        while unique in taken:
            count += 1
            unique = f"{slug}-{count}"
        taken.add(unique)
        made.append(Operator(title, f"{unique}.example", tuple(held)))
    return tuple(made)
