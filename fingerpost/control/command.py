"""`fingerpost ctl`: ask a running daemon, and print what it says."""

import argparse
import socket
from pathlib import Path
from typing import Final

from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import read
from fingerpost.control import messages
from fingerpost.control.sections import CONTROL, SOCKET
from fingerpost.control.verbs import VERBS
from fingerpost.output import complain, say
from zonedata.errors import ConfigError

EXIT_REFUSED, EXIT_NOT_RUNNING = 1, 3  # as unbound-control has them
SECONDS: Final = 60.0  # for the next octets of an answer; each part of it may wait 5 s for each worker
READ: Final = 65_536
_INDENT: Final = " " * 20

_EPILOG = "\n".join([
    "what can be asked for:",
    *(f"  {verb.usage}\n{_INDENT}{verb.help}" for verb in VERBS),
    "",
    "The daemon is the one that was started with the same CONFIG; [control] names",
    "its socket.",
    "",
    "exit status:",
    "  0  done",
    "  1  refused; the reason is printed",
    "  3  no daemon is running",
    "",
    "examples:",
    "  fingerpost ctl resolver.toml status",
    "  fingerpost ctl resolver.toml log level debug",
])  # fmt: skip


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "ctl", "steer a running daemon, and ask what it knows", _EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the configuration it was started with")
    parser.add_argument("words", nargs="+", metavar="WORD", help="a noun, a verb and what they are about")


def run(args: argparse.Namespace) -> int:
    """Ask and print; return the exit status."""
    configuration = read(args.config, inspect=())
    path = configuration.control.socket
    if path is None:
        reason = "missing; no daemon with this configuration can be asked"
        raise ConfigError([configuration.fault(CONTROL.where(SOCKET.name), reason)])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(SECONDS)
        try:
            sock.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            complain(f"fingerpost ctl: no daemon is running with {args.config} (nobody listens at {path})")
            return EXIT_NOT_RUNNING
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        return _conversation(sock, args.words)


def _conversation(sock: socket.socket, words: list[str]) -> int:
    sock.sendall(messages.request(words))
    with sock.makefile("rb") as answer:
        for octets in answer:
            text, reason = messages.read(octets)
            if text is not None:
                say(text)
            elif not reason:
                return 0
            else:
                complain(f"fingerpost ctl: {reason}")
                return EXIT_REFUSED
    complain("fingerpost ctl: the daemon broke off; its log may say why")
    return EXIT_REFUSED
