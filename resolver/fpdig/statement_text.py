"""Statements for people: a heading, and the rest of what they say, line by line. Pure; proves nothing."""

from typing import assert_never

from resolver.fpdig.words import instant
from zonedata.identifiers import Csi, node_to_text
from zonedata.names import Name
from zonedata.opening import Claim, speaker_of
from zonedata.person_statements import Assertion, Block, Denial, Status
from zonedata.recipient_statements import Mapping, Revocation, Validation
from zonedata.statements import Statement, ZoneStatement
from zonedata.zone_statements import Authority, BoundKey, Delegation, Gap, Grant, RootKeys, Server, ZoneDigest


def heading(statement: Statement, csi: Csi) -> str:
    """Return its kind and what it is about, on one line."""
    return f"{statement.kind.name:<10} {_about(statement, csi)}"


def _about(statement: Statement, csi: Csi) -> str:
    match statement:
        case RootKeys():
            return f"version {statement.version}"
        case ZoneDigest():
            return statement.zone
        case Authority():
            return statement.authority
        case Delegation() | Block():
            return node_to_text(statement.node)
        case Gap():
            following = node_to_text(statement.next) if statement.next else "the end"
            return f"{node_to_text(statement.first)} to {following}"
        case Revocation():
            return owner_text(statement.node, csi) + (" and all below" if statement.is_block else "")
        case Assertion() | Denial() | Status() | Mapping() | Validation():
            return owner_text(statement.owner, csi)
        case other:
            assert_never(other)


def owner_text(name: Name, csi: Csi) -> str:
    """Write a name as people do, and the one that was asked about as it was asked."""
    return csi.text if name == csi.owner else node_to_text(name)


def details(claim: Claim) -> list[str]:
    """Return what else the statement says, who says so and when, a line each."""
    statement, life = claim.statement, claim.statement.life
    keys = ",".join(signature.key_id.hex() for signature in claim.sealed.signatures[:1])
    more = len(claim.sealed.signatures) - 1
    signed = f"key {keys}" + (f" and {more} more" if more > 0 else "") if keys else "unsigned, a hint"
    speaker = "the recipient" if isinstance(statement, Mapping) else speaker_of(statement) or "the resolver"
    return [
        *content(statement),
        f"by {speaker}, {signed}, serial {life.serial}, ttl {life.ttl}",
        f"from {instant(life.issued)} to {instant(life.expires)}",
    ]


def content(statement: Statement) -> list[str]:
    """Return what the statement says beyond its heading, a line each."""
    match statement:
        case Assertion():
            return _assertion(statement)
        case Block():
            return _block(statement)
        case Denial():
            known = "" if statement.as_of is None else f"; as of {instant(statement.as_of)}"
            return [f"nothing, asked as {statement.role}{known}"]
        case Mapping():
            return _mapping(statement)
        case Validation():
            return _validation(statement)
        case Revocation():
            return [f"what was said before {instant(statement.before)} no longer holds: {statement.reason}"]
        case Status():
            return [f"{authority} as {role}: {standing}" for authority, role, standing in statement.rows]
        case other:
            return _zone_content(other)


def _zone_content(statement: ZoneStatement) -> list[str]:
    match statement:
        case RootKeys():
            signers = f"{statement.threshold} of {len(statement.root_keys)} root keys must sign"
            return [signers, *(f"zone key {key.key_id.hex()}" for key in statement.zone_keys)]
        case ZoneDigest():
            return [f"{statement.count} statements, digest {statement.digest.hex()}"]
        case Authority():
            return [
                *map(key_text, statement.keys),
                *(line for server in statement.servers for line in _server(server)),
            ]
        case Delegation():
            return [*(["terminating"] if statement.terminating else []), *map(_grant, statement.grants)]
        case Gap():
            return ["label counts delegated at or above: " + (" ".join(map(str, statement.counts)) or "none")]
        case other:
            assert_never(other)


def key_text(key: BoundKey) -> str:
    """Write a key's id, what it may sign and when."""
    return f"key {key.public.key_id.hex()} {','.join(key.uses)} {instant(key.start)} to {instant(key.end)}"


def _server(server: Server) -> list[str]:
    ports = " ".join(f"{transport}={port}" for transport, port in server.ports)
    pin = [f"pin {server.pin.hex()}"] if server.pin else []
    return [f"server {server.name} {','.join(server.addresses)} {ports}", *pin]


def _grant(grant: Grant) -> str:
    deep = " deep" if grant.deep else ""
    return f"{grant.authority} as {','.join(grant.roles)}, {grant.required} at least{deep}"


def _assertion(said: Assertion) -> list[str]:
    features = [f"features {' '.join(said.features)}"] if said.features else []
    recipient = [f"recipient {said.recipient.hex()}"] if said.recipient else []
    return [said.ssi, *features, *recipient]


def _mapping(said: Mapping) -> list[str]:
    marks = [word for word, is_set in (("new", said.is_new), ("given up", said.is_released)) if is_set]
    entries = [f"at {entry.msp}, {' '.join(entry.tags) or 'no tag'}" for entry in said.entries]
    nowhere = [] if entries or said.is_released else ["nowhere: does not want to be found"]
    former = [f"formerly {digest.hex()}" for digest in said.former]
    return [f"recipient {said.recipient.hex()}", *marks, *entries, *nowhere, *former]


def _validation(said: Validation) -> list[str]:
    times = f"since {instant(said.since)}, by {said.method}, last {instant(said.executed)}"
    known = f"knows their mapping of serial {said.mapping}" if said.mapping else "knows no mapping of theirs"
    return [f"recipient {said.recipient.hex()}", times, known]


def _block(said: Block) -> list[str]:
    lengths = f"numbers of {' '.join(map(str, said.lengths))} digits"
    return [said.template, lengths + (f", except {' '.join(said.exceptions)}" if said.exceptions else "")]
