"""A world in memory: a root, registries, MSPs and a resolver, the real ones, on real bytes in virtual time.

No sockets, no disk, no clock but trio's. Every packet is recorded; hosts can be slow, lossy, dead or liars.
"""

import errno
import hashlib
import math
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio
from trio.testing import memory_stream_pair

from resolver.answer import Answer
from resolver.cache import Stores
from resolver.client import Walker
from resolver.service import ResolverService
from resolver.settings import Settings
from resolver.stub import Stub, Tries
from root.engine import Engine
from root.service import Service
from root.signing import Entry, Signing, rootkeys_entries, sign_listings, sign_revocations, sign_zone
from root.sorting import order_of
from tests.registers import MemoryRegister
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnprovenError, UnreachableError
from transport.framing import Deframer, frame
from transport.handler import Caller, Handler, Later, Protocol
from transport.proof import Pinned, Proof
from transport.resource import USUAL, Resource
from zonedata import identifiers, names, statements, wire
from zonedata.holdings import Holdings
from zonedata.identifiers import parse
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY, Role, Use
from zonedata.life import MAX_TIME, Life
from zonedata.listings import BlockListing, Listing
from zonedata.names import Name
from zonedata.opening import Opened, Refusal, Signer, open_claim, read_claim, speaker_of
from zonedata.path import Known, follow
from zonedata.recipient_statements import Mapping, MappingEntry, Validation, recipient_of
from zonedata.revocations import RevocationLine
from zonedata.sealed import Sealed
from zonedata.store.memory import MemoryTables
from zonedata.trust import Trust, from_sealed
from zonedata.zone_statements import BoundKey, RootKeys, Server
from zonedata.zonefile import parse_zone

START = 1_800_000_000.0
APEX = names.from_text("fingerpost.internal.")
RESOLVER = Endpoint("10.9.9.9", 53)
PARTY_USES = ("zone", "assert", "deny", "validate", "revoke")


def key_of(text: str) -> PrivateKey:
    """The same key for the same words, in every run."""
    return PrivateKey.from_seed(random.Random(text).randbytes(32))


def pin_of_party(party: str) -> bytes:
    """What is signed for a party's TLS servers, and what its hosts show."""
    return hashlib.sha256(party.encode()).digest()


@dataclass(slots=True)
class Packet:
    """One message that somebody sent."""

    at: float
    host: str
    protocol: Protocol
    name: str
    qtype: int
    message: bytes = b""


@dataclass(slots=True)
class Host:
    """One machine: what answers there, and how the way to it is."""

    name: str
    handler: Handler
    latency: float = 0.01
    loss: float = 0.0
    is_dead: bool = False
    is_refusing: bool = False
    pin: bytes = b""  # of the key that it shows over TLS
    lies: Callable[[bytes, bytes], list[bytes]] | None = None  # (query, true reply) -> what arrives


@dataclass(slots=True)
class Network:
    """Delivers messages between hosts; is a dialer."""

    clock: Clock
    rng: random.Random
    hosts: dict[Endpoint, Host] = field(default_factory=dict)
    packets: list[Packet] = field(default_factory=list)
    impostors: list[str] = field(default_factory=list)  # who was turned away from, in order
    nursery: trio.Nursery | None = None  # in which connections are served

    async def exchange(
        self,
        endpoint: Endpoint,
        protocol: Protocol,
        message: bytes,
        accept: Callable[[bytes], bool],
        deadline: float = math.inf,
        *,
        proof: Proof | None = None,
        resource: Resource = USUAL,
    ) -> bytes | None:
        assert protocol.is_encrypted == (proof is not None), "whoever is asked over TLS has to prove who it is"
        assert resource == USUAL
        host = self.hosts[endpoint]
        if proof is not None and proof != Pinned(host.pin):
            await trio.sleep(2 * host.latency)
            self.impostors.append(host.name)
            raise UnprovenError(endpoint.to_text(), "has another key than its pin")
        query = wire.read_query(message)
        assert isinstance(query, wire.Query)
        name = names.from_wire(query.labels, APEX)
        asked = names.to_text(name) if name is not None else "?"
        self.packets.append(Packet(self.clock.now(), host.name, protocol, asked, query.qtype, message))
        if host.is_refusing:
            raise UnreachableError(endpoint.to_text(), "connection refused")
        with trio.move_on_at(deadline):
            await trio.sleep(host.latency * (1 if protocol is Protocol.UDP else 2))
            lost = protocol is Protocol.UDP and self.rng.random() < host.loss
            if not host.is_dead and not lost:
                for reply in await self._replies(host, protocol, message):
                    if accept(reply):
                        return reply
            await trio.sleep_forever()
        return None

    async def connect(self, endpoint: Endpoint) -> trio.abc.Stream:
        """Connect to a host; each message on the connection is answered when it is ready, in any order."""
        host = self.hosts[endpoint]
        await trio.sleep(host.latency)
        if host.is_refusing:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "connection refused")
        if host.is_dead:
            await trio.sleep_forever()
        ours, theirs = memory_stream_pair()
        assert self.nursery is not None, "the resolver was not started"
        self.nursery.start_soon(self._serve_stream, host, theirs)
        return ours

    async def _serve_stream(self, host: Host, stream: trio.abc.Stream) -> None:
        deframer, sending = Deframer(), trio.Lock()

        async def answer(message: bytes) -> None:
            await trio.sleep(host.latency)
            for reply in await self._replies(host, Protocol.TCP, message):
                async with sending:
                    await stream.send_all(frame(reply))

        with suppress(trio.BrokenResourceError):
            async with trio.open_nursery() as nursery:
                while data := await stream.receive_some():
                    deframer.feed(data)
                    for message in deframer:
                        nursery.start_soon(answer, message)
                nursery.cancel_scope.cancel()

    async def _replies(self, host: Host, protocol: Protocol, message: bytes) -> list[bytes]:
        caller = Caller(Endpoint("10.1.1.1", 4000), protocol)
        verdict = host.handler(message, caller, self.clock.now())
        if isinstance(verdict, Later):
            verdict = await verdict.work()
        if verdict is None:
            return []
        return host.lies(message, verdict) if host.lies is not None else [verdict]


@dataclass(slots=True)
class Zone:
    """The lines of a zone's source and the nodes it was granted at."""

    name: str
    nodes: list[str]
    lines: list[str] = field(default_factory=list)


class World:
    """Everything, built from what a scenario says; a tree of its own beside another world, on the same network."""

    def __init__(self, seed: int = 0, beside: "World | None" = None, *, same_keys: bool = False) -> None:
        self.clock: Clock = beside.clock if beside is not None else Clock.starting_at(START)
        self.network: Network = beside.network if beside is not None else Network(self.clock, random.Random(seed))
        self._is_beside = beside is not None
        self._root = "" if beside is None or same_keys else "beside-"  # in the names of the root's keys
        self.zones: dict[str, Zone] = {".": Zone(".", [])}
        self.holds: dict[str, list[Listing | BlockListing]] = {}
        self.scopes: dict[str, list[str]] = {}
        self.roles: dict[str, tuple[Role, ...]] = {}
        self.registers: dict[str, MemoryRegister] = {}
        self.mappings: dict[tuple[str, str], tuple[Mapping, Sealed]] = {}  # by whose key and CSI
        self.revocations: dict[str, list[RevocationLine]] = {}
        self.ahead = 0  # of the time, by which serials of listings are
        self.rolled: dict[str, str] = {}  # words of a key, and those of the one that signs in its place
        self.ttl = 300  # of what recipients and validators sign
        self.settings = Settings(lab_addresses=True, allow_plain_upstream=True)
        self.encrypted: set[str] = set()  # parties whose servers offer TLS
        self._addresses: dict[str, str] = {}
        self.rootkeys: list[Sealed] = []
        self.zone_key_version = 1
        self.add_rootkeys()
        self.anchor: Trust = self._trust()
        self.resolver: ResolverService | None = None
        self.stores: Callable[[], Stores] | None = None  # of the resolver; in memory when None
        self.looked_for: set[Name] = set()

    # --- keys of the root ------------------------------------------------------------------------------
    def add_rootkeys(self) -> None:
        """Publish the next version of ROOTKEYS; from version 2 on, with a new zone key and two new root keys."""
        version = len(self.rootkeys) + 1
        now = int(self.clock.now())
        tree = self.anchor.tree if self.rootkeys else b""
        numbers = range(2 * version - 2, 2 * version + 1)  # of which the first is the last of the version before
        keys = sorted((key_of(f"{self._root}root-{n}") for n in numbers), key=lambda k: k.public.key_id)
        signing = [key_of(f"{self._root}root-{n}") for n in (numbers[0] - 1, *numbers[:2]) if n >= 0]
        zone_key = key_of(f"{self._root}zone-.-{version}").public
        days = 365 - self._is_beside  # the same keys make another tree all the same
        life = Life(DAY, version, now, now + days * DAY)
        said = RootKeys(life, version, tree, tuple(k.public for k in keys), 2, (zone_key,))
        self.rootkeys.append(statements.seal(said, *signing))
        self.zone_key_version = version

    def _trust(self) -> Trust:
        first = from_sealed(self.rootkeys[0])
        ports: tuple[tuple[str, int], ...] = (("tcp", 53), ("udp", 53))
        pin = b""
        if "." in self.encrypted:
            ports, pin = (("tcp", 53), ("tls", 853), ("udp", 53)), pin_of_party(".")
        server = Server("ns.root.example", (self.address_of("."),), ports, pin)
        return Trust(first.tree, first.rootkeys, first.sealed, (server,))

    def key(self, words: str) -> PrivateKey:
        """What signs now where a key of these words did."""
        return key_of(self.rolled.get(words, words))

    def encrypt(self, *parties: str) -> None:
        """Have servers offer TLS, beside plain DNS; lines that bind them have to come afterwards."""
        self.encrypted.update(parties)
        if "." in parties:
            self.anchor = replace(self.anchor, servers=self._trust().servers)

    # --- building --------------------------------------------------------------------------------------

    def address_of(self, party: str) -> str:
        return self._addresses.setdefault(
            party,
            f"10.{self._is_beside:d}.{len(self._addresses) // 250}.{len(self._addresses) % 250 + 1}",
        )

    def host(self, party: str) -> Host:
        return self.network.hosts[Endpoint(self.address_of(party), 53)]

    def delegate(self, zone: str, line: str) -> None:
        """Add a line of a zone's source, such as `delegate +1415 alpha.example msp`."""
        self.zones[zone].lines.append(line)

    def binding_lines(self, party: str) -> list[str]:
        """The key and server lines of a party, as a zone's source has them."""
        tls = f" tls=853 pin={pin_of_party(party).hex()}" if party in self.encrypted else ""
        lines = [f"server {party} ns.{party} {self.address_of(party)} udp=53 tcp=53{tls}"]
        keys = {use: key_of(f"{use}-{party}").public.to_text() for use in PARTY_USES}
        return [*lines, *(f"key {party} {use} {text}" for use, text in keys.items())]

    def validate(
        self, validator: str, csi: str, whose: str, since: float | None = None, executed: int | None = None
    ) -> None:
        """Have a validator vouch that the key of these words holds a CSI; with their newest mapping it knows.

        Args:
            validator: Which.
            csi: Of whom.
            whose: Names the key.
            since: Seconds from the start of the world; now if None.
            executed: Unix seconds; now if None.
        """
        now = int(self.clock.now())
        owner = parse(csi).owner
        mapping = self.mappings.get((whose, csi))
        serial = mapping[0].life.serial if mapping is not None else 0
        start = int(self.clock.now() if since is None else START + since)
        life = Life(self.ttl, now, now, now + 30 * DAY)
        recipient = recipient_of(key_of(whose).public)
        said = Validation(life, owner, recipient, validator, "sms", start, executed or max(start, now), serial)
        shown: list[tuple[Validation | Mapping, Sealed]] = [
            (said, statements.seal(said, self.key(f"validate-{validator}")))
        ]
        if mapping is not None:
            shown.append(mapping)
        self.registers.setdefault(validator, MemoryRegister()).hold(owner, shown)

    def map(
        self,
        whose: str,
        csi: str,
        *entries: str,
        is_new: bool = False,
        is_released: bool = False,
        former: Iterable[str] = (),
    ) -> None:
        """Sign a recipient's mapping; an entry is `MSP` or `MSP=TAG,TAG`. Validators learn of it by `validate`.

        Keys in `former`, by their words, are those that the recipient had before.
        """
        now = int(self.clock.now())
        before = self.mappings.get((whose, csi))
        serial = max(now, before[0].life.serial + 1) if before is not None else now
        made = []
        for text in sorted(entries):
            msp, _, tags = text.partition("=")
            made.append(MappingEntry(msp, tuple(sorted(tags.split(","))) if tags else ()))
        key = key_of(whose)
        life = Life(self.ttl, serial, now, now + 90 * DAY)
        digests = tuple(sorted(recipient_of(key_of(words).public) for words in former))
        said = Mapping(life, parse(csi).owner, key.public, tuple(made), is_new, is_released, digests)
        self.mappings[whose, csi] = (said, statements.seal(said, key))

    def publish(self) -> None:
        """Sign everything as it is now and put it on its hosts."""
        now = int(self.clock.now())
        for zone in self.zones.values():
            self._serve(zone.name, self._zone_entries(zone, now))
        for party in self.holds.keys() | self.scopes.keys() | self.registers.keys() | self.revocations.keys():
            self._serve(party, self._people_entries(party, now), people=True)

    def _zone_entries(self, zone: Zone, now: int) -> list[Entry]:
        lines = [f"zone {zone.name}", "lab-addresses yes", *(f"node {n}" for n in zone.nodes), *zone.lines]
        source = parse_zone(Path(f"{zone.name}.zone"), [line.encode() for line in lines])
        name = f"{self._root}zone-.-{self.zone_key_version}" if zone.name == "." else f"zone-{zone.name}"
        entries = list(sign_zone(source, self.anchor.tree, Signing(self.key(name), now, now)))
        if zone.name == ".":
            entries += rootkeys_entries(self.rootkeys)
        return entries

    def _people_entries(self, party: str, now: int) -> list[Entry]:
        ordered = sorted(self.holds.get(party, []), key=order_of)
        nodes = [identifiers.node_from_text(text) for text in self.scopes.get(party, ["+", "@"])]
        signing = Signing(self.key(f"assert-{party}"), now, now + self.ahead)
        entries = list(sign_listings(ordered, party, nodes, signing))
        revoking = sorted(self.revocations.get(party, []), key=lambda one: one.node)
        return entries + list(sign_revocations(revoking, party, Signing(self.key(f"revoke-{party}"), now, now)))

    def _serve(self, party: str, entries: list[Entry], *, people: bool = False) -> None:
        deny = self.key(f"deny-{party}") if people else None
        register = self.registers.get(party)
        engine = Engine(MemoryTables(entries), deny, self.roles.get(party, (Role.MSP,)), register)
        endpoint = Endpoint(self.address_of(party), 53)
        handler = Service(engine, APEX).handle
        known = self.network.hosts.get(endpoint)
        if known is None:
            self.network.hosts[endpoint] = Host(party, handler, pin=pin_of_party(party))
        else:
            known.handler = handler
        if party in self.encrypted:
            self.network.hosts[Endpoint(endpoint.host, 853)] = self.network.hosts[endpoint]

    # --- asking ----------------------------------------------------------------------------------------
    def start_resolver(self, nursery: trio.Nursery | None = None) -> None:
        """Start it; connections to hosts live in the nursery, where a test makes any."""
        self.network.nursery = nursery or self.network.nursery
        stores = self.stores() if self.stores is not None else None
        self.resolver = ResolverService(self.anchor, self.network, self.clock, self.settings, stores)
        self.network.hosts[RESOLVER] = Host("resolver", self.resolver.handle, latency=0.001)

    async def ask(self, text: str, *, trust: bool = True, **options: object) -> Answer:
        """Ask the resolver as a client does, and judge its proof."""
        self.looked_for.add(parse(text).owner)
        tries = Tries(seconds=8.0, count=1)
        stub = Stub([RESOLVER], self.network, self.clock, APEX, self.anchor if trust else None, tries)
        return await stub.lookup(parse(text), **options)  # type: ignore[arg-type]  # the caller names them

    async def walk(self, text: str) -> Answer:
        """Walk without a resolver."""
        return await Walker(self.anchor, self.network, self.clock, self.settings).lookup(parse(text))

    def sent(self) -> list[str]:
        """Who was asked since the last time, without the resolver itself; forgets it."""
        asked = [packet.host for packet in self.network.packets if packet.host != "resolver"]
        self.network.packets.clear()
        return asked

    # --- the invariant ---------------------------------------------------------------------------------

    def check_cache(self) -> None:
        """All that the resolver holds opens under its chain now, and outlives nothing above it."""
        assert self.resolver is not None
        finder = self.resolver.finder
        now = self.clock.now()
        known = Known(finder.trust, finder.cache.held, now)
        for owner in self.looked_for:
            path = follow(owner, known)
            found = finder.cache.answer(owner, now)
            findings = found.judgement.findings if found is not None else []
            said = {finding.opened for finding in findings if finding.opened is not None}
            for principal, grantee in path.grantees.items():
                stored = finder.cache.proven.said(grantee.signer, owner, now)
                for opened in [*(one for one in said if speaker_of(one.statement) == principal[-1]), *stored]:
                    if opened.keep > now and grantee.signer.vouches_for(opened, now):
                        assert opened.keep <= opened.until
                        self._check_opens(opened, grantee.signer, finder.trust.tree, now)
            for zone in path.zones:
                for opened in finder.cache.held.zone(zone.signer.principal).all():
                    if opened.keep > now:
                        self._check_opens(opened, zone.signer, finder.trust.tree, now)
        _check_bounds(finder.cache.held, now)

    @staticmethod
    def _check_opens(opened: Opened[statements.Statement], signer: Signer, tree: bytes, now: float) -> None:
        claim = read_claim(opened.sealed.to_wire())
        assert not isinstance(claim, Refusal)
        again = open_claim(claim, signer, tree, now)
        assert not isinstance(again, Refusal), again
        assert again.statement == opened.statement
        assert opened.until <= opened.statement.life.expires


def _check_bounds(held: Holdings, now: float) -> None:
    for zone in held.zones.values():
        for opened in zone.all():
            assert opened.keep <= opened.until <= opened.statement.life.expires
            assert opened.keep <= now + opened.statement.life.ttl + 1


def bound(key: PrivateKey, *uses: Use) -> BoundKey:
    """A key that counts for ever."""
    return BoundKey(key.public, tuple(sorted(uses)), 0, MAX_TIME)


async def run_in(world: World, body: Callable[[World], Awaitable[None]]) -> None:
    """Publish, start the resolver, run the body, stop."""
    world.publish()
    async with trio.open_nursery() as nursery:
        world.start_resolver(nursery)
        await body(world)
        nursery.cancel_scope.cancel()
