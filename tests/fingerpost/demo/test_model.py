"""Worked out by hand on a plan of a few lines, and on the real one for what the samples lean on."""

import pytest

from fingerpost.demo.model import Model
from fingerpost.demo.plan import ALPHA, BETA, DELTA, EPSILON, GAMMA, LIVE, VACANT, Grant, Plan, ZonePlan

ROOT = (
    Grant("+1", ALPHA),
    Grant("+1415", BETA),
    Grant("+44", "numbers.gb.example", "registry"),
    Grant("+4477", ALPHA),
    Grant("+1999", VACANT),
    Grant("@example.com", ALPHA),
    Grant("@school.example", BETA, deep=True),
    Grant("@school.example", GAMMA),
)
REGISTRY = (Grant("+44", BETA), Grant("+4477", DELTA), Grant("+44770", GAMMA), Grant("+447700", EPSILON))
KNOWN = {
    ALPHA: {"+14155550100", "+19995550100", "alice@example.com"},
    BETA: {"+14155550100", "+447700900001", "x@maths.school.example"},
    GAMMA: {"+447700900001", "x@maths.school.example"},
}


@pytest.fixture
def by_hand() -> Model:
    plan = Plan(
        ZonePlan(".", (), ROOT, frozenset(), ()),
        ZonePlan("numbers.gb.example", ("+44",), REGISTRY, frozenset({"+44770"}), ()),
        (),
        (),
        {},
    )
    return Model(plan, {msp: frozenset(KNOWN.get(msp, ())) for msp in LIVE})


@pytest.mark.parametrize(
    ("csi", "outcome", "msps", "asked"),
    [
        ("+14155550100", "found", (ALPHA, BETA), (ALPHA, BETA)),
        ("+12125550100", "none", (), (ALPHA,)),
        ("+19995550100", "found", (ALPHA,), (ALPHA, VACANT)),
        ("+19995550101", "incomplete", (), (ALPHA, VACANT)),
        ("+33123456789", "none", (), ()),
        ("+441632960001", "none", (), (BETA,)),
        ("+447700900001", "found", (EPSILON, GAMMA), (ALPHA, EPSILON, GAMMA)),
        ("alice@example.com", "found", (ALPHA,), (ALPHA,)),
        ("alice@sub.example.com", "none", (), ()),
        ("x@maths.school.example", "found", (BETA,), (BETA,)),
        ("x@school.example", "none", (), (BETA, GAMMA)),
    ],
)
def test_by_hand(by_hand: Model, csi: str, outcome: str, msps: tuple[str, ...], asked: tuple[str, ...]) -> None:
    expected = by_hand.expected(csi)
    assert (expected.outcome, expected.msps, expected.asked) == (outcome, msps, asked)
    assert expected.complete == (VACANT not in asked)
    assert expected.below == csi.startswith("+44")


def test_the_longest_block_alone_decides(model: Model) -> None:
    assert model.speaks_by_block(ALPHA, "+12125550110")
    assert model.speaks_by_block(ALPHA, "+12125550151")
    assert not model.speaks_by_block(ALPHA, "+12125550155"), "an exception of the longer; the shorter is silent"
    assert not model.speaks_by_block(ALPHA, "+12125550101"), "an exception of the shorter"
    assert not model.speaks_by_block(ALPHA, "+12125550123"), "has a line of its own, which comes first"
    assert not model.speaks_by_block(BETA, "+12125550110")


def test_what_the_first_samples_lean_on(model: Model) -> None:
    assert model.expected("+14155550123").msps == (ALPHA, BETA, GAMMA)
    assert model.expected("alice@example.com").msps == (ALPHA, BETA)
    ported = model.expected("+442079460148")
    assert EPSILON in ported.msps
    assert GAMMA in set(ported.asked) - set(ported.msps)
