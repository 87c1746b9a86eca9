"""What every store must do, whichever it is: a model to hold it against, and entries to fill it with."""

from hypothesis import strategies as st

from zonedata import names
from zonedata.store.layout import Table, Tables

Contents = dict[Table, dict[bytes, bytes]]

_label = st.text("ab1", min_size=1, max_size=3).map(str.encode)
_name: st.SearchStrategy[bytes] = st.lists(_label, max_size=4).map(names.from_labels)
keys: st.SearchStrategy[bytes] = _name | st.sampled_from([b"", b"\xff", b"\xff" * 4, b"\0\0\0\1"])
contents: st.SearchStrategy[Contents] = st.dictionaries(
    st.sampled_from([table for table in Table if table is not Table.META]),
    st.dictionaries(keys, st.binary(max_size=20), max_size=12),
    max_size=3,
)


def entries_of(held: Contents) -> list[tuple[Table, bytes, bytes]]:
    """Return the entries in the order a store is built in."""
    return [(table, key, value) for table, ours in held.items() for key, value in sorted(ours.items())]


def check(tables: Tables, held: Contents, asked: list[bytes]) -> None:
    """Compare every way of reading with the model."""
    for table in Table:
        if table is Table.META:
            continue
        model = held.get(table, {})
        assert list(tables.scan(table)) == sorted(model.items())
        for key in {*model, *asked, *(key + b"a\0" for key in asked), *(key[:-1] for key in asked)}:
            if key == b"\0":
                continue  # stands for the empty key; no name begins with a zero octet
            before = [item for item in sorted(model.items()) if item[0] <= key]
            assert tables.get(table, key) == model.get(key)
            assert tables.at_or_before(table, key) == (before[-1] if before else None)
