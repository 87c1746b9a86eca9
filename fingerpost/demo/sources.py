"""The texts that a person would have written: zone sources, the providers' people, a configuration a daemon.

Pure: they are values until `building` writes them down.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fingerpost.demo.people import Block, Person
from fingerpost.demo.plan import ROOT, ZonePlan

APEX = "fingerpost.internal."  # .internal is reserved for private use
LOOPBACK = "127.0.0.1"
LOCALHOST = "localhost"  # in certificates and URLs
OBLIVIOUS_KEYS = "keys/oblivious.keys"
TTL = 3_600
PROCESS: dict[str, object] = {"workers": 1}  # eight daemons on one machine have enough to do with one each
EVERYBODY: dict[str, object] = {  # all clients are on this machine, and look up whomever they like
    "name": "this-machine",
    "networks": [f"{LOOPBACK}/32"],
    "rate": "none",
    "distinct_day": "none",
    "distinct_ten_days": "none",
}
FICTION = """\
; A demonstration: everything that is said here is fictitious.
; The prefixes and the names of operators are real and public (they come with
; the package `phonenumbers`); that any of them takes part is invented.
"""


@dataclass(frozen=True, slots=True)
class Party:
    """An authority as the zone that binds it knows it.

    Attributes:
        name: Its name.
        keys: (uses, public key) in the words of a zone source.
        port: On the loopback address, UDP and TCP.
        tls: The port of DNS over TLS and the pin of the key there, if it has one.
    """

    name: str
    keys: tuple[tuple[str, str], ...]
    port: int
    tls: tuple[int, bytes] | None = None


def zone_text(zone: ZonePlan, parties: dict[str, Party], titles: dict[str, str]) -> str:
    """Write a zone source.

    Args:
        zone: What it is to say.
        parties: Whom it binds, by name.
        titles: Names of real operators, for the reader.
    """
    lines = [FICTION, f"zone {zone.name}", f"ttl {TTL}", "lab-addresses yes  ; everything runs on this machine"]
    lines += [f"node {node}" for node in zone.scope]
    lines += ["", "; who is who"]
    lines += [f"above {name}{_remark(titles, name)}" for name in sorted(zone.above)]
    for name in sorted(zone.binds):
        party = parties[name]
        first, *rest = (f"key {name} {uses} {key}" for uses, key in party.keys)
        lines += [first + _remark(titles, name), *rest]
        tls = f" tls={party.tls[0]} pin={party.tls[1].hex()}" if party.tls is not None else ""
        lines.append(f"server {name} ns.{name} {LOOPBACK} udp={party.port} tcp={party.port}{tls}")
    lines += ["", "; who is granted what"]
    lines += [f"terminate {node}" for node in sorted(zone.terminating)]
    for grant in sorted(zone.grants, key=lambda grant: (grant.node, grant.authority)):
        lines.append(f"delegate {grant.node} {grant.authority} {grant.role}{' deep' if grant.deep else ''}")
    return "\n".join(lines) + "\n"


def _remark(titles: dict[str, str], name: str) -> str:
    return f"  ; {titles[name]}" if name in titles else ""


def people_ndjson(people: Iterable[Person], blocks: Iterable[Block]) -> Iterator[str]:
    """Write a provider's source as NDJSON, a line at a time."""
    for block in blocks:
        made = {"block": block.prefix, "ssi": block.template, "lengths": block.lengths, "except": block.exceptions}
        yield json.dumps(made) + "\n"
    for person in people:
        line: dict[str, object] = {"csi": person.csi, "ssi": person.ssi}
        if person.features:
            line["features"] = person.features
        yield json.dumps(line) + "\n"


def people_csv(people: Iterable[Person]) -> Iterator[str]:
    """Write a provider's source as CSV, a line at a time."""
    yield "csi,ssi,features\n"
    for person in people:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([person.csi, person.ssi, " ".join(person.features)])
        yield line.getvalue()


# --- configurations ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a daemon answers, all on the loopback address.

    Attributes:
        port: Plain, over UDP and TCP.
        tls: DNS over TLS.
        https: DNS over HTTPS, if it does.
        quic: DNS over QUIC, if it does.
    """

    port: int
    tls: int
    https: int | None = None
    quic: int | None = None


def zone_config(name: str, doors: Doors, source: str) -> str:
    """Write the configuration of the root or a registry."""
    authority: dict[str, object] = {"name": name, "store": f"stores/{file_name(name)}"}
    if name != ROOT:
        authority["roles"] = ["registry"]
    sign: dict[str, object] = {"key": f"keys/{file_name(name)}.zone.pem", "zone": source, "anchor": "anchor.pem"}
    return _toml({**_daemon(name, doors), "authority": authority, "sign": sign})


def msp_config(name: str, doors: Doors, source: str, nodes: list[str]) -> str:
    """Write the configuration of a provider."""
    return _toml(
        {
            **_daemon(name, doors),
            "authority": {
                "name": name,
                "store": f"stores/{name}",
                "roles": ["msp"],
                "deny_key": f"keys/{name}.deny.pem",
            },
            "sign": {"key": f"keys/{name}.assert.pem", "listings": [source], "nodes": nodes},
        }
    )


def resolver_config(name: str, doors: Doors) -> str:
    """Write the configuration of the resolver; where the root is, and its pin, stands in the anchor's file."""
    tables = {**_daemon(name, doors), "resolver": {"anchor": "anchor.pem", "lab_addresses": True}}
    if doors.https is not None:
        tables["oblivious"] = {"keys": OBLIVIOUS_KEYS, "authority": f"{LOCALHOST}:{doors.https}"}
    return _toml(tables)


def relay_config(name: str, port: int, gateway: int, authorities: str) -> str:
    """Write the configuration of the relay, which posts to the resolver.

    Args:
        name: Of the relay.
        port: Where it listens.
        gateway: Port of the resolver's HTTPS.
        authorities: File with the resolver's certificate.
    """
    certificate, key = tls_files(name)
    relay: dict[str, object] = {
        "listen": [f"{LOOPBACK}#{port}"],
        "certificate": certificate,
        "key": key,
        "gateway": f"https://{LOCALHOST}:{gateway}",
        "address": f"{LOOPBACK}#{gateway}",
        "authorities": authorities,
    }
    return _toml({"relay": relay})


def _daemon(name: str, doors: Doors) -> dict[str, dict[str, object]]:
    """Return what the configuration of every daemon begins with."""
    plain = [f"{LOOPBACK}#{doors.port}"]
    listen: dict[str, object] = {"udp": plain, "tcp": plain, "tls": [f"{LOOPBACK}#{doors.tls}"]}
    if doors.https is not None:
        listen["https"] = [f"{LOOPBACK}#{doors.https}"]
    if doors.quic is not None:
        listen["quic"] = [f"{LOOPBACK}#{doors.quic}"]
    certificate, key = tls_files(name)
    return {
        "": {"apex": APEX},
        "listen": listen,
        "tls": {"certificate": certificate, "key": key},
        "process": PROCESS,
        "[client]": EVERYBODY,
    }


def tls_files(daemon: str) -> tuple[str, str]:
    """Return what the certificate and the key of a daemon are called."""
    return f"keys/{file_name(daemon)}.tls.crt", f"keys/{file_name(daemon)}.tls.key"


def file_name(authority: str) -> str:
    """Return what the files of an authority are called."""
    return "root" if authority == ROOT else authority


def _toml(tables: dict[str, dict[str, object]]) -> str:
    """Write tables of text, numbers, truth and lists of text; JSON spells these as TOML does."""
    lines = ["# Part of a demonstration; everything in it is fictitious."]
    for name, table in tables.items():
        lines += ["", f"[{name}]"] if name else [""]
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"
