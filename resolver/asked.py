"""What the walk asked, as a value: for `fpdig +trace`, for logs, for tests that count."""

from dataclasses import dataclass
from enum import StrEnum

from transport.endpoint import Endpoint
from transport.handler import Protocol
from zonedata.names import Name
from zonedata.opening import Claim, Refusal


class Purpose(StrEnum):
    """Why a party was asked."""

    ZONE = "zone"  # its delegations on the way and its gap
    BINDING = "binding"  # who an authority is, or that nobody is bound
    PERSON = "person"  # what it says about the owner
    ROOTKEYS = "rootkeys"  # the next version of the root's keys


@dataclass(frozen=True, slots=True)
class Asked:
    """One exchange with a server, over.

    Attributes:
        party: The zone or authority, "." for the root.
        purpose: Why it was asked.
        name: The name in the question.
        endpoint: Its server.
        protocol: Over what.
        milliseconds: Until the reply came or was given up.
        rcode: Of the reply; None when none came.
        trouble: Why nothing came of it, or "".
        claims: Statements in the reply.
        refusals: Of these, what was refused, with the step.
    """

    party: str
    purpose: Purpose
    name: Name
    endpoint: Endpoint
    protocol: Protocol
    milliseconds: float
    rcode: int | None
    trouble: str = ""
    claims: tuple[Claim, ...] = ()
    refusals: tuple[Refusal, ...] = ()
