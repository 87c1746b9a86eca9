"""Reading a configuration: text to typed values, or every mistake in it with its line.

    text -> TOML -> sections read key by key -> do the keys agree -> are the files there -> Configuration

Which files are looked at depends on who asks: signing keys are off-line where the daemon runs, so `serve` looks
at none of [sign], and `sign` at no deny key.
"""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fingerpost import gateway_sections as g
from fingerpost import sections as s
from fingerpost import tls_sections as t
from fingerpost import upstream_sections as u
from fingerpost import validator_sections as v
from fingerpost.agreement import disagreements
from fingerpost.control.sections import GROUP_MAY, HTTP, SOCKET, UNWATCHED, ControlPart
from fingerpost.definitions import Given, Notes, unknown_reason
from fingerpost.limit_sections import CLIENT, LIMITS, LimitsPart, limits_part, read_clients
from fingerpost.limit_sections import disagreements_of as limits_disagreements
from fingerpost.quic_library import missing
from fingerpost.tokens import sections as k
from fingerpost.toml_lines import Where, lines_of
from fingerpost.tree_tables import TREE, TreePart, disagreements_of, read_trees, tree_parts
from root.validator.claims import Terms
from zonedata.errors import ConfigError, Fault
from zonedata.kinds import DAY
from zonedata.names import Name

MAX_FILE = 1_048_576  # octets; a configuration is a page or two
ALL = frozenset(section.name for section in (*s.SECTIONS, TREE, CLIENT))
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_END = " (at end of document)"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one file says, sound as far as it was looked at.

    Attributes:
        path: The file.
        apex: The name under which everything hangs on the wire.
        listen: Where questions are taken.
        authority: Who answers, or None in a resolver's file.
        sign: How its store is signed, if that is done here.
        resolver: Whom the resolver believes, or None in an authority's file.
        trees: The trees that it believes, where the file names them one by one.
        process: How many processes answer.
        limits: How much one client may ask.
        validate: How a validator hears of proofs, or None where nobody is vouched for.
        mail: How codes reach mail addresses, if they do.
        numbers: How codes reach telephone numbers, if they do.
        tls: What is shown to clients over TLS, or None.
        issuer: How tokens are issued, or None where they are not.
        tokens: Whose tokens a resolver takes, or None where it takes none.
        oblivious: Whose gateway it is, or None where questions come in the open alone.
        control: Where the daemon is steered and watched, if anywhere.
    """

    path: Path
    apex: Name
    listen: s.Listen
    authority: s.AuthorityPart | None
    sign: s.ZoneSigning | s.ListingsSigning | s.WholeSigning | None
    resolver: s.ResolverPart | None
    trees: tuple[TreePart, ...]
    process: s.ProcessPart
    limits: LimitsPart
    validate: v.ValidatePart | None
    mail: v.MailPart | None
    numbers: v.NumbersPart | None
    tls: t.TlsPart | None
    issuer: k.IssuerPart | None
    tokens: k.TokensPart | None
    oblivious: g.ObliviousPart | None
    control: ControlPart
    _notes: Notes = field(repr=False, compare=False)

    def fault(self, where: Where, reason: str) -> Fault:
        """Return a fault at the line where a key stands: for what shows only in use."""
        return self._notes.fault(where, reason)


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that was read as far as it goes.

    Attributes:
        configuration: What it says; a section that cannot be used is None in it, or as if it were not there.
        faults: Every fault, by line.
    """

    configuration: Configuration
    faults: list[Fault]


def read(path: Path, inspect: Collection[str] = ALL) -> Configuration:
    """Read a configuration.

    Args:
        path: The file.
        inspect: The sections whose files are looked at.

    Raises:
        ConfigError: With every fault.
    """
    examined = examine(path, inspect)
    if examined.faults:
        raise ConfigError(examined.faults)
    return examined.configuration


def examine(path: Path, inspect: Collection[str] = ALL) -> Examined:
    """Read a configuration as far as it goes, for a checker that goes on after a fault.

    Raises:
        ConfigError: It cannot be read at all.
    """
    text = text_of(path)
    tables = tables_of(path, text)
    notes = Notes(path, lines_of(text))
    given = {section.name: Given(section, _table(tables, section.name, notes), notes) for section in s.SECTIONS}
    trees = read_trees(tables.get(TREE.name), notes)
    clients = read_clients(tables.get(CLIENT.name), notes)
    _note_unknown(tables, notes)
    refused = set()
    listen = given[s.LISTEN.name]
    has_https = listen.has(s.HTTPS) and listen.get(s.HTTPS) != ()
    found = (
        *disagreements(given),
        *disagreements_of(trees, given[s.RESOLVER.name]),
        *missing(listen),
        *limits_disagreements(given[LIMITS.name], clients, has_https=has_https),
    )
    for where, reason in found:
        notes.add(where, reason)
        refused.add(where[:1])
    arrays = {TREE.name: trees, CLIENT.name: clients}
    for name in inspect:
        for one in arrays[name] if name in arrays else [given[name]]:
            one.inspect()
    usable = {name for name, section in given.items() if section.is_whole}
    if (s.SIGN.name,) in refused or s.AUTHORITY.name not in usable:
        usable.discard(s.SIGN.name)
    typed = _typed(path, given, tree_parts(trees), clients, usable, notes)
    return Examined(typed, sorted(notes.faults, key=lambda fault: fault.line))


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: It cannot be read, is too long, or is no text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError([Fault(path, 0, "", f"cannot be read: {error.strerror}")]) from error
    if len(raw) > MAX_FILE:
        raise ConfigError([Fault(path, 0, "", f"longer than {MAX_FILE} octets; is this a configuration?")])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Fault(path, line, "", "not UTF-8 text")]) from error


def tables_of(path: Path, text: str) -> dict[str, Any]:
    """Return what a text of TOML holds.

    Raises:
        ConfigError: It is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        found = _AT_LINE.search(reason)
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
        reason = _AT_LINE.sub("", reason).removesuffix(_AT_END)
        raise ConfigError([Fault(path, line, "", f"not TOML: {reason}")]) from error
    except RecursionError as error:
        raise ConfigError([Fault(path, 0, "", "not TOML that can be read: nested too deeply")]) from error


def _table(tables: Mapping[str, Any], name: str, notes: Notes) -> dict[str, Any] | None:
    if not name:
        return {key: value for key, value in tables.items() if key not in ALL}
    table = tables.get(name)
    if table is not None and not isinstance(table, dict):
        notes.add((name,), f"expected a table: [{name}] on a line of its own")
        return None
    return table


def _note_unknown(tables: Mapping[str, Any], notes: Notes) -> None:
    top = {name for name in ALL if name} | {key.name for key in s.TOP.keys}
    for name in tables.keys() - top:
        notes.add((name,), unknown_reason(name, top, s.SECTIONS))
    for section in s.SECTIONS[1:]:
        table = tables.get(section.name)
        known = {key.name for key in section.keys}
        for name in table.keys() - known if isinstance(table, dict) else ():
            notes.add((section.name, name), unknown_reason(name, known, s.SECTIONS))
    for array in (TREE, CLIENT):
        listed = tables.get(array.name)
        known = {key.name for key in array.keys}
        for index, table in enumerate(listed if isinstance(listed, list) else ()):
            for name in table.keys() - known if isinstance(table, dict) else ():
                notes.add((array.name, index, name), unknown_reason(name, known, s.SECTIONS))


def _typed(  # noqa: PLR0913, PLR0917 - what was read
    path: Path,
    given: Mapping[str, Given],
    trees: tuple[TreePart, ...],
    clients: Sequence[Given],
    usable: Collection[str],
    notes: Notes,
) -> Configuration:
    (
        top,
        listen,
        authority,
        sign,
        resolver,
        process,
        limits,
        validate,
        mail,
        numbers,
        tls,
        issuer,
        tokens,
        oblivious,
        control,
    ) = (given[section.name] for section in s.SECTIONS)
    return Configuration(
        path,
        top[s.APEX] if top.section.name in usable else s.DEFAULT_APEX,
        _listen(listen) if listen.section.name in usable else s.NOWHERE,
        _authority(authority) if authority.section.name in usable else None,
        _signing(sign) if sign.section.name in usable else None,
        _resolver(resolver) if resolver.section.name in usable else None,
        trees,
        s.ProcessPart(process[s.WORKERS]) if process.section.name in usable else s.AS_THE_MACHINE,
        limits_part(limits if limits.section.name in usable else None, clients, is_authority=not resolver.is_there),
        _validate(validate) if validate.section.name in usable else None,
        _mail(mail) if mail.section.name in usable else None,
        _numbers(numbers) if numbers.section.name in usable else None,
        t.TlsPart(tls[t.CERTIFICATE], tls[t.KEY], tls[t.CLIENTS]) if tls.section.name in usable else None,
        k.issuer_part(issuer) if issuer.section.name in usable else None,
        k.tokens_part(tokens) if tokens.section.name in usable else None,
        g.ObliviousPart(oblivious[g.KEYS], oblivious[g.AUTHORITY]) if oblivious.section.name in usable else None,
        ControlPart(control[SOCKET], control[GROUP_MAY], control[HTTP])
        if control.section.name in usable
        else UNWATCHED,
        notes,
    )


def _listen(given: Given) -> s.Listen:
    return s.Listen(given[s.UDP], given[s.TCP], given[s.ALLOW_PLAIN], given[s.TLS], given[s.HTTPS], given[s.QUIC])


def _authority(given: Given) -> s.AuthorityPart:
    register, speaks_as = given[s.REGISTER], given[s.SPEAKS_AS]
    return s.AuthorityPart(given[s.NAME], given[s.STORE], given[s.ROLES], given[s.DENY_KEY], register, speaks_as)


def _signing(given: Given) -> s.ZoneSigning | s.ListingsSigning | s.WholeSigning:
    zone, anchor, zone_key = given[s.ZONE], given[s.ANCHOR], given[s.ZONE_KEY]
    revoking = given[s.REVOCATIONS], given[s.REVOKE_KEY]
    listings = s.ListingsSigning(given[s.KEY], given[s.LISTINGS], given[s.NODES], *revoking)
    if zone is None or anchor is None:
        return listings
    if zone_key is None:
        return s.ZoneSigning(given[s.KEY], zone, anchor, given[s.ROOTKEYS])
    return s.WholeSigning(s.ZoneSigning(zone_key, zone, anchor, given[s.ROOTKEYS]), listings)


def _resolver(given: Given) -> s.ResolverPart:
    return s.ResolverPart(
        given[s.TRUST],
        given[s.LAB_ADDRESSES],
        given[u.ROOT],
        given[s.LOOKUPS],
        given[s.MEMORY],
        given[s.CACHE],
        given[s.CACHE_SIZE],
        given[u.ALLOW_PLAIN_UPSTREAM],
        given[u.RATE],
    )


def _validate(given: Given) -> v.ValidatePart:
    terms = Terms(given[v.RECONFIRM] * DAY, given[v.PROOF] * DAY)
    return v.ValidatePart(given[v.HTTP], given[v.KEY], given[v.PROXIES], terms)


def _mail(given: Given) -> v.MailPart:
    return v.MailPart(given[v.SERVER], given[v.SENDER], given[v.TLS], given[v.LOGIN], given[v.MAIL_SECONDS])


def _numbers(given: Given) -> v.NumbersPart:
    return v.NumbersPart(given[v.COMMAND], given[v.URL], given[v.METHOD], given[v.NUMBER_SECONDS])
