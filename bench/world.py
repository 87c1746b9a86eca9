"""Our side of a benchmark: a root, providers and a resolver, built with the commands that operators use.

A shell. Keys, sources and stores stay in the directory and are used again; the root's zone names ports, which are
others in each run, and is signed each time.
"""

import fcntl
import secrets
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from bench import configs, dataset
from bench.builds import Build
from bench.peers.peer import Doors
from bench.processes import (
    LOADING_CORE,
    SERVING_CORE,
    Daemon,
    FailedError,
    complete,
    fingerpost,
    running_fingerpost,
)
from bench.stamps import made
from resolver.proven.shared import SharedProven
from zonedata import identifiers, keys, names, statements
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY
from zonedata.life import Life
from zonedata.opening import Opened, Signer
from zonedata.person_statements import Assertion
from zonedata.sealed import Sealed, Signature
from zonedata.statements import Statement
from zonedata.store import disk
from zonedata.store.layout import Table, data_of, entry
from zonedata.trust import read_anchor

SYNTHETIC_LIFE = 14 * DAY
PORTS = range(10_000, 30_000)  # below those that the kernel gives to clients, so that none of these takes one first


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody has, neither for UDP nor for TCP."""
    found: set[int] = set()
    while len(found) < count:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            try:
                stream.bind((configs.LOOPBACK, port))
                datagrams.bind((configs.LOOPBACK, port))
            except OSError:
                continue
        found.add(port)
    return sorted(found)


@dataclass(frozen=True, slots=True)
class World:
    """A tree of ours.

    Attributes:
        place: Its directory.
        ports: Of its authorities, by name.
    """

    place: Path
    ports: dict[str, int]

    def authority(
        self, name: str, core: int = SERVING_CORE, build: Build = Build.PLAIN
    ) -> AbstractContextManager[Daemon]:
        """Run the root or a provider."""
        stem = "root" if name == configs.ROOT else name
        return running_fingerpost(
            stem, self.place / f"{stem}.toml", self.place / "logs" / f"{stem}.log", core, build
        )

    def beside(self, name: str) -> "World":
        """Return the same tree with a provider at another port, for a second daemon above the same store."""
        (port,) = free_ports(1)
        (self.place / f"{name}.toml").with_suffix(".beside.toml").write_text(configs.msp(name, port))
        return World(self.place, {**self.ports, f"{name}.beside": port})

    def authorities(self, stack: ExitStack, core: int = LOADING_CORE) -> list[Daemon]:
        """Run the root and every provider until the stack is left.

        Raises:
            FailedError: Those of this directory are running already.
        """
        stack.enter_context(_alone(self.place))
        return [stack.enter_context(self.authority(name, core)) for name in self.ports]

    def resolver(  # noqa: PLR0913, PLR0917 - each is a line of its configuration
        self,
        port: int,
        entries: int = 0,
        cache: Path | None = None,
        build: Build = Build.PLAIN,
        workers: int = 1,
        doors: Doors | None = None,
    ) -> AbstractContextManager[Daemon]:
        """Run a resolver that can keep so many answers, its caches empty but for what is in the one given."""
        config = self.place / f"resolver-{port}.toml"
        config.write_text(configs.resolver(port, entries, cache, workers, doors))
        return running_fingerpost("resolver", config, self.resolver_log(port), build=build)

    def resolver_log(self, port: int) -> Path:
        """Return where the resolver at a port writes its log."""
        return self.place / "logs" / f"resolver-{port}.log"


def build(place: Path, msps: Iterable[str], count: int) -> World:
    """Build a tree in which every provider has the first numbers of the data set.

    Args:
        place: A directory; what is there already and still right is kept.
        msps: Names of the providers.
        count: Numbers that each of them has.

    Raises:
        FailedError: Its authorities are running: all that is started from now on would ask others than these.
    """
    named = list(msps)
    authorities = [configs.ROOT, *named]
    world = World(place, dict(zip(authorities, free_ports(len(authorities)), strict=True)))
    with _alone(place):
        for name in named:
            write_msp(world, name, count)
            made(place / f"{name}.store", {"count": count}, partial(sign, place, name))
        _write_root(world, named)
    return world


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep a tree's directory for those who build it, or for the daemons that were started from it."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "in-use").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FailedError(f"the authorities of {place} are running already, and name other ports") from error
        yield


def sign(place: Path, name: str) -> None:
    """Sign what an authority says, with the command for it."""
    complete(fingerpost("sign", f"{name}.toml"), place)


def write_msp(world: World, name: str, count: int) -> None:
    """Write a provider's keys, source and configuration."""
    place = world.place
    _write_keys(place, name)

    def write_people() -> None:
        with source.open("w") as file:
            file.writelines(dataset.people(count, name))

    source = place / f"{name}.ndjson"
    made(source, {"count": count}, write_people)
    (place / f"{name}.toml").write_text(configs.msp(name, world.ports[name]))


def _write_keys(place: Path, name: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for use in ("assert", "deny"):
        if not (place / f"{name}.{use}.pem").exists():
            complete(fingerpost("keygen", f"{name}.{use}.pem"), place)


def _write_root(world: World, msps: list[str]) -> None:
    place = world.place
    if not (place / "anchor.pem").exists():
        complete(fingerpost("keygen", "root.pem", "zone.pem"), place)
        words = ["--anchor", "anchor.pem", "--root-key", "root.pem", "--zone-key", "zone.pem"]
        complete(fingerpost("keygen", *words), place)
    port = world.ports[configs.ROOT]
    bound = [(name, world.ports[name], _key(place, name, "assert"), _key(place, name, "deny")) for name in msps]
    (place / "root.zone").write_text(configs.root_zone(port, bound))
    (place / "root.toml").write_text(configs.root(port))
    sign(place, "root")


def _key(place: Path, name: str, use: str) -> str:
    return keys.load(place / f"{name}.{use}.pem").public.to_text()


def synthetic_store(place: Path, count: int) -> Path:
    """Return where `build_synthetic` puts a store."""
    return place / f"{count}.store"


def build_synthetic(place: Path, count: int) -> tuple[Path, int]:
    """Build a store of which only the size matters: every name holds the same statement, which is another's.

    An authority sends what its store holds and does not look into it, so what it costs is the same; a resolver
    would refuse all of it. Signing so many would take an hour.

    Returns:
        The configuration that serves it, and the port that stands there.
    """
    msp = dataset.MSP
    (port,) = free_ports(1)
    _write_keys(place, msp)
    made(synthetic_store(place, count), {"count": count}, partial(_fill, synthetic_store(place, count), msp, count))
    config = place / f"{count}.toml"
    config.write_text(configs.msp(msp, port, store=f"{count}.store"))
    return config, port


def empty_cache(cache: Path, _entries: int = 0) -> None:
    """Have the next resolver begin a new cache on disk."""
    shutil.rmtree(cache, ignore_errors=True)


def fill_cache(tree: World, cache: Path, entries: int, room: int = 0) -> None:
    """Fill the cache that a resolver's processes share on disk, through its own writer.

    What a provider has signed is put there as if it had just been verified, and as if it could be kept until it
    expires and not for 300 seconds only: filling and measuring take longer. What was there is given up, since it
    knows servers by the ports of an earlier run. Beyond what the provider has signed, statements of the same form
    stand for those of other numbers, with octets for a signature that nobody looks at: signing them takes minutes.

    Args:
        tree: Whose answers.
        cache: Where, as `configs.resolver` takes it.
        entries: Statements of the provider that are to be in it, about the first numbers of the data set.
        room: Entries that the resolver is started for, if these are more: a cache of another size is begun anew.

    Raises:
        FailedError: It does not hold them all.
    """
    empty_cache(cache)
    now = time.time()
    signer = Signer(dataset.MSP, (dataset.MSP,), (), now + SYNTHETIC_LIFE)
    key_id = keys.load(tree.place / f"{dataset.MSP}.assert.pem").public.key_id
    tables = disk.DiskTables(tree.place / f"{dataset.MSP}.store")
    size = configs.cache_mib(max(entries, room)) << 20
    store = SharedProven.open(cache, read_anchor(tree.place / "anchor.pem").tree, size)
    try:
        store.fill(((signer, opened) for opened in _proven(tables, key_id, entries)), now)
        said = store.statistics()
    finally:
        store.close()
        tables.close()
    if said.stored != entries or said.evicted:
        raise FailedError(f"of {entries} statements the cache holds {said.stored - said.evicted}")


def _proven(tables: disk.DiskTables, key_id: bytes, entries: int) -> Iterator[Opened[Statement]]:
    """Yield what a provider's store has about the first numbers of the data set, and unsigned statements beyond."""
    now = int(time.time())
    life = Life(300, now, now, now + SYNTHETIC_LIFE)
    signed_by_nobody = (Signature(keys.ED25519, key_id, bytes(keys.SIGNATURE_OCTETS)),)
    for index in range(entries):
        digits = dataset.number(index)
        owner = identifiers.node_from_text(f"+{digits}")
        value = tables.get(Table.ASSERTIONS, owner)
        if value is not None:
            sealed = Sealed.from_wire(data_of(value))
            said = statements.read_untrusted(sealed)
        else:
            said = Assertion(life, owner, dataset.MSP, dataset.ssi(digits, dataset.MSP), ("e2ee",))
            sealed = Sealed(said.kind, signed_by_nobody, statements.to_body(said))
        yield Opened(said, sealed, key_id, said.life.expires, said.life.expires)


def _fill(store: Path, msp: str, count: int) -> None:
    now = int(time.time())
    life = Life(300, now, now, now + SYNTHETIC_LIFE)
    sample = identifiers.parse(f"+{dataset.number(0)}").owner
    said = Assertion(life, sample, msp, f"mimi://{msp}/u/0123456789abcdef", ("e2ee",))
    value = entry(life, statements.seal(said, PrivateKey.generate()))
    owners = (identifiers.node_from_text(f"+{digits}") for digits in dataset.evenly(count))
    found = ((Table.ASSERTIONS, owner, value) for owner in owners)
    node = names.to_text(identifiers.node_from_text(configs.NODE)).encode()
    about = {b"authority": msp.encode(), b"serial": str(now).encode(), b"nodes": node}
    disk.build(store, chain(((Table.META, key, text) for key, text in about.items()), found))
