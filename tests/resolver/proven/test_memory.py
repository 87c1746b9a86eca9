import random

from hypothesis import given
from hypothesis import strategies as st

from resolver.proven.memory import OVERHEAD, MemoryTable

KEYS = st.integers(0, 15).map(lambda n: (b"%08d" if n % 2 else b"%08dordered") % n)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete", "use"]), KEYS, st.binary(max_size=40)), max_size=200)


@given(STEPS)
def test_unbounded_it_is_a_dict_in_order(steps: list[tuple[str, bytes, bytes]]) -> None:
    table, model = MemoryTable(), dict[bytes, bytes]()
    for what, key, octets in steps:
        if what == "put":
            table.put(key, octets)
            model[key] = octets
        elif what == "delete":
            table.delete(key)
            model.pop(key, None)
        assert table.get(key) == model.get(key)
        ordered = sorted(one for one in model if len(one) > 8)
        before = [one for one in ordered if one <= key]
        assert table.at_or_before(key) == ((before[-1], model[before[-1]]) if before else None)
        inside = [(one, model[one]) for one in ordered if key < one < b"00000009"]
        assert list(table.between(key, b"00000009")) == inside
        assert table.octets == sum(len(one) + len(value) + OVERHEAD for one, value in model.items())
        assert len(table) == len(model)
        assert len(table._ring) <= 2 * len(model) + 65


@given(STEPS)
def test_bounded_it_forgets_and_never_errs(steps: list[tuple[str, bytes, bytes]]) -> None:
    bound = 4 * (OVERHEAD + 30)
    table, model = MemoryTable(bound), dict[bytes, bytes]()
    for what, key, octets in steps:
        if what == "put":
            table.put(key, octets)
            model[key] = octets
        elif what == "delete":
            table.delete(key)
            model.pop(key, None)
        else:
            table.use(key)
        assert table.get(key) in (None, model.get(key))
        assert table.octets <= bound


def test_what_is_used_stays_and_the_oldest_goes() -> None:
    table = MemoryTable(100 * (OVERHEAD + 8 + 10))
    choose = random.Random(1)
    used = [b"used%04d" % n for n in range(20)]
    for key in used:
        table.put(key, bytes(10))
    for n in range(10_000):
        table.put(b"%08d" % n, bytes(10))
        for key in used:
            table.use(key)
        choose.shuffle(used)
    assert all(table.get(key) for key in used)
    assert [n for n in range(10_000) if table.get(b"%08d" % n)] == list(range(9920, 10_000))
    assert table.evicted == 9920


def test_adding_and_deleting_for_ever_takes_no_memory() -> None:
    table = MemoryTable(10**9)
    for n in range(1000):
        table.put(b"%08d" % (n % 3), b"")
        table.delete(b"%08d" % (n % 3))
    assert table.octets == 0
    assert len(table._ring) <= 65
