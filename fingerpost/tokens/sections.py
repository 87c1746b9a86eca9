"""The sections of an issuer's configuration and of a resolver that takes tokens, and whether their keys agree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fingerpost import readers
from fingerpost.definitions import Given, Key, Section, WrongError
from fingerpost.plain_http import ALLOW_PLAIN, exposed
from fingerpost.toml_lines import Where
from transport.endpoint import Endpoint
from transport.tokens.spent import DEFAULT_CAPACITY, MAX_CAPACITY, MIN_CAPACITY
from transport.tokens.tokens import BLIND_RSA, TokenChallenge, TokenError
from zonedata.errors import ConfigError, MalformedError

DEFAULT_AHEAD = 7  # days; a resolver that reads the directory once a week has every key in time
MAX_AHEAD = 60  # days; what a directory has room for


def _issuer_name(text: str) -> str:
    return _challenged(text, "").issuer_name


def _origin(text: str) -> str:
    if "," in text:
        raise MalformedError(f"{text[:80]!r} has a comma; expected one name, such as resolver.example")
    return _challenged("issuer.example", text).origin_info


def _challenged(issuer: str, origin: str) -> TokenChallenge:
    challenge = TokenChallenge(BLIND_RSA, issuer, b"", origin)
    try:
        challenge.check()
    except TokenError as error:
        raise MalformedError(str(error)) from error
    return challenge


def _look_at_clients(file: Path) -> None:
    from fingerpost.tokens import issuer_clients  # noqa: PLC0415 - only who has an issuer reads clients

    try:
        issuer_clients.read(file)
    except ConfigError as error:
        raise WrongError(*((None, fault.to_text()) for fault in error.faults)) from error


def _look_at_directory(file: Path) -> None:
    from transport.tokens import listed_keys  # noqa: PLC0415 - loads `cryptography`, which few commands need

    try:
        listed_keys.read(file)
    except TokenError as error:
        raise WrongError.because(str(error)) from error


# --- [issuer] --------------------------------------------------------------------------------------------------

HTTP = Key(
    "http",
    readers.list_of(readers.text_as(Endpoint.from_text)),
    "array of ADDRESS#PORT",
    "where clients ask for tokens, in HTTP; a reverse proxy before it speaks TLS",
)
KEYS = Key(
    "keys",
    readers.path,
    "path",
    "directory of the keys that sign tokens, one for each day; made when it is not there",
)
CLIENTS = Key(
    "clients",
    readers.path,
    "path",
    "file of known clients, a line each: name, tokens a day, digest of the secret; read again when it has changed",
    inspect=_look_at_clients,
)
GRANTS = Key("grants", readers.path, "path", "file of what was granted to whom; made when it is not there")
AHEAD = Key(
    "ahead",
    readers.number(1, MAX_AHEAD),
    "days",
    "for which keys are made in advance, so that resolvers have them in time",
    DEFAULT_AHEAD,
)
ISSUER = Section(
    "issuer",
    "Issuing tokens: so many look-ups a day for each known client, redeemed without a name.",
    (HTTP, KEYS, CLIENTS, GRANTS, AHEAD, ALLOW_PLAIN),
)


@dataclass(frozen=True, slots=True)
class IssuerPart:
    """Where tokens are asked for, and out of what they are made."""

    http: tuple[Endpoint, ...]
    keys: Path
    clients: Path
    grants: Path
    ahead: int


def issuer_part(given: Given) -> IssuerPart:
    """Return the values of a section that is whole."""
    return IssuerPart(given[HTTP], given[KEYS], given[CLIENTS], given[GRANTS], given[AHEAD])


# --- [tokens] --------------------------------------------------------------------------------------------------

NAME = Key("issuer", readers.text_as(_issuer_name), "host name", "the issuer whose tokens are taken")
ORIGIN = Key(
    "origin",
    readers.text_as(_origin),
    "host name",
    "what this resolver is called in its URL; tokens for another are refused",
)
DIRECTORY = Key(
    "directory",
    readers.path,
    "path",
    "file with the issuer's directory, JSON; 'fingerpost token directory' fetches it, and it is read again when it "
    "has changed",
    inspect=_look_at_directory,
)
SPENT = Key(
    "spent",
    readers.path,
    "path",
    "directory for what was spent, shared by all workers and kept over restarts",
)
CAPACITY = Key(
    "capacity",
    readers.number(MIN_CAPACITY, MAX_CAPACITY),
    "tokens",
    "of one day that are taken; beyond, tokens are refused. A million takes 32 MiB on disk, for each of four days",
    DEFAULT_CAPACITY,
)
TOKENS = Section(
    "tokens",
    "Tokens that pay for look-ups of clients whom nobody can tell apart.",
    (NAME, ORIGIN, DIRECTORY, SPENT, CAPACITY),
)


@dataclass(frozen=True, slots=True)
class TokensPart:
    """Whose tokens a resolver takes, and where it remembers them."""

    issuer: str
    origin: str
    directory: Path
    spent: Path
    capacity: int

    @property
    def challenge(self) -> TokenChallenge:
        """Return for what clients are asked; without a context, so that tokens can be fetched beforehand."""
        return TokenChallenge(BLIND_RSA, self.issuer, b"", self.origin)


def tokens_part(given: Given) -> TokensPart:
    """Return the values of a section that is whole."""
    return TokensPart(given[NAME], given[ORIGIN], given[DIRECTORY], given[SPENT], given[CAPACITY])


# --- do they agree ---------------------------------------------------------------------------------------------


def disagreements_of(given: Mapping[str, Given]) -> Iterator[tuple[Where, str]]:
    """Say where these sections do not agree with others, or within themselves, and why."""
    issuer, tokens = given[ISSUER.name], given[TOKENS.name]
    if tokens.is_there and not given["resolver"].is_there:
        yield TOKENS.where(), "has no [resolver] beside it that would take tokens"
    if not issuer.is_there:
        return
    for name in ("listen", "authority", "resolver"):
        if given[name].is_there:
            yield ISSUER.where(), f"stands beside [{name}]; an issuer has a file of its own"
    if issuer.get(HTTP) == ():
        yield ISSUER.where(HTTP.name), "has no address; nobody could ask"
    yield from exposed(ISSUER, HTTP, issuer)
