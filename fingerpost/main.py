"""The command line: the tree of commands, and what every one of them ends with.

A command's module is imported when it is called for: to import all of them takes longer than most commands do.
"""

import argparse
import logging
import sys
from typing import NoReturn, Protocol

from fingerpost import VERSION, logfmt
from fingerpost.arguments import Subparsers, add_command
from fingerpost.output import STANDARD_OUTPUT, complain, flush
from zonedata.errors import ConfigError, MalformedError, UntrustedError

EXIT_OK, EXIT_FAULTS, EXIT_INTERNAL = 0, 1, 10
EXIT_UNREAD = 141  # 128 + SIGPIPE: whoever read the output has gone
_EPILOG = """\
examples:
  fingerpost keygen zone.pem root.pem
  fingerpost keygen --anchor anchor.pem --root-key root.pem --zone-key zone.pem
  fingerpost check root.toml && fingerpost sign root.toml
  fingerpost serve root.toml

exit status:
  0   done; for check: no faults
  1   faults were found, or the command line was wrong; every reason is printed
  10  a bug of ours; please report what was printed
  141 nobody reads the output any more
"""

log = logging.getLogger(__name__)


class Command(Protocol):
    """A module that is a command."""

    def add_parser(self, subparsers: Subparsers, /) -> None:
        """Add it to the tree."""
        ...

    def run(self, args: argparse.Namespace, /) -> int:
        """Do it and return the exit status."""
        ...


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with our status for usage instead of argparse's 2."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_FAULTS, f"{self.prog}: {message}\n")


COMMANDS = {  # and what each says of itself in the help of the whole
    "keygen": "make keys, trust anchors and certificates, or show them",
    "rootkeys": "change the root's keys: draft, sign, finish a version",
    "sign": "sign a zone or a provider's listings and build the store",
    "check": "check configurations and all that they name",
    "verify": "check a bundle without a network, and explain it",
    "serve": "answer questions, as an authority or as a resolver",
    "ctl": "steer a running daemon, and ask what it knows",
    "validate": "take proofs of possession and vouch for recipients",
    "recipient": "claim a number or an address, list its providers",
    "cookie-secret": "change the secrets for DNS cookies",
    "issuer": "grant clients look-ups that they redeem without a name",
    "token": "fetch tokens that pay for look-ups without a name",
    "relay": "post sealed requests on, so that no resolver sees who asks",
    "demo": "run a whole tree on this machine, with invented people",
}


def load(name: str) -> Command:  # noqa: C901, PLR0912 - a case for each command
    """Import a command."""
    match name:
        case "keygen":
            from fingerpost import keygen  # noqa: PLC0415 - the module's text says why, here and below

            return keygen
        case "rootkeys":
            from fingerpost import rootkeys  # noqa: PLC0415

            return rootkeys
        case "sign":
            from fingerpost import sign  # noqa: PLC0415

            return sign
        case "check":
            from fingerpost import check  # noqa: PLC0415

            return check
        case "serve":
            from fingerpost import serve  # noqa: PLC0415

            return serve
        case "ctl":
            from fingerpost.control import command as ctl  # noqa: PLC0415

            return ctl
        case "verify":
            from fingerpost import verify  # noqa: PLC0415

            return verify
        case "validate":
            from fingerpost import validate  # noqa: PLC0415

            return validate
        case "recipient":
            from fingerpost.recipient import command  # noqa: PLC0415

            return command
        case "cookie-secret":
            from fingerpost import cookie_secret  # noqa: PLC0415

            return cookie_secret
        case "issuer":
            from fingerpost.tokens import issuer_command  # noqa: PLC0415

            return issuer_command
        case "token":
            from fingerpost.tokens import wallet_command  # noqa: PLC0415

            return wallet_command
        case "relay":
            from fingerpost import relay  # noqa: PLC0415

            return relay
        case "demo":
            from fingerpost.demo import command as demo  # noqa: PLC0415

            return demo
        case _:
            raise AssertionError(name)


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Without the program's name; those of the process when None.

    Returns:
        The exit status.
    """
    parser = _Parser(
        prog="fingerpost",
        description="Signed discovery for messaging: make keys, sign, check, serve.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fingerpost {VERSION}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    words = sys.argv[1:] if argv is None else argv
    called = next((word for word in words if not word.startswith("-")), "")  # no option before it takes a value
    for name, summary in COMMANDS.items():
        if name == called:
            load(name).add_parser(subparsers)
        else:
            add_command(subparsers, name, summary, "")
    args = parser.parse_args(words)
    logfmt.begin()
    return _ended(load(args.command), args)


def _ended(command: Command, args: argparse.Namespace) -> int:
    """Run a command; say what stopped it, if anything did."""
    try:
        status = command.run(args)
        flush()
    except ConfigError as error:
        for fault in error.faults:
            complain(fault.to_text())
    except (MalformedError, UntrustedError) as error:
        complain(f"fingerpost {args.command}: {error}")
    except OSError as error:
        if isinstance(error, BrokenPipeError) and error.filename == STANDARD_OUTPUT:
            return EXIT_UNREAD
        where = f"{error.filename}: " if error.filename else ""
        complain(f"fingerpost {args.command}: {where}{error.strerror or error}")
    except KeyboardInterrupt:
        complain(f"fingerpost {args.command}: interrupted")
    except Exception:
        log.exception("event=internal-error command=%s", args.command)
        return EXIT_INTERNAL
    else:
        return status
    return EXIT_FAULTS
