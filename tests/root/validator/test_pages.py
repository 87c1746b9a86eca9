"""Whether all pages of an LMDB file are there, told without opening it; and LMDB itself agrees."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from root.validator import pages
from root.validator.pages import is_cut_short

TABLES = (b"one", b"two")
READ = """
import lmdb, os, sys
for path in sys.argv[1:]:
    child = os.fork()
    if not child:
        environment = lmdb.open(path, max_dbs=2, readonly=True, create=False)
        tables = [environment.open_db(name, create=False) for name in (b"one", b"two")]
        with environment.begin() as read:
            sum(len(key) + sum(value) for table in tables for key, value in read.cursor(db=table))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def work(path: Path, seed: int) -> bool:
    """Put and take away, so that pages are freed, used again, given back; say whether some were never written."""
    draw, is_short = random.Random(seed), False
    with lmdb.open(str(path), map_size=2**28, max_dbs=2) as environment:
        tables = [environment.open_db(name) for name in TABLES]
        for _ in range(20):
            with environment.begin(write=True) as writing:
                for _ in range(draw.randrange(80)):
                    key, table = b"%d" % draw.randrange(300), draw.choice(tables)
                    if draw.random() < 0.6:
                        writing.put(key, bytes(draw.choice((10, 1_500, 5_000, 30_000))), db=table)
                    else:
                        writing.delete(key, db=table)
                if draw.random() < 0.2:
                    for n in range(300):
                        writing.delete(b"%d" % n, db=tables[0])
            assert not is_cut_short(path / "data.mdb"), "while somebody has it open"
            counted = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            is_short = is_short or (path / "data.mdb").stat().st_size < counted
    return is_short


def test_a_file_may_be_shorter_than_what_was_counted(tmp_path: Path) -> None:
    assert any(work(tmp_path / f"{seed}", seed) for seed in range(6))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_not_called_cut_short_can_be_read_to_the_end(tmp_path: Path, seed: int) -> None:
    work(tmp_path / "whole", seed)
    size = (tmp_path / "whole" / "data.mdb").stat().st_size
    called = []
    for part in (1.0, 0.98, 0.9, 0.5, 0.2):
        shutil.copytree(tmp_path / "whole", tmp_path / f"{part}")
        os.truncate(tmp_path / f"{part}" / "data.mdb", max(8_192, int(size * part)))
        called.append(is_cut_short(tmp_path / f"{part}" / "data.mdb"))
    paths = [
        str(tmp_path / part)
        for part, is_cut in zip(("1.0", "0.98", "0.9", "0.5", "0.2"), called, strict=True)
        if not is_cut
    ]
    read = subprocess.run([sys.executable, "-c", READ, *paths], check=True, capture_output=True, text=True)
    assert read.stdout.split() == ["0"] * len(paths)
    assert not called[0]
    assert called[-1]


def test_a_file_that_grows_while_it_is_looked_at_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work(tmp_path, 0)
    data = tmp_path / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    assert is_cut_short(data)
    read = pages._Pages.meta

    def after_a_commit(self: pages._Pages) -> object:
        data.write_bytes(whole)
        return read(self)

    monkeypatch.setattr(pages._Pages, "meta", after_a_commit)
    assert not is_cut_short(data)


def test_what_is_no_environment_is_not_called_cut_short(tmp_path: Path) -> None:
    for content in (b"", b"rubbish" * 10_000):
        (tmp_path / "data.mdb").write_bytes(content)
        assert not is_cut_short(tmp_path / "data.mdb")
