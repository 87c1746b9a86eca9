"""The families of metrics: names, types, meanings, and which of our counters goes into which.

Names are `fingerpost_<room>_<what>_<unit>`, counters end in `_total`, units are seconds and octets. A sample is
kept under the text that Prometheus reads, `fingerpost_transport_received_total{protocol="udp"}`, and so equal ones
of several workers are one key. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Samples = dict[str, float]  # by name and labels


class Type(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"  # only grows; what dead workers counted stays in it
    GAUGE = "gauge"  # as it is now, summed over the workers there are
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: Without labels.
        type: What becomes of it over time.
        help: One line for people.
    """

    name: str
    type: Type
    help: str

    def key(self, suffix: str = "", **labels: str) -> str:
        """Return the key of a sample. Labels are ours: words without quotes, backslashes or line ends."""
        inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
        return f"{self.name}{suffix}{{{inside}}}" if inside else self.name + suffix


def _counter(name: str, text: str) -> Family:
    return Family(f"fingerpost_{name}_total", Type.COUNTER, text)


def _gauge(name: str, text: str) -> Family:
    return Family(f"fingerpost_{name}", Type.GAUGE, text)


# --- transport: listeners ------------------------------------------------------------------------------------

RECEIVED = _counter("transport_received", "Messages taken in.")
ANSWERED = _counter("transport_answered", "Replies given to the kernel, or written into a stream.")
FAST = _counter("transport_ready", "Datagrams answered with what was ready; `answered` counts them, too.")
SILENT = _counter("transport_silent", "Messages left without a reply on purpose.")
DROPPED = _counter("transport_dropped", "Messages or replies dropped, by why.")
CONNECTIONS = _gauge("transport_connections", "Connections there are now.")
ACCEPTED = _counter("transport_connections_accepted", "Connections begun.")
REFUSED = _counter(
    "transport_connections_refused", "Connections turned away: all slots taken, or the client's share."
)
CLOSED = _counter("transport_connections_closed", "Connections that we closed, by why.")
HANDSHAKES = _counter("transport_handshakes", "TLS handshakes that ended well.")
RESUMED = _counter("transport_handshakes_resumed", "Of these, those that took up an earlier session.")
HANDSHAKES_FAILED = _counter("transport_handshakes_failed", "TLS handshakes that did not end well, by why.")
RETRIED = _counter("transport_quic_retries", "Clients sent a token, to prove their address with.")
STREAMS_REFUSED = _counter("transport_streams_refused", "Requests refused or taken back before they were answered.")
ERRORS = _counter("transport_errors", "Calls of the kernel that failed, by which.")

# Of every field in the statistics of every listener: where it goes, and under which label.
LISTENER_FIELDS: Final[Mapping[str, tuple[Family, tuple[tuple[str, str], ...]]]] = {
    "received": (RECEIVED, ()),
    "answered": (ANSWERED, ()),
    "fast": (FAST, ()),
    "silent": (SILENT, ()),
    "oversized": (DROPPED, (("why", "oversized"),)),
    "dropped_full": (DROPPED, (("why", "full"),)),
    "dropped_late": (DROPPED, (("why", "late"),)),
    "dropped_burst": (DROPPED, (("why", "burst"),)),
    "unsendable": (DROPPED, (("why", "unsendable"),)),
    "undelivered": (DROPPED, (("why", "undelivered"),)),
    "ignored": (DROPPED, (("why", "no_connection"),)),
    "strayed": (DROPPED, (("why", "strayed"),)),
    "unpaid": (DROPPED, (("why", "unproven_address"),)),
    "connected": (CONNECTIONS, ()),
    "accepted": (ACCEPTED, ()),
    "refused": (REFUSED, ()),
    "misframed": (CLOSED, (("why", "misframed"),)),
    "impatient": (CLOSED, (("why", "slow_or_idle"),)),
    "unread": (CLOSED, (("why", "unread"),)),
    "broken": (CLOSED, (("why", "broken"),)),
    "excessive": (CLOSED, (("why", "excessive"),)),
    "failed": (CLOSED, (("why", "failed"),)),
    "flooded": (CLOSED, (("why", "flooded"),)),
    "faulty": (CLOSED, (("why", "faulty"),)),
    "handshakes": (HANDSHAKES, ()),
    "resumed": (RESUMED, ()),
    "handshakes_failed": (HANDSHAKES_FAILED, (("why", "refused"),)),
    "handshakes_refused": (HANDSHAKES_FAILED, (("why", "too_many"),)),
    "handshakes_slow": (HANDSHAKES_FAILED, (("why", "slow"),)),
    "retried": (RETRIED, ()),
    "streams_refused": (STREAMS_REFUSED, (("why", "too_many"),)),
    "cancelled": (STREAMS_REFUSED, (("why", "taken_back"),)),
    "receive_errors": (ERRORS, (("call", "receive"),)),
    "send_errors": (ERRORS, (("call", "send"),)),
    "accept_errors": (ERRORS, (("call", "accept"),)),
}

# --- resolver, root, limits ----------------------------------------------------------------------------------

READY = _counter("resolver_ready", "Questions answered with a reply that was ready, by outcome.")
SEARCHES = _counter("resolver_searches", "Searches that ended, by outcome; `failed` is a bug of ours.")
SEARCH_SECONDS = Family(
    "fingerpost_resolver_search_seconds", Type.HISTOGRAM, "Seconds that a search took, of any outcome."
)
LOOKUPS = _gauge("resolver_lookups", "Questions in hand now.")
LOOKUPS_BEGUN = _counter("resolver_lookups_begun", "Questions that had to be sought.")
LOOKUPS_DROPPED = _counter("resolver_lookups_dropped", "Questions not sought, or given up for others, by why.")
KEPT = _gauge("resolver_replies", "Replies kept ready.")
KEPT_OCTETS = _gauge("resolver_replies_octets", "What they take in memory.")
PROVEN = _gauge("resolver_proven", "Names and zones about which something proven is kept.")
PROVEN_LOOKS = _counter("resolver_proven_looks", "Looks into what was proven before, by what came of it.")
FLOORS = _gauge("resolver_floors", "Names of which the least serial that is believed is kept.")
FLOORS_LOST = _counter("resolver_floors_lost", "Such serials that could not be written.")
ASSERTIONS = _counter("root_assertions", "Assertions given straight out of the store.")
DENIALS_READY = _counter("root_ready", "Questions answered with a reply that was ready.")
LIMITED = _counter("limits_reached", "Messages past a limit, by which; in a dry run they were answered.")
RATES = _counter("limits_rates", "Datagrams past a rate, by what became of them.")
CHARGED = _counter("limits_charged", "Identifiers charged to a budget.")
TOKENS = _counter("tokens", "Tokens shown, by what came of them.")
GATEWAY = _counter("oblivious", "Sealed requests, by what came of them.")

FAMILIES: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Family))
BY_NAME: Final[Mapping[str, Family]] = {family.name: family for family in FAMILIES}
_SUFFIXES: Final = ("_bucket", "_sum", "_count")  # of the samples of a histogram


def family_of(key: str) -> Family:
    """Return the family of a sample."""
    name = key.partition("{")[0]
    found = BY_NAME.get(name)
    if found is not None:
        return found
    return next(BY_NAME[name.removesuffix(suffix)] for suffix in _SUFFIXES if name.removesuffix(suffix) in BY_NAME)
