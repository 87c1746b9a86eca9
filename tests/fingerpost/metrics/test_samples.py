"""Every counter of ours has its metric, and Prometheus can read what is told."""

from dataclasses import fields

import pytest

from fingerpost.metrics import families
from fingerpost.metrics.exposition import to_text
from fingerpost.metrics.families import BY_NAME, LISTENER_FIELDS, Type, family_of
from fingerpost.metrics.samples import COUNTS, PREFIXES, samples_of
from resolver.durations import BOUNDS, Durations
from transport.http2.listener import HttpsStatistics
from transport.quic.limits import QuicStatistics
from transport.tcp_listener import StreamStatistics
from transport.udp_listener import UdpStatistics


@pytest.mark.parametrize("kind", [UdpStatistics, StreamStatistics, HttpsStatistics, QuicStatistics])
def test_every_counter_of_a_listener_has_its_metric(kind: type) -> None:
    names = [field.name for field in fields(kind)]
    assert set(names) <= LISTENER_FIELDS.keys()
    samples = samples_of([("udp", dict.fromkeys(names, 1))], {}, None)
    assert len(samples) == len(names), "two of them are one metric"


def test_names_are_as_prometheus_wants_them() -> None:
    for name, family in BY_NAME.items():
        assert name.startswith("fingerpost_")
        assert name.endswith("_total") == (family.type is Type.COUNTER)
        assert family.help.endswith(".")


def test_every_metric_is_told_by_something() -> None:
    told = {family for family, _ in (*LISTENER_FIELDS.values(), *COUNTS.values())}
    told |= {family for _, family, _ in PREFIXES}
    assert told | {families.SEARCH_SECONDS} == set(families.FAMILIES)


def test_listeners_of_one_protocol_are_one() -> None:
    samples = samples_of([("udp", {"received": 2}), ("udp", {"received": 3}), ("tcp", {"received": 5})], {}, None)
    assert samples == {
        'fingerpost_transport_received_total{protocol="udp"}': 5,
        'fingerpost_transport_received_total{protocol="tcp"}': 5,
    }


def test_durations_become_a_histogram() -> None:
    durations = Durations()
    for seconds in (0.0, BOUNDS[0], 0.02, 60.0):
        durations.add(seconds)
    text = to_text(samples_of([], {"searched_found": 4}, durations))
    assert text.splitlines() == [
        f"# HELP fingerpost_resolver_searches_total {families.SEARCHES.help}",
        "# TYPE fingerpost_resolver_searches_total counter",
        'fingerpost_resolver_searches_total{outcome="found"} 4',
        f"# HELP fingerpost_resolver_search_seconds {families.SEARCH_SECONDS.help}",
        "# TYPE fingerpost_resolver_search_seconds histogram",
        *(
            f'fingerpost_resolver_search_seconds_bucket{{le="{bound}"}} {2 if bound < 0.025 else 3}'
            for bound in BOUNDS
        ),
        'fingerpost_resolver_search_seconds_bucket{le="+Inf"} 4',
        "fingerpost_resolver_search_seconds_sum 60.021",
        "fingerpost_resolver_search_seconds_count 4",
    ]


def test_a_sample_knows_its_family() -> None:
    assert family_of(families.SEARCH_SECONDS.key("_bucket", le="1.0")) is families.SEARCH_SECONDS
    assert family_of(families.READY.key(outcome="found")) is families.READY
