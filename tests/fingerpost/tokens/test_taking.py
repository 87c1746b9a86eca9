"""What a worker does beside taking tokens: it has the files of keys ready, and goes on where that cannot be."""

import time
from pathlib import Path

import pytest
import trio

from fingerpost.tokens.sections import TokensPart
from fingerpost.tokens.taking import taking
from tests.fulldisk import full_disk
from tests.transport.tokens.mint import CHALLENGE, signing_key, token
from transport.tokens.authentication import authorization
from transport.tokens.directory import Directory
from transport.tokens.keys import DAY, start_of_period
from transport.tokens.redeeming import Redeemed
from transport.tokens.spent import SpentTokens


@pytest.fixture
def part(tmp_path: Path) -> TokensPart:
    """A resolver's part, with the keys of yesterday, today and the day after tomorrow."""
    today = start_of_period(time.time())
    listed = tuple(signing_key(number, today + day * DAY).listed for number, day in enumerate((0, -1, 2)))
    (tmp_path / "directory.json").write_bytes(Directory("/", listed).to_json())
    return TokensPart("issuer.example", "resolver.example", tmp_path / "directory.json", tmp_path / "spent", 1_000)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> trio.Event:
    """Tells when two keys have been seen to."""
    done, count = trio.Event(), [0]
    prepare = SpentTokens.prepare

    def noted(self: SpentTokens, key_id: bytes, until: int, now: float) -> None:
        try:
            prepare(self, key_id, until, now)
        finally:
            count[0] += 1
            if count[0] == 2:
                trio.from_thread.run_sync(done.set)

    monkeypatch.setattr(SpentTokens, "prepare", noted)
    return done


async def test_files_are_there_before_the_first_token_comes(part: TokensPart, prepared: trio.Event) -> None:
    today = start_of_period(time.time())
    expected = {f"{signing_key(number).listed.key_id.hex()}.spent" for number in (0, 1)}
    async with taking(part) as redeemer:
        with trio.fail_after(10):
            await prepared.wait()
        assert {path.name for path in part.spent.iterdir()} == expected
        assert redeemer is not None
        field = authorization(token(signing_key(0, today), CHALLENGE))
        assert redeemer.redeem(field, time.time()) == Redeemed()


async def test_where_there_is_no_room_for_them_it_is_said_and_the_daemon_goes_on(
    part: TokensPart, prepared: trio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk():
        async with taking(part):
            with trio.fail_after(10):
                await prepared.wait()
    assert len(caplog.records) == 2
    assert {record.message.split()[0] for record in caplog.records} == {"event=tokens-not-taken"}
    assert list(part.spent.iterdir()) == []
