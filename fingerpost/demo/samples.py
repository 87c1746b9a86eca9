"""Identifiers to try, each with what must come of it; chosen among those that may be printed.

Pure. Each case names where to look and what the model must say; the first that fit are taken, so that a change of
the real data changes the samples and never the sense of a case.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from fingerpost.demo import fiction
from fingerpost.demo.model import Expected, Model
from fingerpost.demo.people import CERTAIN, SUBDOMAIN, locals_of
from fingerpost.demo.plan import ALPHA, DELTA, EPSILON, GAMMA, LIVE, REGISTRY, ROOT
from fingerpost.demo.sources import LOOPBACK

NUMBER = "+14155550123"  # known to three providers, and shown first
ADDRESS = "alice@example.com"  # known to two
STRIDE = 1_117  # a prime that divides no list here, so that stepping by it meets everything once
NOBODYS_DOMAIN = "nowhere.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """One identifier.

    Attributes:
        csi: The identifier.
        case: What it shows.
        outcome: `found`, `none` or `incomplete`.
        complete: Whether everybody on the path can be heard.
        msps: Who must say where the person is reachable, ascending.
    """

    csi: str
    case: str
    outcome: str
    complete: bool
    msps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    title: str
    count: int
    candidates: Iterable[str]
    fits: Callable[[Expected], bool]


def choose(model: Model) -> list[Sample]:
    """Choose the samples of every case."""
    taken: set[str] = set()
    samples = []
    for case in _cases(model):
        left = case.count
        for csi in case.candidates:
            if not left:
                break
            expected = model.expected(csi)
            if csi not in taken and case.fits(expected):
                taken.add(csi)
                left -= 1
                samples.append(Sample(csi, case.title, expected.outcome, expected.complete, expected.msps))
    return samples


def to_json(samples: list[Sample], ports: dict[str, int], place: dict[str, str]) -> str:
    """Write `demo.json`: who listens where, and the samples.

    Args:
        samples: To be tried.
        ports: By authority, the root as ".", and "resolver".
        place: Further facts, as text.
    """
    at = {name: f"{LOOPBACK}:{port}" for name, port in ports.items()}
    whole = {
        "note": "a demonstration; everything in it is fictitious",
        "resolver": at["resolver"],
        "root": at[ROOT],
        "registry": at[REGISTRY],
        "msps": {name: at[name] for name in LIVE},
        **place,
        "samples": [asdict(sample) for sample in samples],
    }
    return json.dumps(whole, indent=1) + "\n"


def _cases(model: Model) -> list[_Case]:
    american = _scattered([csi for area in fiction.areas() for csi in fiction.north_american(area)])
    british = _scattered([csi for stem in fiction.UNITED_KINGDOM for csi in fiction.thousand(stem)])
    london, mobile, berlin, frankfurt, vacant = (
        _scattered(fiction.thousand(stem))
        for stem in ("+442079460", "+447700900", "+493023125", "+496990009", "+441632960")
    )
    island = [csi for area in ("+1242", "+1345", "+1869") for csi in fiction.north_american(area)]
    away = [_scattered(island), [csi for csi in vacant if csi[10] == "9"], _mail("vacant.example")]
    lost = _turns(*([csi for csi in csis if model.expected(csi).outcome == "incomplete"] for csis in away))
    two = _turns(*(_mail(domain) for domain in ("example.com", "example.org", "example.net", "mail.example")))
    one = _turns(_mail("solo.example"), _mail("example.net"))
    ported = [csi for name in (EPSILON, GAMMA) for csi in CERTAIN[name] if csi.startswith("+44")]

    def by_block(csis: list[str], msp: str) -> list[str]:
        return [csi for csi in csis if model.speaks_by_block(msp, csi)]

    blocks = _turns(
        by_block(fiction.north_american("+1212"), ALPHA),
        by_block(london, GAMMA),
        by_block(berlin, DELTA),
        by_block(mobile, EPSILON),
    )
    return [
        _Case("several providers", 9, [NUMBER, *american], lambda e: e.complete and len(e.msps) > 1),
        _Case("one provider", 8, american, lambda e: e.complete and len(e.msps) == 1),
        _Case("in a block", 9, blocks, lambda e: e.complete and e.outcome == "found"),
        _Case("ported out of a block", 2, ported, lambda e: e.complete and e.outcome == "found"),
        _Case("exception of a block", 4, [csi for csi in london if csi[10] == "9"], lambda e: GAMMA not in e.msps),
        _Case("below the registry", 8, british, lambda e: e.below and e.complete and e.outcome == "found"),
        _Case("granted by both zones", 3, mobile, lambda e: e.below and ALPHA in e.msps),
        _Case("nobody knows it", 5, _turns(american, british), lambda e: e.outcome == "none"),
        _Case("delegated to nobody", 5, _turns(frankfurt, _mail(NOBODYS_DOMAIN)), lambda e: not e.asked),
        _Case("a provider away", 6, lost, lambda e: e.outcome == "incomplete"),
        _Case("found, another away", 6, _turns(*away), lambda e: e.outcome == "found" and not e.complete),
        _Case("address, two providers", 6, two, lambda e: e.complete and len(e.msps) == 2),
        _Case("address, one provider", 5, one, lambda e: e.complete and len(e.msps) == 1),
        _Case("address below a domain", 3, _mail(SUBDOMAIN), lambda e: e.complete and e.outcome == "found"),
    ]


def _mail(domain: str) -> list[str]:
    return [f"{local}@{domain}" for local in locals_of()]


def _scattered(csis: list[str]) -> list[str]:
    """Return the same list in an order that goes all over it."""
    return [csis[at * STRIDE % len(csis)] for at in range(len(csis))]


def _turns(*lists: list[str]) -> list[str]:
    """Return one list that takes from each in turn, as long as there is something in all of them."""
    return [csi for row in zip(*lists, strict=False) for csi in row]
