"""From a question to a real resolver, by way of a file, to an explanation without a network."""

import json
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import trio

from resolver.fpdig.main import prepare
from resolver.fpdig.options import Command
from resolver.fpdig.running import run
from tests.fingerpost.household import Household
from tests.fingerpost.verify.scenes import keep
from tests.resolver.fpdig.phonebook import make_world, write_anchors
from tests.world import START
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.later import LaterPool
from transport.slots import StreamLimits
from transport.stream_link import connect_stream
from transport.tcp_listener import open_tcp, serve_tcp
from transport.udp_listener import open_udp, serve_udp

ALICE = "+14155550123"
ONE_MSP = """
delegate . +1 alpha.example msp
holds alpha.example +14155550123 u/1
of +14155550123
"""


async def ask_over_sockets(*words: str) -> int:
    """Ask a resolver that listens on loopback."""
    world = make_world()
    udp = open_udp(Endpoint("127.0.0.1", 0))
    port = udp.getsockname()[1]
    with udp, open_tcp(Endpoint("127.0.0.1", port)) as tcp, trio.fail_after(20):
        async with LaterPool(9).running() as later, trio.open_nursery() as nursery, SocketDialer() as dialer:
            world.start_resolver()
            assert world.resolver is not None
            handler = world.resolver.handle
            await nursery.start(serve_udp, udp, handler, world.clock, later)
            nursery.start_soon(lambda: serve_tcp(tcp, handler, world.clock, later, limits=StreamLimits()))
            command = prepare(["@127.0.0.1", "-p", str(port), *words])
            assert isinstance(command, Command)
            status = await run(command, dialer, world.clock, connect_stream)
            nursery.cancel_scope.cancel()
    return int(status)


def test_asked_over_sockets_and_verified_without(house: Household) -> None:
    write_anchors(house.folder)
    words = (ALICE, "--anchor", "anchor.pem", "+short", "+bundle=a.bundle")
    assert trio.run(ask_over_sockets, *words) == 0
    told = house.sound("verify", "a.bundle", "--anchor", "anchor.pem", "--at", "asked", "--svg", "a.svg")
    assert "of 127.0.0.1#" in told
    assert "mimi://alpha.example/u/7f3a (alpha.example, asserted)" in told
    assert "It is complete: every authority on the way has spoken" in told
    ET.fromstring((house.folder / "a.svg").read_text(encoding="ascii"))  # noqa: S314 - it is ours


def test_without_a_time_it_is_judged_for_now(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(ONE_MSP).write(house.folder)
    monkeypatch.setattr(time, "time", lambda: START + 60)
    assert "judged   for 2027-01-15T08:01:00Z" in house.sound("verify", "b.bundle", "--anchor", "anchor.pem")
    monkeypatch.setattr(time, "time", lambda: START + 10**8)
    assert house.run("verify", "b.bundle", "--anchor", "anchor.pem").status == 3


def test_the_document_says_the_same_as_the_text(house: Household) -> None:
    keep(ONE_MSP).write(house.folder)
    words = ("verify", "b.bundle", "--anchor", "anchor.pem", "--at", "asked")
    text = " ".join(house.sound(*words).split())
    told = json.loads(house.sound(*words, "--json"))
    assert told["answer"]["outcome"] == "found"
    assert told["answer"]["verified"] is True
    assert [reach["ssi"] for reach in told["answer"]["assertions"]] == ["mimi://alpha.example/u/1"]
    assert told["rootkeys"] == {"anchor": 1, "caught_up": 1, "bundle": 1}
    assert (told["asked"], told["judged"], told["resolver"]) == (START, START, "10.9.9.9#53")
    for step in told["steps"]:
        assert step["title"] in text
        for line in step["lines"]:
            assert line["mark"] in {"proven", "note", "unproven", "refused"}
            for said in (line["text"], *line["below"]):
                assert " ".join(said.split()) in text


@pytest.mark.parametrize("at", ["yesterday", "-1", "2027-01-15", "9" * 30, "١٢٣", "2027-13-15T08:00:00Z"])
def test_what_is_no_time_is_said(at: str, house: Household) -> None:
    outcome = house.run("verify", "b.bundle", "--anchor", "anchor.pem", f"--at={at}")
    assert outcome.status == 1
    assert "expected 2027-01-15T08:00:00Z, Unix seconds or 'asked'" in outcome.err


@pytest.mark.parametrize("at", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_time_before_all_times_is_none_and_not_when_it_was_asked(at: str, house: Household) -> None:
    outcome = house.run("verify", "b.bundle", "--anchor", "anchor.pem", "--at", at)
    assert outcome.status == 1
    assert f"'{at}' is before 1970" in outcome.err


def test_what_is_too_long_is_not_read_whole(house: Household, tmp_path: Path) -> None:
    keep(ONE_MSP).write(house.folder)
    with (tmp_path / "long").open("wb") as file:
        file.truncate(2**40)  # a hole: whoever reads all of it finds no room for it
    outcome = house.run("verify", str(tmp_path / "long"), "--anchor", "anchor.pem")
    assert outcome.status == 4
    assert "bundle is longer than" in outcome.err
    (house.folder / "torn").write_bytes((house.folder / "b.bundle").read_bytes()[:-100])
    assert house.run("verify", "torn", "--anchor", "anchor.pem").status == 4
    assert house.run("verify", str(tmp_path), "--anchor", "anchor.pem").status == 4
