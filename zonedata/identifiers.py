"""Cross-service identifiers: what a person types, and the owner name it becomes.

The scheme table is open: a scheme is one entry of `SCHEMES`, and nothing else in the project asks which
scheme a name belongs to. Checked at the edge only; servers meet owner names, never identifiers.

A *node* is what can be delegated: a number prefix (`+1415`) or a mail domain (`@example.com`). It is written
by people in zone sources, so both directions are here.
"""

import hashlib
import unicodedata
from codecs import utf_16_le_encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import email_validator
import idna
import phonenumbers

from zonedata import names, number_plans
from zonedata.errors import MalformedError
from zonedata.names import Name

MAX_TEXT: Final = 320  # octets; RFC 5321 allows 64 + 1 + 255, and no number is longer
MAX_NUMBER_TEXT: Final = 40  # digits, blanks, dots, dashes and brackets of one number
_WITHOUT_SEPARATORS: Final = str.maketrans("", "", " -.")  # one or many between digits mean nothing in any plan
MAX_DIGITS: Final = number_plans.MAX_DIGITS
LOCAL_PART_OCTETS: Final = 28  # of SHA-256, as RFC 7929 section 3
LOCAL_PART_MARK: Final = b"_at"  # keeps a hashed local part apart from a subdomain of the same spelling
AUTHORITY_SUFFIX: Final = "authority."  # where an authority's own name hangs: alpha.example.authority.


@dataclass(frozen=True, slots=True)
class Csi:
    """A cross-service identifier in canonical form.

    Attributes:
        text: `+14155550123`, or `alice@example.com` with the local part in NFC and lower case and the domain
            in A-labels.
        owner: Its owner name, which statements are about.
        scheme: The key of its entry in `SCHEMES`.
    """

    text: str
    owner: Name
    scheme: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of identifier.

    Attributes:
        suffix: The top label of its names.
        mark: What the text of a node begins with.
        recognises: Whether a text is meant to be one of these, be it right or wrong.
        parse: Text to identifier.
        parse_node: Text of something that can be delegated, to its name.
        node_to_text: The inverse of `parse_node`.
        is_owner: Whether a name below the suffix can belong to an identifier of this scheme.
        reaches: Whether a grant at `node` speaks for `owner`; the third argument is the grant's `deep`.
    """

    suffix: bytes
    mark: str
    recognises: Callable[[str], bool]
    parse: Callable[[str], Csi]
    parse_node: Callable[[str], Name]
    node_to_text: Callable[[Name], str]
    is_owner: Callable[[Name], bool]
    reaches: Callable[[Name, Name, bool], bool]


# --- telephone numbers -------------------------------------------------------------------------------------


def _number(text: str) -> Csi:
    digits = text[1:]
    if not digits.isdigit() and len(text) <= MAX_NUMBER_TEXT and digits[:1].isdigit() and digits[-1:].isdigit():
        digits = digits.translate(_WITHOUT_SEPARATORS)
    if digits.isascii() and digits.isdigit() and number_plans.is_surely_canonical(digits):
        return Csi(f"+{digits}", number_name(digits), "e164")
    return _number_in_full(text)


def _number_in_full(text: str) -> Csi:
    if len(text) > MAX_NUMBER_TEXT:
        raise MalformedError(f"telephone number of {len(text)} characters, at most {MAX_NUMBER_TEXT} are read")
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise MalformedError(f"{text!r} is no telephone number in international form: {error}") from error
    if number.extension:
        raise MalformedError(f"{text!r} has an extension; look up the number without it")
    if not phonenumbers.is_possible_number(number):
        raise MalformedError(f"{text!r} is not a possible telephone number: its length does not fit the plan")
    canonical = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if len(canonical) > 1 + MAX_DIGITS:  # some plans allow it on paper
        raise MalformedError(f"{text!r} has more than {MAX_DIGITS} digits")
    return Csi(canonical, number_name(canonical[1:]), "e164")


def number_name(digits: str) -> Name:
    """Return the name of a number or of a prefix, from its digits in ASCII."""
    return Name(b"e164\0" + utf_16_le_encode(digits)[0])  # puts a zero octet after each


def _prefix(text: str) -> Name:
    digits = text[1:]
    if not (digits.isascii() and digits.isdigit()) and digits:
        raise MalformedError(f"{text[:80]!r} is no number prefix: expected '+' and digits only")
    if len(digits) > MAX_DIGITS:
        raise MalformedError(f"{text[:80]!r} has more than {MAX_DIGITS} digits")
    return number_name(digits)


def _prefix_text(node: Name) -> str:
    return "+" + digits_of(node)


def digits_of(name: Name) -> str:
    """Return the digits of a name under `e164.`, in the order people dial them."""
    return name[5:].replace(b"\0", b"").decode("ascii")


def _is_number(name: Name) -> bool:
    rest = name[5:]
    single_labels = rest[1::2].count(b"\0") * 2 == len(rest)
    return 2 <= len(rest) <= 2 * MAX_DIGITS and single_labels and rest[::2].isdigit()


def _number_reaches(node: Name, owner: Name, deep: bool) -> bool:  # noqa: ARG001 - one signature for all schemes
    return names.covers(node, owner)


# --- mail addresses ----------------------------------------------------------------------------------------


def _address(text: str) -> Csi:
    try:
        checked = email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        raise MalformedError(f"{text!r} is no e-mail address: {error}") from error
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", checked.local_part).lower())
    domain = checked.ascii_domain.lower()
    digest = hashlib.sha256(local.encode()).digest()[:LOCAL_PART_OCTETS]
    labels = [*names.labels_of(_domain("@" + domain)), LOCAL_PART_MARK, digest.hex().encode()]
    return Csi(f"{local}@{domain}", names.from_labels(labels), "mail")


def _domain(text: str) -> Name:
    try:
        ascii_domain = idna.encode(text[1:], uts46=True).lower() if text != "@" else b""
    except idna.IDNAError as error:
        raise MalformedError(f"{text[:80]!r} is no mail domain: {error}") from error
    return names.from_labels([b"mail", *(ascii_domain.split(b".")[::-1] if ascii_domain else [])])


def _domain_text(node: Name) -> str:
    return "@" + ".".join(label.decode("ascii") for label in names.labels_of(node)[:0:-1])


def _is_address(name: Name) -> bool:
    labels = names.labels_of(name)
    if len(labels) < 4 or labels[-2] != LOCAL_PART_MARK or len(labels[-1]) != 2 * LOCAL_PART_OCTETS:
        return False
    return LOCAL_PART_MARK not in labels[1:-2] and not labels[-1].strip(b"0123456789abcdef")


def _address_reaches(node: Name, owner: Name, deep: bool) -> bool:
    return names.covers(node, owner) and (deep or owner[len(node) :].startswith(LOCAL_PART_MARK + b"\0"))


SCHEMES: dict[str, Scheme] = {
    "e164": Scheme(
        b"e164",
        "+",
        lambda text: text.startswith("+"),
        _number,
        _prefix,
        _prefix_text,
        _is_number,
        _number_reaches,
    ),
    "mail": Scheme(
        b"mail",
        "@",
        lambda text: "@" in text,
        _address,
        _domain,
        _domain_text,
        _is_address,
        _address_reaches,
    ),
}


def parse(text: str) -> Csi:
    """Read an identifier as a person writes it.

    Raises:
        MalformedError: It is none, with a message fit for the person who typed it.
    """
    if len(text.encode(errors="replace")) > MAX_TEXT:
        raise MalformedError(f"identifier of more than {MAX_TEXT} octets")
    for scheme in SCHEMES.values():
        if scheme.recognises(text):
            return scheme.parse(text)
    raise MalformedError(
        f"{text!r} is neither a telephone number in international form (+14155550123) nor an e-mail address"
    )


def scheme_of(name: Name) -> Scheme | None:
    """Return the scheme whose suffix the name hangs under, or None."""
    return SCHEMES.get(name.split(b"\0", 1)[0].decode("ascii"))


def is_owner(name: Name) -> bool:
    """Say whether a statement about a person can have this owner name."""
    scheme = scheme_of(name)
    return scheme is not None and scheme.is_owner(name)


def reaches(node: Name, owner: Name, *, deep: bool) -> bool:
    """Say whether a grant at `node` speaks for `owner`."""
    scheme = scheme_of(owner)
    return scheme is not None and scheme.reaches(node, owner, deep)


def node_from_text(text: str) -> Name:
    """Read what can be delegated: `+1415`, `@example.com`, or `.` for the whole tree."""
    if text == ".":
        return names.ROOT
    for scheme in SCHEMES.values():
        if text.startswith(scheme.mark):
            return scheme.parse_node(text)
    raise MalformedError(
        f"{text[:80]!r} is no node: expected a prefix (+1415), a mail domain (@example.com) or '.'"
    )


def node_to_text(node: Name) -> str:
    """Write a node as people do; names that are none of ours in presentation form."""
    scheme = scheme_of(node)
    return scheme.node_to_text(node) if node and scheme is not None else names.to_text(node)


def authority_node(authority: str) -> Name:
    """Return the name at which an authority's own binding hangs: `alpha.example.authority.`."""
    return names.from_text(f"{authority}.{AUTHORITY_SUFFIX}" if authority != "." else AUTHORITY_SUFFIX)
