"""The program: arguments and files in, the event loop, words out, the exit status."""

import io
import os
import sys
import traceback
from importlib import metadata
from pathlib import Path

import trio

from resolver.fpdig import usage
from resolver.fpdig.asking import Asker, Voice
from resolver.fpdig.batch import run_batch
from resolver.fpdig.options import Command, UsageError, read_command
from resolver.fpdig.verdict import Exit, worst
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.pipeline import Connect, connect_stream
from zonedata.errors import MalformedError, UntrustedError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
UNREAD = 141  # 128 + SIGPIPE: whoever read the output has gone


def main() -> int:
    """Run fpdig on the process's arguments and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an address is not to end the program
    status = int(Exit.INTERNAL)
    try:
        ready = prepare(sys.argv[1:])
        status = ready if isinstance(ready, Exit) else trio.run(run_with_sockets, ready)
        sys.stdout.flush()
    except* BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush is quiet
        status = UNREAD
    except* KeyboardInterrupt:
        status = INTERRUPTED
    except* Exception:  # noqa: BLE001 - a bug of ours has an exit status of its own
        traceback.print_exc()
    return status


def prepare(arguments: list[str]) -> Command | Exit:
    """Read what is wanted; what needs no network is done at once."""
    try:
        rc = "" if "-r" in arguments else _read_rc()
    except (OSError, UnicodeDecodeError) as error:
        return _refuse([f".fpdigrc cannot be read ({error}); -r leaves it alone"])
    command = read_command(arguments, rc)
    if isinstance(command, UsageError):
        return _refuse([*command.faults])
    if command.wants_help:
        sys.stdout.write(usage.HELP)
        return Exit.ANSWERED
    if command.wants_version:
        sys.stdout.write(f"fpdig {_version()}\n")
        return Exit.ANSWERED
    return command


async def run_with_sockets(command: Command) -> Exit:
    """Carry out a command over real sockets."""
    async with SocketDialer() as dialer:
        return await run(command, dialer, Clock(), connect_stream)


async def run(command: Command, dialer: Dialer, clock: Clock, connect: Connect) -> Exit:
    """Carry out a command."""
    asker, voice = Asker(dialer, clock, _version()), Voice(_out, _err, sys.stdout.isatty())
    faults = _load_anchors(command, asker)
    if faults:
        return _refuse(faults)
    if command.batch:
        return await run_batch(command.batch, command.defaults, asker, voice, connect)
    return worst([await asker.ask(question, voice) for question in command.questions])


def _load_anchors(command: Command, asker: Asker) -> list[str]:
    """Read every anchor that the command line names, and say what is wrong with them."""
    faults = []
    every = [command.defaults, *(question.options for question in command.questions)]
    for path in dict.fromkeys(options.anchor for options in every if options.anchor):
        try:
            asker.load(path)
        except (MalformedError, UntrustedError) as error:
            faults.append(f"{path}: {error}")
    return faults


def _read_rc() -> str:
    try:
        return Path("~/.fpdigrc").expanduser().read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except RuntimeError:  # there is no home
        return ""


def _refuse(faults: list[str]) -> Exit:
    for fault in faults:
        _err(f"fpdig: {fault}")
    sys.stderr.write(usage.BRIEF)
    return Exit.USAGE


def _out(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _err(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _version() -> str:
    try:
        return metadata.version("fingerpost")
    except metadata.PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
