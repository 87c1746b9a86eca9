"""A small plan, for tests that build or start something; the real one, where only values are looked at."""

import pytest

from fingerpost.demo import carriers, fiction
from fingerpost.demo.model import Model
from fingerpost.demo.people import people_of
from fingerpost.demo.plan import LIVE, Plan, make_plan

AREAS = ("+1212", "+1242", "+1345", "+1415", "+1869")
STEMS = ("+441134960", "+441632960", "+442079460", "+447700900", "+493023125")


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan(carriers.operators(), fiction.areas(), (*fiction.UNITED_KINGDOM, *fiction.GERMANY))


@pytest.fixture(scope="session")
def small_plan() -> Plan:
    """Every tenth operator, and all on the islands and in the United Kingdom; five area codes, five ranges."""
    wanted = ("+1242", "+1345", "+1869", "+44")
    real = [
        operator
        for at, operator in enumerate(carriers.operators())
        if at % 10 == 0 or any(prefix.startswith(wanted) for prefix in operator.prefixes)
    ]
    return make_plan(real, AREAS, STEMS)


def model_of(plan: Plan) -> Model:
    return Model(plan, {msp: frozenset(person.csi for person in people_of(plan, msp)) for msp in LIVE})


@pytest.fixture(scope="session")
def model(plan: Plan) -> Model:
    return model_of(plan)
