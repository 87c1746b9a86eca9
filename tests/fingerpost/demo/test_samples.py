import json
from collections import Counter

import pytest

from fingerpost.demo import fiction, samples
from fingerpost.demo.building import DAEMONS
from fingerpost.demo.model import Model
from fingerpost.demo.samples import Sample
from zonedata import identifiers


@pytest.fixture(scope="module")
def chosen(model: Model) -> list[Sample]:
    return samples.choose(model)


def test_there_are_enough_and_each_is_what_the_model_says(chosen: list[Sample], model: Model) -> None:
    assert len(chosen) >= 50
    assert len({sample.csi for sample in chosen}) == len(chosen)
    for sample in chosen:
        expected = model.expected(sample.csi)
        assert (sample.outcome, sample.complete, sample.msps) == (
            expected.outcome,
            expected.complete,
            expected.msps,
        )


def test_every_case_has_as_many_as_it_should(chosen: list[Sample], model: Model) -> None:
    counts = Counter(sample.case for sample in chosen)
    assert counts == {case.title: case.count for case in samples._cases(model)}
    assert {sample.outcome for sample in chosen} == {"found", "none", "incomplete"}


def test_what_is_printed_is_kept_for_fiction(chosen: list[Sample]) -> None:
    for sample in chosen:
        assert fiction.is_fiction(sample.csi)
        assert identifiers.parse(sample.csi).text == sample.csi


def test_cases_are_mixed(chosen: list[Sample]) -> None:
    away = [sample.csi for sample in chosen if sample.case == "a provider away"]
    assert {csi[:2] for csi in away} >= {"+1", "+4"}
    assert any("@" in csi for csi in away)
    blocks = {sample.csi[:4] for sample in chosen if sample.case == "in a block"}
    assert blocks == {"+121", "+442", "+493", "+447"}
    assert chosen[0].csi == samples.NUMBER
    assert any(sample.csi == samples.ADDRESS and len(sample.msps) == 2 for sample in chosen)


def test_json_says_who_is_where(chosen: list[Sample]) -> None:
    ports = {name: 5300 + at for at, name in enumerate(DAEMONS)}
    whole = json.loads(samples.to_json(chosen[:2], ports, {"anchor": "/x/anchor.pem", "apex": "a.internal."}))
    assert whole["root"] == "127.0.0.1:5300"
    assert whole["registry"] == "127.0.0.1:5301"
    assert whole["resolver"] == "127.0.0.1:5307"
    assert whole["msps"]["alpha.example"] == "127.0.0.1:5302"
    assert whole["anchor"] == "/x/anchor.pem"
    assert whole["samples"][0]["csi"] == "+14155550123"
    assert whole["samples"][0]["msps"] == ["alpha.example", "beta.example", "gamma.example"]


def test_scattering_meets_everything_once() -> None:
    for count in (1, 100, 1000, 17_000, len(fiction.areas()) * 100):
        csis = [str(number) for number in range(count)]
        assert sorted(samples._scattered(csis)) == sorted(csis)
