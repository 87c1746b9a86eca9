"""[limits] and [[client]] in a configuration: what they become, and every mistake in them."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from fingerpost.configuration import examine, read
from fingerpost.cookie_file import CookieFile, write
from fingerpost.limit_sections import LimitsPart
from fingerpost.reference import to_text
from fingerpost.verdicts import Kind
from transport import rates
from transport.bearer import token_from
from transport.budgets import DEFAULT_SIZE, NETWORK_FACTOR
from transport.clients import (
    AUTHORITY_FACTOR,
    DISTINCT_DAY,
    DISTINCT_TEN_DAYS,
    RATE,
    UNLIMITED,
    Clients,
    Quota,
)
from transport.later import MOST_EACH

RESOLVER = '[listen]\nudp = ["127.0.0.1#5353"]\n[resolver]\nanchor = "anchor.pem"\n'
HTTPS = (
    '[listen]\nhttps = ["127.0.0.1#5353"]\n[tls]\ncertificate = "a"\nkey = "b"\n[resolver]\nanchor = "anchor.pem"\n'
)
NO_HTTPS = RESOLVER.replace("[resolver]", "https = []\n[resolver]")
DIGEST, OTHER = "3f" * 32, "4e" * 32
AUTHORITY = '[listen]\nudp = ["127.0.0.1#5353"]\n[authority]\nname = "."\nstore = "root.store"\n'


def limits(tmp_path: Path, text: str, first: str = RESOLVER) -> LimitsPart:
    path = tmp_path / "c.toml"
    path.write_text(first + text)
    return read(path, inspect=()).limits


def faults(tmp_path: Path, text: str, first: str = RESOLVER) -> list[str]:
    path = tmp_path / "c.toml"
    path.write_text(first + text)
    found = examine(path, inspect=("limits", "client")).faults
    return [fault.to_text().removeprefix(f"{path}:") for fault in found]


def test_without_a_word_everybody_has_the_usual_limits(tmp_path: Path) -> None:
    for text in ("", "[limits]\n"):
        resolver = limits(tmp_path, text)
        assert resolver.settings.rate == RATE
        assert resolver.settings.quota == Quota(DISTINCT_DAY, DISTINCT_TEN_DAYS)
        assert (resolver.table, resolver.table_size, resolver.cookie_secrets) == (None, DEFAULT_SIZE, None)
        assert not resolver.settings.is_dry_run
        authority = limits(tmp_path, text, AUTHORITY).settings.quota
        assert authority == Quota(DISTINCT_DAY * AUTHORITY_FACTOR, DISTINCT_TEN_DAYS * AUTHORITY_FACTOR)


def test_everything_can_be_said(tmp_path: Path) -> None:
    part = limits(
        tmp_path,
        """
[limits]
rate = "none"
distinct_day = 10
distinct_ten_days = "none"
table = "budgets"
table_size = 8
cookie_secrets = "cookies.txt"
dry_run = true

[[client]]
name = "isp"
networks = ["192.0.2.0/24", "2001:db8::/32"]
rate = 5000

[[client]]
name = "partner"
identity = "resolver.partner.example"
distinct_day = 1000000
distinct_ten_days = 2000000
""",
    )
    assert (part.table, part.table_size, part.cookie_secrets) == (
        tmp_path / "budgets",
        8,
        tmp_path / "cookies.txt",
    )
    settings = part.settings
    assert (settings.rate, settings.quota, settings.is_dry_run) == (UNLIMITED, Quota(10, UNLIMITED), True)
    isp, partner = settings.clients
    assert (isp.name, isp.identity, isp.rate, isp.quota) == ("isp", "", 5_000, settings.quota)
    assert isp.networks == (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    assert (partner.identity, partner.rate, partner.quota) == (
        "resolver.partner.example",
        UNLIMITED,
        Quota(1_000_000, 2_000_000),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[limits]\nrate = 0\n", '6: limits.rate: 0, expected a whole number from 1 to 1000000, or "none"'),
        ('[limits]\nrate = "no"\n', "6: limits.rate: 'no', expected a whole number"),
        ("[limits]\nrate = true\n", "6: limits.rate: True, expected a whole number"),
        (
            "[limits]\ndistinct_day = 9\ndistinct_ten_days = 8\n",
            "7: limits.distinct_ten_days: is less than 'distinct_day'",
        ),
        ('[limits]\nclients = ["192.0.2.0/24 5"]\n', "6: limits.clients: does not belong here"),
        ("[client]\n", "5: client: expected an array of tables"),
        ('[[client]]\nname = "a"\n', "5: client: has none of 'networks', 'identity' and 'bearer_sha256'"),
        ('[[client]]\nnetworks = ["192.0.2.0/24"]\n', "5: client.name: missing"),
        ('[[client]]\nname = "A b"\nidentity = "x"\n', "6: client.name: 'A b', expected 1 to 63"),
        (
            '[[client]]\nname = "a"\nnetworks = ["192.0.2.1/24"]\n',
            "7: client.networks: '192.0.2.1/24' is no network",
        ),
        ('[[client]]\nname = "a"\nidentity = "x"\nratte = 1\n', "8: client.ratte: unknown; did you mean 'rate'?"),
        (
            '[[client]]\nname = "a"\nidentity = "x"\n[[client]]\nname = "a"\nidentity = "y"\n',
            "9: client.name: 'a' is the name of another client",
        ),
        (
            '[[client]]\nname = "a"\nidentity = "x"\n[[client]]\nname = "b"\nidentity = "x"\n',
            "10: client.identity: 'x' is the identity of another client",
        ),
        (
            '[[client]]\nname = "a"\nnetworks = ["::/0"]\n[[client]]\nname = "b"\nnetworks = ["::/0"]\n',
            "10: client.networks: ::/0 is another client's",
        ),
        ('[limits]\ncookie_secrets = "none.txt"\n', "6: limits.cookie_secrets: "),
        (
            f'[[client]]\nname = "a"\nbearer_sha256 = ["{DIGEST}"]\n',
            "7: client.bearer_sha256: is for what comes over HTTPS, and [listen] has no 'https'",
        ),
    ],
)
def test_every_mistake_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    found = faults(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(expected)


@pytest.mark.parametrize("value", ['"{0}"', '["{0}"]', "[7]", '["{1}", "{0}"]', '["{1}00"]', '["{2}"]', "{{ }}"])
def test_what_is_no_digest_of_a_token_is_said_and_not_repeated(tmp_path: Path, value: str) -> None:
    """An operator who takes the token itself for its digest finds it in no log for that."""
    token = token_from(bytes(range(32)))
    text = f'[[client]]\nname = "a"\nbearer_sha256 = {value.format(token, DIGEST, DIGEST.upper())}\n'
    (found,) = faults(tmp_path, text, HTTPS)
    assert found.startswith("10: client.bearer_sha256: expected an array of texts of 64 digits 0-9 and a-f, as")
    assert token not in found


def test_a_token_is_one_clients(tmp_path: Path) -> None:
    one = f'[[client]]\nname = "a"\nbearer_sha256 = ["{DIGEST}", "{OTHER}"]\n'
    other = f'[[client]]\nname = "b"\nbearer_sha256 = [\n"{"0" * 64}",\n"{OTHER}"]\n'
    assert faults(tmp_path, one, HTTPS) == []
    (twice,) = faults(tmp_path, one + other, HTTPS)
    assert twice == "15: client.bearer_sha256: stands here twice; each token is one client's"
    (empty,) = faults(tmp_path, f'[[client]]\nname = "a"\nbearer_sha256 = ["{DIGEST}"]\n', NO_HTTPS)
    assert "[listen] has no 'https'" in empty


def test_who_shows_a_token_is_the_client_that_it_was_given_to(tmp_path: Path) -> None:
    text = f"""
[[client]]
name = "partner"
bearer_sha256 = ["{DIGEST}", "{OTHER}"]

[[client]]
name = "shop"
identity = "shop.example"
bearer_sha256 = ["{"0" * 64}"]
"""
    settings = limits(tmp_path, text, HTTPS).settings
    named = Clients(settings)
    partner, also, shop = bytes.fromhex(DIGEST), bytes.fromhex(OTHER), bytes(32)
    assert settings.bearers == {partner: "client partner", also: "client partner", shop: "shop.example"}
    for identity, name in (("client partner", "partner"), ("shop.example", "shop")):
        client = named.of_identity(identity)
        assert client is not None
        assert client.name == name
    for nobody in ("partner", "client shop", "shop"):
        assert named.of_identity(nobody) is None


def test_the_file_of_secrets_is_looked_at(tmp_path: Path) -> None:
    text = '[limits]\ncookie_secrets = "cookies.txt"\n'
    write(tmp_path / "cookies.txt", CookieFile(bytes(16)))
    assert faults(tmp_path, text) == []
    (tmp_path / "cookies.txt").chmod(0o644)
    assert "others may know the secrets" in faults(tmp_path, text)[0]


def test_the_reference_has_them() -> None:
    text = to_text()
    assert "[limits]  How much one client may ask." in text
    assert "[[client]]  One client" in text
    assert "distinct_ten_days" in text


def test_the_page_says_what_the_code_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
    day, ten_days = DISTINCT_DAY, DISTINCT_TEN_DAYS
    eight = {8: "eight"}[NETWORK_FACTOR]
    for row in (
        f"| datagrams of one IPv4 address or IPv6 /56 | {RATE} a second |",
        f"| datagrams of its /24 or /48 | {rates.NETWORK_FACTOR} times that |",
        f"| replies to a /24 or /48 that asks more than {rates.SMALL_RATE} datagrams a second without a cookie |",
        f"| questions over streams, of one address | {RATE * rates.STREAM_FACTOR:,} a second |",
        f"answers are being sought | {MOST_EACH} over UDP and {MOST_EACH} over streams, in each worker |",
        f"in a day | {day:,}; {day * AUTHORITY_FACTOR:,} at an authority |",
        f"| the same in ten days | {ten_days:,}; {ten_days * AUTHORITY_FACTOR:,} at an authority |",
        f"| the same for its network, a /24 or /48 | {eight} times that |",
        f"All of `table_size` ({DEFAULT_SIZE} MiB) is taken at once",
    ):
        assert row in " ".join(page.split("\n")) or row in page, row
    for kind in Kind:
        assert f"| `{kind.value}` |" in page
