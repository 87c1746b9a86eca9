"""Each kind of mistake, with its exact line. `fingerpost check` prints what these configurations deserve."""

from pathlib import Path

import pytest

from fingerpost.configuration import MAX_FILE, read
from fingerpost.sections import NOWHERE, ListingsSigning, ZoneSigning
from fingerpost.upstream import trust_of
from fingerpost.upstream_sections import RootServer
from resolver.settings import UPSTREAM_RATE
from tests.fingerpost.household import MSP, RESOLVER, ROOT, Household, replaced
from transport.endpoint import Endpoint
from zonedata import names
from zonedata.errors import ConfigError
from zonedata.kinds import Role

PIN = "5a" * 32


def test_an_msp_is_read(house: Household) -> None:
    house.msp()
    configuration = read(Path("alpha.toml"))
    assert configuration.apex == names.from_text("fingerpost.internal.")
    assert configuration.listen.udp == (Endpoint("127.0.0.1", 0),)
    assert configuration.authority is not None
    assert configuration.authority.roles == (Role.MSP,)
    assert configuration.sign == ListingsSigning(
        Path("assert.pem"),
        (Path("people.ndjson"),),
        (names.from_text("5.1.4.1.e164."), names.from_text("example.com.mail.")),
    )
    assert configuration.resolver is None


def test_a_root_is_read_and_needs_no_listen_to_be_signed(house: Household) -> None:
    house.root()
    house.write("root.toml", ROOT.partition("\n\n")[2])
    configuration = read(Path("root.toml"))
    assert configuration.sign == ZoneSigning(Path("zone.pem"), Path("root.zone"), Path("anchor.pem"), ())
    assert configuration.listen == NOWHERE


def test_paths_are_relative_to_the_file(house: Household) -> None:
    house.msp()
    folder = house.folder / "etc"
    folder.mkdir()
    path = house.write("etc/c.toml", MSP)
    configuration = read(path, inspect=())
    assert configuration.authority is not None
    assert configuration.authority.store == Path("etc/alpha.store")


def test_what_is_not_asked_for_is_not_looked_at(house: Household) -> None:
    house.write("c.toml", MSP)
    assert read(Path("c.toml"), inspect=()).sign is not None
    with pytest.raises(ConfigError, match=r"deny\.pem"):
        read(Path("c.toml"), inspect=("authority",))


def test_a_resolver_has_bounds_and_an_anchor(house: Household) -> None:
    house.root()
    house.write("c.toml", RESOLVER + 'lookups = 7\nroot = ["127.0.0.1#5300"]\n')
    resolver = read(Path("c.toml")).resolver
    assert resolver is not None
    at = Endpoint("127.0.0.1", 5300)
    assert (resolver.lookups, resolver.root, resolver.lab_addresses) == (7, (RootServer(at),), True)
    assert (resolver.allow_plain_upstream, resolver.upstream_rate) == (False, UPSTREAM_RATE)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # wrong types and values
        ({"name": "5"}, "c.toml:6: authority.name: 5, expected text in quotes"),
        ({"name": '""'}, "c.toml:6: authority.name: '', expected text in quotes"),
        (
            {"name": '"Alpha"'},
            "c.toml:6: authority.name: 'Alpha' is no authority: expected a domain name such as alpha.example",
        ),
        ({"udp": '"127.0.0.1#1"'}, "c.toml:2: listen.udp: '127.0.0.1#1', expected an array: [...]"),
        ({"udp": "[5301]"}, "c.toml:2: listen.udp: 5301, expected text in quotes"),
        (
            {"udp": '["127.0.0.1#70000"]'},
            "c.toml:2: listen.udp: port '70000' is not a number from 0 to 65535",
        ),
        (
            {"tcp": '["127.0.0.1#1",\n "localhost#1"]'},
            "c.toml:4: listen.tcp: 'localhost' is not an IP address (names are not looked up here)",
        ),
        (
            {"tcp": '["127.0.0.1#1",\n "127.0.0.1#1"]'},
            "c.toml:4: listen.tcp: '127.0.0.1#1' stands here twice",
        ),
        (
            {"roles": '["msp", "boss"]'},
            "c.toml:8: authority.roles: 'boss', expected one of msp, registry, validator, csip",
        ),
        (
            {"nodes": '["1415"]'},
            (
                "c.toml:14: sign.nodes: '1415' is no node: expected a prefix (+1415), a mail domain "
                "(@example.com) or '.'"
            ),
        ),
        # what does not leave the machine in the open
        (
            {"udp": '["127.0.0.1#1", "192.0.2.1#53"]'},
            (
                "c.toml:2: listen.udp: 192.0.2.1#53 is no loopback address, and plain DNS is not encrypted; "
                "'allow_plain = true' allows it"
            ),
        ),
        (
            {"tcp": '["::#53"]\nallow_plain = 1'},
            "c.toml:4: listen.allow_plain: 1, expected true or false, without quotes",
        ),
        # what is missing
        (
            {"store": None},
            (
                "c.toml:5: authority.store: missing; expected path: "
                "the store that 'fingerpost sign' makes and 'fingerpost serve' opens"
            ),
        ),
        (
            {"roles": None},
            (
                "c.toml:5: authority.roles: missing; expected array of msp, registry, validator, csip: "
                "as what it is delegated to; the root needs none"
            ),
        ),
        (
            {"deny_key": None},
            "c.toml:5: authority.deny_key: missing; an authority with the role msp signs what it denies",
        ),
        (
            {"nodes": None},
            (
                "c.toml:11: sign.nodes: missing; expected array of +PREFIX and @DOMAIN: "
                "where a provider is delegated to; every listing lies below one of them"
            ),
        ),
        (
            {"udp": None, "tcp": None},
            (
                "c.toml:1: listen: has no 'udp' and no 'tcp' and no 'tls' and no 'https' and no 'quic', "
                "so nothing would be heard"
            ),
        ),
        # what is unknown
        ({"store": '"s"\nstroe = 1'}, "c.toml:8: authority.stroe: unknown; did you mean 'store'?"),
        ({"store": '"s"\nnodes = []'}, "c.toml:8: authority.nodes: does not belong here, but into [sign]"),
        ({"store": '"s"\napex = "x."'}, "c.toml:8: authority.apex: belongs above all tables"),
        (
            {"udp": '["127.0.0.1#1"]\nx = 1'},
            "c.toml:3: listen.x: unknown; expected one of allow_plain, https, quic, tcp, tls, udp",
        ),
        # what does not agree
        (
            {"deny_key": '"deny.pem"\nspeaks_as = "beta.example"'},
            "c.toml:10: authority.speaks_as: is for the root; alpha.example speaks as itself",
        ),
        (
            {"deny_key": '"assert.pem"'},
            "c.toml:9: authority.deny_key: is the signing key too; the on-line key may sign denials only",
        ),
        (
            {"nodes": '["+1"]\nzone = "people.ndjson"'},
            "c.toml:15: sign.zone: has no place here: what is signed for alpha.example is a provider's listings",
        ),
        # files
        ({"key": '"no.pem"'}, "c.toml:12: sign.key: no.pem: key file cannot be read: No such file or directory"),
        (
            {"listings": '["people.ndjson",\n\n"gone.csv"]'},
            "c.toml:15: sign.listings: gone.csv: cannot be read: No such file or directory",
        ),
    ],
)
def test_one_mistake(house: Household, changes: dict[str, str | None], expected: str) -> None:
    house.msp()
    assert expected in house.check(replaced(MSP, **changes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[authority", "c.toml:1: not TOML: Expected ']' at the end of a table declaration"),
        ("a = 1\nb = \n", "c.toml:2: not TOML: Invalid value"),
        ("a = " + "[" * 5_000, "c.toml: not TOML that can be read: nested too deeply"),
        ("", "c.toml: has neither [authority] nor [resolver]; one of them says what to be"),
        (RESOLVER.partition("\n\n")[2], "c.toml: has a [resolver], but no [listen] that says where"),
        (
            MSP.partition("[sign]")[0] + RESOLVER.partition("\n\n")[2],
            "c.toml:11: resolver: stands beside [authority]; a file is an authority's or a resolver's",
        ),
        (
            RESOLVER + MSP[MSP.index("[sign]") :],
            "c.toml:8: sign: has no [authority] beside it that says whose store this is",
        ),
        (
            MSP + "[process]\nworkers = 0\n",
            "c.toml:16: process.workers: 0, expected a whole number from 1 to 256",
        ),
        (
            MSP + "[process]\nworkers = 257\n",
            "c.toml:16: process.workers: 257, expected a whole number from 1 to 256",
        ),
        ("workers = 2\n" + MSP, "c.toml:1: workers: does not belong here, but into [process]"),
        ("resolver = 5\n" + MSP, "c.toml:1: resolver: expected a table: [resolver] on a line of its own"),
        ('apex = "a.b"\n' + MSP, "c.toml:1: apex: name 'a.b' does not end in a dot"),
        (f'apex = "{"a" * 63}.b."\n' + MSP, "c.toml:1: apex: apex of 66 octets, at most 64 are allowed"),
        (f'apex = "{"a." * 9}"\n' + MSP, "c.toml:1: apex: apex of 9 labels, at most 8 are allowed"),
        ("listne = 1\n" + MSP, "c.toml:1: listne: unknown; did you mean 'listen'?"),
        ('key = "x"\n' + MSP, "c.toml:1: key: does not belong here, but into [sign]"),
        (RESOLVER + "lookups = 0\n", "c.toml:8: resolver.lookups: 0, expected a whole number from 1 to 100000"),
        (
            RESOLVER + "lookups = true\n",
            "c.toml:8: resolver.lookups: True, expected a whole number from 1 to 100000",
        ),
        (
            replaced(RESOLVER, anchor='"assert.pem"'),
            (
                "c.toml:6: resolver.anchor: assert.pem: trust anchor holds no block FINGERPOST ROOTKEYS at its "
                "beginning"
            ),
        ),
        (
            replaced(RESOLVER, lab_addresses=None) + 'root = ["192.0.2.1#53"]\n',
            (
                "c.toml:7: resolver.root: address 192.0.2.1 is private, loopback, link-local, multicast or "
                "reserved; "
                "'lab_addresses = true' in [resolver] allows it"
            ),
        ),
        (
            replaced(RESOLVER, lab_addresses='"yes"'),
            "c.toml:7: resolver.lab_addresses: 'yes', expected true or false, without quotes",
        ),
    ],
)
def test_one_mistake_in_the_whole(house: Household, text: str, expected: str) -> None:
    house.msp()
    house.root()
    assert expected in house.check(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ROOT.replace('name = "."', 'name = "."\nroles = ["msp"]'),
            (
                "c.toml:7: authority.roles: the root speaks for its zone only; 'speaks_as' names it where it "
                "speaks about people, too"
            ),
        ),
        (
            ROOT.replace('name = "."', 'name = "."\ndeny_key = "root.pem"'),
            "c.toml:7: authority.deny_key: a zone alone denies nothing about people; leave it out",
        ),
        (
            replaced(ROOT, anchor=None),
            "c.toml:9: sign.anchor: missing; expected path: trust anchor of the tree that the zone belongs to",
        ),
        (ROOT + "listings = []\n", "c.toml:13: sign.listings: has no place here: what is signed for . is a zone"),
        (
            ROOT.replace('name = "."', 'name = "r.example"\nroles = ["registry"]') + 'rootkeys = ["anchor.pem"]\n',
            "c.toml:14: sign.rootkeys: is served by the root only",
        ),
        (
            ROOT + 'rootkeys = ["anchor.pem", "gone.pem"]\n',
            "c.toml:13: sign.rootkeys: gone.pem: trust anchor cannot be read: No such file or directory",
        ),
        (
            replaced(ROOT, zone='"gone.zone"'),
            "c.toml:11: sign.zone: gone.zone: cannot be read: No such file or directory",
        ),
    ],
)
def test_one_mistake_of_a_root(house: Household, text: str, expected: str) -> None:
    house.root()
    assert house.check(text) == [expected]


def test_how_many_workers_may_be_left_to_the_machine(house: Household) -> None:
    house.msp()
    for text, workers in ((MSP, None), (MSP + "[process]\n", None), (MSP + "[process]\nworkers = 256\n", 256)):
        assert house.check(text) == []
        assert read(house.folder / "c.toml").process.workers == workers


def test_a_plain_listener_beyond_this_machine_is_possible_when_it_is_wanted(house: Household) -> None:
    house.msp()
    assert house.check(replaced(MSP, udp='["0.0.0.0#0"]\nallow_plain = true')) == []


def test_every_mistake_is_found_in_one_run(house: Household) -> None:
    house.msp()
    (house.folder / "deny.pem").chmod(0o640)
    house.add("people.ndjson", '{"csi": "+1", "ssi": "mimi://alpha.example/u/1"}\n')
    text = replaced(MSP, udp='["127.0.0.1#x", "192.0.2.1#1"]', tcp="true")
    text = "colour = 1\n" + text.replace("nodes =", "node =")
    assert house.check(text) == [
        (
            "c.toml:1: colour: unknown; expected one of apex, authority, client, control, issuer, limits, listen, "
            "mail, numbers, oblivious, process, resolver, sign, tls, tokens, tree, validate"
        ),
        "c.toml:3: listen.udp: port 'x' is not a number from 0 to 65535",
        "c.toml:4: listen.tcp: True, expected an array: [...]",
        (
            "c.toml:10: authority.deny_key: deny.pem: key file has mode 0640, so others may have read it: "
            "make a new key "
            "with 'fingerpost keygen', or chmod 0600 it if you know that nobody did"
        ),
        (
            "c.toml:12: sign.nodes: missing; expected array of +PREFIX and @DOMAIN: "
            "where a provider is delegated to; every listing lies below one of them"
        ),
        "c.toml:15: sign.node: unknown; did you mean 'nodes'?",
    ]


def test_mistakes_in_the_configuration_do_not_hide_those_in_the_sources(house: Household) -> None:
    house.msp()
    house.add("people.ndjson", '{"csi": "+1", "ssi": "mimi://alpha.example/u/1"}\n')
    first, second = house.check(replaced(MSP, tcp="true"))
    assert first == "c.toml:3: listen.tcp: True, expected an array: [...]"
    assert second.startswith("people.ndjson:4: csi: '+1' is no")


def test_a_key_file_that_holds_none(house: Household) -> None:
    house.msp()
    house.write("other.pem", "no key").chmod(0o600)
    expected = "c.toml:12: sign.key: other.pem: key file holds no unencrypted private key in PEM"
    assert house.check(replaced(MSP, key='"other.pem"')) == [expected]


def test_a_file_that_cannot_be_read_at_all(house: Household) -> None:
    assert house.run("check", "no.toml").out == "no.toml: cannot be read: No such file or directory\n1 fault\n"
    (house.folder / "latin.toml").write_bytes(b"# fine\n# gr\xfc\xdfe\n")
    assert house.run("check", "latin.toml").out == "latin.toml:2: not UTF-8 text\n1 fault\n"
    (house.folder / "long.toml").write_bytes(b"#" * (MAX_FILE + 1))
    assert house.run("check", "long.toml").out.startswith("long.toml: longer than 1048576 octets; is this a")


def test_a_resolver_needs_a_root_that_it_may_ask(house: Household) -> None:
    house.root("server . ns.example 127.0.0.1 udp=5300")
    (fault,) = house.check(RESOLVER)
    assert fault.startswith("c.toml:6: resolver.anchor: names no servers of the root; set 'root', or take")
    assert house.check(RESOLVER + 'root = ["127.0.0.1#5300"]\n') == []
    house.sound("sign", "root.toml")
    assert house.check(RESOLVER) == []
    assert house.check(replaced(RESOLVER, lab_addresses="false")) == [
        (
            "c.toml:6: resolver.anchor: names servers of the root at private addresses only; "
            "'lab_addresses = true' allows them"
        )
    ]
    house.zone(["server . ns.example 8.8.8.8 udp=53"])
    house.sound("sign", "root.toml")
    (fault,) = house.check(replaced(RESOLVER, lab_addresses="false"))
    assert fault.startswith("c.toml:6: resolver.anchor: names servers of the root that take plain DNS alone")
    assert house.check(replaced(RESOLVER, lab_addresses="false") + "allow_plain_upstream = true\n") == []
    house.zone([f"server . ns.example 8.8.8.8 udp=53 tls=853 pin={PIN}"])
    house.sound("sign", "root.toml")
    assert house.check(replaced(RESOLVER, lab_addresses="false")) == []


def test_a_server_of_the_root_is_given_with_its_key_or_plain_dns_is_allowed(house: Household) -> None:
    house.root()
    text = replaced(RESOLVER, lab_addresses="false")
    (fault,) = house.check(text + 'root = ["8.8.8.8#53"]\n')
    assert fault == (
        "c.toml:8: resolver.root: 8.8.8.8#53 is no loopback address, and plain DNS is not encrypted; give its key "
        "as in '8.8.8.8#853 pin=HEX', or 'allow_plain_upstream = true' in [resolver] allows it"
    )
    assert house.check(text + 'root = ["8.8.8.8#53"]\nallow_plain_upstream = true\n') == []
    house.write("c.toml", text + f'root = ["8.8.8.8#853 pin={PIN}"]\n')
    resolver = read(Path("c.toml")).resolver
    assert resolver is not None
    (server,) = trust_of(read(Path("c.toml"))).servers  # type: ignore[union-attr]  # there is one tree
    assert (server.addresses, server.ports, server.pin) == (("8.8.8.8",), (("tls", 853),), bytes.fromhex(PIN))
    for wrong in ("8.8.8.8#853 pin=00", "8.8.8.8#853 key=00", "8.8.8.8#853 pin", f"8.8.8.8 pin={PIN}"):
        assert len(house.check(text + f'root = ["{wrong}"]\n')) == 1
