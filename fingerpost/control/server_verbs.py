"""`servers show` and `servers forget`: how servers have behaved, out of a resolver's memory."""

from collections.abc import Iterator, Sequence

from fingerpost.control.attending import RefusedError
from resolver.servers import Behaviour, Servers, name_of
from zonedata.fields import check_authority


def servers_shown(several: Sequence[Servers], words: Sequence[str], now: float) -> Iterator[str]:
    """Yield a line for each server, or each of an authority: the quickest first, those left alone last.

    Raises:
        RefusedError: It is no authority's name.
    """
    authority = _authority(words)
    found = [one for servers in several for one in servers.behaviours(now) if authority in {"", name_of(one.party)}]
    return map(_line, sorted(found, key=lambda one: (one.left_alone, one.seconds or 0.0)))


def servers_forgotten(several: Sequence[Servers], words: Sequence[str]) -> Iterator[str]:
    """Forget, and yield of how many.

    Raises:
        RefusedError: It is no authority's name.
    """
    authority = _authority(words)
    yield f"forgotten={sum(servers.forget(authority) for servers in several)}"


def _authority(words: Sequence[str]) -> str:
    if not words:
        return ""
    try:
        return words[0] if words[0] == "." else check_authority(words[0])
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _line(one: Behaviour) -> str:
    measured = "none" if one.seconds is None else f"{one.seconds * 1_000:.1f}"
    mark = f" left_alone_s={one.left_alone:.0f} why={one.why}" if one.left_alone else ""
    encrypted = "yes" if one.pin else "no"
    return (
        f"authority={name_of(one.party)} server={one.where} encrypted={encrypted} rtt_ms={measured} "
        f"failures={one.failures} in_flight={one.in_flight} may={one.most}{mark}"
    )
