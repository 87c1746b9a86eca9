"""The [oblivious] section of a resolver's configuration, key by key, and the typed value that it becomes."""

from dataclasses import dataclass
from pathlib import Path

from fingerpost import readers
from fingerpost.definitions import Key, Section, WrongError
from fingerpost.relay_sections import gateway_url
from zonedata.errors import MalformedError, UntrustedError


def authority(text: str) -> str:
    """Read `resolver.example` or `resolver.example:8443`, as it stands in requests, in lower case."""
    reason = f"{text[:80]!r} is no HOST or HOST:PORT in lower case, with a port that is not 443"
    try:
        is_one = gateway_url(f"https://{text}").authority == text
    except MalformedError as error:
        raise MalformedError(reason) from error
    if not is_one or text.endswith("."):
        raise MalformedError(reason)
    return text


def look_at_keys(file: Path) -> None:
    """Refuse a file of keys that is not there, is none, or can be read by others."""
    from fingerpost import oblivious_keys  # noqa: PLC0415 - takes long to import, and few files have such a section

    try:
        oblivious_keys.read(file)
    except (MalformedError, UntrustedError) as error:
        raise WrongError.because(f"{file}: {error}") from error


KEYS = Key(
    "keys",
    readers.path,
    "path",
    "file of mode 0600 that 'fingerpost keygen --oblivious' makes, in a directory that the daemon may write",
    inspect=look_at_keys,
)
AUTHORITY = Key(
    "authority",
    readers.text_as(authority),
    "HOST or HOST:PORT",
    "who clients mean to ask, as it stands in what they seal; requests for anybody else are refused",
)
OBLIVIOUS = Section(
    "oblivious",
    "A gateway behind [listen] https: questions that come by way of a relay, which hides who asks.",
    (KEYS, AUTHORITY),
)


@dataclass(frozen=True, slots=True)
class ObliviousPart:
    """Whose gateway it is, and where its secret keys are."""

    keys: Path
    authority: str
