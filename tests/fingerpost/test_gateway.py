"""A resolver that is a gateway: a root, a provider, a resolver and a relay, each a real program."""

import re
import signal
from pathlib import Path

import pytest
import trio

from tests.certificates import write_certificate
from tests.fingerpost.daemons import APEX, running, running_web
from tests.fingerpost.household import RESOLVER, Household
from tests.fingerpost.obliviously import CLIENT, RELAY, client
from transport.clock import Clock
from zonedata import identifiers, replies, wire
from zonedata.wire import QType

HTTPS = 'tcp = ["127.0.0.1#0"]\nhttps = ["127.0.0.1#0"]'
ALICE = identifiers.parse("alice@example.com").owner
GATEWAY = """
[tls]
certificate = "gateway.crt"
key = "gateway.key"

[oblivious]
keys = "oblivious.keys"
authority = "resolver.example"

[process]
workers = 2
"""


def _resolver(house: Household, root: int) -> str:
    write_certificate(house.folder, stem="gateway")
    house.sound("keygen", "--oblivious", "oblivious.keys")
    return RESOLVER.replace('tcp = ["127.0.0.1#0"]', HTTPS) + f'root = ["127.0.0.1#{root}"]\n' + GATEWAY


async def _ask(relay: int, gateway: int, times: int) -> list[bytes]:
    with trio.fail_after(30):
        async with client(relay, gateway, "resolver.example") as one:
            query = wire.query_wire(ALICE, APEX, QType.CSI, 4711, wire.FLAG_RD)
            return [await one.exchange(query, Clock().now()) for _ in range(times)]


def test_a_resolver_is_asked_by_way_of_a_relay_and_goes_on_after_a_restart(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    write_certificate(house.folder, stem="relay")
    with running("alpha.toml") as msp:
        house.root(*house.delegation(msp.doors.udp, msp.doors.tcp))
        house.sound("sign", "root.toml")
        with running("root.toml") as root:
            house.write("resolver.toml", _resolver(house, root.doors.udp))
            kept = Path("oblivious.keys").read_text()
            for _ in range(2):
                with running("resolver.toml") as resolver:
                    house.write("relay.toml", RELAY.format(port=resolver.doors.https))
                    with running_web("relay.toml", "relay") as relay:
                        for answer in trio.run(_ask, relay.port, resolver.doors.https, 4):
                            assert b"mimi://alpha.example/u/alice" in answer
                            assert replies.read_reply(answer).records
                    status, text = resolver.end(signal.SIGTERM)
                assert status == 0
                assert CLIENT not in text + relay.log
                assert "alice" not in relay.log
                counted = [int(count) for count in re.findall(r"oblivious_answered=(\d+)", text)]
                assert sum(counted) == 4
            assert Path("oblivious.keys").read_text() == kept


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("oblivious.keys", "gone.keys", "oblivious.keys: gone.keys: cannot be read: No such file or directory"),
        ("oblivious.keys", "gateway.key", "oblivious.keys: gateway.key: no key chain; expected"),
        ("resolver.example", "Resolver.example", "oblivious.authority: 'Resolver.example' is no HOST"),
        ("resolver.example", "resolver.example:443", "with a port that is not 443"),
        ("resolver.example", "resolver.example:https", "oblivious.authority: 'resolver.example:https' is no HOST"),
        ("resolver.example", "resolver.example:08443", "oblivious.authority: 'resolver.example:08443' is no HOST"),
        ("resolver.example", "resolver.example/", "oblivious.authority: 'resolver.example/' is no HOST"),
        ("resolver.example", "2001:db8::1", "oblivious.authority: '2001:db8::1' is no HOST"),
        ('https = ["127.0.0.1#0"]\n', "", "oblivious: is asked over HTTPS, and [listen] has no 'https'"),
    ],
)
def test_what_is_wrong_with_a_gateway_is_said(house: Household, old: str, new: str, fault: str) -> None:
    house.root()
    (found,) = house.check(_resolver(house, 53).replace(old, new))
    assert fault in found


def test_a_gateway_is_a_resolvers(house: Household) -> None:
    house.root()
    house.sound("keygen", "--oblivious", "oblivious.keys")
    text = (house.folder / "root.toml").read_text() + '[oblivious]\nkeys = "oblivious.keys"\nauthority = "x"\n'
    assert [fault.partition(": ")[2] for fault in house.check(text)] == [
        "oblivious: has no [resolver] beside it; people ask resolvers",
        "oblivious: is asked over HTTPS, and [listen] has no 'https'",
    ]


def test_keys_are_begun_once(house: Household) -> None:
    words = "keygen", "--oblivious", "oblivious.keys"
    assert house.sound(*words) == "oblivious.keys oblivious keys, the first for today\n"
    outcome = house.run(*words)
    assert (outcome.status, outcome.err) == (1, "oblivious.keys: is there already, and is not overwritten\n")
    assert house.run("keygen", "--oblivious", "x", "y.pem").status == 1
