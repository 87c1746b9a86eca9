"""The words of `fingerpost recipient`."""

import argparse
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fingerpost import httpurl
from fingerpost.arguments import Subparsers, add_command
from fingerpost.output import complain, say
from fingerpost.recipient.client import Recipient, Told
from fingerpost.recipient.state import Held
from zonedata.errors import ConfigError, Fault, MalformedError
from zonedata.fields import check_authority
from zonedata.keys import PrivateKey
from zonedata.recipient_statements import MappingEntry, recipient_of, tag

DEFAULT_KEY = Path("recipient.pem")
_EPILOG = """\
A validator sends a code to the number or address; whoever shows it, signed
with their key, is vouched for. With the key they then say at which providers
they want to be reached, and with which tags; a provider's listing names the
digest that 'create' prints. What was said lies beside the key, in
KEYFILE.state.

examples:
  fingerpost recipient create recipient.pem
  fingerpost recipient claim +14155550123 --validator https://validator.example/
  fingerpost recipient confirm 12345678
  fingerpost recipient authorise alpha.example Default
  fingerpost recipient authorise beta.example Business Video
  fingerpost recipient show

exit status:
  0   done, at every validator
  1   not done, or not everywhere; a line says where and why
"""
_WORDS = {
    "create": "make a key and print the digest that providers' listings name",
    "claim": "have a code sent to a number or an address",
    "confirm": "show the code that came",
    "authorise": "list a provider, with tags that senders choose by",
    "unlist": "take a provider off the list",
    "opt-out": "list nobody: not to be found",
    "deposit": "sign what was said last anew, and hand it in where it is missing",
    "release": "give the number or address up",
    "keep": "confirm that it is still held, when somebody else has claimed it",
    "roll": "go over to another key, which 'create' made",
    "show": "print what was said, and how each validator sees it",
}


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "recipient", "claim a number or an address, list its providers", _EPILOG)
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    parsers = {word: words.add_parser(word, help=text, description=text) for word, text in _WORDS.items()}
    parsers["create"].add_argument("file", type=Path, metavar="KEYFILE", help="the key to make")
    for word, one in parsers.items():
        if word == "create":
            continue
        one.add_argument("--key", type=Path, default=DEFAULT_KEY, metavar="KEYFILE", help="default %(default)s")
        if word in {"claim", "confirm"}:
            one.add_argument(
                "--validator", action="append", default=[], metavar="URL", help="which; may be repeated"
            )
        if word not in {"claim", "roll"}:
            one.add_argument("--csi", metavar="CSI", help="which number or address; not needed when there is one")
    claim = parsers["claim"]
    claim.add_argument("identifier", metavar="CSI", help="such as +14155550123 or alice@example.com")
    claim.add_argument("--allow-plain", action="store_true", help="let requests leave this machine in the clear")
    parsers["confirm"].add_argument("code", metavar="CODE", help="as it came; blanks and dashes do not matter")
    parsers["authorise"].add_argument("msp", metavar="MSP", help="such as alpha.example")
    parsers["authorise"].add_argument("tags", nargs="*", metavar="TAG", help="'Default' alone, or others")
    parsers["unlist"].add_argument("msp", metavar="MSP", help="such as alpha.example")
    parsers["roll"].add_argument("new", type=Path, metavar="NEWKEY", help="the key's file")


def run(args: argparse.Namespace) -> int:
    """Do what was asked and return the exit status."""
    if args.word == "create":
        return _create(args.file)
    with _alone(args.key):
        recipient = Recipient(args.key)
        if args.word == "show":
            return _show(recipient, args)
        return _tell(_ACTIONS[args.word](recipient, args))


@contextmanager
def _alone(key: Path) -> Iterator[None]:
    """Hold off other commands with the same key: two would sign different things under one serial."""
    try:
        descriptor = os.open(key, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}; 'fingerpost recipient create' makes a key, --key names it"
        raise ConfigError([Fault(key, 0, "", reason)]) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create(path: Path) -> int:
    if path.exists():
        raise ConfigError([Fault(path, 0, "", "is there already, and is not overwritten")])
    key = PrivateKey.generate()
    key.save(path)
    say(f"{path} {recipient_of(key.public).hex()}")
    return 0


def _tell(told: Iterable[Told]) -> int:
    is_well = True
    for one in told:
        (say if one.is_well else complain)(one.line)
        is_well = is_well and one.is_well
    return 0 if is_well else 1


def _claim(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    return recipient.claim(args.identifier, _urls(args.validator, allow_plain=args.allow_plain))


def _confirm(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    code = "".join(character for character in args.code if character not in " -")
    if not code:
        raise MalformedError("the code is empty")
    held = recipient.held(args.csi)
    urls = _urls(args.validator, allow_plain=True)
    for url in urls:
        if url not in held.validators:
            raise MalformedError(f"{url} was not asked for a code; begin with 'fingerpost recipient claim'")
    return recipient.confirm(held, code, urls)


def _authorise(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    tags = tuple(sorted({tag(one) for one in args.tags}))
    entry = MappingEntry.from_value(MappingEntry(check_authority(args.msp), tags).to_value())
    return recipient.say(recipient.held(args.csi).listing(entry))


def _unlist(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    return recipient.say(recipient.held(args.csi).without(args.msp))


def _opt_out(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    return recipient.say(replace(recipient.held(args.csi), entries=()))


def _deposit(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    held = recipient.held(args.csi)
    return recipient.deposit(held, held.validators)


def _release(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    held = recipient.held(args.csi)
    return recipient.deposit(replace(held, entries=(), is_released=True), held.validators)


def _keep(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    return recipient.keep(recipient.held(args.csi))


def _roll(recipient: Recipient, args: argparse.Namespace) -> Iterable[Told]:
    if args.new.exists() and args.new.samefile(args.key):
        raise MalformedError(f"{args.new}: is the key that is used now")
    with _alone(args.new):
        yield from recipient.roll(args.new)


_ACTIONS: dict[str, Callable[[Recipient, argparse.Namespace], Iterable[Told]]] = {
    "claim": _claim,
    "confirm": _confirm,
    "authorise": _authorise,
    "unlist": _unlist,
    "opt-out": _opt_out,
    "deposit": _deposit,
    "release": _release,
    "keep": _keep,
    "roll": _roll,
}


def _show(recipient: Recipient, args: argparse.Namespace) -> int:
    """Print the key's digest, and all CSIs or one."""
    say(f"recipient {recipient.digest.hex()}")
    wanted = [recipient.held(args.csi)] if args.csi is not None else list(recipient.state.held.values())
    statuses = []
    for held in wanted:
        say(f"{held.csi}: {_said(held)}")
        statuses.append(_tell(recipient.status(held)))
    return max(statuses, default=0)


def _said(held: Held) -> str:
    if held.is_released:
        return "given up"
    if held.entries is None:
        return "nothing said yet"
    if not held.entries:
        return f"mapping {held.serial}: not to be found"
    return f"mapping {held.serial}: " + ", ".join(" ".join((one.msp, *one.tags)) for one in held.entries)


def _urls(given: list[str], *, allow_plain: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(httpurl.check(one, allow_plain=allow_plain) for one in given))
