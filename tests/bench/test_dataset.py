import math
from io import StringIO
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest

from bench import dataset
from zonedata import identifiers, names
from zonedata.identifiers import node_from_text
from zonedata.listings import Listing, read_listings

COUNT = 1_000


def test_no_number_comes_twice_and_all_lie_in_one_area() -> None:
    numbers = [dataset.number(index) for index in range(100_000)]
    assert len(set(numbers)) == len(numbers)
    assert {(len(digits), digits[:4]) for digits in numbers} == {(11, "1415")}


def test_a_number_as_people_write_it_is_the_same_number() -> None:
    assert dataset.written("14155550123") == "+1-415-555-0123"
    digits = dataset.number(7)
    assert dataset.owner(digits) == names.to_text(
        names.Name(names.from_text(dataset.APEX) + identifiers.parse(dataset.written(digits)).owner)
    )


def test_the_area_has_room_for_the_largest_store() -> None:
    assert math.gcd(dataset.STEP, dataset.SPACE) == 1, "else numbers come again before all have come"
    assert sum(1 for _ in dataset.evenly(dataset.SPACE)) == dataset.SPACE


def test_the_name_is_ours_under_the_apex() -> None:
    owner = identifiers.parse("+14155550123").owner
    apex = names.from_text(dataset.APEX)
    assert dataset.owner("14155550123") == names.to_text(names.Name(apex + owner))


@pytest.mark.parametrize("count", [1, 7, 1_000])
def test_even_numbers_are_as_many_as_asked_for_and_ascend(count: int) -> None:
    numbers = list(dataset.evenly(count))
    assert len(numbers) == count
    owners = [node_from_text(f"+{digits}") for digits in numbers]
    assert owners == sorted(owners)
    assert set(dataset.some_evenly(count, 5)) <= set(numbers)
    assert len(dataset.some_evenly(count, 5)) == min(count, 5)


def test_questions_come_in_an_order_that_is_random_and_always_the_same() -> None:
    numbers = [dataset.number(index) for index in range(COUNT)]
    lines = dataset.shuffled(numbers, dataset.CSI)
    assert lines == dataset.shuffled(numbers, dataset.CSI)
    plain = [dataset.question(digits, dataset.CSI) for digits in numbers]
    assert sorted(lines) == sorted(plain)
    assert lines != plain


def test_our_source_has_no_fault(tmp_path: Path) -> None:
    source = tmp_path / "people.ndjson"
    source.write_text("".join(dataset.people(COUNT, dataset.MSP)))
    faults: list[object] = []
    listings = list(read_listings(source, dataset.MSP, faults.append))
    assert faults == []
    asked = {dataset.number(index) for index in range(COUNT)}
    assert {identifiers.digits_of(m.owner) for m in listings if isinstance(m, Listing)} == asked


def test_the_zone_of_the_peers_says_the_same() -> None:
    zone = dns.zone.from_file(StringIO("".join(dataset.zone(COUNT))), origin=None, relativize=False)
    found = {name.to_text() for name, _ in zone.iterate_rdatasets(dns.rdatatype.NAPTR)}
    assert found == {dataset.owner(dataset.number(index)) for index in range(COUNT)}
    ours = next(dataset.people(1, dataset.MSP)).split('"ssi": "')[1].split('"')[0]
    first = zone.get_rdataset(dataset.owner(dataset.number(0)), dns.rdatatype.NAPTR)
    assert first is not None
    assert ours in first.to_text()
