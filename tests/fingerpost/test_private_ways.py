"""fpdig asks a resolver that does not learn who asks: by way of a relay, paid for by tokens; all real programs."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from bench.world import free_ports
from fingerpost import oblivious_keys
from resolver.client import Answer, Protocol, Way, lookup
from resolver.private_ways import NoKeysError, ObliviousDialer, RelayWay
from tests.certificates import write_certificate
from tests.fingerpost.daemons import running, running_web
from tests.fingerpost.household import RESOLVER, Household
from tests.fingerpost.obliviously import RELAY
from tests.transport.tokens.mint import CHALLENGE, signing_key
from tests.transport.tokens.test_wallet import signed
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.oblivious import key_configs
from transport.proof import Certified
from transport.tokens.directory import Directory
from transport.tokens.keys import start_of_period
from transport.tokens.wallet import Wallet

HERE = Path(__file__).parents[2]
ALICE, BOB = "alice@example.com", "bob@example.com"
LISTEN = 'tcp = ["127.0.0.1#0"]\nhttps = ["127.0.0.1#0"]'
MORE = """
[tls]
certificate = "gateway.crt"
key = "gateway.key"

[oblivious]
keys = "oblivious.keys"
authority = "localhost:{port}"

[limits]
distinct_day = 1
distinct_ten_days = 1

[tokens]
issuer = "issuer.example"
origin = "localhost"
directory = "directory.json"
spent = "spent"
capacity = 1024
"""


def fpdig(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "resolver.fpdig.main", "-r", *words, "+short", "+tries=1", "+csi"]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.fixture
def wallet(house: Household) -> Path:
    """Two tokens, and the directory of who signed them, in the house."""
    key = signing_key(0, int(start_of_period(time.time())))
    (house.folder / "directory.json").write_bytes(Directory("https://issuer.example/", (key.listed,)).to_json())
    path = house.folder / "my.wallet"
    made = Wallet.create(path, replace(CHALLENGE, origin_info="localhost"))
    outstanding = made.ask(key.listed, 2, secrets.token_bytes)
    made.finish(outstanding, signed(outstanding, key))
    made.close()
    return path


@pytest.fixture
def ways(house: Household, wallet: Path) -> Iterator[tuple[list[str], str]]:
    """The words for the resolver, and those for the relay."""
    assert wallet.exists()
    house.msp()
    house.sound("sign", "alpha.toml")
    for stem in ("gateway", "relay"):
        write_certificate(house.folder, stem=stem)
    Path("both.pem").write_text(Path("gateway.crt").read_text() + Path("relay.crt").read_text())
    house.sound("keygen", "--oblivious", "oblivious.keys")
    with running("alpha.toml") as msp:
        house.root(*house.delegation(msp.doors.udp, msp.doors.tcp))
        house.sound("sign", "root.toml")
        with running("root.toml") as root:
            (port,) = free_ports(1)
            text = RESOLVER.replace(
                'tcp = ["127.0.0.1#0"]', LISTEN.replace('https = ["127.0.0.1#0', f'https = ["127.0.0.1#{port}')
            )
            house.write("resolver.toml", text + f'root = ["127.0.0.1#{root.doors.udp}"]\n' + MORE.format(port=port))
            with running("resolver.toml") as resolver:
                house.write("relay.toml", RELAY.format(port=port))
                with running_web("relay.toml", "relay") as relay:
                    here = [f"@https://localhost:{port}", "+tls-ca=both.pem"]
                    yield here, f"+oblivious=https://localhost:{relay.port}"
                assert resolver.end()[0] == 0


def test_a_budget_is_spent_and_tokens_pay_by_way_of_the_relay_and_without(ways: tuple[list[str], str]) -> None:
    here, relay = ways
    first = fpdig(*here, ALICE)
    assert (first.returncode, first.stdout) == (0, "mimi://alpha.example/u/alice\n"), first.stderr
    refused = fpdig(*here, BOB)
    assert "retry after" in refused.stderr, refused
    paid = fpdig(*here, "+token=my.wallet", BOB)
    assert "retry after" not in paid.stderr
    sealed = fpdig(*here, relay, ALICE)
    assert sealed.stdout == first.stdout, sealed.stderr
    sealed = fpdig(*here, relay, "+token=my.wallet", "carol@example.com")
    assert "retry after" not in sealed.stderr
    empty = fpdig(*here, relay, "+token=my.wallet", ALICE)
    assert (empty.returncode, empty.stdout) == (9, "")
    assert "holds no token that counts" in empty.stderr
    Wallet.create(Path("other.wallet"), CHALLENGE).close()
    foreign = fpdig(*here, "+token=other.wallet", ALICE)
    assert "the wallet holds tokens for resolver.example, and none for localhost" in foreign.stderr
    other = fpdig(*here, "+token=both.pem", ALICE)
    assert other.returncode == 1
    assert "both.pem" in other.stderr


def test_the_client_library_asks_by_way_of_a_relay(ways: tuple[list[str], str]) -> None:
    resolver, relay = (int(words.rpartition(":")[2]) for words in (ways[0][0], ways[1]))

    async def ask(keys: Path | None) -> list[Answer]:
        proof = Certified("localhost", Path("both.pem"))
        by = RelayWay((Endpoint("127.0.0.1", relay),), proof, keys=keys)
        server, way = f"127.0.0.1#{resolver}", Way(Protocol.HTTPS, proof)
        async with ObliviousDialer(by, Clock()).running() as dialer:
            return [await lookup(ALICE, server=server, way=way, dialer=dialer) for _ in range(2)]

    for answer in trio.run(ask, None):
        assert [reach.ssi for reach in answer.reaches] == ["mimi://alpha.example/u/alice"]
    chain = oblivious_keys.read(Path("oblivious.keys"))
    Path("public.keys").write_bytes(key_configs.to_wire(chain.keys(time.time()).published))
    assert len(trio.run(ask, Path("public.keys"))) == 2
    with pytest.raises(NoKeysError, match=r"both\.pem: "):
        trio.run(ask, Path("both.pem"))
