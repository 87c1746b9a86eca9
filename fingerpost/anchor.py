"""The trust anchor's file: the first version of the root's keys, and where its servers are."""

from dataclasses import dataclass
from pathlib import Path

from fingerpost.files import write_whole
from zonedata import trust
from zonedata.errors import MalformedError
from zonedata.keys import PrivateKey, PublicKey
from zonedata.kinds import DAY, RULES, Kind
from zonedata.life import Life
from zonedata.sealed import Sealed
from zonedata.statements import seal
from zonedata.trust import Trust
from zonedata.zone_statements import MAX_ROOT_KEYS, MAX_ZONE_KEYS, RootKeys

ROOTKEYS_TTL = 3_600  # seconds: how long a superseded version may go on being kept
MAX_DAYS = RULES[Kind.ROOTKEYS].max_life // DAY


@dataclass(frozen=True, slots=True)
class First:
    """What the first version of the root's keys is made of.

    Attributes:
        root_keys: They sign it, all of them.
        threshold: How many of them must sign the next version.
        zone_keys: They sign the root zone.
        days: Until it expires.
    """

    root_keys: tuple[PrivateKey, ...]
    threshold: int
    zone_keys: tuple[PublicKey, ...]
    days: int


def first_version(made_of: First, now: int) -> Trust:
    """Make and sign version 1.

    Raises:
        MalformedError: The keys, the threshold or the days cannot be so.
    """
    root = ascending("--root-key", [key.public for key in made_of.root_keys], MAX_ROOT_KEYS)
    zone = ascending("--zone-key", list(made_of.zone_keys), MAX_ZONE_KEYS)
    if set(root) & set(zone):
        raise MalformedError(
            "one key is --root-key and --zone-key; a root key signs versions of the root's keys only"
        )
    if not 1 <= made_of.threshold <= len(root):
        raise MalformedError(f"--threshold {made_of.threshold}, expected 1 to {len(root)}, the number of root keys")
    if not 1 <= made_of.days <= MAX_DAYS:
        raise MalformedError(f"--days {made_of.days}, expected 1 to {MAX_DAYS}")
    life = Life(ROOTKEYS_TTL, 1, now, now + made_of.days * DAY)
    said = RootKeys(life, 1, b"", root, made_of.threshold, zone)
    return trust.from_sealed(seal(said, *made_of.root_keys))


def ascending(option: str, keys: list[PublicKey], most: int) -> tuple[PublicKey, ...]:
    """Put keys in the order of their ids.

    Raises:
        MalformedError: One is there twice, or there are too many.
    """
    by_id = {key.key_id: key for key in keys}
    if len(by_id) != len(keys):
        raise MalformedError(f"{option} names one key twice")
    if len(keys) > most:
        raise MalformedError(f"{option} is given {len(keys)} times, at most {most} are allowed")
    return tuple(by_id[key_id] for key_id in sorted(by_id))


def write_servers(path: Path, held: Trust, binding: Sealed) -> None:
    """Put the root's servers into an anchor file, after the keys that are in it.

    Raises:
        OSError: It cannot be written, and is as it was.
    """
    write_whole(path, trust.to_pem(held.sealed) + trust.to_pem(binding))
