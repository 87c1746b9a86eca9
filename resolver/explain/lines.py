"""The pieces of an explanation: marked lines in sections, and what it is made of."""

from dataclasses import dataclass, field
from enum import StrEnum

from zonedata.account import Account
from zonedata.bundle import Bundle
from zonedata.trust import Trust


class Mark(StrEnum):
    """What a line is."""

    PROVEN = "proven"
    NOTE = "note"  # proven, or said by nobody, and does not count
    UNPROVEN = "unproven"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Line:
    """One step, and what else is to be said of it."""

    mark: Mark
    text: str
    below: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """Steps of one kind."""

    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Case:
    """What is explained.

    Attributes:
        bundle: What was shown.
        account: What it came to.
        anchor: The name of the anchor's file.
        trust: That anchor, before it caught up.
    """

    bundle: Bundle
    account: Account
    anchor: str
    trust: Trust
