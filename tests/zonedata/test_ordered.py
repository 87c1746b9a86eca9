from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from zonedata.ordered import Ordered

key = st.binary(max_size=2).map(lambda raw: bytes(octet % 3 for octet in raw))


class AgainstSortedList(RuleBasedStateMachine):
    """The same operations on an `Ordered` and on a list that is sorted each time."""

    def __init__(self) -> None:
        super().__init__()
        self.real: Ordered[int] = Ordered()
        self.model: list[tuple[bytes, int]] = []

    @rule(at=key, value=st.integers())
    def put(self, at: bytes, value: int) -> None:
        self.real.put(at, value)
        self.model = sorted([*(pair for pair in self.model if pair[0] != at), (at, value)])

    @rule(at=key)
    def remove(self, at: bytes) -> None:
        self.real.remove(at)
        self.model = [pair for pair in self.model if pair[0] != at]

    @rule(divisor=st.integers(1, 3))
    def keep_only(self, divisor: int) -> None:
        before = len(self.model)
        self.model = [pair for pair in self.model if pair[1] % divisor == 0]
        assert self.real.keep_only(lambda value: value % divisor == 0) == before - len(self.model)

    @rule(at=key)
    def get(self, at: bytes) -> None:
        assert self.real.get(at) == dict(self.model).get(at)

    @rule(at=key)
    def at_or_before(self, at: bytes) -> None:
        upto = [pair for pair in self.model if pair[0] <= at]
        assert self.real.at_or_before(at) == (upto[-1] if upto else None)

    @rule(first=key, following=key)
    def between(self, first: bytes, following: bytes) -> None:
        inside = [pair for pair in self.model if first < pair[0] and (not following or pair[0] < following)]
        assert self.real.between(first, following) == inside

    @invariant()
    def the_same_keys_in_order(self) -> None:
        assert list(self.real) == [at for at, _ in self.model]
        assert len(self.real) == len(self.model)


TestAgainstSortedList = AgainstSortedList.TestCase


@given(st.sets(st.integers(0, 200)), st.integers(0, 200))
def test_at_or_before_is_bisection(some: set[int], at: int) -> None:
    ordered: Ordered[int] = Ordered()
    for number in some:
        ordered.put(bytes([number]), number)
    ascending = sorted(some)
    place = bisect_right(ascending, at)
    found = ordered.at_or_before(bytes([at]))
    assert (found and found[1]) == (ascending[place - 1] if place else None)
