"""From the [sign] of a configuration to work for `root.publishing`: keys, anchor and versions read and compared.

What is wrong stands at the configuration's own lines here; the lines of sources are publishing's.
"""

from dataclasses import dataclass
from pathlib import Path

from fingerpost import sections as s
from fingerpost.configuration import Configuration
from root.publishing import ListingsWork, ZoneWork
from zonedata import keys, trust
from zonedata.errors import ConfigError, Fault, UntrustedError
from zonedata.keys import PrivateKey, PublicKey
from zonedata.opening import Refusal, read_claim
from zonedata.sealed import Sealed
from zonedata.trust import Trust


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be signed, with what.

    Attributes:
        work: The sources.
        key: The signing key.
        store: Where the result goes.
        anchor: The anchor as its file has it, and the file; None for listings.
    """

    work: ZoneWork | ListingsWork
    key: PrivateKey
    store: Path
    anchor: tuple[Trust, Path] | None = None


def workload_of(configuration: Configuration, now: float) -> Workload:
    """Prepare the signing that a sound configuration describes.

    Raises:
        ConfigError: The key is not one of the tree's, or the versions of the root's keys are no chain.
        MalformedError, UntrustedError: A file has changed since the configuration was read.
    """
    authority, sign = configuration.authority, configuration.sign
    assert authority is not None, "a [sign] without an [authority] is refused when it is read"
    assert sign is not None, "the caller has looked"
    key = keys.load(sign.key)
    if isinstance(sign, s.ListingsSigning):
        revoke_key = keys.load(sign.revoke_key) if sign.revoke_key is not None else None
        listed = ListingsWork(sign.listings, authority.name, sign.nodes, sign.revocations, revoke_key)
        return Workload(listed, key, authority.store)
    anchor = trust.read_anchor(sign.anchor)
    versions: tuple[Sealed, ...] = ()
    if authority.name == ".":
        newest, versions = _versions(configuration, sign, anchor)
        _check_zone_key(configuration, sign, newest, key.public, now)
    work = ZoneWork(sign.zone, authority.name, anchor.tree, versions)
    return Workload(work, key, authority.store, (anchor, sign.anchor))


def _versions(configuration: Configuration, sign: s.ZoneSigning, anchor: Trust) -> tuple[Trust, tuple[Sealed, ...]]:
    """Return the newest version and all of them; each must be signed by the keys of the one before."""
    if not sign.rootkeys:
        return anchor, (anchor.sealed,)
    read = [trust.read_anchor(path) for path in sign.rootkeys]
    newest, faults = read[0], list[Fault]()
    for index, version in enumerate(read):
        where = s.SIGN.where(s.ROOTKEYS.name, index)
        if version.tree != anchor.tree:
            faults.append(configuration.fault(where, "belongs to another tree than the anchor"))
        if index == 0:
            continue
        claim = read_claim(version.sealed.to_wire())
        assert not isinstance(claim, Refusal), "it was read a moment ago"
        try:
            newest = trust.advance(newest, claim)
        except UntrustedError as error:
            faults.append(configuration.fault(where, f"does not follow the one before: {error}"))
    if faults:
        raise ConfigError(faults)
    return newest, tuple(version.sealed for version in read)


def _check_zone_key(
    configuration: Configuration, sign: s.ZoneSigning, newest: Trust, key: PublicKey, now: float
) -> None:
    version = newest.rootkeys.version
    if key not in newest.rootkeys.zone_keys:
        reason = f"{key.key_id.hex()} is no zone key of the root; version {version} of its keys has others"
        raise ConfigError([configuration.fault(s.SIGN.where(s.KEY.name), reason)])
    if not trust.is_current(newest, now):
        where = s.SIGN.where((s.ROOTKEYS if sign.rootkeys else s.ANCHOR).name)
        raise ConfigError([configuration.fault(where, f"version {version} of the root's keys is not current")])


def check_store_owner(configuration: Configuration, held_by: str) -> None:
    """Refuse a store that is somebody else's.

    Raises:
        ConfigError: It is.
    """
    assert configuration.authority is not None, "only an authority has a store"
    if held_by != configuration.authority.name:
        reason = f"holds the statements of {held_by}, not of {configuration.authority.name}"
        raise ConfigError([configuration.fault(s.AUTHORITY.where(s.STORE.name), reason)])
