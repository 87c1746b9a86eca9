"""Trying the samples on the resolver, and saying what is not as it must be.

`mistake_in` is pure; `check` is a shell around the stub.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import trio

from fingerpost.demo.samples import Sample
from resolver.answer import Answer
from resolver.stub import Stub
from transport.errors import UnreachableError
from zonedata import identifiers

AT_ONCE = 4  # samples in hand; the demonstration measures nothing, and the machine may be busy


@dataclass(frozen=True, slots=True)
class Checked:
    """A sample, tried.

    Attributes:
        sample: What was asked, and what must come of it.
        milliseconds: How long the answer took.
        mistake: What is not as it must be, or "".
    """

    sample: Sample
    milliseconds: float
    mistake: str


def mistake_in(sample: Sample, answer: Answer) -> str:
    """Say what of an answer is not as it must be, or return ""."""
    if answer.outcome != sample.outcome:
        return f"{answer.outcome}, expected {sample.outcome}"
    if answer.complete != sample.complete:
        return "complete" if answer.complete else "not complete"
    msps = tuple(sorted(reach.msp for reach in answer.reaches))
    if msps != sample.msps:
        return f"at {', '.join(msps)}, expected {', '.join(sample.msps)}"
    # Where nothing at all is known the reply is SERVFAIL, which carries no proof to verify.
    if not answer.verified and (answer.verified is not None or sample.outcome != "incomplete"):
        return "not verified"
    return ""


async def check(samples: Iterable[Sample], stub: Stub) -> list[Checked]:
    """Try every sample, some at a time; in the order in which they were given."""
    given = list(samples)
    done: dict[Sample, Checked] = {}
    gate = trio.CapacityLimiter(AT_ONCE)

    async def one(sample: Sample) -> None:
        async with gate:
            try:
                answer = await stub.lookup(identifiers.parse(sample.csi))
            except UnreachableError as error:
                done[sample] = Checked(sample, 0.0, str(error))
            else:
                done[sample] = Checked(sample, answer.via.milliseconds, mistake_in(sample, answer))

    async with trio.open_nursery() as nursery:
        for sample in given:
            nursery.start_soon(one, sample)
    return [done[sample] for sample in given]
