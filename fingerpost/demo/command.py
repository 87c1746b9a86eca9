"""The command `fingerpost demo`: everything in its order, until Ctrl-C.

A shell. SIGINT, SIGTERM and SIGHUP end it in good order; whatever happens, no child is left behind.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import trio

from fingerpost.arguments import Subparsers, add_command
from fingerpost.demo import carriers, checking, fiction, ports, processes, screen
from fingerpost.demo.building import DAEMONS, DOORS, HTTPS, NOBODY, RELAY, RESOLVER, TLS, World, build
from fingerpost.demo.plan import LIVE, REGISTRY, ROOT, Plan, make_plan
from fingerpost.demo.processes import Children, Failed
from fingerpost.demo.samples import ADDRESS, NUMBER
from fingerpost.demo.sources import APEX, LOOPBACK, file_name
from resolver.stub import Stub
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from zonedata import identifiers, names, trust

SIGNERS = 2  # processes that sign side by side; the root zone is half of the work
ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP"))


_EPILOG = """\
A root, a registry, five providers, a resolver and a relay run on the loopback
address until Ctrl-C. Delegations come from real carrier prefixes; the 100,000
people are invented, and so is what real operators seem to do.

examples:
  fingerpost demo
  fingerpost demo --dir ~/tree --port 5300
  fingerpost demo --once

exit status:
  0   ended by a signal; with --once: every sample came out as it must
  1   something did not; what and why is printed
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "demo", "run a whole tree on this machine, with invented people", _EPILOG)
    parser.add_argument("--dir", type=Path, metavar="DIR", help="put everything here and leave it; new or empty")
    parser.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="port of the resolver (default: any free)",
    )
    parser.add_argument("--once", action="store_true", help="try every sample, print what came of it, and end")
    parser.set_defaults(run=run)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no port number from 1 to 65535")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Run the demonstration; 0 when it was ended from outside, or when every sample was as it must be."""
    plan = make_plan(carriers.operators(), fiction.areas(), (*fiction.UNITED_KINGDOM, *fiction.GERMANY))
    try:
        place = _place(args.dir)
    except OSError as error:
        return _refuse(f"{args.dir}: {error.strerror}")
    try:
        return trio.run(partial(_until_signalled, place, plan, args.port, once=args.once))
    finally:
        if args.dir is None:
            shutil.rmtree(place, ignore_errors=True)


def _place(given: Path | None) -> Path:
    """Return the directory for everything: the one given, which must be new or empty, or a temporary one."""
    if given is None:
        return Path(tempfile.mkdtemp(prefix="fingerpost-demo-"))
    given.mkdir(parents=True, exist_ok=True)
    if any(given.iterdir()):
        raise FileExistsError(0, "is not empty; keys are never overwritten, so name a new directory")
    return given.resolve()


def _refuse(reason: str) -> int:
    sys.stderr.write(f"fingerpost demo: {reason}\n")
    return 1


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def _until_signalled(place: Path, plan: Plan, port: int, *, once: bool) -> int:
    """Demonstrate until it is over or a signal comes; signals that come while it ends change nothing."""
    status = 1 if once else 0  # when it is interrupted
    held_open = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # nohup is heeded
    with trio.open_signal_receiver(*held_open) as signals:
        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()

            async def listen() -> None:
                async for _ in signals:
                    scope.cancel()

            nursery.start_soon(listen)
            with scope:
                status = await _demonstrated(place, plan, port, once=once)
            nursery.cancel_scope.cancel()
    return status


async def _demonstrated(place: Path, plan: Plan, port: int, *, once: bool) -> int:
    """Demonstrate; what the machine refuses is said, not raised, since we are in a nursery."""
    try:
        return await _demonstrate(place, plan, port, once=once)
    except (OSError, ports.TakenError) as error:
        return _refuse(str(error))


async def _demonstrate(place: Path, plan: Plan, port: int, *, once: bool) -> int:
    started = trio.current_time()

    def say(text: str) -> None:
        _say(screen.step(trio.current_time() - started, text))

    _say(screen.WELCOME)
    say(f"everything is in {place}")
    beside = (TLS[RESOLVER], HTTPS, RELAY)  # whose ports a person types, too
    fixed = {RESOLVER: port} if port else {}
    wished = {name: port + at for at, name in enumerate(beside, 1)} if port else {}
    async with processes.open_children(place / "logs") as children:
        with ports.hold(DOORS, NOBODY, fixed, wished) as held:
            world = build(place, plan, {name: one.port for name, one in held.items()}, say)
            await trio.lowlevel.checkpoint()  # a signal that came while files were written
            say(f"signing two zones and {sum(world.counts.values()):,} people, {SIGNERS} processes at a time")
            failure = await _sign(children, world)
            if failure is None:
                for name in DOORS:
                    held[name].release()
                say("starting root, registry, five providers, a resolver and a relay")
                failure = await _serve(children, world)
            if failure is None:
                say("ready")
                return await _show(children, world, once=once)
        _say(screen.failed(failure))
        return 1


async def _sign(children: Children, world: World) -> Failed | None:
    works = [
        partial(children.complete, f"sign-{file_name(name)}", processes.command("sign", str(world.config(name))))
        for name in (ROOT, *LIVE, REGISTRY)  # the longest work first
    ]
    return await processes.all_of(works, SIGNERS)


async def _serve(children: Children, world: World) -> Failed | None:
    words = {**dict.fromkeys(DAEMONS, "serve"), RELAY: "relay"}
    works = [
        partial(children.start, file_name(name), processes.command(word, str(world.config(name))))
        for name, word in words.items()
    ]
    return await processes.all_of(works, len(works))


async def _show(children: Children, world: World, *, once: bool) -> int:
    """Show two look-ups, then try every sample, or stay."""
    anchor = trust.read_anchor(world.anchor)
    resolver = Endpoint(LOOPBACK, world.ports[RESOLVER])
    async with SocketDialer() as dialer:
        stub = Stub([resolver], dialer, Clock(), names.from_text(APEX), anchor)
        for csi in (NUMBER, ADDRESS):
            try:
                _say(screen.look_up(await stub.lookup(identifiers.parse(csi))))
            except UnreachableError as error:
                _say(f"\n{csi}: {error}\n")
        if once:
            checked = await checking.check(world.samples, stub)
            _say(screen.table(checked))
            return 1 if any(one.mistake for one in checked) else 0
    _say(screen.ready(world))
    _say(screen.failed(await children.wait_failed()))
    return 1
