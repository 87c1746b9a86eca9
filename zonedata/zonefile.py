"""The source of a root or registry zone: a text file, a line a fact, read by people and by `fingerpost sign`.

    ; comments begin with a semicolon
    zone      .
    ttl       3600
    key       alpha.example  assert  ed25519:MCow...   [from=2026-01-01] [until=2027-01-01]
    key       alpha.example  deny    ed25519:Zm9v...
    server    alpha.example  ns1.alpha.example  192.0.2.1,2001:db8::1  udp=53 tcp=53
    delegate  +1415          alpha.example  msp            [required=validated] [deep]
    delegate  +44            numbers.example  registry
    terminate +1415555

Lines stand in any order. `node` says, in a registry's zone, where it was granted itself; `above` that the name
of an authority is bound by a zone further up and needs no key or server here; `lab-addresses yes` allows servers
on private addresses. Every mistake is found in one run.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from zonedata import addresses, identifiers, keys, names, zoneline
from zonedata.errors import ConfigError, Fault, MalformedError, UntrustedError
from zonedata.kinds import MAX_TTL, Assurance, Role
from zonedata.life import MAX_TIME
from zonedata.names import Name
from zonedata.zone_statements import (
    MAX_ADDRESSES,
    MAX_AUTHORITY_KEYS,
    MAX_GRANTS,
    MAX_SERVERS,
    TRANSPORTS,
    BoundKey,
    Grant,
    Server,
)
from zonedata.zoneline import LineError

DEFAULT_TTL = 3_600  # seconds: how long a withdrawn delegation may go on being used
MAX_LINE = 4_096  # octets
MAX_FAULTS = 1_000  # reported from one file; a file with more is another file


@dataclass(slots=True)
class Binding:
    """An authority as the source has it."""

    keys: dict[bytes, BoundKey] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """A delegated node as the source has it; the grants by (authority, deep)."""

    grants: dict[tuple[str, bool], Grant] = field(default_factory=dict)
    terminating: bool = False


@dataclass(slots=True)
class ZoneSource:
    """A zone as its source has it, checked.

    Attributes:
        zone: The authority whose zone it is, "." for the root.
        ttl: Seconds for which its statements may be cached.
        scope: Where it was granted itself; the root of the tree alone for the root zone.
        bindings: Authorities bound here, by name.
        above: Authorities bound further up.
        nodes: What it delegates.
        lab_addresses: Whether servers may have private addresses.
    """

    zone: str = ""
    ttl: int = DEFAULT_TTL
    scope: list[Name] = field(default_factory=list)
    bindings: dict[str, Binding] = field(default_factory=dict)
    above: set[str] = field(default_factory=set)
    nodes: dict[Name, Node] = field(default_factory=dict)
    lab_addresses: bool = False


def read_zone(path: Path) -> ZoneSource:
    """Read a zone's source.

    Raises:
        ConfigError: With every fault, each with its line.
    """
    try:
        with path.open("rb") as file:
            return parse_zone(path, file)
    except OSError as error:
        raise ConfigError([Fault(path, 0, "", f"cannot be read: {error.strerror}")]) from error


def parse_zone(path: Path, lines: Iterable[bytes]) -> ZoneSource:
    """Read a zone's source from its lines; `path` is only said in faults.

    Raises:
        ConfigError: As `read_zone`.
    """
    reader = _Reader(path)
    for number, line in enumerate(lines, 1):
        reader.line(number, line)
    return reader.finish()


class _Reader:
    """The state of reading one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = ZoneSource()
        self._faults: list[Fault] = []
        self._said: set[str] = set()  # directives that may stand once
        self._granted: dict[str, int] = {}  # authority -> first line that grants to it
        self._node_lines: dict[Name, int] = {}  # node -> first line that names it
        self._root_lines: list[int] = []  # that bind the root zone, which the root's own source alone may
        self._private: list[tuple[int, str]] = []  # line and refusal of servers on private addresses
        self._directives: dict[str, Callable[[list[str], int], None]] = {
            "zone": self._zone,
            "ttl": self._ttl,
            "lab-addresses": self._lab,
            "node": self._node,
            "above": self._above,
            "key": self._key,
            "server": self._server,
            "delegate": self._delegate,
            "terminate": self._terminate,
        }

    def line(self, number: int, raw: bytes) -> None:
        """Read one line; a mistake in it is noted and the reading goes on."""
        try:
            if len(raw) > MAX_LINE:
                raise LineError("", f"line of {len(raw)} octets, at most {MAX_LINE} are read")
            words = raw.decode("utf-8").partition(";")[0].split()
            if not words:
                return
            directive = self._directives.get(words[0])
            if directive is None:
                raise LineError(words[0][:40], f"unknown directive; expected one of {', '.join(self._directives)}")
            directive(words[1:], number)
        except LineError as mistake:
            self._fault(number, mistake.field, str(mistake))
        except UnicodeDecodeError:
            self._fault(number, "", "not UTF-8 text")

    def finish(self) -> ZoneSource:
        """Check what only the whole file can show, and return it."""
        source = self._source
        if not source.zone:
            self._fault(0, "zone", "no 'zone' line says whose zone this is; the root's is 'zone .'")
        if source.zone == "." and not source.scope:
            source.scope.append(names.ROOT)
        self._check_scope()
        self._check_bindings()
        if not source.lab_addresses:
            for line, reason in self._private:
                self._fault(line, "server", f"{reason}; 'lab-addresses yes' allows it")
        if self._faults:
            raise ConfigError(sorted(self._faults, key=lambda fault: fault.line))
        return source

    def _check_scope(self) -> None:
        source = self._source
        if not source.scope:
            self._fault(0, "node", "a registry's zone needs a 'node' line for each node at which it was granted")
            return
        for node in source.nodes:
            if not any(names.covers(top, node) for top in source.scope):
                text = identifiers.node_to_text(node)
                self._fault(self._node_lines[node], text, "not at or below any 'node' of the zone")

    def _check_bindings(self) -> None:
        if self._source.zone not in {"", "."}:
            for line in self._root_lines:
                self._fault(line, ".", f"the root zone binds itself, the zone {self._source.zone} does not")
        for authority, line in self._granted.items():
            bound = self._source.bindings.get(authority, Binding())
            if authority in self._source.above or (bound.keys and bound.servers):
                continue
            lacks = "'server'" if bound.keys else "'key'"
            self._fault(line, authority, f"granted, but has no {lacks} line here; or say 'above {authority}'")

    def _fault(self, line: int, field_name: str, reason: str) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(Fault(self._path, line, field_name, reason))

    # --- one method a directive ----------------------------------------------------------------------------

    def _zone(self, words: list[str], _line: int) -> None:
        (text,) = zoneline.expect(words, 1, 1, "zone NAME")
        if self._source.zone:
            raise LineError("zone", f"said before, as {self._source.zone}")
        self._source.zone = zoneline.host(text)

    def _once(self, directive: str) -> None:
        if directive in self._said:
            raise LineError(directive, "said before; the whole zone has one")
        self._said.add(directive)

    def _ttl(self, words: list[str], _line: int) -> None:
        (text,) = zoneline.expect(words, 1, 1, "ttl SECONDS")
        self._once("ttl")
        self._source.ttl = zoneline.number(text, "ttl", MAX_TTL)

    def _lab(self, words: list[str], _line: int) -> None:
        (text,) = zoneline.expect(words, 1, 1, "lab-addresses yes|no")
        self._once("lab-addresses")
        if text not in {"yes", "no"}:
            raise LineError("lab-addresses", f"{text[:40]!r}, expected yes or no")
        self._source.lab_addresses = text == "yes"

    def _node(self, words: list[str], _line: int) -> None:
        (text,) = zoneline.expect(words, 1, 1, "node NODE")
        self._source.scope.append(zoneline.node_name(text))

    def _above(self, words: list[str], _line: int) -> None:
        (text,) = zoneline.expect(words, 1, 1, "above AUTHORITY")
        self._source.above.add(zoneline.authority(text))

    def _key(self, words: list[str], line: int) -> None:
        words = zoneline.expect(words, 3, 5, "key AUTHORITY USES KEY [from=DATE] [until=DATE]")
        options = zoneline.options(words[3:], {"from", "until"})
        try:
            public = keys.public_from_text(words[2])
        except (MalformedError, UntrustedError) as error:
            raise LineError("key", str(error)) from error
        start = zoneline.date(options["from"], "from") if "from" in options else 0
        end = zoneline.date(options["until"], "until") if "until" in options else MAX_TIME
        if start >= end:
            raise LineError("until", "the key ends before it begins")
        held = self._binding(words[0], line).keys
        if public.key_id in held:
            raise LineError("key", "said before; name all its uses on one line, with commas")
        if len(held) == MAX_AUTHORITY_KEYS:
            raise LineError("key", f"more than {MAX_AUTHORITY_KEYS} keys of one authority")
        held[public.key_id] = BoundKey(public, zoneline.uses(words[1]), start, end)

    def _server(self, words: list[str], line: int) -> None:
        words = zoneline.expect(
            words, 4, 8, "server AUTHORITY HOST ADDRESS[,ADDRESS] udp=PORT tcp=PORT [tls=PORT pin=HEX]"
        )
        options = zoneline.options(words[3:], {*TRANSPORTS, "pin"})
        try:
            ips = tuple(addresses.canonical(text) for text in words[2].split(","))
        except MalformedError as error:
            raise LineError("address", str(error)) from error
        ports = tuple(
            (name, zoneline.number(options[name], name, 65_535)) for name in TRANSPORTS if name in options
        )
        if not ports or len(ips) > MAX_ADDRESSES:
            raise LineError("server", f"needs a port of udp, tcp or tls, and at most {MAX_ADDRESSES} addresses")
        if ("tls" in options) != ("pin" in options):
            raise LineError("pin", "tls=PORT and pin=HEX go together: a TLS server is known by its key")
        held = self._binding(words[0], line).servers
        host = zoneline.host(words[1])
        if host in held or len(held) == MAX_SERVERS:
            raise LineError("server", f"said before, or more than {MAX_SERVERS} servers of one authority")
        for address in ips:
            for _, port in ports:
                if (reason := addresses.refusal_of(address, port)) is not None:
                    self._private.append((line, reason))
                    break
        held[host] = Server(host, ips, ports, zoneline.pin(options["pin"]) if "pin" in options else b"")

    def _delegate(self, words: list[str], line: int) -> None:
        words = zoneline.expect(words, 3, 5, "delegate NODE AUTHORITY ROLES [required=ASSURANCE] [deep]")
        name, authority = zoneline.node_name(words[0]), zoneline.authority(words[1])
        flags = words[3:]
        deep = "deep" in flags
        options = zoneline.options([word for word in flags if word != "deep"], {"required"})
        roles = tuple(sorted(zoneline.word(Role, word, "role") for word in set(words[2].split(","))))
        required = zoneline.word(Assurance, options.get("required", Assurance.ASSERTED), "required")
        grants = self._source.nodes.setdefault(name, Node()).grants
        if (authority, deep) in grants:
            raise LineError(words[0], f"{authority} is granted here already; name all its roles on one line")
        if len(grants) == MAX_GRANTS:
            raise LineError(words[0], f"more than {MAX_GRANTS} grants at one node")
        grants[authority, deep] = Grant(authority, roles, required, deep)
        self._granted.setdefault(authority, line)
        self._node_lines.setdefault(name, line)

    def _terminate(self, words: list[str], line: int) -> None:
        (text,) = zoneline.expect(words, 1, 1, "terminate NODE")
        name = zoneline.node_name(text)
        self._source.nodes.setdefault(name, Node()).terminating = True
        self._node_lines.setdefault(name, line)

    def _binding(self, text: str, line: int) -> Binding:
        authority = zoneline.host(text)
        if authority == ".":
            self._root_lines.append(line)
        return self._source.bindings.setdefault(authority, Binding())
