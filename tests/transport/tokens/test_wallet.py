"""A wallet: each token is taken once, whoever is killed when; what was asked for is not lost."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fulldisk import full_disk
from tests.transport.tokens.mint import CHALLENGE, MIDNIGHT, NOON, signing_key
from transport.tokens import blind_rsa
from transport.tokens.database import DatabaseError
from transport.tokens.grants import Grants
from transport.tokens.issuing import SigningKey
from transport.tokens.keys import DAY
from transport.tokens.tokens import Token, TokenChallenge, TokenError
from transport.tokens.wallet import Left, Outstanding, Wallet

PROJECT = Path(__file__).parents[3]
TAKER = """\
import os, sys
from pathlib import Path
from transport.tokens.wallet import Wallet

wallet = Wallet(Path(sys.argv[1]))
while (token := wallet.take(float(sys.argv[2]))) is not None:
    print(token.nonce.hex(), flush=True)
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), 9)
"""


@pytest.fixture
def wallet(tmp_path: Path) -> Iterator[Wallet]:
    found = Wallet.create(tmp_path / "wallet", CHALLENGE)
    yield found
    found.close()


def signed(outstanding: Outstanding, key: SigningKey) -> bytes:
    """What an issuer answers."""
    sign = blind_rsa.blind_sign
    return b"".join(sign(key.private, one.message, secrets.token_bytes) for one in outstanding.requested)


def fill(wallet: Wallet, count: int, number: int = 0) -> None:
    key = signing_key(number)
    outstanding = wallet.ask(key.listed, count, secrets.token_bytes)
    assert wallet.finish(outstanding, signed(outstanding, key)) == count


def left(wallet: Wallet, now: float) -> list[tuple[int, int]]:
    return [(one.until, one.count) for one in wallet.left(now)]


def taking(path: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", TAKER, str(path), str(NOON), how]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)


def test_what_was_signed_can_be_taken_and_is_gone_then(wallet: Wallet) -> None:
    assert wallet.take(NOON) is None
    fill(wallet, 3)
    assert left(wallet, NOON) == [(MIDNIGHT + 2 * DAY, 3)]
    taken = [wallet.take(NOON) for _ in range(4)]
    assert len({token.nonce for token in taken if token}) == 3
    assert taken[3] is None
    for token in taken[:3]:
        assert token is not None
        assert token.challenge_digest == CHALLENGE.digest
        assert signing_key().listed.public.verifies(token.signed, token.authenticator, blind_rsa.PSS_DETERMINISTIC)


def test_those_that_end_first_go_first_and_those_that_have_ended_do_not_count(wallet: Wallet) -> None:
    fill(wallet, 1, 1)
    fill(wallet, 2, 0)
    assert left(wallet, NOON + DAY) == [(MIDNIGHT + 2 * DAY, 2), (MIDNIGHT + 3 * DAY, 1)]
    keys = [token.key_id for token in wallet.take_some(2, NOON + DAY)]
    assert keys == [signing_key(0).listed.key_id] * 2
    fill(wallet, 2, 0)
    assert left(wallet, MIDNIGHT + 2 * DAY) == [(MIDNIGHT + 3 * DAY, 1)]
    assert [token.key_id for token in wallet.take_some(9, MIDNIGHT + 2 * DAY)] == [signing_key(1).listed.key_id]


def test_it_says_of_which_keys_its_tokens_are(wallet: Wallet) -> None:
    """Whoever has tokens of a key that nobody else has can be told from them."""
    fill(wallet, 2)
    other = signing_key(3, MIDNIGHT)
    outstanding = wallet.ask(other.listed, 1, secrets.token_bytes)
    wallet.finish(outstanding, signed(outstanding, other))
    until = MIDNIGHT + 2 * DAY
    assert wallet.left(NOON) == [
        Left(until, signing_key().listed.key_id, 2),
        Left(until, other.listed.key_id, 1),
    ]


def test_who_is_killed_after_taking_has_lost_the_token_and_nobody_has_it_again(
    tmp_path: Path, wallet: Wallet
) -> None:
    fill(wallet, 5)
    seen = []
    for _ in range(3):
        with taking(tmp_path / "wallet", "killed") as process:
            seen += [line.strip() for line in process.stdout or ()]
        assert process.wait() == -9
    seen += [token.nonce.hex() for token in wallet.take_some(9, NOON)]
    assert (len(seen), len(set(seen))) == (5, 5)


def test_two_that_take_at_once_never_have_the_same(tmp_path: Path, wallet: Wallet) -> None:
    fill(wallet, 60)
    with taking(tmp_path / "wallet", "on") as one, taking(tmp_path / "wallet", "on") as other:
        seen = [line.strip() for process in (one, other) for line in process.stdout or ()]
    assert (len(seen), len(set(seen))) == (60, 60)


def test_an_answer_that_got_lost_is_had_again(tmp_path: Path, wallet: Wallet) -> None:
    key = signing_key()
    before = wallet.ask(key.listed, 2, secrets.token_bytes)
    wallet.close()
    wallet = Wallet(tmp_path / "wallet")
    outstanding = wallet.outstanding()
    assert outstanding == before
    assert outstanding.body == before.body
    with pytest.raises(TokenError, match="not answered yet"):
        wallet.ask(key.listed, 2, secrets.token_bytes)
    assert wallet.finish(outstanding, signed(outstanding, key)) == 2
    assert wallet.outstanding() is None
    with pytest.raises(TokenError, match="not outstanding any more"):
        wallet.finish(outstanding, signed(outstanding, key))
    assert left(wallet, NOON) == [(MIDNIGHT + 2 * DAY, 2)]
    wallet.close()


def test_a_wrong_answer_changes_nothing(wallet: Wallet) -> None:
    key = signing_key()
    outstanding = wallet.ask(key.listed, 2, secrets.token_bytes)
    good = signed(outstanding, key)
    for wrong in (
        b"",
        good[:256],
        good + good[:256],
        good[256:] + good[:256],
        good[:-1] + b"\0",
        signed(outstanding, key)[:-1],
    ):
        with pytest.raises(TokenError):
            wallet.finish(outstanding, wrong)
    assert left(wallet, NOON) == []
    assert wallet.finish(outstanding, good) == 2


def test_requests_can_be_given_up(wallet: Wallet) -> None:
    key = signing_key()
    outstanding = wallet.ask(key.listed, 1, secrets.token_bytes)
    wallet.give_up()
    assert wallet.outstanding() is None
    with pytest.raises(TokenError, match="not outstanding any more"):
        wallet.finish(outstanding, signed(outstanding, key))
    fill(wallet, 1)


def test_it_is_bounded(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.tokens.wallet.MAX_WALLET", 3)
    fill(wallet, 2)
    with pytest.raises(TokenError, match="at most 3"):
        wallet.ask(signing_key().listed, 2, secrets.token_bytes)


def test_where_it_cannot_be_written_no_token_is_taken(wallet: Wallet) -> None:
    fill(wallet, 1)
    with full_disk(), pytest.raises(DatabaseError):
        wallet.take(NOON)
    assert wallet.take(NOON) is not None


def test_it_is_nobody_else_s(tmp_path: Path, wallet: Wallet) -> None:
    path = tmp_path / "wallet"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DatabaseError, match="is there already"):
        Wallet.create(path, CHALLENGE)
    wallet.close()
    path.chmod(0o640)
    with pytest.raises(DatabaseError, match="mode 0640"):
        Wallet(path)


def test_what_is_no_wallet_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        Wallet(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    Grants(tmp_path / "grants").close()
    with pytest.raises(DatabaseError, match="something else"):
        Wallet(tmp_path / "grants")
    (tmp_path / "empty").touch(mode=0o600)
    with pytest.raises(TokenError, match="is no wallet"):
        Wallet(tmp_path / "empty")
    with pytest.raises(TokenError):
        Wallet.create(tmp_path / "new", TokenChallenge(2, "", b"", ""))
    assert not (tmp_path / "new").exists()


def test_a_token_that_was_taken_is_not_in_the_file_any_more(tmp_path: Path, wallet: Wallet) -> None:
    fill(wallet, 2)
    taken = wallet.take(NOON)
    kept = wallet.take(NOON)
    assert isinstance(taken, Token)
    assert isinstance(kept, Token)
    octets = (tmp_path / "wallet").read_bytes()
    assert taken.nonce not in octets
    assert kept.authenticator not in octets
