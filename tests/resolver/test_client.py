"""The client library as a caller uses it, on real sockets."""

import itertools
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from resolver import client
from resolver.client import (
    API_VERSION,
    Answer,
    Assurance,
    Choice,
    MalformedError,
    Outcome,
    Settings,
    Tries,
    UnreachableError,
    Why,
    choose,
    complete_directly,
    lookup,
    lookup_many,
    walk,
)
from resolver.reading import Manner, from_reply
from resolver.way import Way
from tests.loopback import on_loopback
from tests.resolver.small import ALICE, small
from tests.world import World, key_of
from transport.dialer import Dialer
from transport.handler import Protocol
from transport.proof import Unproven
from zonedata.kinds import DAY, Kind
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


def dialing(dialer: Dialer) -> Callable[[], AbstractAsyncContextManager[Dialer]]:
    """What to put in place of the class that dials."""

    @asynccontextmanager
    async def dialers() -> AsyncGenerator[Dialer]:
        yield dialer

    return dialers


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


GIVEN = [ALICE, "bob", " +1 415 555 0124\n", "", "alice@example.com", ALICE]


async def test_lookup_many_answers_in_order_with_errors_as_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = small()
    anchor = anchor_file(world, tmp_path / "anchor.pem")
    monkeypatch.setattr(client, "Clock", lambda: world.clock)

    async def later() -> AsyncGenerator[str]:
        for text in GIVEN:
            await trio.lowlevel.checkpoint()
            yield text

    with trio.fail_after(20):
        async with on_loopback(world) as there:
            server = f"127.0.0.1#{there.ports['resolver']}"
            for proof in (True, False):
                for csis in (GIVEN, iter(GIVEN), later()):
                    async with lookup_many(csis, server=server, anchor=anchor, proof=proof) as answers:
                        found = [one async for one in answers]
                    assert [text for text, _ in found] == GIVEN
                    kinds = [came.outcome if isinstance(came, Answer) else type(came) for _, came in found]
                    none = [Outcome.NONE, MalformedError, Outcome.NONE]
                    assert kinds == [Outcome.FOUND, MalformedError, *none, Outcome.FOUND]
                    verified = {came.verified for _, came in found if isinstance(came, Answer)}
                    assert verified == ({True} if proof else {None})


async def test_lookup_many_may_be_left_early_and_raises_what_its_caller_raises() -> None:
    with trio.fail_after(20):
        async with on_loopback(small()) as there:
            server = f"127.0.0.1#{there.ports['resolver']}"
            async with lookup_many(itertools.repeat(ALICE), server=server) as answers:
                async for _, answer in answers:
                    assert isinstance(answer, Answer)
                    break
            with pytest.raises(RuntimeError, match="the caller's"):
                async with lookup_many(itertools.repeat(ALICE), server=server) as answers:
                    raise RuntimeError("the caller's")

            def broken() -> Iterator[str]:
                yield ALICE
                raise OSError("no more")

            async with lookup_many(broken(), server=server) as answers:
                _, answer = await anext(answers)
                assert isinstance(answer, Answer)
                with pytest.raises(OSError, match="no more"):
                    await anext(answers)


async def test_many_are_asked_over_one_stream_and_nothing_else() -> None:
    with pytest.raises(ValueError, match="TCP or TLS, and not over https"):
        async with lookup_many([ALICE], way=Way(Protocol.HTTPS, Unproven())):
            pass


async def test_lookup_many_where_nobody_is() -> None:
    async with lookup_many([ALICE] * 3, server="127.0.0.1#1", tries=Tries(count=1)) as answers:
        found = [came async for _, came in answers]
    assert [type(came) for came in found] == [UnreachableError] * 3
    assert "Connection refused" in str(found[0])


async def test_walk_needs_no_resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small()
    anchor = anchor_file(world, tmp_path / "anchor.pem")
    with trio.fail_after(20):
        async with on_loopback(world) as there:
            monkeypatch.setattr(client, "SocketDialer", dialing(there.detour))
            monkeypatch.setattr(client, "Clock", lambda: world.clock)
            settings = Settings(lab_addresses=True, allow_plain_upstream=True)
            walked = await walk(ALICE, anchor=anchor, settings=settings)
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


async def test_a_sender_may_demand_more_assurance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small()
    anchor = anchor_file(world, tmp_path / "anchor.pem")
    with trio.fail_after(20):
        async with on_loopback(world) as there:
            server = f"127.0.0.1#{there.ports['resolver']}"
            monkeypatch.setattr(client, "Clock", lambda: world.clock)
            wanted = Assurance.VALIDATED
            one = await lookup(ALICE, server=server, anchor=anchor, assurance=wanted)
            async with lookup_many([ALICE], server=server, anchor=anchor, assurance=wanted) as answers:
                _, many = await anext(answers)
            async with lookup_many([ALICE], server=server, proof=False, assurance=wanted) as answers:
                _, bare = await anext(answers)
            monkeypatch.setattr(client, "SocketDialer", dialing(there.detour))
            settings = Settings(lab_addresses=True, allow_plain_upstream=True)
            walked = await walk(ALICE, anchor=anchor, settings=settings, assurance=wanted)
    for answer in (one, many, bare, walked):
        assert isinstance(answer, Answer)
        assert answer.outcome is Outcome.NONE
        assert answer.complete
        assert answer.reaches == ()
        assert [reach.msp for reach in answer.left_out] == ["alpha.example"]
        assert choose(answer) == Choice(None, Why.NOBODY, ())
    assert choose(replace(one, reaches=one.left_out)).why is Why.ONLY_ONE


async def test_what_a_proof_lacks_is_asked_for_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small()
    anchor = anchor_file(world, tmp_path / "anchor.pem")
    with trio.fail_after(20):
        async with on_loopback(world) as there:
            monkeypatch.setattr(client, "Clock", lambda: world.clock)
            server = f"127.0.0.1#{there.ports['resolver']}"
            whole = await lookup(ALICE, server=server, anchor=anchor)
            assert whole.via.reply is not None
            records = tuple(one for one in whole.via.reply.records if one.rdata[0] != Kind.ASSERTION)
            via = replace(whole.via, reply=replace(whole.via.reply, records=records))
            lacking = from_reply(whole.csi, via, Manner(trust=world.anchor), world.clock.now())
            assert lacking.outcome is Outcome.INCOMPLETE
            monkeypatch.setattr(client, "SocketDialer", dialing(there.detour))
            settings = Settings(lab_addresses=True, allow_plain_upstream=True)
            completed = await complete_directly(lacking, anchor=anchor, settings=settings)
            more = Assurance.VALIDATED
            demanded = await complete_directly(lacking, anchor=anchor, settings=settings, assurance=more)
            inward = await complete_directly(lacking, anchor=anchor)
    assert completed.complete
    assert completed.reaches == whole.reaches
    assert completed.asked_directly == ("alpha.example",)
    assert [reach.msp for reach in demanded.left_out] == ["alpha.example"]
    assert not inward.complete, "private addresses are not dialled unless the caller says so"
