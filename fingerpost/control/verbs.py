"""What `fingerpost ctl` can ask for: words, what they mean, who answers. One table for ctl, its help and docs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Who(Enum):
    """Who answers."""

    DESK = auto()  # from what it knows itself
    SUPERVISOR = auto()
    ALL = auto()  # every worker: each has its own


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be asked for.

    Attributes:
        words: Noun and verb; some nouns stand alone.
        operands: As help shows them; "" for none, "..." at the end for several.
        help: One line.
        who: Answers.
        daemon: Of what daemon: "" of any, "resolver" or "authority".
    """

    words: tuple[str, ...]
    operands: str
    help: str
    who: Who
    daemon: str = ""

    @property
    def name(self) -> str:
        """Return noun and verb as they are typed."""
        return " ".join(self.words)

    @property
    def usage(self) -> str:
        """Return what is typed, operands and all."""
        return f"{self.name} {self.operands}".rstrip()

    def takes(self, count: int) -> bool:
        """Say whether it can be asked for with so many operands."""
        names = self.operands.split()
        least = sum(not name.startswith("[") for name in names)
        return least <= count and (count <= len(names) or self.operands.rstrip("]").endswith("..."))


VERBS: Final = (
    Verb(("status",), "", "whether it runs, since when, as what, with which workers", Who.DESK),
    Verb(("reload",), "", "read certificates, stores and secrets again, as SIGHUP", Who.SUPERVISOR),
    Verb(("stop",), "", "end gracefully, as SIGTERM does", Who.SUPERVISOR),
    Verb(("statistics",), "", "print every metric, summed over all workers", Who.DESK),
    Verb(("servers", "show"), "[AUTHORITY]", "how servers have behaved, best first", Who.ALL, "resolver"),
    Verb(("servers", "forget"), "[AUTHORITY]", "forget that, so that all are asked again", Who.ALL, "resolver"),
    Verb(("zone", "show"), "", "whose store is served, and its serial", Who.ALL, "authority"),
    Verb(("log", "level"), "[LEVEL]", "what is logged: debug, info, warning or error", Who.ALL),
)


_ARTICLES: Final = {"resolver": "a resolver", "authority": "an authority"}


class UnknownVerbError(Exception):
    """Words that are no verb, or too many or few; the reason says what there is."""


def verb_of(words: Sequence[str], daemon: str) -> tuple[Verb, list[str]]:
    """Return the verb that words begin with, and the operands behind it.

    Raises:
        UnknownVerbError: There is none.
    """
    for verb in VERBS:
        count = len(verb.words)
        if tuple(words[:count]) != verb.words:
            continue
        if verb.daemon not in {"", daemon}:
            raise UnknownVerbError(f"'{verb.name}' is of a daemon that is {_ARTICLES[verb.daemon]}")
        if not verb.takes(len(words) - count):
            raise UnknownVerbError(f"expected '{verb.usage}'")
        return verb, list(words[count:])
    beside = [verb.name for verb in VERBS if words and verb.words[0] == words[0]]
    known = beside or sorted({verb.words[0] for verb in VERBS})
    raise UnknownVerbError(f"'{' '.join(words[:2])}' is unknown; there is {', '.join(known)}")
