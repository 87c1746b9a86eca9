"""`fingerpost rootkeys`: the ceremony by which the root's keys change."""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fingerpost import ceremony
from fingerpost.arguments import Subparsers, add_command
from fingerpost.ceremony import Changes, Draft
from fingerpost.files import reading, write_whole
from fingerpost.output import say
from zonedata import keys, trust
from zonedata.errors import ConfigError, Fault, MalformedError, UntrustedError
from zonedata.keys import PublicKey
from zonedata.trust import Trust
from zonedata.zone_statements import RootKeys

_EPILOG = """\
A new version of the root's keys is drafted from the one before, signed by
holders of root keys, each on a machine of their own, and finished when a
threshold of the keys before and a threshold of its own keys have signed.
Public keys are given as 'fingerpost keygen' prints them (ed25519:...), those
to be dropped by their ids.

actions:
  next CURRENT DRAFT   draft the version after the one in CURRENT
  sign DRAFT KEY       add the signature of the key in the file KEY
  join DRAFT COPY...   take over the signatures of copies that others signed
  show FILE            what a draft or a version says, who signed, what lacks
  finish DRAFT OUT     write the version, if both thresholds have signed it

Files are written whole or not at all; next and finish overwrite nothing.

examples:
  fingerpost rootkeys next anchor.pem draft.pem --days 365 \\
      --add-zone-key ed25519:... --drop-zone-key 0123456789abcdef
  fingerpost rootkeys sign draft.pem root-a.pem
  fingerpost rootkeys join draft.pem from-b.pem from-c.pem
  fingerpost rootkeys show draft.pem
  fingerpost rootkeys finish draft.pem rootkeys-2.pem
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    summary = "change the root's keys: draft, sign, finish a version"
    parser = add_command(subparsers, "rootkeys", summary, _EPILOG)
    parser.add_argument("action", choices=list(_ACTIONS), metavar="ACTION", help="one of those below")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="as the action says")
    for name, what in (("root", "signs versions of the keys"), ("zone", "signs the root zone")):
        parser.add_argument(
            f"--add-{name}-key", action="append", default=[], metavar="KEY", help=f"next: from then on {what}"
        )
        parser.add_argument(
            f"--drop-{name}-key", action="append", default=[], metavar="ID", help=f"next: no longer {what}"
        )
    parser.add_argument("--threshold", type=int, metavar="N", help="next: root keys that must sign (as before)")
    parser.add_argument("--days", type=int, metavar="N", help="next: until it expires (default 365)")
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Do what was asked and return the exit status."""
    least, most, act = _ACTIONS[args.action]
    if not least <= len(args.files) <= most:
        args.refuse(f"{args.action} takes {least} files" + (" or more" if most > least else ""))
    changes = (args.add_root_key, args.drop_root_key, args.add_zone_key, args.drop_zone_key)
    if args.action != "next" and (any(changes) or args.threshold is not None or args.days is not None):
        args.refuse(f"{args.action} takes no options; 'next' says what changes")
    act(args)
    return 0


def _next(args: argparse.Namespace) -> None:
    current, out = args.files
    _refuse_existing(out)
    changes = Changes(
        _public("--add-root-key", args.add_root_key),
        _key_ids("--drop-root-key", args.drop_root_key),
        args.threshold,
        _public("--add-zone-key", args.add_zone_key),
        _key_ids("--drop-zone-key", args.drop_zone_key),
        args.days if args.days is not None else 365,
    )
    draft = ceremony.next_version(reading(current, trust.read_anchor), changes, int(time.time()))
    write_whole(out, draft.to_text())
    _tell_missing(out, draft)


def _sign(args: argparse.Namespace) -> None:
    file, key = args.files
    draft = ceremony.signed(reading(file, ceremony.read_draft), reading(key, keys.load))
    write_whole(file, draft.to_text())
    _tell_missing(file, draft)


def _join(args: argparse.Namespace) -> None:
    file, *others = args.files
    draft = reading(file, ceremony.read_draft)
    for other in others:
        draft = reading(other, partial(_joined, draft))
    write_whole(file, draft.to_text())
    _tell_missing(file, draft)


def _joined(draft: Draft, copy: Path) -> Draft:
    return ceremony.joined(draft, ceremony.read_draft(copy))


def _finish(args: argparse.Namespace) -> None:
    file, out = args.files
    _refuse_existing(out)
    made = ceremony.finished(reading(file, ceremony.read_draft), time.time())
    write_whole(out, trust.to_pem(made.sealed))
    say(f"{out} version {made.rootkeys.version} expires {_day(made.rootkeys)}")


def _show(args: argparse.Namespace) -> None:
    (file,) = args.files
    text = file.read_text("ascii", errors="replace")
    if ceremony.DRAFT in text:
        draft = reading(file, ceremony.read_draft)
        _tell_version(draft.before, draft.rootkeys, draft.before.rootkeys, {one.key_id for one in draft.signatures})
        _tell_missing(file, draft)
    else:
        held = reading(file, trust.read_anchor)
        _tell_version(held, held.rootkeys, None, {one.key_id for one in held.sealed.signatures})


def _tell_version(tree: Trust, said: RootKeys, before: RootKeys | None, signed: set[bytes]) -> None:
    say(f"version {said.version} of tree {tree.tree.hex()}")
    say(f"expires {_day(said)}, threshold {said.threshold} of {len(said.root_keys)} root keys")
    if before is not None:
        say(f"follows version {before.version}, threshold {before.threshold} of {len(before.root_keys)} root keys")
    for what, now, then in (
        ("root key", said.root_keys, before.root_keys if before is not None else said.root_keys),
        ("zone key", said.zone_keys, before.zone_keys if before is not None else said.zone_keys),
    ):
        for key in sorted({*now, *then}, key=lambda one: one.key_id):
            key_id = key.key_id
            is_now, was = (key_id in {key.key_id for key in some} for some in (now, then))
            words = "stays" if is_now and was else "new" if is_now else "dropped"
            mark = ", signed" if key_id in signed and what == "root key" else ""
            say(f"{what} {key_id.hex()} {words}{mark}" if before is not None else f"{what} {key_id.hex()}{mark}")
            if is_now and not was:
                say(f"  {key.to_text()}")


def _tell_missing(file: Path, draft: Draft) -> None:
    of_before, of_own = draft.missing()
    if of_before or of_own:
        say(
            f"{file} lacks {of_before} signatures of version {draft.before.rootkeys.version}, "
            f"{of_own} of version {draft.rootkeys.version}"
        )
    else:
        say(f"{file} has all signatures it needs: finish it")


def _day(said: RootKeys) -> str:
    return f"{datetime.fromtimestamp(said.life.expires, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _public(option: str, texts: list[str]) -> tuple[PublicKey, ...]:
    try:
        return tuple(map(keys.public_from_text, texts))
    except (MalformedError, UntrustedError) as error:
        raise MalformedError(f"{option}: {error}") from error


def _key_ids(option: str, texts: list[str]) -> tuple[bytes, ...]:
    found = []
    for text in texts:
        try:
            found.append(bytes.fromhex(text))
        except ValueError:
            found.append(b"")
        if len(found[-1]) != keys.KEY_ID_OCTETS:
            digits = 2 * keys.KEY_ID_OCTETS
            raise MalformedError(f"{option}: {text} is no key id, which has {digits} hexadecimal digits")
    return tuple(found)


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise ConfigError([Fault(file, 0, "", "is there already, and is not overwritten")])


_ACTIONS: dict[str, tuple[int, int, Callable[[argparse.Namespace], None]]] = {
    "next": (2, 2, _next),
    "sign": (2, 2, _sign),
    "join": (2, 64, _join),
    "show": (1, 1, _show),
    "finish": (2, 2, _finish),
}
