"""Carrying out a command: everything that needs the network. Imported once it is known that something is asked."""

import sys
from contextlib import AsyncExitStack
from os.path import lexists

from resolver.fpdig.asking import Asker, Voice
from resolver.fpdig.batch import run_batch
from resolver.fpdig.exits import Exit, worst
from resolver.fpdig.naming import as_named
from resolver.fpdig.options import Command, Options
from resolver.fpdig.output import err, out, refuse
from resolver.fpdig.version import version
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.errors import UnreachableError
from transport.pipeline import Connect
from transport.stream_link import connect_stream
from zonedata.errors import MalformedError, UntrustedError


async def run_with_sockets(command: Command) -> Exit:
    """Carry out a command over real sockets."""
    options = _shared(command)
    clock = Clock()
    async with AsyncExitStack() as stack:
        if not (options.oblivious or options.token):
            dialer: Dialer = await stack.enter_async_context(SocketDialer())
        else:
            from resolver.fpdig.private import opened_dialer  # noqa: PLC0415 - few ask so, and it takes long to import

            opened = await opened_dialer(options, clock, stack)
            if isinstance(opened, str):
                return refuse([opened])
            dialer = opened
        return await run(command, dialer, clock, connect_stream)


async def run(command: Command, dialer: Dialer, clock: Clock, connect: Connect) -> Exit:
    """Carry out a command."""
    is_watched = sys.stdout is not None and sys.stdout.isatty()
    asker, voice = Asker(dialer, clock, _version_for(command)), Voice(out, err, is_watched)
    if _shared(command).oblivious_keys:
        asker.find_endpoints = as_named
    faults = _load_anchors(command, asker) + _load_bearers(command, asker) + _files_there(command)
    if faults:
        return refuse(faults)
    if command.batch:
        try:
            endpoint = (await asker.find_endpoints(command.defaults.server))[0]
        except UnreachableError as error:
            voice.err(f"fpdig: {error.endpoint}: {error.reason}")
            return Exit.UNREACHED
        proof = command.defaults.way.proof
        if proof is not None:
            from transport.tls.client import connecting  # noqa: PLC0415 - most batches are asked over TCP

            connect = connecting(proof, connect)
        return await run_batch(command.batch, command.defaults, asker, voice, endpoint, connect)
    return worst([await asker.ask(question, voice) for question in command.questions])


def _shared(command: Command) -> Options:
    """Return options of which those count that all questions share."""
    return command.questions[0].options if command.questions else command.defaults


def _load_anchors(command: Command, asker: Asker) -> list[str]:
    """Read every anchor that the command line names, and say what is wrong with them."""
    faults = []
    every = [command.defaults, *(question.options for question in command.questions)]
    for path in dict.fromkeys(path for one in every for path in (one.anchor, *one.beside) if path):
        try:
            asker.load(path)
        except (MalformedError, UntrustedError) as error:
            faults.append(f"{path}: {error}")
    return faults


def _load_bearers(command: Command, asker: Asker) -> list[str]:
    """Read every token that the command line names, and say what is wrong with them."""
    faults = []
    every = [command.defaults, *(question.options for question in command.questions)]
    for path, options in {one.bearer: one for one in every if one.bearer}.items():
        try:
            asker.way(options)
        except (MalformedError, UntrustedError) as error:
            faults.append(f"{path}: {error}")
    return faults


def _files_there(command: Command) -> list[str]:
    """Say which files are there already that answers are to be kept in; none is overwritten."""
    kept = [one for question in command.questions for one in question.options.kept]
    return [f"{flag}={path}: is there already, and is not overwritten" for flag, path in kept if lexists(path)]


def _version_for(command: Command) -> str:
    """Return the version where a banner may show it."""
    every = [command.defaults, *(question.options for question in command.questions)]
    return version() if command.batch or any(options.is_text and options.cmd for options in every) else ""
