"""Sources in, a store out; whatever is wrong, the old store stays."""

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from root import publishing
from root.publishing import ListingsWork, Published, ZoneWork, publish
from root.signing import ASSERTION_LIFE, ASSERTION_TTL, BLOCK_LIFE
from root.sorting import in_order
from tests.zonedata.builders import NOW, anchor, key, rootkeys, seal_rootkeys
from zonedata import identifiers, names, statements
from zonedata.errors import ConfigError
from zonedata.life import Life
from zonedata.names import Name
from zonedata.person_statements import Assertion, Block
from zonedata.sealed import Sealed
from zonedata.store.disk import DiskTables, build
from zonedata.store.layout import FORMAT, Table, block_entry, data_of, entry
from zonedata.zone_statements import Authority, Delegation

KEY = key("alpha.example/assert")
NODES = (names.from_text("1.e164."), names.from_text("com.mail."))


def assertions_in(store: Path) -> list[Assertion]:
    """Return what a store asserts, in its order."""
    tables = DiskTables(store)
    found = [statements.read_untrusted(Sealed.from_wire(data_of(v))) for _, v in tables.scan(Table.ASSERTIONS)]
    tables.close()
    return [said for said in found if isinstance(said, Assertion)]


def _line(csi: str, user: str = "x", features: Iterable[str] = ()) -> str:
    listed = ", ".join(f'"{word}"' for word in features)
    return f'{{"csi": "{csi}", "ssi": "mimi://alpha.example/u/{user}", "features": [{listed}]}}\n'


def _work(tmp_path: Path, *texts: str, nodes: tuple[Name, ...] = NODES) -> ListingsWork:
    paths = []
    for number, text in enumerate(texts, 1):
        paths.append(tmp_path / f"{number}.ndjson")
        paths[-1].write_text(text)
    return ListingsWork(tuple(paths), "alpha.example", nodes)


def _faults(act: Callable[[], object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        act()
    return [f"{fault.where.name}:{fault.line}: {fault.field}: {fault.reason}" for fault in caught.value.faults]


def test_listings_of_several_files_become_one_store_in_order(tmp_path: Path) -> None:
    numbers = [f"+1415555{n:04}" for n in range(20)]
    work = _work(tmp_path, "".join(map(_line, numbers[::-2])), "".join(map(_line, numbers[::2])))
    work.check(NOW)
    store = tmp_path / "deep" / "store"
    assert publish(work, KEY, store, NOW) == Published(20, NOW)
    owners = [said.owner for said in assertions_in(store)]
    assert owners == sorted(owners)
    assert len(owners) == 20


def test_the_serial_never_goes_back(tmp_path: Path) -> None:
    work, store = _work(tmp_path, _line("+14155550123")), tmp_path / "store"
    serials = [publish(work, KEY, store, now).serial for now in (NOW, NOW, NOW - 100, NOW + 100)]
    assert serials == [NOW, NOW + 1, NOW + 2, NOW + 100]
    assert assertions_in(store)[0].life.serial == NOW + 100


@pytest.mark.parametrize("serial", [b"many", b"0"])
def test_a_store_that_makes_no_sense_is_replaced(tmp_path: Path, serial: bytes) -> None:
    store = tmp_path / "store"
    build(store, [(Table.META, b"serial", serial)])
    assert publish(_work(tmp_path, ""), KEY, store, NOW) == Published(0, NOW)


def test_lines_about_one_name_are_found_within_and_between_files(tmp_path: Path) -> None:
    block = '{"block": "+1415666", "ssi": "mimi://alpha.example/u/{number}", "lengths": [11]}\n'
    work = _work(
        tmp_path, _line("+14155550123") + block + _line("+14155550123", "again"), block + _line("+14155550123")
    )
    expected = [
        "1.ndjson:3: csi: said before, on line 1; one line a name",
        f"2.ndjson:1: block: said before, in {tmp_path}/1.ndjson on line 2; one line a name",
        f"2.ndjson:2: csi: said before, in {tmp_path}/1.ndjson on line 1; one line a name",
    ]
    assert _faults(lambda: work.check(NOW)) == expected
    assert _faults(lambda: publish(work, KEY, tmp_path / "store", NOW)) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.ndjson", "2.ndjson"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nonsense\n", "1.ndjson:1: : not a JSON object: Expecting value: line 1 column 1 (char 0)"),
        (
            _line("+442079460000"),
            "1.ndjson:1: csi: not below any of the nodes at which alpha.example answers",
        ),
        (
            _line("+14155550123", "x" * 300),
            "1.ndjson:1: csi: field 'ssi' is not 1 to 300 octets of printable text",
        ),
        (
            _line("+14155550123", "a\\tb"),
            "1.ndjson:1: csi: field 'ssi' is not 1 to 300 octets of printable text",
        ),
        (
            _line("+14155550123", features=[f"f{n}" for n in range(17)]),
            "1.ndjson:1: csi: field 'features' has 17 elements, at most 16 are allowed",
        ),
        (
            _line("+14155550123", "x" * 250, [f"{n:032}" for n in range(16)]),
            "1.ndjson:1: csi: the statement would have 933 octets, at most 900 are allowed",
        ),
        (
            '{"block": "+1415", "ssi": "mimi://alpha.example/u/{number}", "lengths": [11], "except": '
            + str([str(n) for n in range(41)]).replace("'", '"')
            + "}\n",
            "1.ndjson:1: block: field 'exceptions' has 41 elements, at most 40 are allowed",
        ),
    ],
)
def test_what_could_not_be_signed_or_asked_for_is_a_fault(tmp_path: Path, line: str, expected: str) -> None:
    work, store = _work(tmp_path, _line("+14155550199")), tmp_path / "store"
    publish(work, KEY, store, NOW)
    before = store.resolve()
    work = _work(tmp_path, line + _line("+14155550124"))
    (found,) = _faults(lambda: work.check(NOW))
    assert found == expected
    assert _faults(lambda: publish(work, KEY, store, NOW)) == [found]
    assert store.resolve() == before
    assert [said.ssi for said in assertions_in(store)] == ["mimi://alpha.example/u/x"]


def test_the_store_is_octet_for_octet_what_statements_sealed_one_by_one_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "in_order", partial(in_order, run=7))
    people = [
        *(
            (f"+1{n * 7919 % 8_000_000_000 + 2_000_000_000}", f"u/{n:x}", ["e2ee", "group"][: n % 3])
            for n in range(60)
        ),
        ("+1 (415) 555-0199", "spaced", ["e2ee"]),
        ("alice@example.com", "mail", []),
        ("+14155550198", "x" * 220, [f"f{n}" for n in range(16)]),
    ]
    block = {"block": "+1415777", "ssi": "mimi://alpha.example/n/{number}", "lengths": [11]}
    texts = ["", ""]
    for n, (csi, user, features) in enumerate(people):
        line = {"csi": csi, "ssi": f"mimi://alpha.example/{user}", "features": features}
        texts[n % 2] += json.dumps(line, separators=(",", ":") if n % 3 else None) + "\n"
    texts[0] += json.dumps(block) + "\n"
    store = tmp_path / "store"
    assert publish(_work(tmp_path, *texts), KEY, store, NOW) == Published(64, NOW)

    life, block_life = (
        Life(ASSERTION_TTL, NOW, NOW, NOW + ASSERTION_LIFE),
        Life(ASSERTION_TTL, NOW, NOW, NOW + BLOCK_LIFE),
    )
    said = {}
    for csi, user, features in people:
        owner = identifiers.parse(csi).owner
        one = Assertion(life, owner, "alpha.example", f"mimi://alpha.example/{user}", tuple(sorted(features)))
        said[owner] = entry(life, statements.seal(one, KEY))
    node = identifiers.node_from_text("+1415777")
    whole = Block(block_life, node, "alpha.example", "mimi://alpha.example/n/{number}", (11,), ())
    with closing(DiskTables(store)) as tables:
        assert list(tables.scan(Table.ASSERTIONS)) == sorted(said.items())
        assert list(tables.scan(Table.BLOCKS)) == [
            (node, block_entry([names.depth(node)], entry(block_life, statements.seal(whole, KEY))))
        ]
        assert dict(tables.scan(Table.META)) == {
            b"authority": b"alpha.example",
            b"format": FORMAT,
            b"nodes": b"1.e164.\ncom.mail.",
            b"serial": b"%d" % NOW,
        }


def test_a_long_listing_that_still_fits_is_signed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    publish(_work(tmp_path, _line("+14155550123", "x" * 200)), KEY, store, NOW)
    assert len(assertions_in(store)) == 1


def test_faults_are_reported_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MAX_FAULTS", 3)
    assert len(_faults(lambda: _work(tmp_path, "{\n" * 10).check(NOW))) == 3


def test_a_disk_that_is_full_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, store = _work(tmp_path, _line("+14155550123")), tmp_path / "store"
    publish(work, KEY, store, NOW)
    before = store.resolve()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zonedata.store.disk.Path.symlink_to", lambda *_args: full(0))
    with pytest.raises(OSError, match="No space left"):
        publish(work, KEY, store, NOW)
    assert store.resolve() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["1.ndjson", "store", before.name])


# --- zones ---------------------------------------------------------------------------------------------------


def _zone(tmp_path: Path, text: str, zone: str = ".", versions: tuple[Sealed, ...] = ()) -> ZoneWork:
    path = tmp_path / "a.zone"
    path.write_text(text)
    return ZoneWork(path, zone, anchor().tree, versions)


def test_a_root_zone_is_published_with_every_version_of_its_keys(tmp_path: Path) -> None:
    first = seal_rootkeys(rootkeys())
    second = seal_rootkeys(rootkeys(2, tree=anchor().tree))
    text = "zone .\nlab-addresses yes\nserver . ns.example 127.0.0.1 udp=53\nabove r.example\n"
    text += "delegate +1 r.example registry\n"
    work, store = _zone(tmp_path, text, versions=(first, second)), tmp_path / "store"
    work.check(NOW)
    done = publish(work, key("./zone"), store, NOW)
    assert done.statements == 8  # 2 versions, the binding, the delegation, 3 gaps, the digest
    assert done.root_binding is not None
    binding = statements.read_untrusted(done.root_binding)
    assert isinstance(binding, Authority)
    assert [server.name for server in binding.servers] == ["ns.example"]
    tables = DiskTables(store)
    assert [data_of(value) for _, value in tables.scan(Table.ROOTKEYS)] == [first.to_wire(), second.to_wire()]
    ((_, value),) = tables.scan(Table.DELEGATIONS)
    assert isinstance(statements.read_untrusted(Sealed.from_wire(data_of(value))), Delegation)
    tables.close()


def test_a_zone_of_another_authority_is_refused(tmp_path: Path) -> None:
    work = _zone(tmp_path, "zone r.example\nnode +1\n")
    assert _faults(lambda: work.check(NOW)) == ["a.zone:0: zone: is the zone of r.example, expected that of ."]


def test_every_fault_of_a_zone_source_is_reported(tmp_path: Path) -> None:
    work = _zone(tmp_path, "zone .\ndance\nttl x\n")
    assert [fault.partition(": ")[0] for fault in _faults(lambda: work.check(NOW))] == ["a.zone:2", "a.zone:3"]


def test_a_statement_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (wrong,) = _faults(lambda: _zone(tmp_path, "zone .\n", versions=(_assertion(),)).check(NOW))
    assert wrong == "a.zone:0: : expected ROOTKEYS, found ASSERTION"


def _assertion() -> Sealed:
    life = rootkeys().life
    said = Assertion(life, names.from_text("1.e164."), "alpha.example", "mimi://alpha.example/u/x")
    return statements.seal(said, KEY)
