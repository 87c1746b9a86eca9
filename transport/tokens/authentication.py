"""The HTTP authentication scheme `PrivateToken` (RFC 9577 section 2): header fields to values and back. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from transport.tokens.keys import SPKI_OCTETS
from transport.tokens.tokens import BLIND_RSA, Token, TokenChallenge, TokenError, from_base64url, to_base64url

SCHEME = "PrivateToken"
MAX_AUTHORIZATION = 1_024  # characters; a token takes 472, and parameters that we do not know may stand beside it
MAX_AUTHENTICATE = 8_192  # characters; what the listeners of ours read as a whole head
MAX_PARAMETERS = 64  # in one field
MAX_AGE_DIGITS = 9  # of max-age; some 30 years
_TOKEN = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)  # RFC 9110 5.6.2
_BLANK = " \t"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What an origin asks for.

    Attributes:
        challenge: For what tokens.
        token_key: SubjectPublicKeyInfo of the issuer's key; b"" where the origin leaves it to the directory.
        max_age: Seconds for which the challenge counts; None where nothing is said.
    """

    challenge: TokenChallenge
    token_key: bytes
    max_age: int | None = None

    def is_acceptable(self, origin: str) -> bool:
        """Say whether a client may answer it at an origin (RFC 9577 section 2.1.3)."""
        return self.challenge.token_type == BLIND_RSA and self.challenge.is_for(origin)


def authorization(token: Token) -> str:
    """Write the value of Authorization that redeems a token."""
    return f'{SCHEME} token="{to_base64url(token.to_wire())}"'


def token_of(field: str) -> Token:
    """Read the value of Authorization.

    Raises:
        TokenError: It redeems no token of our type.
    """
    if len(field) > MAX_AUTHORIZATION:
        raise TokenError(f"Authorization of {len(field)} characters, at most {MAX_AUTHORIZATION} are read")
    found = list(_credentials(field))
    if len(found) != 1 or found[0][0].lower() != SCHEME.lower():
        raise TokenError(f"Authorization of another scheme than {SCHEME}")
    _, parameters = found[0]
    if "token" not in parameters:
        raise TokenError("Authorization without 'token'")
    return Token.from_wire(from_base64url(parameters["token"]))


def authenticate(challenge: Challenge) -> str:
    """Write the value of WWW-Authenticate that asks for a token."""
    parts = [f'challenge="{to_base64url(challenge.challenge.to_wire())}"']
    if challenge.token_key:
        parts.append(f'token-key="{to_base64url(challenge.token_key)}"')
    if challenge.max_age is not None:
        parts.append(f"max-age={challenge.max_age}")
    return f"{SCHEME} {', '.join(parts)}"


def challenges_of(field: str) -> list[Challenge]:
    """Read the value of WWW-Authenticate: what is there of ours and well-formed, in order of preference.

    Other schemes, and challenges that are not well-formed, are passed over, as RFC 9577 section 2.1.3 demands.

    Raises:
        TokenError: The field is too long, or no list of challenges.
    """
    if len(field) > MAX_AUTHENTICATE:
        raise TokenError(f"WWW-Authenticate of {len(field)} characters, at most {MAX_AUTHENTICATE} are read")
    found = []
    for scheme, parameters in _credentials(field):
        if scheme.lower() == SCHEME.lower():
            try:
                found.append(_challenge(parameters))
            except TokenError:
                continue
    return found


def _challenge(parameters: dict[str, str]) -> Challenge:
    if "challenge" not in parameters:
        raise TokenError("without 'challenge'")
    challenge = TokenChallenge.from_wire(from_base64url(parameters["challenge"]))
    key = from_base64url(parameters.get("token-key", ""))
    if challenge.token_type == BLIND_RSA and key and len(key) != SPKI_OCTETS:
        raise TokenError("a key of another type")
    return Challenge(challenge, key, _seconds(parameters.get("max-age")))


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_AGE_DIGITS):
        raise TokenError("max-age is no number of seconds")
    return int(text)


def _credentials(field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each scheme of a field with its parameters, their names in lower case (RFC 9110 section 11).

    A comma stands between parameters and between schemes alike: what has the form of a parameter is one, and what
    has not begins a scheme. The single word of schemes such as Basic is passed over.

    Raises:
        TokenError: It has another form, or a parameter twice.
    """
    scheme, parameters, count = "", dict[str, str](), 0
    for part in _elements(field):
        pair = _pair(part)
        if pair is None:
            if scheme:
                yield scheme, parameters
            scheme, _, rest = part.partition(" ")
            parameters = {}
            if not _is_token(scheme):
                raise TokenError("no list of authentication schemes")
            pair = _pair(rest.strip(_BLANK))
            if pair is None:
                continue
        if not scheme:
            raise TokenError("a parameter before any scheme")
        name, value = pair
        count += 1
        if name in parameters or count > MAX_PARAMETERS:
            raise TokenError(f"parameter {name[:20]!r} twice, or more than {MAX_PARAMETERS} of them")
        parameters[name] = value
    if scheme:
        yield scheme, parameters


def _elements(field: str) -> Iterator[str]:
    """Yield what stands between commas, quoted text left whole; nothing for empty elements."""
    start = at = 0
    while start <= len(field):
        comma, quote = field.find(",", at), field.find('"', at)
        end = comma if comma >= 0 else len(field)
        if 0 <= quote < end:
            at = _end_of_quoted(field, quote) + 1
            continue
        if element := field[start:end].strip(_BLANK):
            yield element
        start = at = end + 1


def _end_of_quoted(text: str, start: int) -> int:
    """Return where the quote stands that ends a quoted text."""
    at = start + 1
    while (end := text.find('"', at)) >= 0:
        escape = text.find("\\", at, end)
        if escape < 0:
            return end
        at = escape + 2
    raise TokenError("quoted text without an end")


def _pair(text: str) -> tuple[str, str] | None:
    """Return name and value of a parameter; None where it is none."""
    name, equals, value = text.partition("=")
    name, value = name.rstrip(_BLANK), value.lstrip(_BLANK)
    if not equals or not _is_token(name):
        return None
    if _is_token(value):
        return name.lower(), value
    inner = _unquoted(value)
    return None if inner is None else (name.lower(), inner)


def _is_token(text: str) -> bool:
    return bool(text) and _TOKEN.issuperset(text)


def _unquoted(value: str) -> str | None:
    """Return what a quoted text says; None where it is none, or has something after it."""
    if not value.startswith('"') or _end_of_quoted(value, 0) != len(value) - 1:
        return None
    said, at = value[1:-1], 0
    while (escape := said.find("\\", at)) >= 0:
        said, at = said[:escape] + said[escape + 1 :], escape + 1
    return said
