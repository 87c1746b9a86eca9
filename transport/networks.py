"""Which of many networks an address lies in: the longest, in as many looks as they have lengths. Pure.

Addresses are often invented, so nobody may make us go over all networks for each.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


class Networks:
    """Networks, of both families; of two that are equal the later counts.

    Args:
        networks: In any order.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        prefixes: dict[tuple[int, int], dict[int, int]] = {}  # by octets of an address, and bits after the prefix
        for position, network in enumerate(networks):
            after = network.max_prefixlen - network.prefixlen
            held = prefixes.setdefault((network.max_prefixlen // 8, after), {})
            held[int(network.network_address) >> after] = position
        longest_first = sorted(prefixes.items(), key=_after)
        self._prefixes = {  # by octets of an address
            octets: [(after, held) for (size, after), held in longest_first if size == octets] for octets in (4, 16)
        }

    def longest(self, source: bytes) -> int:
        """Return the position of the longest network that has an address of 4 or 16 octets; -1 when none has."""
        address = int.from_bytes(source, "big")
        for after, held in self._prefixes[len(source)]:
            position = held.get(address >> after, -1)
            if position >= 0:
                return position
        return -1


def _after(item: tuple[tuple[int, int], dict[int, int]]) -> int:
    return item[0][1]
