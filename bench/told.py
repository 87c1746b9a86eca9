"""What our daemons say at their end that they have counted. Pure."""

from collections import Counter

MARK = "event=statistics"


def counts(log: str) -> dict[str, int]:
    """Return the counts in a daemon's log, those of its workers added; what is of one listener alone is left out.

    Args:
        log: All of it, of a daemon that has ended.
    """
    found: Counter[str] = Counter()
    for line in log.splitlines():
        _, mark, rest = line.partition(MARK)
        pairs = [word.partition("=") for word in rest.split()]
        if mark and all(value.isdecimal() for _, _, value in pairs):  # a listener's begins with its address
            found.update({word: int(value) for word, _, value in pairs if word != "worker"})
    return dict(found)
