"""What the demonstration prints: 80 columns, plain text. Pure."""

from itertools import groupby

from fingerpost import quic_library
from fingerpost.demo.building import HTTPS, QUIC, RELAY, RESOLVER, TLS, World
from fingerpost.demo.checking import Checked
from fingerpost.demo.plan import LIVE, REGISTRY, ROOT
from fingerpost.demo.processes import Failed
from fingerpost.demo.samples import ADDRESS, NUMBER
from fingerpost.demo.sources import APEX, LOCALHOST, LOOPBACK
from resolver.answer import Answer
from zonedata import identifiers, names
from zonedata.kinds import Role
from zonedata.zone_statements import Delegation

WELCOME = """\
fingerpost demo: a whole tree on this machine.
Everything in it is fictitious: no provider, person or number here exists, and
no operator whose name and prefixes are real has anything to do with it.
"""


def step(seconds: float, text: str) -> str:
    """Write one line of progress."""
    return f"{seconds:6.1f} s  {text}\n"


def failed(failure: Failed) -> str:
    """Say which child failed, and what it wrote."""
    return f"fingerpost demo: {failure.name} {failure.how}; its last words:\n{failure.output}\n"


def ready(world: World) -> str:
    """Say who listens where, and what to type."""
    port = world.ports[RESOLVER]
    owner = names.to_text(identifiers.parse(NUMBER).owner) + APEX.rstrip(".")
    anchor = world.anchor
    who = [("resolver", RESOLVER), ("root", ROOT), (REGISTRY, REGISTRY), *((name, name) for name in LIVE)]
    lines = ["", "Listening:"]
    lines += [f"  {title:<20} {LOOPBACK}#{world.ports[name]}  tls {world.ports[TLS[name]]}" for title, name in who]
    lines[2] += f"  https {world.ports[HTTPS]}" + (f"  quic {world.ports[QUIC]}" if quic_library.is_there() else "")
    lines.append(f"  {'relay':<20} {LOOPBACK}#{world.ports[RELAY]}")
    lines += [
        "",
        "Try, in another terminal:",
        *_words(f"fpdig @{LOOPBACK} -p {port} {NUMBER}", f"--anchor {anchor}"),
        *_words(f"fpdig @{LOOPBACK} -p {port} {ADDRESS}", f"--anchor {anchor}"),
        *_words(f"fpdig +trace +lab {NUMBER}", f"--anchor {anchor}"),
        *_words(f"fpdig @tls://{LOOPBACK}:{world.ports[TLS[RESOLVER]]} {NUMBER}", f"+tls-ca={world.certificate}"),
        *_words(
            f"fpdig @https://{LOCALHOST}:{world.ports[HTTPS]}",
            f"+tls-ca={world.certificate}",
            f"+oblivious=https://{LOCALHOST}:{world.ports[RELAY]} {NUMBER}",
        ),
        *_words(f"dig @{LOOPBACK} -p {port} TYPE65281", owner),
        "",
        f"{len(world.samples)} identifiers, each with what must come of it, are in",
        f"  {world.place / 'demo.json'}",
        "",
        "Ctrl-C ends everything.",
        "",
    ]
    return "\n".join(lines)


def _words(*parts: str) -> list[str]:
    """Write a command line, part by part on lines of their own where it is long."""
    if sum(map(len, parts)) + len(parts) < 78:
        return [f"  {' '.join(parts)}"]
    first, *rest = parts
    lines = [f"  {first}", *(f"      {part}" for part in rest)]
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def look_up(answer: Answer) -> str:
    """Write one answer with the chain of delegations that led to it."""
    trusted = "verified" if answer.verified else "not verified"
    complete = "complete" if answer.complete else "incomplete"
    lines = ["", f"{answer.csi.text}: {answer.outcome}, {complete}, {trusted}"]
    granted = [claim.statement for claim in answer.claims if isinstance(claim.statement, Delegation)]
    granted.sort(key=lambda said: (said.zone != ROOT, said.zone, said.node))
    for zone, delegations in groupby(granted, key=lambda said: said.zone):
        title = "root" if zone == ROOT else zone
        for said in delegations:
            to = ", ".join(grant.authority for grant in said.grants)
            lines.append(f"  {title:<20}{identifiers.node_to_text(said.node):<16}-> {to}")
            title = ""
    ssis = {reach.msp: reach.ssi for reach in answer.reaches}
    lines += [
        f"  {row.authority:<20}{row.standing:<12}{ssis.get(row.authority, '')}".rstrip()
        for row in answer.rows
        if row.role is not Role.REGISTRY
    ]
    return "\n".join(lines) + "\n"


def table(checked: list[Checked]) -> str:
    """Write what came of the samples, a line each, and how many were as they must be."""
    lines = ["", f"{'identifier':<28}{'case':<24}{'outcome':<17}{'providers':>9}"]
    for one in checked:
        sample = one.sample
        outcome = sample.outcome if sample.complete or not sample.msps else f"{sample.outcome}, partly"
        lines.append(f"{sample.csi:<28}{sample.case:<24}{outcome:<17}{len(sample.msps):>9}")
        if one.mistake:
            lines.append(f"  WRONG: {one.mistake}")
    good = sum(not one.mistake for one in checked)
    lines += ["", f"{good} of {len(checked)} are as they must be."]
    return "\n".join(lines) + "\n"
