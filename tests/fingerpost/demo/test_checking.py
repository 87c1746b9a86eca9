import dataclasses
import math

import pytest
import trio

from fingerpost.demo.checking import Checked, check, mistake_in
from fingerpost.demo.samples import Sample
from resolver.answer import Answer, Reach, Via
from resolver.stub import Stub
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Proof
from transport.resource import USUAL, Resource
from transport.stream_link import Accept
from zonedata import identifiers
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance

SAMPLE = Sample("+14155550123", "case", "found", True, ("alpha.example", "beta.example"))
AWAY = Sample("+14155550123", "case", "incomplete", False, ())


def answer(
    outcome: Outcome = Outcome.FOUND,
    msps: tuple[str, ...] = ("beta.example", "alpha.example"),
    *,
    complete: bool = True,
    verified: bool | None = True,
) -> Answer:
    reaches = tuple(Reach(msp, f"mimi://{msp}/u/1", Assurance.ASSERTED, 0) for msp in msps)
    csi = identifiers.parse("+14155550123")
    return Answer(csi, outcome, complete, verified, reaches, (), (), (), Via("", Protocol.UDP, 1.5))


@pytest.mark.parametrize(
    ("sample", "given", "mistake"),
    [
        (SAMPLE, answer(), ""),
        (SAMPLE, answer(Outcome.NONE), "none, expected found"),
        (SAMPLE, answer(complete=False), "not complete"),
        (dataclasses.replace(SAMPLE, complete=False), answer(), "complete"),
        (SAMPLE, answer(msps=("alpha.example",)), "at alpha.example, expected alpha.example, beta.example"),
        (SAMPLE, answer(verified=False), "not verified"),
        (SAMPLE, answer(verified=None), "not verified"),
        (AWAY, answer(Outcome.INCOMPLETE, (), complete=False, verified=None), ""),
        (AWAY, answer(Outcome.INCOMPLETE, (), complete=False, verified=False), "not verified"),
    ],
)
def test_what_is_not_as_it_must_be(sample: Sample, given: Answer, mistake: str) -> None:
    assert mistake_in(sample, given) == mistake


class Deaf:
    """A dialer that reaches nobody."""

    async def exchange(
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Accept,
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
        resource: Resource = USUAL,
    ) -> bytes:
        assert deadline < math.inf
        assert (proof, resource) == (None, USUAL)
        await trio.lowlevel.checkpoint()
        raise UnreachableError(endpoint.to_text(), f"no {protocol} for {len(message)} octets {accept is None}")


async def test_a_resolver_that_is_away_is_a_mistake_of_every_sample() -> None:
    samples = [SAMPLE, dataclasses.replace(SAMPLE, csi="alice@example.com")]
    checked = await check(samples, Stub([Endpoint("127.0.0.1", 9)], Deaf(), Clock()))
    assert [one.sample for one in checked] == samples
    assert all("127.0.0.1#9" in one.mistake for one in checked)
    assert checked[0] == Checked(SAMPLE, 0.0, checked[0].mistake)
