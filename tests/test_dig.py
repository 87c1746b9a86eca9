"""Programs of others against ours over loopback: dig, kdig, dnspython, and Unbound as a forwarder in between.

Each test gives up by itself; nobody waits for a time to pass, only for an answer.
"""

import shutil
import socket
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.query
import pytest
import trio

from resolver.answer import Answer
from resolver.stub import Stub, Tries
from tests.loopback import HOST, Loopback, on_loopback
from tests.world import APEX, World
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from zonedata import identifiers, names, wire
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.listings import BlockListing, Listing
from zonedata.names import Name
from zonedata.wire import QType

SECONDS = 30.0  # for a whole test; far more than it takes
FOUND, BLOCKED, NOBODY = "+14155550123", "+14155559999", "+14155550124"
MAIL = "alice@example.com"
UNBOUND = shutil.which("unbound") or shutil.which("unbound", path="/usr/sbin:/sbin") or "unbound"


def _world() -> World:
    """Two providers in one country; four people; a proof that needs TCP."""
    world = World()
    for party in ("alpha.example", "beta.example"):
        for line in world.binding_lines(party):
            world.delegate(".", line)
        world.delegate(".", f"delegate +1 {party} msp")
        world.delegate(".", f"delegate @example.com {party} msp")
        world.holds[party] = []
    for csi in (FOUND, MAIL):
        world.holds["alpha.example"].append(Listing(1, parse(csi).owner, "mimi://alpha.example/u/a", ("mls",)))
    node = identifiers.node_from_text("+14155559")
    world.holds["beta.example"].append(BlockListing(1, node, "mimi://beta.example/u/{number}", (11,), ()))
    return world


@asynccontextmanager
async def serving() -> AsyncGenerator[tuple[World, Loopback]]:
    with trio.fail_after(SECONDS):
        world = _world()
        async with on_loopback(world) as loopback:
            yield world, loopback


def shown(name: Name) -> str:
    return names.to_text(Name(APEX + name))


# --- dig and kdig ------------------------------------------------------------------------------------------

# Who is asked, about what, for what; status, flags that must be there, records in ANSWER, AUTHORITY and, where the
# reply is whole, ADDITIONAL with its OPT; None where any number will do.
CASES = [
    (".", FOUND, QType.ZONE, "NOERROR", "qr aa rd", (2, 0, 3)),
    (".", FOUND, QType.CSI, "NOERROR", "qr rd", (0, 2, None)),
    (".", NOBODY, QType.PROOF, "NOERROR", "qr rd", (0, 2, None)),
    (".", "+449999", QType.ZONE, "NOERROR", "qr aa rd", (1, 0, 1)),
    ("alpha.example", FOUND, QType.CSI, "NOERROR", "qr aa rd", (1, 0, 1)),
    ("alpha.example", MAIL, QType.PROOF, "NOERROR", "qr aa rd", (1, 0, 1)),
    ("alpha.example", NOBODY, QType.CSI, "NOERROR", "qr aa rd", (0, 2, 1)),
    ("beta.example", BLOCKED, QType.CSI, "NOERROR", "qr aa rd", (1, 0, 1)),
    ("beta.example", FOUND, QType.ZONE, "NOERROR", "qr aa rd", (0, 1, 1)),
    ("resolver", FOUND, QType.CSI, "NOERROR", "qr rd ra ad", (1, 1, 1)),
    ("resolver", MAIL, QType.CSI, "NOERROR", "qr rd ra ad", (1, 1, 1)),
    ("resolver", BLOCKED, QType.CSI, "NOERROR", "qr rd ra ad", (1, 1, 1)),
    ("resolver", NOBODY, QType.CSI, "NOERROR", "qr rd ra ad", (0, 3, 1)),
    ("resolver", FOUND, QType.PROOF, "NOERROR", "qr rd ra ad", (7, 0, 1)),
    ("resolver", FOUND, QType.ZONE, "NOERROR", "qr rd ra", (0, 1, 1)),
]  # fmt: skip


def name_of(text: str) -> str:
    return shown(parse(text).owner if text in {FOUND, BLOCKED, NOBODY, MAIL} else identifiers.node_from_text(text))


HARMLESS = ("recursion requested but not available", "truncated reply from")  # what they say of sound replies


async def run(program: str, port: int, name: str, qtype: int, *options: str) -> str:
    """Run dig or kdig, and return what it says; it says nothing of malformed messages."""
    usual = ["+time=5", "+tries=2"] if program == "dig" else ["+time=5", "+retry=1", "+edns=0"]
    line = [program, f"@{HOST}", "-p", str(port), *usual, *options, name, f"TYPE{qtype}"]
    done = await trio.run_process(line, capture_stdout=True, capture_stderr=True, check=False)
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    for line_said in said.lower().splitlines():
        if not any(harmless in line_said for harmless in HARMLESS):
            for bad in ("warning", "malformed", "mismatch", "unexpected", "extra bytes"):
                assert bad not in line_said, said
    return said


def read_text(said: str) -> tuple[str, set[str], tuple[int, int, int]]:
    """Read status, flags and counts of the message, as dig or kdig shows them."""
    [head] = [line for line in said.splitlines() if "status: " in line]
    line = next(line for line in said.splitlines() if line.lower().startswith(";; flags:"))
    words = line.replace(";", " ").replace(",", " ").replace(":", " ").split()
    counts = {word: int(words[at + 1]) for at, word in enumerate(words) if word.isupper()}
    status = head.partition("status: ")[2].replace(";", ",").partition(",")[0]
    flags = set(words[1 : words.index("QUERY")])
    return status, flags, (counts["ANSWER"], counts["AUTHORITY"], counts["ADDITIONAL"])


@pytest.mark.parametrize("program", ["dig", "kdig"])
async def test_every_answer_is_well_formed_to_others(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    async with serving() as (_, loopback):
        for server, text, qtype, status, flags, counts in CASES:
            for options in ([], ["+tcp"]):
                said = await run(program, loopback.ports[server], name_of(text), qtype, *options)
                got = read_text(said)
                assert (got[0], got[1]) == (status, set(flags.split())), said
                for one, wanted in zip(got[2], counts, strict=True):
                    assert wanted is None or one == wanted, said


async def test_every_answer_is_well_formed_to_dnspython() -> None:
    async with serving() as (_, loopback):
        for server, text, qtype, status, flags, counts in CASES:
            asked = dns.message.make_query(name_of(text), f"TYPE{qtype}", use_edns=0, payload=1_232)
            asked.flags |= dns.flags.AD
            reply, over_tcp = await _ask_dnspython(asked, loopback.ports[server])
            assert dns.rcode.to_text(reply.rcode()) == status
            assert {flag.lower() for flag in dns.flags.to_text(reply.flags).split()} == set(flags.split())
            found = [sum(len(rrset) for rrset in section) for section in reply.sections[1:]]
            for one, wanted in zip(found, (counts[0], counts[1], counts[2] and counts[2] - 1), strict=True):
                assert wanted is None or one == wanted, (server, text, qtype)
            assert over_tcp == ((server, qtype) == ("resolver", QType.PROOF) or counts[2] == 3)
            assert reply.edns == 0


async def _ask_dnspython(asked: dns.message.Message, port: int) -> tuple[dns.message.Message, bool]:
    octets = asked.to_wire()
    async with SocketDialer() as dialer:
        for protocol in (Protocol.UDP, Protocol.TCP):
            got = await dialer.exchange(Endpoint(HOST, port), protocol, octets, lambda _: True)
            assert got is not None
            reply = dns.message.from_wire(got, ignore_trailing=False)
            assert asked.is_response(reply)
            if not reply.flags & dns.flags.TC:
                return reply, protocol is Protocol.TCP
    raise AssertionError("cut short over TCP")


REFUSALS = {  # program -> (name, options, status)
    "dig": [
        ("elsewhere.example.", ["+noedns"], "REFUSED"),
        ("elsewhere.example.", [], "REFUSED"),
        (name_of(FOUND), ["+opcode=5", "+noedns"], "NOTIMP"),
        (name_of(FOUND), ["+edns=1", "+noednsneg"], "BADVERS"),
        (name_of(FOUND), ["+cookie", "+nsid", "+padding=128"], "NOERROR"),
        (name_of(FOUND), ["+ednsopt=65001:00", "+ednsflags=0x8000"], "NOERROR"),
    ],
    "kdig": [
        ("elsewhere.example.", ["+noedns"], "REFUSED"),
        ("elsewhere.example.", [], "REFUSED"),
        (name_of(FOUND), ["+edns=1"], "BADVERS"),
        (name_of(FOUND), ["+cookie", "+nsid", "+padding"], "NOERROR"),
    ],
}


@pytest.mark.parametrize("program", REFUSALS)
async def test_refusals_and_odd_questions_are_answered_well_formed(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    async with serving() as (_, loopback):
        for port in loopback.ports.values():
            for name, options, status in REFUSALS[program]:
                said = await run(program, port, name, QType.CSI, *options)
                assert read_text(said)[0] == status, said
                has_reason = "not in a zone" in said or "not a name of this tree" in said
                assert has_reason == (status == "REFUSED" and "+noedns" not in options), said


# --- Unbound in between ------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, socket.socket() as stream:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        stream.bind((HOST, port))
        return port


CONFIGURATION = """
server:
    interface: 127.0.0.1@{port}
    do-daemonize: no
    use-syslog: no
    logfile: ""
    verbosity: 1
    num-threads: 1
    chroot: ""
    username: ""
    directory: "{place}"
    pidfile: "{place}/unbound.pid"
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    do-ip6: no
    module-config: "iterator"
    local-zone: "internal." nodefault
    domain-insecure: "internal."
remote-control:
    control-enable: no
forward-zone:
    name: "fingerpost.internal."
    forward-addr: 127.0.0.1@{upstream}
"""


@asynccontextmanager
async def forwarding(place: Path, world: World, upstream: int) -> AsyncGenerator[int]:
    """Run Unbound in front of our resolver, once it answers."""
    if shutil.which(UNBOUND) is None:
        pytest.skip("unbound is not installed")
    port = _free_port()
    file = place / "unbound.conf"
    file.write_text(CONFIGURATION.format(port=port, place=place, upstream=upstream))
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process = await nursery.start(start, [UNBOUND, "-d", "-p", "-c", str(file)])
        try:
            async with SocketDialer() as dialer:
                probe = Stub([Endpoint(HOST, port)], dialer, world.clock, APEX, None, Tries(0.2, 100))
                while True:
                    assert process.poll() is None, "unbound did not start"
                    try:
                        await probe.exchange(names.from_text("ready."), 1, wire.FLAG_RD)
                    except UnreachableError:
                        continue
                    break
            yield port
        finally:
            process.terminate()
            with trio.CancelScope(shield=True):
                await process.wait()


REACHED = {FOUND: "alpha.example/u/a", MAIL: "alpha.example/u/a", BLOCKED: "beta.example/u/14155559999"}


async def test_a_whole_proof_comes_through_a_stock_forwarder(tmp_path: Path) -> None:
    async with serving() as (world, loopback), forwarding(tmp_path, world, loopback.ports["resolver"]) as port:

        async def ask(text: str, qtype: QType = QType.PROOF) -> Answer:
            stub = Stub([Endpoint(HOST, port)], loopback.dialer, world.clock, APEX, world.anchor)
            return await stub.lookup(parse(text), qtype)

        asked: list[int] = []
        for _ in range(2):  # the second time from Unbound's cache
            for text, ssi in REACHED.items():
                answer = await ask(text)
                assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True), text
                assert [reach.ssi for reach in answer.reaches] == [f"mimi://{ssi}"]
                assert answer.via.protocol is Protocol.TCP
            answer = await ask(NOBODY)
            assert (answer.outcome, answer.complete, answer.verified) == (Outcome.NONE, True, True)
            assert {row.authority for row in answer.rows} >= {"alpha.example", "beta.example"}
            hearsay = await ask(NOBODY, QType.CSI)
            assert hearsay.reaches == ()
            hearsay = await ask(FOUND, QType.CSI)
            assert [reach.ssi for reach in hearsay.reaches] == ["mimi://alpha.example/u/a"]
            asked.append(loopback.asked.total())
    assert asked[1] == asked[0]
