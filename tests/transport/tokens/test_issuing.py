"""Who may have how many: the quota over restarts, days and processes, and what is no request."""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fulldisk import full_disk
from tests.transport.tokens.mint import CHALLENGE, MIDNIGHT, NOON, answered, asked, private_key, signing_key
from transport.tokens import database, issuing, requesting
from transport.tokens.database import DatabaseError
from transport.tokens.grants import Granting, Grants
from transport.tokens.issuing import MAX_BATCH, Batch, Client, Refusal, admit, client_of
from transport.tokens.keys import DAY, SKEW
from transport.tokens.tokens import REQUEST_OCTETS, RESPONSE_OCTETS, split

PROJECT = Path(__file__).parents[3]
KEYS = tuple(signing_key(number) for number in range(3))
ALPHA = Client("alpha", 10, hashlib.sha256(b"alpha's secret").digest())
BETA = Client("beta", 5, hashlib.sha256(b"beta's secret").digest())
GRANTER = """\
import sys
from pathlib import Path
from transport.tokens.grants import Grants

grants = Grants(Path(sys.argv[1]))
for number in range(200):
    grant = grants.grant(bytes(32), "alpha", f"{sys.argv[2]} {number}".encode(), 1, 100, 2_000)
    print(grant.granting.name, flush=True)
"""


@pytest.fixture
def grants(tmp_path: Path) -> Iterator[Grants]:
    found = Grants(tmp_path / "grants")
    yield found
    found.close()


def body(count: int, number: int = 0) -> bytes:
    key = KEYS[number].listed
    return b"".join(asked(key).to_wire(key) for _ in range(count))


def had(admitted: Batch | Refusal) -> int:
    """How many were granted."""
    return len(admitted.messages) if isinstance(admitted, Batch) else 0


def test_a_known_client_has_what_it_asks_for(grants: Grants) -> None:
    listed = KEYS[0].listed
    requested = [asked(listed) for _ in range(3)]
    admitted = admit(ALPHA, b"".join(one.to_wire(listed) for one in requested), MAX_BATCH, KEYS, grants, NOON)
    assert isinstance(admitted, Batch)
    assert (admitted.left, admitted.is_new) == (7, True)
    signed = split(issuing.sign(admitted, admitted.messages, secrets.token_bytes), RESPONSE_OCTETS, 3)
    for one, signature in zip(requested, signed, strict=True):
        token = requesting.token_of(CHALLENGE.digest, listed, one, signature)
        assert token == answered(KEYS[0], one), "as if it were signed alone"


def test_nobody_has_more_than_the_quota_of_a_day(grants: Grants) -> None:
    assert [had(admit(ALPHA, body(4), MAX_BATCH, KEYS, grants, NOON)) for _ in range(4)] == [4, 4, 0, 0]
    refused = admit(ALPHA, body(3), MAX_BATCH, KEYS, grants, NOON)
    assert refused == Refusal(429, "2 of 10 tokens are left for this key's day", "quota")
    assert had(admit(ALPHA, body(2), MAX_BATCH, KEYS, grants, NOON)) == 2
    assert had(admit(BETA, body(5), MAX_BATCH, KEYS, grants, NOON)) == 5, "each client for itself"
    assert had(admit(ALPHA, body(10, 1), MAX_BATCH, KEYS, grants, NOON + DAY)) == 10, "and each day"


def test_at_midnight_the_next_day_s_key_issues_and_clocks_may_differ_a_little(grants: Grants) -> None:
    midnight = MIDNIGHT + DAY

    def granted(number: int, now: float) -> int:
        return had(admit(BETA, body(1, number), 1, KEYS, grants, now))

    assert [granted(0, when) for when in (midnight - 1, midnight + SKEW - 1, midnight + SKEW)] == [1, 1, 0]
    assert [granted(1, when) for when in (midnight - SKEW - 1, midnight - SKEW, midnight)] == [0, 1, 1]
    assert [granted(0, midnight) for _ in range(9)].count(1) == 3, "of the old key no more than its quota"
    assert [granted(1, midnight) for _ in range(9)].count(1) == 3


def test_the_same_request_is_signed_again_and_counts_once(grants: Grants) -> None:
    again = body(10)
    for is_new in (True, False, False):
        admitted = admit(ALPHA, again, MAX_BATCH, KEYS, grants, NOON)
        assert isinstance(admitted, Batch)
        assert (admitted.left, admitted.is_new) == (0, is_new)
    assert had(admit(ALPHA, again[:REQUEST_OCTETS], MAX_BATCH, KEYS, grants, NOON)) == 0, "a part is something else"
    assert had(admit(BETA, again, MAX_BATCH, KEYS, grants, NOON)) == 0, "and so is somebody else's"


def test_the_quota_outlives_the_process(tmp_path: Path) -> None:
    again = body(6)
    for expected in (6, 0, 0):
        grants = Grants(tmp_path / "grants")
        assert had(admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)) == expected
        grants.close()
    grants = Grants(tmp_path / "grants")
    assert had(admit(ALPHA, again, MAX_BATCH, KEYS, grants, NOON)) == 0
    grants.close()


def granting(path: Path, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", GRANTER, str(path), name]
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)


def test_several_processes_grant_no_more_than_the_quota_together(tmp_path: Path) -> None:
    with granting(tmp_path / "grants", "one") as one, granting(tmp_path / "grants", "other") as other:
        said = [line.strip() for process in (one, other) for line in process.stdout or ()]
    assert (said.count("NEW"), said.count("OVER"), len(said)) == (100, 300, 400)


def test_who_writes_begins_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that had read the same count before either wrote would both have the last token."""
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    one, other = (database.Database(tmp_path / "file", 1, ("CREATE TABLE t (x)",)) for _ in "12")
    with one.writing(), pytest.raises(DatabaseError, match="locked"), other.writing():
        pass
    one.close()
    other.close()


def test_who_opens_it_once_more_takes_nobody_s_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel drops all of a process's locks of a file when it closes any descriptor of it."""
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    one = database.Database(tmp_path / "file", 1, ("CREATE TABLE t (x)",))
    other = f"import sqlite3; sqlite3.connect({str(tmp_path / 'file')!r}, 0).execute('BEGIN IMMEDIATE')"
    with one.writing():
        with pytest.raises(DatabaseError, match="locked"):
            database.Database(tmp_path / "file", 1, (), create=False)
        begun = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "database is locked" in begun.stderr
    one.close()


def test_what_was_granted_before_a_kill_stays_granted(tmp_path: Path) -> None:
    with granting(tmp_path / "grants", "one") as process:
        assert process.stdout is not None
        first = [process.stdout.readline().strip() for _ in range(20)]
        process.kill()
        said = first + [line.strip() for line in process.stdout if line.endswith("\n")]
    new = said.count("NEW")
    assert new == len(said)
    grants = Grants(tmp_path / "grants")
    grant = grants.grant(bytes(32), "alpha", b"another", 1, 100, 2_000)
    assert grant.left in {100 - new - 1, 100 - new - 2}, (
        "one may have been granted that nobody was told of; none less"
    )
    again = grants.grant(bytes(32), "alpha", b"one 0", 1, 100, 2_000)
    assert again.granting is Granting.AGAIN
    grants.close()


def test_where_it_cannot_be_written_nothing_is_granted(grants: Grants) -> None:
    with full_disk(), pytest.raises(DatabaseError):
        admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)
    assert had(admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)) == 6
    assert had(admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)) == 0


def test_grants_of_keys_that_are_over_are_forgotten(grants: Grants) -> None:
    admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)
    grants.forget(MIDNIGHT + 2 * DAY)
    assert had(admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)) == 0
    grants.forget(MIDNIGHT + 2 * DAY + 1)
    assert had(admit(ALPHA, body(6), MAX_BATCH, KEYS, grants, NOON)) == 6


@pytest.mark.parametrize("spoil", ["mode", "other", "folder", "link", "pipe"])
def test_a_file_that_is_not_to_be_believed_is_not_used(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "grants"
    if spoil == "folder":
        path.mkdir()
    elif spoil == "pipe":
        os.mkfifo(path, 0o600)
    elif spoil == "other":
        path.write_text("something else, and long enough to be looked at" * 50)
        path.chmod(0o600)
    else:
        Grants(path).close()
        if spoil == "mode":
            path.chmod(0o644)
        else:
            path.rename(tmp_path / "elsewhere")
            path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError):
        Grants(path)


def test_its_file_is_nobody_else_s(tmp_path: Path) -> None:
    Grants(tmp_path / "grants").close()
    assert (tmp_path / "grants").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        lambda octets: octets[:0],
        lambda octets: octets[:-1],
        lambda octets: octets + b"\0",
        lambda octets: b"\0\1" + octets[2:],
        lambda octets: octets[:2] + bytes([octets[2] ^ 1]) + octets[3:],
        lambda octets: octets[:3] + b"\xff" * 256,
        lambda octets: octets + b"\0\2" + bytes([octets[2] ^ 1]) + octets[3:],
        lambda octets: octets * 1_001,
    ],
)
def test_what_is_no_request_is_refused_and_costs_nothing(change: object, grants: Grants) -> None:
    assert callable(change)
    refused = admit(ALPHA, change(body(1)), MAX_BATCH, KEYS, grants, NOON)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.why) == (422, "malformed")
    assert had(admit(ALPHA, body(10), MAX_BATCH, KEYS, grants, NOON)) == 10


@given(
    st.binary(max_size=300)
    | st.binary(min_size=256, max_size=256).map(lambda x: b"\0\2" + bytes([KEYS[0].listed.truncated]) + x)
)
def test_no_octets_do_harm(octets: bytes) -> None:
    class Nobody(Grants):
        def __init__(self) -> None:
            pass

        def grant(self, *_: object) -> object:  # type: ignore[override]  # it counts nothing
            return type("Grant", (), {"granting": Granting.NEW, "left": 0})

    admitted = admit(ALPHA, octets, 1, KEYS, Nobody(), NOON)
    if isinstance(admitted, Batch):
        assert len(issuing.sign(admitted, admitted.messages, secrets.token_bytes)) == 256


def test_of_two_keys_with_one_name_today_s_signs(grants: Grants) -> None:
    """Keys are made so that it does not happen; a key that was put there by hand may end alike all the same."""
    today = KEYS[1]
    yesterday = issuing.SigningKey(
        type(today.listed)(
            KEYS[0].listed.public,
            KEYS[0].listed.spki,
            bytes(31) + today.listed.key_id[-1:],
            MIDNIGHT,
            MIDNIGHT + DAY,
        ),
        private_key(),
    )
    admitted = admit(ALPHA, body(1, 1), 1, (yesterday, today), grants, MIDNIGHT + DAY + 1)
    assert isinstance(admitted, Batch)
    assert admitted.key is today


def test_a_client_is_known_by_its_secret() -> None:
    known = (ALPHA, BETA)
    assert client_of("Bearer alpha's secret", known) is ALPHA
    assert client_of("bearer beta's secret", known) is BETA
    for field in (
        "",
        "Bearer",
        "Bearer ",
        "Basic alpha's secret",
        "Bearer  alpha's secret",
        "Bearer alpha",
        "\u20ac",
    ):
        assert client_of(field, known) is None
    long = "x" * 129
    assert client_of(f"Bearer {long}", (Client("long", 1, hashlib.sha256(long.encode()).digest()),)) is None
    empty = Client("empty", 1, hashlib.sha256(b"").digest())
    assert client_of("Bearer ", (empty,)) is None
