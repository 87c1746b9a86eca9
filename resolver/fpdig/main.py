"""The program: arguments and files in, the event loop, words out, the exit status."""

import io
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from resolver.fpdig import usage
from resolver.fpdig.exits import Exit
from resolver.fpdig.grammar import read_command
from resolver.fpdig.options import Command, UsageError
from resolver.fpdig.output import UnwrittenError, err, out, refuse, unwritten_in
from resolver.fpdig.version import version

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
        status = ready if isinstance(ready, Exit) else _start(ready)
    except* UnwrittenError as group:
        status = _unwritten(unwritten_in(group))
    except* KeyboardInterrupt:
        status = INTERRUPTED
    except* Exception:  # noqa: BLE001 - a bug of ours has an exit status of its own
        traceback.print_exc()
    return status


def _unwritten(error: UnwrittenError | None) -> int:
    """Say why words could not be written, unless nobody reads them, and return the status of that."""
    assert error is not None, "the group was caught for one"
    if error.is_unread:
        return UNREAD
    with suppress(UnwrittenError):  # both streams may go one way
        err(f"fpdig: {error}")
    return int(Exit.UNKEPT)


def _start(command: Command) -> Exit:
    import trio  # noqa: PLC0415 - half of the time to start; help and mistakes need none of it

    from resolver.fpdig.running import run_with_sockets  # noqa: PLC0415 - as trio

    return trio.run(run_with_sockets, command)


def prepare(arguments: list[str]) -> Command | Exit:
    """Read what is wanted; what needs no network is done at once."""
    try:
        rc = "" if "-r" in arguments else _read_rc()
    except (OSError, UnicodeDecodeError) as error:
        return refuse([f".fpdigrc cannot be read ({error}); -r leaves it alone"])
    command = read_command(arguments, rc)
    if isinstance(command, UsageError):
        return refuse([*command.faults])
    if command.wants_help:
        out(usage.HELP)
        return Exit.ANSWERED
    if command.wants_version:
        out(f"fpdig {version()}\n")
        return Exit.ANSWERED
    return command


def _read_rc() -> str:
    try:
        return Path("~/.fpdigrc").expanduser().read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except RuntimeError:  # there is no home
        return ""


if __name__ == "__main__":
    sys.exit(main())
