"""The daemon's parts in virtual time and without sockets: days that come and go, and turns."""

import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from fingerpost.tokens import issuer_daemon, issuer_keys
from fingerpost.tokens.issuer_clients import ClientsFile, client_with, line_of
from fingerpost.tokens.issuer_daemon import Office, sweep, take
from tests.transport.tokens.mint import MIDNIGHT, NOON
from tests.virtual import virtual
from transport.clock import Clock
from transport.http_listener import HttpReply, HttpRequest
from transport.tokens import issuing, keys, requesting
from transport.tokens.blind_rsa import Draw
from transport.tokens.directory import WELL_KNOWN, Directory
from transport.tokens.grants import Grants
from transport.tokens.issuing import BATCH_TYPE, REQUEST_PATH, Batch
from transport.tokens.keys import DAY
from zonedata.errors import ConfigError


def office(folder: Path, quota: int = 6) -> Office:
    """An issuer at noon; its client's secret is 'alpha', its other client's 'beta'."""
    clients = folder / "clients"
    clients.write_text("".join(line_of(client_with(name, quota, name)) + "\n" for name in ("alpha", "beta")))
    return Office(folder / "keys", 1, ClientsFile(clients), Grants(folder / "grants"))


async def asking(it: Office, now: float, count: int, name: str = "alpha") -> HttpReply:
    """Ask with the key that the directory prefers."""
    limiter = trio.CapacityLimiter(1)
    listed = await take(it, lambda: now, limiter, HttpRequest("GET", WELL_KNOWN, (), b"", "::1"))
    key = Directory.from_json(listed.body).keys[0]
    made = (requesting.request(bytes(32), key, secrets.token_bytes) for _ in range(count))
    headers = ((b"authorization", b"Bearer " + name.encode()), (b"content-type", BATCH_TYPE.encode()))
    body = b"".join(one.to_wire(key) for one in made)
    return await take(it, lambda: now, limiter, HttpRequest("POST", REQUEST_PATH, headers, body, "::1"))


@virtual
async def test_each_day_has_its_key_and_its_quota(tmp_path: Path) -> None:
    it = office(tmp_path)
    seen = set()
    for day in range(4):
        now = MIDNIGHT + day * DAY + 1.0
        it.sweep(now)
        names = {path.name for path in it.folder.iterdir()}
        assert len(names) == (2 if day == 0 else 3), "yesterday's, today's, tomorrow's"
        assert [(await asking(it, now, 4)).status for _ in "123"] == [200, 429, 429]
        assert (await asking(it, now + DAY - 2, 2)).status == 200
        assert (await asking(it, now + DAY - 2, 1)).status == 429
        first = it.directory(now).keys[0]
        assert first.issues(now)
        seen.add(first.key_id)
    assert len(seen) == 4
    it.grants.close()


@virtual
async def test_who_has_many_signed_does_not_keep_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = office(tmp_path, 1_000)
    it.sweep(NOON)
    done: list[str] = []
    sign = issuing.sign

    def noted(batch: Batch, messages: Sequence[bytes], draw: Draw) -> bytes:
        done.append(f"{len(messages)}")
        return sign(batch, messages, draw)

    monkeypatch.setattr(issuing, "sign", noted)
    limiter = trio.CapacityLimiter(1)
    key = it.directory(NOON).keys[0]

    async def ask(name: str, count: int) -> None:
        made = (requesting.request(bytes(32), key, secrets.token_bytes) for _ in range(count))
        headers = ((b"authorization", b"Bearer " + name.encode()), (b"content-type", BATCH_TYPE.encode()))
        request = HttpRequest("POST", REQUEST_PATH, headers, b"".join(one.to_wire(key) for one in made), "::1")
        reply = await take(it, lambda: NOON, limiter, request)
        assert (reply.status, len(reply.body)) == (200, count * 256)
        done.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "alpha", 64)
        nursery.start_soon(ask, "beta", 1)
    assert done.index("beta") < done.index("alpha")
    assert done.count("8") == 8
    it.grants.close()


@virtual
async def test_a_client_has_one_request_in_hand(tmp_path: Path) -> None:
    it = office(tmp_path)
    it.sweep(NOON)
    statuses: list[int] = []

    async def ask() -> None:
        statuses.append((await asking(it, NOON, 1)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(ask)
    assert sorted(statuses) == [200, 503]
    assert (await asking(it, NOON, 1)).status == 200
    it.grants.close()


@virtual
async def test_more_than_can_be_signed_in_time_is_not_begun_and_costs_nobody_a_grant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking turns, all would be late together, come again, and be late again."""
    monkeypatch.setattr(issuer_daemon, "MAX_IN_HAND", 8)
    it = office(tmp_path)
    it.sweep(NOON)
    replies: dict[str, HttpReply] = {}

    async def ask(name: str, count: int) -> None:
        replies[name] = await asking(it, NOON, count, name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "alpha", 5)
        nursery.start_soon(ask, "beta", 4)
    (late,) = [name for name, reply in replies.items() if reply.status == 503]
    assert ("Retry-After", "60") in replies[late].headers
    (early,) = replies.keys() - {late}
    assert replies[early].status == 200
    assert (await asking(it, NOON, 6, late)).status == 200, "nothing was granted"
    assert (await asking(it, NOON, 6, early)).status == 429
    it.grants.close()


@virtual
async def test_where_grants_cannot_be_kept_nothing_is_signed(tmp_path: Path) -> None:
    it = office(tmp_path)
    it.sweep(NOON)
    it.grants.close()
    assert (await asking(it, NOON, 1)).status == 503
    assert it.busy == {}


@virtual
async def test_a_sweep_that_fails_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = office(tmp_path)
    it.grants.close()  # what is broken
    right, done, times = Office.sweep, trio.Event(), list[float]()

    def noted(self: Office, now: float) -> None:
        times.append(now)
        if len(times) == 3:
            trio.from_thread.run_sync(done.set)
        right(self, now)

    monkeypatch.setattr(Office, "sweep", noted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sweep, it, Clock(), trio.CapacityLimiter(1))
        await done.wait()
        nursery.cancel_scope.cancel()
    told = [record.message.split()[0] for record in caplog.records if record.levelname == "ERROR"]
    assert told[:2] == ["event=sweep-failed"] * 2


def test_no_two_keys_are_called_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "keys"
    issuer_keys.make(folder, 0, NOON)
    (first,) = issuer_keys.load(folder)
    generate, drawn = keys.generate, [first.private, first.private]
    monkeypatch.setattr(keys, "generate", lambda: drawn.pop() if drawn else generate())
    issuer_keys.make(folder, 1, NOON)
    assert len({key.listed.truncated for key in issuer_keys.load(folder)}) == 2
    assert drawn == []


def test_a_key_that_somebody_else_has_made_meanwhile_is_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "keys"
    to_pem = keys.to_pem

    def slow(_private: object) -> bytes:
        monkeypatch.setattr(keys, "to_pem", to_pem)
        issuer_keys.make(folder, 0, NOON)
        return b"too late"

    monkeypatch.setattr(keys, "to_pem", slow)
    assert issuer_keys.make(folder, 0, NOON) == []
    assert len(issuer_keys.load(folder)) == 1
    assert len(list(folder.iterdir())) == 1


def test_every_fault_of_a_key_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    issuer_keys.make(folder, 1, NOON)
    for name, text in (("2026-13-01.pem", ""), ("2026-11-22.pem", "nonsense")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    with pytest.raises(ConfigError) as raised:
        issuer_keys.load(folder)
    assert len(raised.value.faults) == 2
    assert issuer_keys.drop(folder, NOON) == [folder / "2026-11-22.pem"], "what is called after no day stays"
