"""Numbers and words of the protocol, in words for people.

Left out: statements (statement_text) and whole answers (verdict, render).
"""

from datetime import UTC, datetime
from functools import lru_cache

from resolver.answer import Case
from zonedata.standing import Standing
from zonedata.wire import Rcode

MEANINGS = {
    Standing.ASSERTED: "says where the person can be reached",
    Standing.DENIED: "says it has nothing for this",
    Standing.REFERRED: "showed whom it delegates to",
    Standing.INSUFFICIENT: "says so, with too little assurance",
    Standing.VALIDATED: "vouches for whose it is",
    Standing.CONTESTED: "speaks for another person",
    Standing.REVOKED: "ended by the issuer or by the person",
    Standing.WITHHELD: "says so, the person does not list it",
    Standing.UNREACHABLE: "none of its servers answered",
    Standing.UNAUTHENTICATED: "a server has not the key signed for it",
    Standing.UNENCRYPTED: "plain DNS alone, which is not allowed",
    Standing.REFUSED: "answered, but not this question",
    Standing.BOGUS: "said what does not verify",
    Standing.UNASKED: "not asked: the work allowed was spent",
    Standing.LIMITED: "not asked: it is asked too much already",
    Standing.MISSING: "nothing was shown, no reason given",
    Standing.STALE: "silent now; what it said is too old",
}

CASES = {
    Case.NO_MAPPING: "there is none",
    Case.OPTED_OUT: "the person does not want to be found",
    Case.ONE_MSP: "in a mapping, or by its own word",
    Case.SEVERAL_MSPS: "several MSPs in one mapping",
    Case.SEVERAL_MAPPINGS: "of several people, or each MSP's own word",
    Case.UNPROVEN: "nothing shown, and silence proves nothing",
}

_EDE_NAMES = (  # RFC 8914 section 5.2, by number
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
)

_RCODES = {rcode.value: rcode.name for rcode in Rcode}
_LAST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())  # RFC 3339 has four digits for a year


@lru_cache(maxsize=4_096)  # what was signed together ends together
def instant(seconds: int) -> str:
    """Write Unix seconds as RFC 3339 in UTC; what is later than the year 9999 as its last second."""
    return datetime.fromtimestamp(min(seconds, _LAST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rcode_text(rcode: int) -> str:
    """Return the name of a response code, or RCODEn (RFC 3597's manner)."""
    return _RCODES.get(rcode) or f"RCODE{rcode}"


def error_text(code: int, text: str) -> str:
    """Write an extended error as dig does: number, name, text."""
    name = f" ({_EDE_NAMES[code]})" if code < len(_EDE_NAMES) else ""
    return f"{code}{name}: ({text})" if text else f"{code}{name}"
