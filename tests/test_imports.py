"""The rooms and their doors, read from the source: who may import whom, and which files are shells."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "zonedata": {"zonedata"},
    "transport": {"transport"},
    "root": {"root", "zonedata", "transport"},
    "resolver": {"resolver", "zonedata", "transport"},
    "fingerpost": {"fingerpost", "root", "resolver", "zonedata", "transport"},
    "bench": {"bench", "fingerpost", "root", "resolver", "zonedata", "transport"},
}
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
OUTSIDE = {"trio", "socket", "ssl", "asyncio", "threading", "time", "random", "secrets", "subprocess"}
SHELLS = {  # every other file takes bytes, values and `now`, and decides
    "bench/__main__.py",
    "bench/dataset.py",  # random, and the same each time
    "bench/handing.py",
    "bench/load.py",
    "bench/machine.py",
    "bench/many.py",
    "bench/measures/caches.py",
    "bench/processes.py",
    "bench/stage.py",
    "bench/stamps.py",
    "bench/world.py",
    "fingerpost/budget_table.py",  # makes the key of a new table
    "fingerpost/check.py",
    "fingerpost/cookie_secret.py",
    "fingerpost/delivery.py",
    "fingerpost/demo/building.py",
    "fingerpost/demo/checking.py",
    "fingerpost/demo/command.py",
    "fingerpost/demo/ports.py",
    "fingerpost/answering.py",
    "fingerpost/control/asking.py",
    "fingerpost/control/attending.py",
    "fingerpost/control/channels.py",
    "fingerpost/control/command.py",
    "fingerpost/control/desk.py",
    "fingerpost/control/desk_sockets.py",
    "fingerpost/control/opening.py",
    "fingerpost/control/steering.py",
    "fingerpost/demo/processes.py",
    "fingerpost/keygen.py",
    "fingerpost/line.py",
    "fingerpost/listening.py",
    "fingerpost/own_certificate.py",
    "fingerpost/recipient/client.py",
    "fingerpost/relay.py",
    "fingerpost/relaying.py",
    "fingerpost/rootkeys.py",
    "fingerpost/serve.py",
    "fingerpost/served_https.py",
    "fingerpost/shared_limits.py",  # makes what secrets for cookies follow from
    "fingerpost/sign.py",
    "fingerpost/supervisor.py",
    "fingerpost/tokens/taking.py",
    "fingerpost/tokens/issuer_command.py",
    "fingerpost/tokens/issuer_daemon.py",
    "fingerpost/tokens/wallet_command.py",
    "fingerpost/validate.py",
    "fingerpost/validating.py",
    "fingerpost/verify.py",
    "fingerpost/worker.py",
    "resolver/batch.py",
    "resolver/client.py",
    "resolver/direct.py",
    "resolver/finder.py",
    "resolver/flights.py",
    "resolver/fpdig/batch.py",
    "resolver/fpdig/main.py",
    "resolver/fpdig/naming.py",
    "resolver/newest_keys.py",
    "resolver/private_ways.py",
    "resolver/outbound.py",
    "resolver/proven/shared.py",
    "resolver/search.py",
    "resolver/stub.py",
    "resolver/trees.py",
    "resolver/upstream.py",
    "transport/clock.py",
    "transport/batch.py",
    "transport/datagram.py",
    "transport/datagram_pool.py",
    "transport/datagram_port.py",
    "transport/dialer.py",
    "transport/endpoint.py",
    "transport/grace.py",
    "transport/http2/client.py",
    "transport/http2/doh_link.py",
    "transport/http2/listener.py",
    "transport/http2/session.py",
    "transport/http_listener.py",
    "transport/later.py",
    "transport/oblivious/gateway_keys.py",  # a lock: one fetches keys for all
    "transport/oblivious/http_link.py",
    "transport/pipeline.py",
    "transport/quic/link.py",
    "transport/quic/listener.py",
    "transport/quic/server.py",
    "transport/quic/terms.py",  # ssl: whether a certificate is looked at, and whom the system trusts
    "transport/quic/way.py",
    "transport/stream_link.py",
    "transport/stream_session.py",
    "transport/tcp_listener.py",
    "transport/tls/client.py",
    "transport/tls/server.py",
    "transport/tls/stream.py",
    "transport/udp_listener.py",
}
CORE = ("zonedata", "root", "resolver")  # meet octets and text of strangers
MAX_LINES = 400


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _modules(source: str) -> set[str]:
    """Return the first part of every module that a text imports, wherever in it that stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom():
                found.add(node.module if node.level == 0 and node.module else "a relative import")
            case ast.Call(func=ast.Name(id="__import__")) | ast.Call(func=ast.Attribute(attr="import_module")):
                found.add("an import in disguise")
            case _:
                pass
    return {name.partition(".")[0] for name in found}


IMPORTS = {_name(path): _modules(path.read_text()) for path in FILES}


def test_the_reading_of_imports_misses_none() -> None:
    source = """
import a, b.c as d
from e.f import g
def f():
    import h
    if f():
        from i import (
            j,
        )
    __import__("k")
    importlib.import_module("l")
from . import m
# import n
"""
    assert _modules(source) == {"a", "b", "e", "h", "i", "an import in disguise", "a relative import"}
    assert len(IMPORTS) > 60
    assert {name.partition("/")[0] for name in IMPORTS} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_sees_only_the_rooms_it_may(room: str) -> None:
    ours = {*ROOMS, "tests", "bench", "deploy"}
    for name, modules in IMPORTS.items():
        if name.startswith(f"{room}/"):
            assert modules & ours <= ROOMS[room], name


def test_imports_can_be_read() -> None:
    assert not [name for name, modules in IMPORTS.items() if any(" " in module for module in modules)]


def test_only_the_shells_touch_the_world() -> None:
    assert {name for name, modules in IMPORTS.items() if modules & OUTSIDE} == SHELLS


def test_zonedata_and_root_have_no_shell() -> None:
    assert not [name for name in SHELLS if name.startswith(("zonedata/", "root/"))]


def test_msgpack_is_in_one_file() -> None:
    assert [name for name, modules in IMPORTS.items() if "msgpack" in modules] == ["zonedata/codec.py"]
    calls = [_name(path) for path in FILES if "unpackb" in (text := path.read_text()) or "Unpacker" in text]
    assert calls == ["zonedata/codec.py"]


def test_no_regular_expression_meets_input_of_strangers() -> None:
    assert not [name for name, modules in IMPORTS.items() if name.startswith(CORE) and {"re", "regex"} & modules]


def test_pickles_are_read_where_they_were_written() -> None:
    unsafe = {"pickle", "marshal", "shelve", "ctypes"}
    assert [name for name, modules in IMPORTS.items() if modules & unsafe] == [
        "root/sorting.py",
        "transport/batch.py",
    ]


def test_ed25519_is_in_one_file_and_its_keys_on_disk_in_another() -> None:
    hashed = "zonedata/cookies.py"  # SipHash-2-4 is libsodium's, too
    assert [name for name, modules in IMPORTS.items() if "nacl" in modules] == [hashed, "zonedata/ed25519.py"]
    found = [name for name, modules in IMPORTS.items() if "cryptography" in modules]
    ours = [name for name in found if name.startswith("zonedata/")]
    assert ours == ["zonedata/ed25519.py", "zonedata/keys.py"]


def test_rsa_is_in_the_tokens_alone() -> None:
    found = [name for name, modules in IMPORTS.items() if "cryptography" in modules and "tokens" in name]
    assert found == ["transport/tokens/blind_rsa.py", "transport/tokens/keys.py"]


def test_sqlite_is_in_one_file() -> None:
    found = [name for name, modules in IMPORTS.items() if "sqlite3" in modules]
    assert found == ["transport/tokens/database.py"]


def test_quic_is_in_its_place_and_loaded_where_it_is_spoken() -> None:
    """It is an extra: whoever does not speak it need not have it."""
    place = "transport/quic/"
    users = {name for name, modules in IMPORTS.items() if "aioquic" in modules}
    allowed = ("bounds", "door", "link", "listener", "server", "session", "terms")
    assert users == {f"{place}{name}.py" for name in allowed}
    others = [path.read_text() for path in FILES if not _name(path).startswith(place)]
    assert not [text for text in others if "\nfrom transport.quic" in text or "\nimport transport.quic" in text]


def test_http_messages_are_in_few_files() -> None:
    assert [name for name, modules in IMPORTS.items() if "h11" in modules] == ["transport/http_listener.py"]
    framed = {f"transport/http2/{name}.py" for name in ("exchanges", "frame_gate", "outgoing")}
    framed |= {f"transport/http2/{side}_connection.py" for side in ("client", "server")}
    assert {name for name, modules in IMPORTS.items() if "h2" in modules} == framed


def test_lmdb_is_in_the_stores_on_disk_alone() -> None:
    proven = {f"resolver/proven/{name}.py" for name in ("kept_floors", "pages", "shared")}
    stores = {"zonedata/store/disk.py", "root/validator/store.py", *proven}
    assert {name for name, modules in IMPORTS.items() if "lmdb" in modules} == stores


def test_what_is_imported_from_elsewhere_is_a_dependency() -> None:
    named = {
        "cryptography",
        "dns",
        "email_validator",
        "h11",
        "h2",
        "idna",
        "lmdb",
        "msgpack",
        "nacl",
        "phonenumbers",
    }
    known = {*ROOMS, *named, "aioquic", "trio", *sys.stdlib_module_names}
    for name, modules in IMPORTS.items():
        assert modules <= (known | {"matplotlib"} if name == "bench/plots.py" else known), name


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_file_has_grown_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
