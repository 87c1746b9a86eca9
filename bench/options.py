"""How much is measured: sizes, times and rounds, for a whole run and for a smoke run. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes of a run; every one of them is written into the results.

    Attributes:
        names: In the data set, of all who answer with authority.
        working: Of these, in the working set of the caches.
        signed: Of these, in the zone that is signed and validated.
        seconds: Of one load.
        rounds: Through all contestants, one after the other.
        fan_out: Numbers of providers asked for one name.
        fan_names: Names that each of these providers has.
        stores: Entries of the stores whose growth is measured.
        caches: Entries of the caches whose growth is measured, and their memory: of those in memory up to `names`.
        slow_rounds: Instead of `rounds` where one takes minutes: signing, and filling caches to weigh them.
        opened: Entries of the store that is opened.
    """

    names: int = 1_000_000
    working: int = 100_000
    signed: int = 100_000
    seconds: float = 10.0
    rounds: int = 5
    fan_out: tuple[int, ...] = (2, 8, 32)
    fan_names: int = 10_000
    stores: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    caches: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    slow_rounds: int = 3
    opened: int = 10_000_000


QUICK = Options(
    names=20_000,
    working=1_000,
    signed=2_000,
    seconds=1.0,
    rounds=2,
    fan_out=(2, 4),
    fan_names=1_000,
    stores=(1_000, 10_000),
    caches=(500, 1_000, 40_000),
    slow_rounds=1,
    opened=10_000,
)
