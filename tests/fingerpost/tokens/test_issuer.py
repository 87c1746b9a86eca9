"""An issuer as a real process, clients who fetch, and a resolver's side that takes what they fetched."""

import http.client
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fingerpost.configuration import read
from fingerpost.tokens import fetching
from fingerpost.tokens.taking import redeemer_of
from tests.fingerpost.daemons import PATIENCE, starting
from tests.fingerpost.household import RESOLVER, Household
from tests.fingerpost.tokens.issuers import ISSUER, issuer, issuing
from tests.fingerpost.validators import NUMBERS, caller, validating, validator
from tests.fulldisk import full_disk
from tests.transport.tokens.mint import CHALLENGE, signing_key
from transport.tokens import requesting
from transport.tokens.authentication import authorization
from transport.tokens.directory import MEDIA_TYPE, WELL_KNOWN, Directory
from transport.tokens.issuing import BATCH_RESPONSE_TYPE, BATCH_TYPE, REQUEST_PATH, REQUEST_TYPE, RESPONSE_TYPE
from transport.tokens.keys import IssuerKey
from transport.tokens.redeeming import Redeemed, Refused, Why
from transport.tokens.tokens import to_base64url
from transport.tokens.wallet import Wallet
from zonedata.errors import MalformedError

TOKENS = """
[tokens]
issuer = "issuer.example"
origin = "resolver.example"
directory = "directory.json"
spent = "spent"
capacity = 1000
"""


def asking(
    port: int, body: bytes, secret: str, kind: str = BATCH_TYPE, *, target: str = REQUEST_PATH, method: str = "POST"
) -> tuple[int, str, bytes]:
    """Ask as somebody does who has other software."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {secret}"} if secret else {})}
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()


def key_of_today(port: int) -> IssuerKey:
    status, kind, body = asking(port, b"", "", target=WELL_KNOWN, method="GET")
    assert (status, kind) == (200, MEDIA_TYPE)
    key = Directory.from_json(body).issuing(time.time())
    assert key is not None
    return key


def body(key: IssuerKey, count: int) -> bytes:
    made = (requesting.request(CHALLENGE.digest, key, secrets.token_bytes) for _ in range(count))
    return b"".join(one.to_wire(key) for one in made)


def test_from_an_issuer_to_a_look_up_that_is_paid_for(house: Household) -> None:
    issuer(house, alpha=30)
    with issuing() as izzy:
        assert house.sound("token", "create", "my.wallet", "issuer.example", "resolver.example") == ""
        assert house.sound("token", "fetch", "my.wallet", izzy.url, "alpha.secret", "--count", "20") == (
            "20 tokens fetched\n"
        )
        assert house.sound("token", "directory", izzy.url, "directory.json").startswith(
            "directory.json: 2 keys, until 2"
        )
        fetch = ("token", "fetch", "my.wallet", izzy.url, "alpha.secret", "--directory", "directory.json")
        assert house.sound(*fetch, "--count", "1") == "1 tokens fetched\n"
        Path("empty.json").write_bytes(Directory(REQUEST_PATH, ()).to_json())
        refused = house.run(*fetch[:-1], "empty.json")
        assert (refused.status, "the issuer has no key for today" in refused.err) == (1, True)
        secret = Path("alpha.secret").read_text().strip()
        assert izzy.end() == 0
        assert "action=issue status=200 client=alpha tokens=20 left=10\n" in izzy.log
        assert secret not in izzy.log
    first, second = house.sound("token", "show", "my.wallet").splitlines()
    assert first == "of issuer.example at resolver.example"
    today, tomorrow = house.sound("token", "keys", "directory.json").splitlines()
    assert second.endswith(f", of {today.partition(': ')[2]}"), "anybody can compare"
    assert today < tomorrow
    assert second.startswith("21 tokens, until 2")

    # The resolver's side, where nobody is asked who it is.
    house.write("anchor.pem", "")
    house.write("resolver.toml", RESOLVER + TOKENS)
    part = read(Path("resolver.toml"), inspect=("tokens",)).tokens
    assert part is not None
    redeemer, spent = redeemer_of(part)
    with closing(Wallet(Path("my.wallet"))) as wallet, closing(spent):
        fields = [authorization(token) for token in wallet.take_some(50, time.time())]
    assert len(fields) == 21
    assert {redeemer.redeem(field, time.time()) for field in fields} == {Redeemed()}
    assert {redeemer.redeem(field, time.time()) for field in fields} == {Refused(Why.SPENT)}
    assert house.sound("token", "show", "my.wallet") == "of issuer.example at resolver.example\n"


def test_the_quota_holds_whoever_asks_when(house: Household) -> None:
    issuer(house, alpha=30, beta=5)
    with issuing() as izzy:
        key = key_of_today(izzy.port)
        secret = Path("alpha.secret").read_text().strip()
        with ThreadPoolExecutor(4) as pool:
            bodies = [body(key, 4) for _ in range(16)]
            replies = list(pool.map(lambda one: asking(izzy.port, one, secret), bodies))
        granted = [one for one, reply in zip(bodies, replies, strict=True) if reply[0] == 200]
        assert {reply[0] for reply in replies} <= {200, 429, 503}
        assert len(granted) <= 7
        izzy.process.kill()
        izzy.process.wait(PATIENCE)
    with issuing() as izzy:
        assert key_of_today(izzy.port) == key, "keys outlive the process"
        for one in granted:
            status, kind, signed = asking(izzy.port, one, secret)
            assert (status, kind, len(signed)) == (200, BATCH_RESPONSE_TYPE, 4 * 256)
        count = len(granted)
        while asking(izzy.port, body(key, 4), secret)[0] == 200:
            count += 1
        assert count == 7, "28 of 30, and 4 more are too many"
        assert asking(izzy.port, body(key, 2), secret)[0] == 200
        assert asking(izzy.port, body(key, 1), secret)[::2] == (
            429,
            b"0 of 30 tokens are left for this key's day\n",
        )
        assert asking(izzy.port, body(key, 5), Path("beta.secret").read_text().strip())[0] == 200
        assert izzy.end() == 0
        assert "status=429 client=alpha why=quota\n" in izzy.log
        assert " again=yes\n" in izzy.log


def test_it_says_what_is_wrong(house: Household) -> None:
    issuer(house, alpha=30)
    with issuing() as izzy:
        key = key_of_today(izzy.port)
        secret = Path("alpha.secret").read_text().strip()
        one, two = body(key, 1), body(key, 2)
        assert asking(izzy.port, one, secret, REQUEST_TYPE)[:2] == (200, RESPONSE_TYPE)
        for sent, kind, known, expected in (
            (two, REQUEST_TYPE, secret, 422),
            (b"", BATCH_TYPE, secret, 422),
            (b"x" * 300, BATCH_TYPE, secret, 422),
            (one, "text/plain", secret, 415),
            (one, REQUEST_TYPE, "", 401),
            (one, REQUEST_TYPE, secret[:-1], 401),
            (bytes(260_000), BATCH_TYPE, secret, 413),
        ):
            assert asking(izzy.port, sent, known, kind)[0] == expected
        assert asking(izzy.port, b"", "", target="/")[0] == 404
        assert asking(izzy.port, b"", "", target=WELL_KNOWN)[0] == 405
        assert asking(izzy.port, b"", "", method="GET")[0] == 405
        house.add("clients", house.sound("issuer", "client", "beta", "2", "beta.secret"))
        assert asking(izzy.port, one, Path("beta.secret").read_text().strip(), REQUEST_TYPE)[0] == 200, "at once"
        house.add("clients", "spoilt\n")
        assert asking(izzy.port, body(key, 1), secret)[0] == 200
        assert izzy.end() == 0
        assert "event=clients-not-read" in izzy.log
        for word in ("why=client", "why=type", "why=malformed"):
            assert word in izzy.log
        assert secret not in izzy.log


def test_fetching_says_what_went_wrong(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer(house, alpha=30)
    house.sound("token", "create", "my.wallet", "issuer.example", "resolver.example")
    house.write("wrong.secret", "wrong\n").chmod(0o600)
    with issuing() as izzy:
        refused = house.run("token", "fetch", "my.wallet", izzy.url, "wrong.secret")
        assert (refused.status, "a client's secret is needed" in refused.err) == (1, True)
        # What was asked for in vain is asked for again, and had.
        assert house.sound("token", "show", "my.wallet").endswith("\n100 asked for and not answered\n")
        refused = house.run("token", "fetch", "my.wallet", izzy.url, "alpha.secret")
        assert (refused.status, "30 of 30 tokens are left" in refused.err) == (1, True)
        assert "asked for" not in house.sound("token", "show", "my.wallet"), "it will never be granted"
        monkeypatch.setattr("fingerpost.tokens.wallet_command.MAX_BATCH", 8)
        refused = house.run("token", "fetch", "my.wallet", izzy.url, "alpha.secret", "--count", "40")
        assert (refused.status, refused.out) == (1, "24 tokens fetched\n")
        assert "6 of 30 tokens are left" in refused.err
    gone = house.run("token", "fetch", "my.wallet", izzy.url, "alpha.secret")
    assert (gone.status, "Connection refused" in gone.err) == (1, True)
    for words in (
        ("fetch", "my.wallet", "http://issuer.example/", "alpha.secret"),
        ("fetch", "nowhere", "http://127.0.0.1:9/", "alpha.secret"),
        ("finish", "my.wallet", "responses.txt"),
        ("create", "my.wallet", "issuer.example", "resolver.example"),
        ("create", "other.wallet", "issuer example", "resolver.example"),
        ("fetch", "my.wallet", "https://issuer.example/", "alpha.secret", "--count", "0"),
    ):
        assert house.run("token", *words).status == 1, words


def test_where_no_issuer_is_nothing_is_fetched(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    with validating() as vera:
        refused = house.run("token", "directory", vera.url, "directory.json")
        assert (refused.status, refused.err) == (1, f"fingerpost token: {vera.url}: directory is no JSON\n")
        assert not Path("directory.json").exists()


def test_a_directory_without_keys_does_not_take_the_place_of_another(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write("directory.json", "the one before")
    monkeypatch.setattr(fetching, "directory_of", lambda _: Directory(REQUEST_PATH, ()))
    refused = house.run("token", "directory", "https://issuer.example/", "directory.json")
    assert (refused.status, refused.err) == (1, "fingerpost token: https://issuer.example/: lists no key\n")
    assert Path("directory.json").read_text() == "the one before"


def test_keys_of_others_that_say_nothing_of_times_are_shown(house: Household) -> None:
    key = {"token-type": 2, "token-key": to_base64url(signing_key().listed.spki)}
    house.write("directory.json", json.dumps({"issuer-request-uri": "/", "token-keys": [key]}))
    assert house.sound("token", "keys", "directory.json") == (
        f"1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z: key {signing_key().listed.key_id.hex()}\n"
    )


def test_a_resolver_begins_with_whole_files_alone(house: Household) -> None:
    house.write("resolver.toml", RESOLVER + TOKENS)
    Path("directory.json").write_bytes(Directory(REQUEST_PATH, ()).to_json())
    part = read(Path("resolver.toml"), inspect=("tokens",)).tokens
    assert part is not None
    part.spent.mkdir(mode=0o755)
    with pytest.raises(MalformedError, match="has mode 0755"):
        redeemer_of(part)
    part.spent.chmod(0o700)
    redeemer_of(part)[1].close()
    part.directory.unlink()
    with pytest.raises(MalformedError, match="cannot be read"):
        redeemer_of(part)


def test_tokens_by_file(house: Household) -> None:
    issuer(house, alpha=30)
    made = house.sound("issuer", "keygen", "issuer.toml").splitlines()
    assert len(made) == 2
    assert all(Path(one).stat().st_mode & 0o777 == 0o600 for one in made)
    assert house.sound("issuer", "keygen", "issuer.toml") == ""
    assert len(house.sound("issuer", "keygen", "issuer.toml", "--days", "3").splitlines()) == 2
    for days in ("61", "-1"):
        refused = house.run("issuer", "keygen", "issuer.toml", "--days", days)
        assert (refused.status, "--days is from 0 to 60" in refused.err) == (1, True)
    house.write("directory.json", house.sound("issuer", "directory", "issuer.toml"))
    house.sound("token", "create", "my.wallet", "issuer.example", "resolver.example")
    asked = house.sound("token", "request", "my.wallet", "directory.json", "requests.txt", "--count", "25")
    assert asked == "requests.txt: 25 requests\n"
    before = Path("requests.txt").read_text()
    again = house.sound("token", "request", "my.wallet", "directory.json", "requests.txt")
    assert again == "requests.txt: 25 requests, which were asked for before; 'fingerpost token drop' forgets them\n"
    assert Path("requests.txt").read_text() == before
    for told in ("25 tokens for alpha; 5 left today", "25 tokens for alpha, granted before; 5 left today"):
        signed = house.sound("issuer", "sign", "issuer.toml", "alpha", "requests.txt", "responses.txt")
        assert signed == f"responses.txt: {told}\n"
    lines = Path("responses.txt").read_text().splitlines(keepends=True)
    house.write("wrong.txt", "".join(reversed(lines)))
    refused = house.run("token", "finish", "my.wallet", "wrong.txt")
    assert (refused.status, "'fingerpost token drop' forgets that" in refused.err) == (1, True)
    assert house.sound("token", "finish", "my.wallet", "responses.txt") == "25 tokens taken in\n"
    assert house.run("token", "finish", "my.wallet", "responses.txt").err == "my.wallet: nothing was asked for\n"
    house.sound("token", "request", "my.wallet", "directory.json", "requests.txt", "--count", "6")
    refused = house.run("issuer", "sign", "issuer.toml", "alpha", "requests.txt", "responses.txt")
    assert (refused.status, refused.err) == (1, "requests.txt: 5 of 30 tokens are left for this key's day\n")
    assert house.sound("token", "drop", "my.wallet") == ""
    house.sound("token", "request", "my.wallet", "directory.json", "requests.txt", "--count", "5")
    with full_disk():
        failed = house.run("issuer", "sign", "issuer.toml", "alpha", "requests.txt", "responses.txt")
    assert (failed.status, failed.err.startswith("fingerpost issuer: grants: ")) == (1, True)
    assert house.run("issuer", "sign", "issuer.toml", "nobody", "requests.txt", "responses.txt").status == 1
    for text in ("", "x\n", "\u00e4", "QQ==\n", "A" * 1_100_000):
        Path("requests.txt").write_text(text, encoding="utf-8")
        assert house.run("issuer", "sign", "issuer.toml", "alpha", "requests.txt", "responses.txt").status == 1


def test_what_keeps_an_issuer_from_beginning(house: Household) -> None:
    issuer(house, alpha=30)
    house.sound("issuer", "keygen", "issuer.toml")
    key = min(Path("keys").iterdir())
    key.chmod(0o644)
    with starting("issuer.toml", "issuer serve") as (process, _, log):
        assert process.wait(PATIENCE) == 1
        assert "so others may have read it" in log.read_text()
    key.chmod(0o600)
    (Path("keys") / "today.pem").write_bytes(key.read_bytes())
    refused = house.run("issuer", "directory", "issuer.toml")
    assert (refused.status, "is not called after a day" in refused.err) == (1, True)
    (Path("keys") / "today.pem").unlink()
    Path("grants").chmod(0o644)
    refused = house.run("issuer", "serve", "issuer.toml")
    assert (refused.status, "issuer.toml:5: issuer.grants: grants: has mode" in refused.err) == (1, True)
    house.write("resolver.toml", RESOLVER)
    assert house.run("issuer", "serve", "resolver.toml").status == 1
    house.write("taken.toml", ISSUER.replace("127.0.0.1#0", "192.0.2.1#80") + "allow_plain = true\n")
    refused = house.run("issuer", "serve", "taken.toml")
    assert (refused.status, "cannot listen on 192.0.2.1#80" in refused.err) == (1, True)
    house.write("bare.toml", ISSUER.replace('"keys"', '"none"'))
    refused = house.run("issuer", "directory", "bare.toml")
    assert (refused.status, "there are no keys" in refused.err) == (1, True)
    for words in (("Alpha", "5"), ("alpha", "0"), ("alpha", "9999999"), ("a b", "1")):
        assert house.run("issuer", "client", *words, "new.secret").status == 1
    assert not Path("new.secret").exists()
    assert house.run("issuer", "client", "gamma", "1", "alpha.secret").status == 1, "it is never overwritten"
