"""The sections of a validator's configuration, key by key, and the typed values that they become."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fingerpost import readers
from fingerpost.definitions import Key, Section
from fingerpost.plain_http import ALLOW_PLAIN
from root.validator import claims
from transport.endpoint import Endpoint
from zonedata import recipient_statements
from zonedata.kinds import DAY

DEFAULT_MAIL_SECONDS = 30  # a whole SMTP conversation; servers that look things up first take some seconds
DEFAULT_COMMAND_SECONDS = 30  # gateways take a second or two
MAX_SECONDS = 50  # with the wait for a turn, below what the HTTP listener waits for us

_NO_ADDRESSES: tuple[Endpoint, ...] = ()
_NO_HOSTS: tuple[str, ...] = ()
_NO_WORDS: tuple[str, ...] = ()
_NO_PATH: Path | None = None
_NO_URL: str | None = None

# --- [validate] ------------------------------------------------------------------------------------------------

HTTP = Key(
    "http",
    readers.list_of(readers.text_as(Endpoint.from_text)),
    "array of ADDRESS#PORT",
    "where recipients ask, in HTTP; a reverse proxy before it speaks TLS",
)
KEY = Key(
    "key",
    readers.path,
    "path",
    "on-line key that signs whom is vouched for, and nothing else",
    inspect=readers.look_at_key,
)
PROXIES = Key(
    "proxies",
    readers.list_of(readers.text_as(readers.host_address)),
    "array of addresses",
    "reverse proxies whose X-Forwarded-For is believed; limits count for the address that they name last",
    _NO_HOSTS,
)
RECONFIRM = Key(
    "reconfirm",
    readers.number(claims.MIN_RECONFIRM // DAY, claims.MAX_RECONFIRM // DAY),
    "days",
    "for which a recipient may take their time to confirm that they still hold what another has claimed",
    claims.RECONFIRM_SECONDS // DAY,
)
PROOF = Key(
    "proof",
    readers.number(claims.MIN_PROOF // DAY, claims.MAX_PROOF // DAY),
    "days",
    "for which one proof of possession counts; then it is to be given anew",
    claims.PROOF_SECONDS // DAY,
)
VALIDATE = Section(
    "validate",
    "Vouching: who proves possession of a number or an address, and how 'fingerpost validate' hears of it.",
    (HTTP, KEY, ALLOW_PLAIN, PROXIES, RECONFIRM, PROOF),
)


@dataclass(frozen=True, slots=True)
class ValidatePart:
    """Where recipients ask, and on what terms."""

    http: tuple[Endpoint, ...]
    key: Path
    proxies: tuple[str, ...]
    terms: claims.Terms


# --- [mail] ----------------------------------------------------------------------------------------------------


class MailSecurity(StrEnum):
    """Whether a mail server is spoken to in TLS."""

    REQUIRED = "required"  # STARTTLS, with a certificate that fits, or no mail at all
    OFFERED = "offered"  # STARTTLS where the server offers it, with any certificate
    NEVER = "never"


SERVER = Key("server", readers.text_as(readers.host_and_port), "HOST#PORT", "the mail server that takes our mail")
SENDER = Key("sender", readers.text_as(readers.mail_address), "e-mail address", "whom the mail comes from")
TLS = Key(
    "tls",
    readers.one_of(MailSecurity, MailSecurity),
    ", ".join(MailSecurity),
    "STARTTLS: required with a sound certificate, taken where it is offered, or never asked for",
    MailSecurity.REQUIRED,
)
LOGIN = Key(
    "login",
    readers.path,
    "path",
    "file of mode 0600 with two lines, user and password, in ASCII; needs tls = 'required'; without it no login",
    _NO_PATH,
    readers.look_at_login,
)
MAIL_SECONDS = Key(
    "seconds",
    readers.number(1, MAX_SECONDS),
    "seconds",
    "for the whole conversation with the mail server",
    DEFAULT_MAIL_SECONDS,
)
MAIL = Section(
    "mail",
    "How codes reach e-mail addresses; without it none is vouched for.",
    (SERVER, SENDER, TLS, LOGIN, MAIL_SECONDS),
)


@dataclass(frozen=True, slots=True)
class MailPart:
    """How codes are mailed."""

    server: tuple[str, int]
    sender: str
    tls: MailSecurity
    login: Path | None
    seconds: int


# --- [numbers] -------------------------------------------------------------------------------------------------

COMMAND = Key(
    "command",
    readers.words,
    "array of text",
    "program and arguments that send a message or call, with number and code in the environment; with a '/' in its "
    "name the program is relative to this file, without one it is looked for in PATH",
    _NO_WORDS,
    readers.look_at_program,
)
URL = Key(
    "url",
    readers.text_as(readers.url),
    "URL",
    "instead of a command: where number and code are posted as JSON; any status from 200 to 299 is success",
    _NO_URL,
)
METHOD = Key(
    "method",
    readers.text_as(recipient_statements.method),
    "word",
    "what a VALIDATION says of how possession was proven, such as sms or voice",
    "sms",
)
NUMBER_SECONDS = Key(
    "seconds",
    readers.number(1, MAX_SECONDS),
    "seconds",
    "for the command or the posting; then it has failed",
    DEFAULT_COMMAND_SECONDS,
)
NUMBERS = Section(
    "numbers",
    "How codes reach telephone numbers; without it none is vouched for.",
    (COMMAND, URL, METHOD, NUMBER_SECONDS),
)


@dataclass(frozen=True, slots=True)
class NumbersPart:
    """How codes are sent to telephone numbers: by a command, or by posting to a URL."""

    command: tuple[str, ...]
    url: str | None
    method: str
    seconds: int
