"""`fingerpost keygen`: keys, the anchor file that a new tree begins with, certificates for TLS, tokens."""

import argparse
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fingerpost.anchor import MAX_DAYS, First, first_version
from fingerpost.arguments import Subparsers, add_command
from fingerpost.files import write_whole
from fingerpost.output import say
from zonedata import keys, trust
from zonedata.errors import ConfigError, Fault, MalformedError, UntrustedError
from zonedata.keys import PrivateKey, PublicKey

DEFAULT_DAYS = 365  # of an anchor
_EPILOG = f"""\
Key files have mode 0600 and are never overwritten. For each key a line is
printed: its file, the text that zone sources take, and its id. Of a token,
which its client is given, the line for [[client]] is printed.

examples:
  fingerpost keygen assert.pem deny.pem
  fingerpost keygen --public deny.pem
  fingerpost keygen --oblivious oblivious.keys
  fingerpost keygen --bearer partner.token
  fingerpost keygen root-a.pem root-b.pem root-c.pem zone.pem
  fingerpost keygen --anchor anchor.pem --threshold 2 --days 365 \\
      --root-key root-a.pem --root-key root-b.pem --root-key root-c.pem \\
      --zone-key zone.pem
  fingerpost keygen --tls ns.alpha.example --certificate tls.crt --key tls.key
  fingerpost keygen --pin tls.crt

--threshold is more than half of the root keys unless it is given; --days of an
anchor is at most {MAX_DAYS}. A certificate is for host names and IP addresses; its
pin is printed as zone sources take it, and in base64.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "keygen", "make keys, trust anchors and certificates, or show them", _EPILOG)
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="a key to make, or with --public to show"
    )
    parser.add_argument("--public", action="store_true", help="show the public keys of files that are there")
    parser.add_argument("--anchor", type=Path, metavar="OUT", help="make a trust anchor, version 1")
    parser.add_argument("--oblivious", type=Path, metavar="OUT", help="begin the keys of an oblivious gateway")
    parser.add_argument(
        "--bearer", type=Path, metavar="OUT", help="draw a token by which a client is known over HTTPS"
    )
    parser.add_argument(
        "--root-key", type=Path, action="append", default=[], metavar="FILE", help="signs the anchor"
    )
    parser.add_argument("--threshold", type=int, metavar="N", help="root keys that must sign the next version")
    parser.add_argument(
        "--zone-key", type=Path, action="append", default=[], metavar="FILE", help="signs the root zone"
    )
    parser.add_argument(
        "--days", type=int, metavar="N", help="until the anchor (default 365) or the certificate expires"
    )
    parser.add_argument("--tls", nargs="+", default=[], metavar="NAME", help="make a certificate for these names")
    parser.add_argument("--certificate", type=Path, metavar="OUT", help="where --tls writes it")
    parser.add_argument("--key", type=Path, metavar="OUT", help="where --tls writes its key")
    parser.add_argument("--pin", action="store_true", help="show the pins of certificates that are there")
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Do what was asked and return the exit status."""
    if args.oblivious is None and args.bearer is None:
        return _run(args)
    both = args.oblivious is not None and args.bearer is not None
    if both or args.files or args.public or args.pin or args.tls or args.anchor is not None:
        option = "--bearer" if args.oblivious is None else "--oblivious"
        args.refuse(f"{option} takes the file to be made, and nothing else")
    if args.bearer is not None:
        _draw_token(args.bearer)
    else:
        _begin_oblivious(args.oblivious)
    return 0


def _run(args: argparse.Namespace) -> int:
    """Make or show what is no gateway's."""
    of_anchor = args.root_key or args.zone_key or args.threshold is not None
    of_certificate = args.certificate is not None or args.key is not None
    if args.anchor is not None:
        if (
            args.files
            or args.public
            or args.tls
            or args.pin
            or of_certificate
            or not (args.root_key and args.zone_key)
        ):
            args.refuse("--anchor takes --root-key and --zone-key, once or more, and no other file")
        _make_anchor(args)
        return 0
    if args.tls:
        if args.files or args.public or args.pin or of_anchor or args.certificate is None or args.key is None:
            args.refuse("--tls takes NAME..., --certificate OUT and --key OUT, and no other file")
        _make_certificate(args)
        return 0
    if not args.files or of_anchor or of_certificate or (args.public and args.pin):
        args.refuse(
            "expected FILE..., --public FILE..., --pin FILE..., --anchor OUT with --root-key and --zone-key, "
            "or --tls NAME... with --certificate and --key"
        )
    if args.pin:
        from fingerpost import own_certificate  # noqa: PLC0415 - takes longer to import than making a key takes

        for line in own_certificate.pin_lines(args.files):
            say(line)
        return 0
    shown = ((file, key.public) for file, key in _loaded(args.files)) if args.public else _made(args.files)
    for file, public in shown:
        say(f"{file} {public.to_text()} {public.key_id.hex()}")
    return 0


def _made(files: list[Path]) -> Iterator[tuple[Path, PublicKey]]:
    """Make a key for each file, or none if one of them is there."""
    _refuse_existing(files)
    for file in files:
        key = PrivateKey.generate()
        key.save(file)
        yield file, key.public


def _refuse_existing(files: list[Path]) -> None:
    faults = [Fault(file, 0, "", "is there already, and is not overwritten") for file in files if file.exists()]
    twice = {file for file in files if files.count(file) > 1}
    faults += [Fault(file, 0, "", "is named twice") for file in sorted(twice)]
    if faults:
        raise ConfigError(faults)


def _loaded(files: list[Path]) -> list[tuple[Path, PrivateKey]]:
    """Load every key, or say what is wrong with each that cannot be."""
    loaded, faults = [], []
    for file in files:
        try:
            loaded.append((file, keys.load(file)))
        except (MalformedError, UntrustedError) as error:
            faults.append(Fault(file, 0, "", str(error)))
    if faults:
        raise ConfigError(faults)
    return loaded


def _begin_oblivious(file: Path) -> None:
    """Begin the chain of a gateway's keys; its public keys change daily, so none is printed."""
    from fingerpost import oblivious_keys  # noqa: PLC0415 - few make these

    _refuse_existing([file])
    oblivious_keys.make(file, os.urandom(oblivious_keys.SEED_OCTETS), time.time())
    say(f"{file} oblivious keys, the first for today")


def _draw_token(file: Path) -> None:
    """Write a token for its client, and print what of it the server's configuration takes: no secret."""
    from fingerpost.tokens import secret_files  # noqa: PLC0415 - as above
    from transport import bearer  # noqa: PLC0415 - as above

    _refuse_existing([file])
    token = bearer.token_from(os.urandom(bearer.TOKEN_OCTETS))
    secret_files.write(file, token)
    say(f'bearer_sha256 = ["{bearer.digest_of(token).hex()}"]')


def _make_certificate(args: argparse.Namespace) -> None:
    from fingerpost import own_certificate  # noqa: PLC0415 - as above

    _refuse_existing([args.certificate, args.key])
    say(own_certificate.make(args.tls, args.certificate, args.key, args.days))


def _make_anchor(args: argparse.Namespace) -> None:
    _refuse_existing([args.anchor])
    loaded = [key for _, key in _loaded([*args.root_key, *args.zone_key])]
    root, zone = loaded[: len(args.root_key)], loaded[len(args.root_key) :]
    threshold = args.threshold if args.threshold is not None else len(root) // 2 + 1
    days = args.days if args.days is not None else DEFAULT_DAYS
    made = first_version(First(tuple(root), threshold, tuple(key.public for key in zone), days), int(time.time()))
    write_whole(args.anchor, trust.to_pem(made.sealed))
    expires = datetime.fromtimestamp(made.rootkeys.life.expires, UTC)
    say(
        f"{args.anchor} tree {made.tree.hex()} version 1 threshold {threshold} of {len(root)} "
        f"expires {expires:%Y-%m-%dT%H:%M:%SZ}"
    )
