"""What an operator may set about finding out; every default has its reason."""

from dataclasses import dataclass
from typing import Final

from zonedata import names
from zonedata.names import Name

DEFAULT_APEX = names.from_text("fingerpost.internal.")  # .internal is reserved for private use
UPSTREAM_RATE: Final = 200  # questions a second to one party; Unbound suggests 1,000 for a whole zone
MAX_UPSTREAM_RATE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a resolver, or of a walk made in the caller's own process.

    Attributes:
        apex: Under which authorities and this resolver answer.
        lab_addresses: Whether delegated servers on private or loopback addresses may be dialled.
        answers_octets: What answers may take that lack something or are dear to find again.
        zones_octets: What the statements of zones may take, decoded; a root of 30,000 nodes has some 150 MiB.
        allow_plain_upstream: Whether servers that offer no TLS are asked in plain DNS beyond this machine.
        upstream_rate: How many questions a second one zone or authority is asked.
    """

    apex: Name = DEFAULT_APEX
    lab_addresses: bool = False
    answers_octets: int = 16 * 2**20  # some 3,000; what lacks something is kept for seconds
    zones_octets: int = 256 * 2**20
    allow_plain_upstream: bool = False  # whoever is on the way reads who is looked for, and by whom
    upstream_rate: int = UPSTREAM_RATE
