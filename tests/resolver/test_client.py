"""The client library as a caller uses it, on real sockets."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from resolver import client
from resolver.client import API_VERSION, MalformedError, Outcome, Settings, UnreachableError, lookup, walk
from tests.loopback import on_loopback
from tests.resolver.small import ALICE, small
from tests.world import World, key_of
from transport.dialer import Dialer
from zonedata.kinds import DAY
from zonedata.life import Life
from zonedata.statements import seal
from zonedata.trust import to_pem
from zonedata.zone_statements import Authority


def anchor_file(world: World, path: Path) -> Path:
    """The anchor as an operator has it: the root's keys, and where the root is."""
    now = int(world.clock.now())
    said = Authority(Life(60, 1, now, now + DAY), world.anchor.tree, ".", ".", (), world.anchor.servers)
    path.write_text(to_pem(world.anchor.sealed) + to_pem(seal(said, key_of("zone-.-1"))))
    return path


async def test_lookup_asks_a_resolver_and_verifies(tmp_path: Path) -> None:
    world = small()
    anchor = anchor_file(world, tmp_path / "anchor.pem")
    with trio.fail_after(20):
        async with on_loopback(world) as there:
            server = f"127.0.0.1#{there.ports['resolver']}"
            believed = await lookup(ALICE, server=server)
    assert believed.outcome is Outcome.FOUND
    assert believed.verified is None
    assert [reach.ssi for reach in believed.reaches] == ["mimi://alpha.example/u/1"]
    assert anchor.exists()


async def test_walk_needs_no_resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small()
    anchor = anchor_file(world, tmp_path / "anchor.pem")
    with trio.fail_after(20):
        async with on_loopback(world) as there:

            @asynccontextmanager
            async def dialer() -> AsyncGenerator[Dialer]:
                yield there.detour

            monkeypatch.setattr(client, "SocketDialer", dialer)
            monkeypatch.setattr(client, "Clock", lambda: world.clock)
            walked = await walk(ALICE, anchor=anchor, settings=Settings(lab_addresses=True))
            inward = await walk(ALICE, anchor=anchor)
    assert walked.outcome is Outcome.FOUND
    assert walked.complete
    assert walked.verified
    assert walked.rcode == 0
    assert walked.errors == ()
    assert inward.outcome is Outcome.INCOMPLETE, "private addresses are not dialled unless the caller says so"


async def test_what_is_no_identifier_is_said_before_a_packet_leaves(tmp_path: Path) -> None:
    with pytest.raises(MalformedError):
        await lookup("4155550123", server="127.0.0.1#1")
    with pytest.raises(MalformedError, match="cannot be read"):
        await walk(ALICE, anchor=tmp_path / "none.pem")


async def test_nobody_there_is_an_exception_with_the_reason() -> None:
    with trio.fail_after(20), pytest.raises(UnreachableError, match=r"127\.0\.0\.1#1"):
        await lookup(ALICE, server="127.0.0.1#1")


def test_the_version_stands() -> None:
    assert API_VERSION == 1
    assert set(client.__all__) <= set(dir(client))
