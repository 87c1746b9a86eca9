"""What an operator may set about finding out; every default has its reason."""

from dataclasses import dataclass

from zonedata import names
from zonedata.names import Name

DEFAULT_APEX = names.from_text("fingerpost.internal.")  # .internal is reserved for private use


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a resolver, or of a walk made in the caller's own process.

    Attributes:
        apex: Under which authorities and this resolver answer.
        lab_addresses: Whether delegated servers on private or loopback addresses may be dialled.
        max_answers: Answers kept ready.
        max_said: Statements of authorities about people kept, by authority and person.
        max_zone: Statements of zones kept.
    """

    apex: Name = DEFAULT_APEX
    lab_addresses: bool = False
    max_answers: int = 100_000  # about 100 MB with their evidence
    max_said: int = 200_000
    max_zone: int = 300_000  # the gaps and delegations of a root of 30,000 nodes, several times over
