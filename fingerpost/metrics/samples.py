"""What a worker has counted, as samples: of its listeners, its pool, its daemon. Pure.

The tables below name every counter that there is, and a test holds them against those that there are.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fingerpost.metrics import families as f
from fingerpost.metrics.families import LISTENER_FIELDS, Family, Samples
from resolver.durations import BOUNDS, Durations

# Counters of daemons by name: where each goes, and under which label.
COUNTS: Final[Mapping[str, tuple[Family, tuple[tuple[str, str], ...]]]] = {
    "kept": (f.KEPT, ()),
    "kept_octets": (f.KEPT_OCTETS, ()),
    "proven": (f.PROVEN, ()),
    "proven_hits": (f.PROVEN_LOOKS, (("outcome", "hit"),)),
    "proven_misses": (f.PROVEN_LOOKS, (("outcome", "miss"),)),
    "floors": (f.FLOORS, ()),
    "floors_lost": (f.FLOORS_LOST, ()),
    "assertions": (f.ASSERTIONS, ()),
    "ready": (f.DENIALS_READY, ()),
    "limited": (f.RATES, (("outcome", "dropped"),)),
    "sent_to_streams": (f.RATES, (("outcome", "sent_to_streams"),)),
    "charged": (f.CHARGED, ()),
    "running": (f.LOOKUPS, ()),
    "started": (f.LOOKUPS_BEGUN, ()),
    "refused": (f.LOOKUPS_DROPPED, (("why", "full"),)),
    "crowded": (f.LOOKUPS_DROPPED, (("why", "crowded"),)),
    "evicted": (f.LOOKUPS_DROPPED, (("why", "evicted"),)),
}
# Counters whose names begin so: the rest of the name is the label.
PREFIXES: Final = (
    ("ready_", f.READY, "outcome"),
    ("searched_", f.SEARCHES, "outcome"),
    ("over_", f.LIMITED, "limit"),
    ("tokens_", f.TOKENS, "outcome"),
    ("oblivious_", f.GATEWAY, "outcome"),
)


def samples_of(
    listeners: Iterable[tuple[str, Mapping[str, int]]], counts: Mapping[str, int], durations: Durations | None
) -> Samples:
    """Return the samples of a worker.

    Args:
        listeners: The protocol and the statistics of each.
        counts: Of the daemon and its pool.
        durations: Of its searches, if it has any.
    """
    samples: Samples = {}
    for protocol, statistics in listeners:
        for field, count in statistics.items():
            family, labels = LISTENER_FIELDS[field]
            key = family.key(protocol=protocol, **dict(labels))
            samples[key] = samples.get(key, 0) + count
    samples.update((_key(name), count) for name, count in counts.items())
    if durations is not None:
        samples.update(_histogram(f.SEARCH_SECONDS, durations))
    return samples


def _key(name: str) -> str:
    found = COUNTS.get(name)
    if found is not None:
        return found[0].key(**dict(found[1]))
    family, label, value = next(
        (family, label, name.removeprefix(prefix)) for prefix, family, label in PREFIXES if name.startswith(prefix)
    )
    return family.key(**{label: value})


def _histogram(family: Family, durations: Durations) -> Iterator[tuple[str, float]]:
    """Yield the samples of a histogram: its buckets hold all that are below their bound."""
    below = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), durations.counts, strict=True):
        below += count
        yield family.key("_bucket", le=bound), below
    yield family.key("_sum"), durations.total
    yield family.key("_count"), below
