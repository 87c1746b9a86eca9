"""The store on disk: the contract, the swap, and what is left behind when something goes wrong."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.store.contract import Contents, check, contents, entries_of, keys
from zonedata.errors import MalformedError
from zonedata.store import disk
from zonedata.store.disk import DiskTables, build
from zonedata.store.layout import FORMAT, Table

Entry = tuple[Table, bytes, bytes]
OLD: list[Entry] = [(Table.GAPS, b"", b"old"), (Table.META, b"authority", b"a.example")]
NEW: list[Entry] = [(Table.GAPS, b"", b"new")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "stores" / "alpha"


def gap_in(path: Path) -> bytes | None:
    with closing(DiskTables(path)) as tables:
        return tables.get(Table.GAPS, b"")


def builds(path: Path) -> list[Path]:
    return sorted(one for one in path.parent.iterdir() if one.is_dir() and not one.is_symlink())


@given(contents, st.lists(keys, max_size=5))
def test_the_contract(held: Contents, asked: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store"
        assert build(path, entries_of(held)) == sum(map(len, held.values()))
        with closing(DiskTables(path)) as tables:
            check(tables, held, asked)
            assert list(tables.scan(Table.META)) == [(b"format", FORMAT)]


def test_tables_may_alternate_and_meta_stands_in_any_order(place: Path) -> None:
    entries: list[Entry] = [
        (Table.META, b"serial", b"1"), (Table.GAPS, b"", b"a"), (Table.BLOCKS, b"x\0", b"b"),
        (Table.META, b"authority", b"."), (Table.GAPS, b"x\0", b"c"), (Table.META, b"serial", b"2"),
    ]  # fmt: skip
    assert build(place, entries) == 3  # what META holds is no statement
    with closing(DiskTables(place)) as tables:
        assert dict(tables.scan(Table.META)) == {b"authority": b".", b"format": FORMAT, b"serial": b"2"}
        assert list(tables.scan(Table.GAPS)) == [(b"", b"a"), (b"x\0", b"c")]
        assert list(tables.scan(Table.BLOCKS)) == [(b"x\0", b"b")]


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_a_store_of_many_transactions_is_whole(place: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "BATCH", batch)
    held: Contents = {Table.ASSERTIONS: {b"%c\0" % n: b"%d" % n for n in range(97, 104)}}
    assert build(place, entries_of(held)) == 7
    with closing(DiskTables(place)) as tables:
        check(tables, held, [b"d\0"])


def test_a_reader_keeps_what_it_opened_and_the_next_one_sees_the_new(place: Path) -> None:
    build(place, OLD)
    with closing(DiskTables(place)) as reader:
        build(place, NEW)
        assert gap_in(place) == b"new"
        assert reader.get(Table.GAPS, b"") == b"old"
        for _ in range(disk.KEPT_BUILDS + 2):
            build(place, NEW)  # the reader's files are deleted under it
        assert len(builds(place)) == 1 + disk.KEPT_BUILDS
        assert reader.get(Table.GAPS, b"") == b"old"
        assert reader.get(Table.META, b"authority") == b"a.example"
        assert list(reader.scan(Table.GAPS)) == [(b"", b"old")]
    assert gap_in(place) == b"new"


def test_readers_see_the_old_store_until_the_new_one_is_whole(place: Path) -> None:
    build(place, OLD)
    seen = []

    def entries() -> Iterator[Entry]:
        seen.append(gap_in(place))
        yield from NEW
        seen.append(gap_in(place))

    build(place, entries())
    assert seen == [b"old", b"old"]
    assert gap_in(place) == b"new"


def test_the_build_before_is_kept_and_no_other(place: Path) -> None:
    made = []
    for n in range(4):
        build(place, [(Table.GAPS, b"", b"%d" % n)])
        made.append(place.resolve())
    assert set(builds(place)) == {made[-2], made[-1]}
    assert gap_in(made[-2]) == b"2"
    assert {one.name for one in place.parent.iterdir()} == {"alpha", made[-2].name, made[-1].name}


def test_what_belongs_to_others_is_left_alone(place: Path) -> None:
    neighbour = place.with_name("alpha.example")
    build(neighbour, NEW)
    mine = [place.with_name(name) for name in ("alpha.old", "alpha.previous", "alphabet")]
    for one in mine:
        one.mkdir(parents=True)
        (one / "data.mdb").write_bytes(b"a copy of somebody's")
    for _ in range(4):
        build(place, OLD)
    assert gap_in(neighbour) == b"new"
    assert all((one / "data.mdb").read_bytes() == b"a copy of somebody's" for one in mine)
    assert len(builds(place)) == 2 + 1 + len(mine)


class _BrokenOffError(Exception):
    pass


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_build_that_breaks_off_changes_nothing(place: Path, before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "BATCH", 2)
    build(place, OLD)
    there = sorted(place.parent.iterdir())

    def entries() -> Iterator[Entry]:
        for n in range(before):
            yield Table.GAPS, b"%d\0" % n, b"new"
        raise _BrokenOffError

    with pytest.raises(_BrokenOffError):
        build(place, entries())
    assert sorted(place.parent.iterdir()) == there
    assert gap_in(place) == b"old"


@pytest.mark.parametrize(
    "entries",
    [
        [(Table.GAPS, b"b\0", b"1"), (Table.GAPS, b"a\0", b"2")],
        [(Table.GAPS, b"b\0", b"1"), (Table.GAPS, b"b\0", b"2")],
        [(Table.BLOCKS, b"a\0", b"1"), (Table.BLOCKS, b"", b"2")],
    ],
    ids=["out of order", "twice", "empty key late"],
)
def test_entries_out_of_order_are_refused_and_none_is_lost_in_silence(place: Path, entries: list[Entry]) -> None:
    build(place, OLD)
    there = sorted(place.parent.iterdir())
    with pytest.raises(ValueError, match="is not after the one before it"):
        build(place, entries)
    assert sorted(place.parent.iterdir()) == there
    assert gap_in(place) == b"old"


def test_a_place_that_is_taken_leaves_no_litter(place: Path) -> None:
    place.mkdir(parents=True)
    (place / "something").touch()
    with pytest.raises(OSError, match="alpha"):
        build(place, NEW)
    assert [one.name for one in place.parent.iterdir()] == ["alpha"]
    assert (place / "something").exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where even root may not write")
def test_an_unwritable_directory_is_named() -> None:
    with pytest.raises(OSError, match="/proc/self") as caught:
        build(Path("/proc/self/store"), NEW)
    assert caught.value.errno is not None


def test_a_full_disk_is_said_in_words(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(place, OLD)
    there = sorted(place.parent.iterdir())
    monkeypatch.setattr(disk, "MAP_SIZE", 2**17)
    with pytest.raises(OSError, match="cannot be written; is the disk full"):
        build(place, [(Table.GAPS, b"%06d\0" % n, bytes(1_000)) for n in range(1_000)])
    assert sorted(place.parent.iterdir()) == there
    assert gap_in(place) == b"old"


def test_everyone_may_read_a_store(place: Path) -> None:
    build(place, NEW)
    assert place.resolve().stat().st_mode & 0o755 == 0o755
    assert place.is_symlink()
    assert not place.readlink().is_absolute()  # so that the whole directory can be moved
    moved = place.parent.rename(place.parent.with_name("moved"))
    assert gap_in(moved / "alpha") == b"new"


def test_a_store_of_another_format_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "FORMAT", b"fingerpost-store-0")
    build(place, NEW)
    monkeypatch.undo()
    with pytest.raises(MalformedError, match="another format; build it anew with 'fingerpost sign'") as first:
        DiskTables(place)
    with pytest.raises(MalformedError, match="another format"):  # and it was given back the first time
        DiskTables(place)
    assert first.tb is not None  # which keeps all that is not given back


def test_what_is_no_store_is_refused_by_name(tmp_path: Path) -> None:
    none, empty, foreign, text = (tmp_path / name for name in ("none", "empty", "foreign", "text"))
    empty.mkdir()
    lmdb.open(str(foreign), lock=False).close()
    text.mkdir()
    (text / "data.mdb").write_text("no database " * 1_000)
    file = tmp_path / "file"
    file.touch()
    for path in (none, empty, foreign, text, file):
        with pytest.raises(MalformedError, match=f"store {path} cannot be opened"):
            DiskTables(path)


def test_nothing_can_be_written_through_a_reader(place: Path) -> None:
    build(place, NEW)
    with closing(DiskTables(place)) as tables, pytest.raises(lmdb.ReadonlyError):
        tables._environment.begin(write=True)
