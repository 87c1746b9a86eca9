"""A resolver of several trees: its configuration, and two trees as real daemons."""

from contextlib import ExitStack

import pytest
import trio

from fingerpost.configuration import read
from fingerpost.upstream import trust_of
from resolver.answer import Answer
from resolver.client import lookup_many
from resolver.policy import Policy
from resolver.stub import Stub
from resolver.way import Way
from tests.fingerpost.daemons import running
from tests.fingerpost.household import Household
from tests.fingerpost.test_whole import WHOLE
from transport.clock import Clock
from transport.dialer import SocketDialer
from transport.endpoint import Endpoint
from transport.handler import Protocol
from zonedata import trust
from zonedata.identifiers import parse
from zonedata.judgement import Outcome

RESOLVER = """\
[listen]
udp = ["127.0.0.1#0"]
tcp = ["127.0.0.1#0"]

[resolver]
lab_addresses = true

[[tree]]
name = "one"
anchor = "one.pem"
root = ["127.0.0.1#5301"]

[[tree]]
name = "two"
anchor = "two.pem"
nodes = ["+1415", "@example.com"]
root = ["127.0.0.1#5302"]
"""


def anchors(house: Household) -> None:
    for name in ("one", "two"):
        house.key(f"{name}-root.pem")
        house.key(f"{name}-zone.pem")
        keys = ("--root-key", f"{name}-root.pem", "--zone-key", f"{name}-zone.pem")
        house.sound("keygen", "--anchor", f"{name}.pem", *keys)


def test_a_sound_configuration_becomes_a_policy(house: Household) -> None:
    anchors(house)
    assert house.check(RESOLVER) == []
    policy = trust_of(read(house.folder / "c.toml"))
    assert isinstance(policy, Policy)

    def speaking(csi: str) -> set[str]:
        return {tree.name for tree in policy.speaking_for(parse(csi).owner)}

    assert speaking("+14155550123") == {"two"}
    assert speaking("+12125550123") == {"one"}
    assert speaking("alice@mail.example.com") == {"two"}, "nodes cover what is below them"
    assert speaking("alice@example.org") == {"one"}


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (
            "lab_addresses = true",
            'lab_addresses = true\nanchor = "one.pem"',
            "c.toml:7: resolver.anchor: stands beside [[tree]]; each tree has its own, and there is no other",
        ),
        (
            "lab_addresses = true",
            'lab_addresses = true\nroot = ["127.0.0.1#1"]',
            "c.toml:7: resolver.root: stands beside [[tree]]; each tree has its own",
        ),
        ('"two"', '"one"', "c.toml:14: tree.name: 'one' is the name of another tree, too"),
        (
            '"two"',
            '"Two!"',
            "c.toml:14: tree.name: 'Two!', expected 1 to 32 of the characters ",
        ),
        ('"two.pem"', '"one.pem"', "c.toml:15: tree.anchor: is of the same tree as that of 'one'"),
        (
            '"two.pem"',
            '"no.pem"',
            "c.toml:15: tree.anchor: no.pem: trust anchor cannot be read: ",
        ),
        (
            'anchor = "two.pem"\n',
            "",
            "c.toml:13: tree.anchor: missing; expected path: trust anchor: whose word is believed in the end",
        ),
        ('"+1415"', '"+1415", "+1415"', "c.toml:16: tree.nodes: '+1415' stands here twice"),
        ("nodes =", "node =", "c.toml:16: tree.node: unknown; did you mean 'nodes'?"),
        (
            'root = ["127.0.0.1#5302"]\n',
            "",
            "c.toml:15: tree.anchor: names no servers of the root; set 'root', or take the anchor file that ",
        ),
        (
            "lab_addresses = true",
            "lab_addresses = false",
            "c.toml:11: tree.root: ",
        ),
        (
            RESOLVER[RESOLVER.index("[[tree]]") :],
            "",
            "c.toml:5: resolver.anchor: missing; expected path: ",
        ),
        (
            RESOLVER[RESOLVER.index("[[tree]]") :],
            '[tree]\nname = "one"\n',
            "c.toml:8: tree: expected an array of tables: [[tree]] on a line of its own before each",
        ),
    ],
)
def test_what_does_not_agree(house: Household, before: str, after: str, fault: str) -> None:
    anchors(house)
    assert before in RESOLVER
    found = house.check(RESOLVER.replace(before, after))
    assert any(line.startswith(fault) for line in found), found


def test_the_reference_tells_of_trees(house: Household) -> None:
    assert "[[tree]]  One of several trees" in house.sound("check", "--reference")


def _whole_tree(house: Household, name: str, stack: ExitStack) -> int:
    """Serve a tree out of one daemon, and return its UDP port."""
    text = WHOLE.replace('"anchor.pem"', f'"{name}.pem"').replace("zone.pem", f"{name}-zone.pem")
    text = text.replace("root.zone", f"{name}.zone").replace("whole.store", f"{name}.store")
    with running(_signed(house, name, text, house.delegation(1, 1))) as first:
        doors = first.doors
    text = text.replace('udp = ["127.0.0.1#0"]', f'udp = ["127.0.0.1#{doors.udp}"]')
    text = text.replace('tcp = ["127.0.0.1#0"]', f'tcp = ["127.0.0.1#{doors.tcp}"]')
    stack.enter_context(running(_signed(house, name, text, house.delegation(doors.udp, doors.tcp))))
    return doors.udp


def _signed(house: Household, name: str, text: str, lines: list[str]) -> str:
    house.write(f"{name}.zone", "\n".join(["zone .", "lab-addresses yes", *lines, ""]))
    house.write(f"{name}.toml", text)
    house.sound("sign", f"{name}.toml")
    return f"{name}.toml"


def test_two_trees_as_real_daemons(house: Household) -> None:
    anchors(house)
    house.msp()
    with ExitStack() as stack:
        text = RESOLVER.replace('nodes = ["+1415", "@example.com"]\n', "") + "\n[process]\nworkers = 1\n"
        text = text.replace("lab_addresses = true", 'lab_addresses = true\ncache = "cache"\ncache_size = 16')
        for name, port in (("one", "5301"), ("two", "5302")):
            text = text.replace(port, str(_whole_tree(house, name, stack)))
        house.write("resolver.toml", text)
        resolver = stack.enter_context(running("resolver.toml"))
        trusts = [trust.read_anchor(house.folder / f"{name}.pem") for name in ("one", "two")]

        async def ask_many() -> None:
            files = [house.folder / "one.pem", house.folder / "two.pem"]
            server = f"127.0.0.1#{resolver.doors.tcp}"
            async with lookup_many(["alice@example.com"], server=server, beside=files) as answers:
                ((_, told),) = [one async for one in answers]
            assert isinstance(told, Answer)
            assert [(word.tree, word.complete) for word in told.trees] == [
                (tree, True) for tree in sorted(one.tree.hex() for one in trusts)
            ]

        async def ask() -> None:
            async with SocketDialer() as dialer:
                endpoint = Endpoint("127.0.0.1", resolver.doors.tcp)
                stub = Stub(
                    [endpoint], dialer, Clock(), trust=trusts[0], way=Way(Protocol.TCP), beside=(trusts[1],)
                )
                answer = await stub.lookup(parse("+14155550123"))
            assert (answer.outcome, answer.complete, answer.verified) == (Outcome.FOUND, True, True)
            assert {reach.tree for reach in answer.reaches} == {one.tree.hex() for one in trusts}

        trio.run(ask)
        trio.run(ask_many)
    assert {path.name for path in (house.folder / "cache").iterdir()} == {one.tree.hex() for one in trusts}
