"""Numbers that ring nowhere: what the numbering plans keep for films and documentation.

Pure. North America keeps NPA-555-0100 to 0199 in every area; the United Kingdom (Ofcom) a thousand numbers in
each of many areas, and one range of mobile numbers; Germany (Bundesnetzagentur) a thousand in five cities.
Mail addresses are under example.com and its like (RFC 2606) and under `.example`.
"""

from functools import cache

from phonenumbers.tzdata import TIMEZONE_DATA

UNITED_KINGDOM = (  # each with three more digits
    "+441134960",  # Leeds
    "+441144960",  # Sheffield
    "+441154960",  # Nottingham
    "+441164960",  # Leicester
    "+441174960",  # Bristol
    "+441184960",  # Reading
    "+441214960",  # Birmingham
    "+441314960",  # Edinburgh
    "+441414960",  # Glasgow
    "+441514960",  # Liverpool
    "+441614960",  # Manchester
    "+441632960",  # no area
    "+441914980",  # Tyneside
    "+442079460",  # London
    "+442896496",  # Northern Ireland: 028 9649 6
    "+442920180",  # Cardiff
    "+447700900",  # mobile
)
GERMANY = (  # each with three more digits
    "+493023125",  # Berlin
    "+494066969",  # Hamburg
    "+496990009",  # Frankfurt
    "+498999998",  # Munich
    "+492214710",  # Cologne
)
MAIL_DOMAINS = frozenset({"example.com", "example.net", "example.org"})


@cache
def areas() -> tuple[str, ...]:
    """Return the area codes of the North American plan, as `+1415`, ascending.

    They are read from the time zones of the same package, which name each area once.
    """
    return tuple(sorted(f"+{digits}" for digits in TIMEZONE_DATA if len(digits) == 4 and digits[0] == "1"))


def north_american(area: str) -> list[str]:
    """Return the hundred numbers of one area."""
    return [f"{area}55501{last:02}" for last in range(100)]


def thousand(stem: str) -> list[str]:
    """Return the thousand numbers of one range."""
    return [f"{stem}{last:03}" for last in range(1000)]


def is_fiction(csi: str) -> bool:
    """Say whether an identifier is kept for fiction, so that it may be printed."""
    if not csi.startswith("+"):
        domain = csi.partition("@")[2]
        return domain in MAIL_DOMAINS or domain.endswith(".example")
    if csi.startswith("+1"):
        return csi[:5] in areas() and csi[5:10] == "55501" and len(csi) == 12
    return csi[:-3] in {*UNITED_KINGDOM, *GERMANY}
