from phonenumbers.carrierdata import CARRIER_DATA

from fingerpost.demo import carriers
from fingerpost.demo.plan import LIVE, REGISTRY, VACANT
from zonedata import identifiers
from zonedata.fields import check_host


def test_all_of_the_real_data_is_there() -> None:
    prefixes = [prefix for operator in carriers.operators() for prefix in operator.prefixes]
    assert len(prefixes) == len(set(prefixes)) == len(CARRIER_DATA)
    assert len(prefixes) > 25_000
    assert {f"+{digits}" for digits in CARRIER_DATA} == set(prefixes)


def test_every_operator_has_a_name_of_its_own() -> None:
    operators = carriers.operators()
    assert len(operators) > 1_000
    assert len({operator.authority for operator in operators}) == len(operators)
    assert len({operator.title for operator in operators}) == len(operators)
    for operator in operators:
        assert check_host(operator.authority).endswith(".example")


def test_no_operator_has_the_name_of_a_fictitious_party() -> None:
    assert {f"{word}.example" for word in carriers.RESERVED} == {*LIVE, VACANT}
    named = {operator.authority for operator in carriers.operators()}
    assert not named & {*LIVE, VACANT, REGISTRY}
    assert "gamma-2.example" in named or "gamma.example" not in named


def test_every_prefix_can_be_delegated() -> None:
    for operator in carriers.operators():
        for prefix in operator.prefixes:
            assert identifiers.node_to_text(identifiers.node_from_text(prefix)) == prefix


def test_slugs_are_ascii_letters_and_digits() -> None:
    assert carriers.slug_of("Cable & Wireless") == "cable-wireless"
    assert carriers.slug_of("OnOff Télécom SASU") == "onoff-telecom-sasu"
    assert carriers.slug_of("МегаФон") == ""
    assert len(carriers.slug_of("x" * 100)) == carriers.MAX_SLUG
    assert carriers.slug_of("x" * 39 + " y") == "x" * 39


def test_what_has_no_latin_letters_is_named_after_its_first_prefix() -> None:
    named = {operator.title: operator for operator in carriers.operators()}
    other = named["МегаФон"]
    assert other.authority == f"operator-{other.prefixes[0][1:]}.example"
