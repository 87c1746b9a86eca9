"""[limits] and the [[client]] tables: how much everybody may ask, and who may ask more; and what they become."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from fingerpost import cookie_file, readers
from fingerpost.definitions import Given, Key, Notes, Section, WrongError
from fingerpost.toml_lines import Where
from transport import clients
from transport.budgets import DEFAULT_SIZE, MAX_SIZE, MIN_SIZE
from transport.clients import (
    AUTHORITY_FACTOR,
    DISTINCT_DAY,
    DISTINCT_TEN_DAYS,
    MAX_DISTINCT,
    MAX_RATE,
    UNLIMITED,
    LimitSettings,
    NamedClient,
    Quota,
)
from transport.networks import Network
from zonedata.errors import MalformedError, UntrustedError

MAX_CLIENTS = 10_000  # somebody has agreed with each of them; every worker keeps some hundred octets of each
NONE = "none"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NO_NUMBER: int | None = None
_NO_PATH: Path | None = None
_NO_NETWORKS: tuple[Network, ...] = ()
_NO_BEARERS: tuple[bytes, ...] = ()


def _number_or_none(least: int, most: int) -> readers.Reader[int]:
    """Return a reader of whole numbers and of "none", which is UNLIMITED."""

    def read(value: Any, _folder: Path) -> int:
        if value == NONE:
            return UNLIMITED
        if type(value) is not int or not least <= value <= most:
            raise WrongError.because(f'{value!r:.60}, expected a whole number from {least} to {most}, or "{NONE}"')
        return value

    return read


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise MalformedError(f"{text[:80]!r} is no network such as 192.0.2.0/24: {error}") from error


def _client_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise MalformedError(f"{text[:70]!r}, expected 1 to 63 of the characters a-z, 0-9, '.' and '-'")
    return text


def _bearers(value: Any, _folder: Path) -> tuple[bytes, ...]:
    """Read digests of tokens; what stands there instead is not repeated, since it may be a token itself."""
    reason = "expected an array of texts of 64 digits 0-9 and a-f, as 'fingerpost keygen --bearer' prints it"
    if not isinstance(value, list):
        raise WrongError.because(reason)
    wrong = [number for number, one in enumerate(value) if not isinstance(one, str) or not _DIGEST.fullmatch(one)]
    if wrong:
        raise WrongError(*((number, reason) for number in wrong))
    return tuple(bytes.fromhex(one) for one in value)


def _look_at_cookie_file(path: Path | None) -> None:
    assert path is not None, "only what the file names is looked at"
    try:
        cookie_file.read(path)
    except (MalformedError, UntrustedError) as error:
        raise WrongError.because(f"{path}: {error}") from error


RATE = Key(
    "rate",
    _number_or_none(1, MAX_RATE),
    'queries a second, or "none"',
    "how many one address may ask in datagrams; who asks more is sent to a stream, where it is ten times as many",
    clients.RATE,
)
DAY = Key(
    "distinct_day",
    _number_or_none(1, MAX_DISTINCT),
    'identifiers, or "none"',
    "about how many new ones a client may ask in a day; eight times as many for its /24 or /48; without it "
    f"{DISTINCT_DAY} at a resolver and {DISTINCT_DAY * AUTHORITY_FACTOR} at an authority",
    _NO_NUMBER,
)
TEN_DAYS = Key(
    "distinct_ten_days",
    _number_or_none(1, MAX_DISTINCT),
    'identifiers, or "none"',
    f"likewise in ten days; without it {DISTINCT_TEN_DAYS} and {DISTINCT_TEN_DAYS * AUTHORITY_FACTOR}",
    _NO_NUMBER,
)
TABLE = Key(
    "table",
    readers.path,
    "path",
    "file in which it is counted what was asked, kept over restarts; without it that is in memory alone",
    _NO_PATH,
)
TABLE_SIZE = Key(
    "table_size",
    readers.number(MIN_SIZE, MAX_SIZE),
    "MiB",
    "what is taken for counting, all of it at once; 64 are enough for 8000 clients with 500 contacts each",
    DEFAULT_SIZE,
)
COOKIE_SECRETS = Key(
    "cookie_secrets",
    readers.path,
    "path",
    "file of secrets for DNS cookies, for servers that share an address; without it they are made at each start",
    _NO_PATH,
    _look_at_cookie_file,
)
DRY_RUN = Key(
    "dry_run",
    readers.flag,
    "true or false",
    "whether everything is counted and logged, and nothing refused",
    default=False,
)
LIMITS = Section(
    "limits",
    "How much one client may ask.",
    (RATE, DAY, TEN_DAYS, TABLE, TABLE_SIZE, COOKIE_SECRETS, DRY_RUN),
)

NAME = Key(
    "name", readers.text_as(_client_name), "short word", "what you call the client; its budget is kept by this name"
)
NETWORKS = Key(
    "networks",
    readers.list_of(readers.text_as(_network)),
    "array of networks",
    "where it asks from; of all clients the longest network counts",
    _NO_NETWORKS,
)
IDENTITY = Key(
    "identity",
    readers.text,
    "text",
    "what it proves to be, wherever it asks from: its name in [tls] clients",
    "",
)
BEARERS = Key(
    "bearer_sha256",
    _bearers,
    "array of SHA-256 in hex",
    "of tokens by which it is known over HTTPS; two while it changes from one to the next",
    _NO_BEARERS,
)
CLIENT_RATE = Key(
    RATE.name,
    RATE.read,
    RATE.form,
    "of each of its addresses; without it that of [limits]",
    _NO_NUMBER,
)
CLIENT_DAY = replace(DAY, doc="of the client as a whole; without it that of [limits]")
CLIENT_TEN_DAYS = replace(TEN_DAYS, doc="likewise in ten days")
CLIENT = Section(
    "client",
    "One client that has agreed on limits of its own; each in a table of its own, [[client]].",
    (NAME, NETWORKS, IDENTITY, BEARERS, CLIENT_RATE, CLIENT_DAY, CLIENT_TEN_DAYS),
)


@dataclass(frozen=True, slots=True)
class LimitsPart:
    """How much who may ask, and where that is counted."""

    settings: LimitSettings
    table: Path | None
    table_size: int
    cookie_secrets: Path | None


def read_clients(tables: Any, notes: Notes) -> list[Given]:
    """Read what a file gives for `client`, an array of tables; every mistake in it is noted."""
    if tables is None:
        return []
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        notes.add((CLIENT.name,), "expected an array of tables: [[client]] on a line of its own before each")
        return []
    if len(tables) > MAX_CLIENTS:
        notes.add((CLIENT.name, MAX_CLIENTS), f"{len(tables)} clients, at most {MAX_CLIENTS} are allowed")
    return [Given(replace(CLIENT, index=index), table, notes) for index, table in enumerate(tables)]


def limits_part(limits: Given | None, named: Sequence[Given], *, is_authority: bool) -> LimitsPart:
    """Return what counts.

    Args:
        limits: What stands in [limits]; None when there is none that is sound.
        named: The [[client]] tables.
        is_authority: Whether those who ask are resolvers.
    """
    factor = AUTHORITY_FACTOR if is_authority else 1
    rate = clients.RATE if limits is None else limits[RATE]
    day = _or(None if limits is None else limits[DAY], DISTINCT_DAY * factor)
    ten_days = _or(None if limits is None else limits[TEN_DAYS], DISTINCT_TEN_DAYS * factor)
    made = tuple(
        NamedClient(
            one[NAME],
            one[NETWORKS],
            one[IDENTITY],
            _or(one[CLIENT_RATE], rate),
            Quota(_or(one[CLIENT_DAY], day), _or(one[CLIENT_TEN_DAYS], ten_days)),
            one[BEARERS],
        )
        for one in named
        if one.is_whole
    )
    is_dry = limits is not None and limits[DRY_RUN]
    settings = LimitSettings(rate, Quota(day, ten_days), made, is_dry)
    if limits is None:
        return LimitsPart(settings, None, DEFAULT_SIZE, None)
    return LimitsPart(settings, limits[TABLE], limits[TABLE_SIZE], limits[COOKIE_SECRETS])


def _or(given: int | None, usual: int) -> int:
    return usual if given is None else given


def disagreements_of(limits: Given, named: Sequence[Given], *, has_https: bool) -> Iterator[tuple[Where, str]]:
    """Say where limits and clients do not agree, and why; tokens are shown over HTTPS alone."""
    yield from _upside_down(limits, DAY, TEN_DAYS)
    seen: set[object] = set()
    for one in named:
        for key in (NAME, IDENTITY):
            value = one.get(key)
            if value and (key.name, value) in seen:
                yield one.section.where(key.name), f"{value!r} is the {key.name} of another client, too"
            seen.add((key.name, value))
        asking_from, bearers = one.get(NETWORKS), one.get(BEARERS)
        for number, network in enumerate(asking_from or ()):
            if network in seen:
                yield one.section.where(NETWORKS.name, number), f"{network} is another client's, too"
            seen.add(network)
        for number, digest in enumerate(bearers or ()):
            if digest in seen:
                yield one.section.where(BEARERS.name, number), "stands here twice; each token is one client's"
            seen.add(digest)
        if bearers and not has_https:
            yield one.section.where(BEARERS.name), "is for what comes over HTTPS, and [listen] has no 'https'"
        if asking_from == () and bearers == () and not one.get(IDENTITY):
            words = "has none of 'networks', 'identity' and 'bearer_sha256', so it would never be known"
            yield one.section.where(), words
        yield from _upside_down(one, CLIENT_DAY, CLIENT_TEN_DAYS)


def _upside_down(given: Given, day: Key[int | None], ten_days: Key[int | None]) -> Iterator[tuple[Where, str]]:
    a_day, in_ten = given.get(day), given.get(ten_days)
    if a_day and in_ten and in_ten < a_day:
        yield given.section.where(ten_days.name), f"is less than '{day.name}'"
