from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.zonedata.builders import SERVERS, key, keys_of, life, number
from tests.zonedata.samples import OWNER, SAMPLES, TREE, fields_of, statement
from zonedata import codec, names
from zonedata.errors import MalformedError
from zonedata.kinds import RULES, Kind, Role
from zonedata.names import ROOT
from zonedata.opening import speaker_of
from zonedata.person_statements import Assertion, Block, host_of_ssi
from zonedata.sealed import Sealed
from zonedata.statements import Statement, read_untrusted, seal, to_body
from zonedata.zone_statements import Authority, Delegation, Gap, Grant

KEY = keys_of("alpha.example")[0].to_value()
SERVER = SERVERS[0].to_value()
PORTS: dict[str, Any] = {"udp": 53}


def read(kind: Kind, fields: dict[str, Any]) -> Statement:
    return read_untrusted(Sealed(kind, (), codec.pack(fields)))


@given(statement)
def test_body_round_trip(one: Statement) -> None:
    body = to_body(one)
    if len(body) <= (RULES[one.kind].caps.octets if one.kind in RULES else 16_384):
        assert read_untrusted(Sealed(one.kind, (), body)) == one


@pytest.mark.parametrize("kind", Kind)
def test_there_is_a_sample_of_every_kind(kind: Kind) -> None:
    assert SAMPLES[kind].kind is kind
    assert read(kind, fields_of(SAMPLES[kind])) == SAMPLES[kind]


@pytest.mark.parametrize("kind", Kind)
def test_no_field_may_be_missing_unknown_or_of_another_type(kind: Kind) -> None:
    fields = fields_of(SAMPLES[kind])
    optional = {Kind.ASSERTION: {"features", "recipient"}, Kind.MAPPING: {"former"}}
    for name in set(fields) - optional.get(kind, set()):
        with pytest.raises(MalformedError, match=name):
            read(kind, {key: value for key, value in fields.items() if key != name})
    with pytest.raises(MalformedError, match="unknown field 'more'"):
        read(kind, fields | {"more": 1})
    for name, value in fields.items():
        others: list[Any] = [1, True, "\x7f", b"", [[]], {"x": 1}]
        for other in others:
            if type(other) is not type(value):
                with pytest.raises(MalformedError):
                    read(kind, fields | {name: other})


def grant(*roles: str, authority: str = "alpha.example", required: str = "asserted") -> list[Any]:
    return [authority, list(roles), required, False]


BROKEN: list[tuple[Kind, dict[str, Any]]] = [
    (Kind.ROOTKEYS, {"version": 0, "serial": 0, "tree": TREE}),
    (Kind.ROOTKEYS, {"version": 2, "tree": TREE}),
    (Kind.ROOTKEYS, {"tree": TREE}),
    (Kind.ROOTKEYS, {"threshold": 0}),
    (Kind.ROOTKEYS, {"threshold": 4}),
    (Kind.ROOTKEYS, {"zone_keys": []}),
    (Kind.ROOTKEYS, {"root_keys": [], "threshold": 1}),
    (Kind.ROOTKEYS, {"zone_keys": [bytes(31)]}),
    (Kind.ROOTKEYS, {"zone_keys": [key("a").public.raw] * 2}),
    (Kind.ROOTKEYS, {"zone_keys": ["text"]}),
    (Kind.ZONEDIGEST, {"tree": bytes(15)}),
    (Kind.ZONEDIGEST, {"digest": bytes(33)}),
    (Kind.ZONEDIGEST, {"zone": "nodots"}),
    (Kind.AUTHORITY, {"keys": [KEY, KEY]}),
    (Kind.AUTHORITY, {"keys": [KEY] * 9}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": []}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": ["root"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": ["fly"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": [["zone"]]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": ["zone", "assert"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": ["deny", "deny"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": ["assert", "deny"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"uses": ["deny", "zone"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"until": KEY["from"]}]}),
    (Kind.AUTHORITY, {"keys": [KEY | {"more": 1}]}),
    (Kind.AUTHORITY, {"keys": [1]}),
    (Kind.AUTHORITY, {"servers": [SERVER] * 14}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"addresses": []}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"addresses": ["192.0.2.1"] * 5}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"addresses": ["2001:DB8::1"]}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"addresses": ["fe80::1%eth0"]}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"addresses": ["host.example"]}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"addresses": [1]}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"ports": {}}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"ports": {"udp": 0}}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"ports": {"udp": 65_536}}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"ports": {"quic": 853}}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"pin": bytes(32)}]}),
    (Kind.AUTHORITY, {"servers": [SERVER | {"ports": {"tls": 853}}]}),
    (Kind.AUTHORITY, {"authority": ".".join(["a"] * 40)}),
    (Kind.AUTHORITY, {"zone": "reg.example", "authority": "."}),
    (Kind.DELEGATION, {"grants": [grant("msp", authority=".")]}),
    (Kind.DELEGATION, {"grants": [1]}),
    (Kind.DELEGATION, {"grants": [["alpha.example", ["msp"], "asserted"]]}),
    (Kind.DELEGATION, {"grants": [["alpha.example", "msp", "asserted", False]]}),
    (Kind.DELEGATION, {"grants": [[1, ["msp"], "asserted", False]]}),
    (Kind.DELEGATION, {"grants": [["alpha.example", ["msp"], "asserted", 0]]}),
    (Kind.DELEGATION, {"grants": [grant()]}),
    (Kind.DELEGATION, {"grants": [grant("king")]}),
    (Kind.DELEGATION, {"grants": [grant("msp", "csip")]}),
    (Kind.DELEGATION, {"grants": [grant("msp", "msp")]}),
    (Kind.DELEGATION, {"grants": [grant("msp", required="liked")]}),
    (Kind.DELEGATION, {"grants": [grant("msp"), grant("msp")]}),
    (Kind.DELEGATION, {"grants": [grant("msp", authority="b.example"), grant("msp")]}),
    (Kind.DELEGATION, {"grants": [grant("msp", authority=".".join(["a"] * 40))]}),
    (Kind.DELEGATION, {"node": "1.e164"}),
    (Kind.GAP, {"next": names.to_text(number("+1"))}),
    (Kind.GAP, {"first": names.to_text(number("+2")), "next": names.to_text(number("+1"))}),
    (Kind.GAP, {"counts": [3]}),
    (Kind.GAP, {"counts": [2, 1]}),
    (Kind.GAP, {"counts": [1, 1]}),
    (Kind.GAP, {"counts": ["1"]}),
    (Kind.GAP, {"counts": [True]}),
    (Kind.ASSERTION, {"owner": "e164."}),
    (Kind.ASSERTION, {"owner": "example.com.mail."}),
    (Kind.ASSERTION, {"ssi": "mimi://beta.example/u/alice"}),
    (Kind.ASSERTION, {"ssi": "https://alpha.example/u/alice"}),
    (Kind.ASSERTION, {"ssi": "mimi://alpha.example/" + "a" * 300}),
    (Kind.ASSERTION, {"msp": ".", "ssi": "mimi://./u/alice"}),
    (Kind.ASSERTION, {"features": []}),
    (Kind.ASSERTION, {"features": ["b", "a"]}),
    (Kind.ASSERTION, {"features": ["a", "a"]}),
    (Kind.ASSERTION, {"features": ["A"]}),
    (Kind.ASSERTION, {"features": ["a$b"]}),
    (Kind.ASSERTION, {"features": [""]}),
    (Kind.ASSERTION, {"features": ["a" * 33]}),
    (Kind.ASSERTION, {"features": [1]}),
    (Kind.ASSERTION, {"features": [f"{n:02}" for n in range(17)]}),
    (Kind.ASSERTION, {"recipient": bytes(31)}),
    (Kind.BLOCK, {"node": "example.com.mail."}),
    (Kind.BLOCK, {"node": "."}),
    (Kind.BLOCK, {"msp": ".", "template": "mimi://./u/{number}"}),
    (Kind.BLOCK, {"node": "14.e164."}),
    (Kind.BLOCK, {"template": "mimi://alpha.example/u/x"}),
    (Kind.BLOCK, {"template": "mimi://alpha.example/u/{number}{number}"}),
    (Kind.BLOCK, {"template": "mimi://beta.example/u/{number}"}),
    (Kind.BLOCK, {"msp": "0.example", "template": "mimi://{number}.example/u/x"}),
    (Kind.BLOCK, {"msp": "1.example", "template": "mimi://{number}.example/u/x"}),
    (Kind.BLOCK, {"lengths": []}),
    (Kind.BLOCK, {"lengths": [0]}),
    (Kind.BLOCK, {"lengths": [16]}),
    (Kind.BLOCK, {"lengths": [True]}),
    (Kind.BLOCK, {"lengths": [11, 10]}),
    (Kind.BLOCK, {"exceptions": ["2", "1"]}),
    (Kind.BLOCK, {"exceptions": ["x"]}),
    (Kind.BLOCK, {"exceptions": ["²"]}),
    (Kind.BLOCK, {"exceptions": [""]}),
    (Kind.BLOCK, {"exceptions": [1]}),
    (Kind.BLOCK, {"exceptions": [f"{n:03}" for n in range(41)]}),
    (Kind.DENIAL, {"role": "registry"}),
    (Kind.DENIAL, {"role": "king"}),
    (Kind.DENIAL, {"authority": "ALPHA.example"}),
    (Kind.STATUS, {"rows": [["alpha.example", "msp"]]}),
    (Kind.STATUS, {"rows": [["alpha.example", "msp", 1]]}),
    (Kind.STATUS, {"rows": ["alpha.example"]}),
    (Kind.STATUS, {"rows": [["alpha.example", "king", "denied"]]}),
    (Kind.STATUS, {"rows": [["alpha.example", "msp", "tired"]]}),
    (Kind.STATUS, {"rows": [["alpha.example", "msp", "denied"], ["alpha.example", "msp", "stale"]]}),
    (Kind.STATUS, {"rows": [[f"h{n:03}.example", "msp", "denied"] for n in range(129)]}),
]


@pytest.mark.parametrize(("kind", "change"), BROKEN, ids=str)
def test_one_unsound_field_refuses_the_statement(kind: Kind, change: dict[str, Any]) -> None:
    assert read(kind, fields_of(SAMPLES[kind]))
    with pytest.raises(MalformedError):
        read(kind, fields_of(SAMPLES[kind]) | change)


@pytest.mark.parametrize(
    ("ssi", "host"),
    [
        ("mimi://alpha.example/u/alice", "alpha.example"),
        ("mimi://alpha.example", "alpha.example"),
        ("mimi://alpha.example/u/a%20b", "alpha.example"),
    ],
)
def test_the_provider_of_an_ssi(ssi: str, host: str) -> None:
    assert host_of_ssi(ssi) == host


@pytest.mark.parametrize(
    "ssi",
    [
        "",
        "mimi:alpha.example",
        "MIMI://alpha.example/u/a",
        "mimi://alpha.example/",
        "mimi://alpha.example:443/u/a",
        "mimi://bob@alpha.example/u/a",
        "mimi://Alpha.example/u/a",
        "mimi://alpha.example./u/a",
        "mimi://alpha.example/u/a?b",
        "mimi://alpha.example/u/a#b",
        "mimi://alpha.example/u/a b",
        "mimi://alpha.example/u/é",
        "mimi://alpha.example\\.beta.example/u/a",
        'mimi://alpha.example/"',
        "mimi:///u/a",
        "mimi://./u/a",
    ],
)
def test_what_is_no_ssi(ssi: str) -> None:
    with pytest.raises(MalformedError):
        host_of_ssi(ssi)


@pytest.mark.parametrize(
    ("prefix", "lengths", "exceptions", "csi", "speaks"),
    [
        ("+1415", (11,), (), "+14155550123", True),
        ("+1415", (11,), (), "+1415555012", False),
        ("+1415", (10, 11), (), "+1415555012", True),
        ("+1415", (11,), (), "+14165550123", False),
        ("+1415", (11,), ("555",), "+14155550123", False),
        ("+1415", (11,), ("556",), "+14155550123", True),
        ("+1415", (11,), ("5550123",), "+14155550123", False),
        ("+14155550123", (11,), (), "+14155550123", True),
        ("+", (11,), ("2",), "+14155550123", True),
        ("+", (11,), ("1",), "+14155550123", False),
    ],
)
def test_whom_a_block_speaks_for(
    prefix: str, lengths: tuple[int, ...], exceptions: tuple[str, ...], csi: str, speaks: bool
) -> None:
    block = Block(
        life(Kind.BLOCK), number(prefix), "alpha.example", "mimi://alpha.example/u/{number}", lengths, exceptions
    )
    assert read(Kind.BLOCK, fields_of(block)) == block
    assert block.speaks_for(number(csi)) is speaks
    assert block.ssi_for(number(csi)) == f"mimi://alpha.example/u/{csi[1:]}"


def test_a_block_says_nothing_of_names_that_are_no_numbers() -> None:
    block = SAMPLES[Kind.BLOCK]
    assert isinstance(block, Block)
    assert not replace(block, node=number("+")).speaks_for(names.from_text("14155550123.e164."))
    assert not replace(block, node=number("+")).speaks_for(names.from_text("example.com.mail."))


def test_what_a_gap_holds() -> None:
    gap = SAMPLES[Kind.GAP]
    assert isinstance(gap, Gap)
    closed = replace(gap, first=number("+14"), next=number("+2"), counts=(2, 3))
    for text, holds in (
        ("+1", False),
        ("+13", False),
        ("+14", True),
        ("+15", True),
        ("+2", False),
        ("+19999", True),
    ):
        assert closed.holds(number(text)) is holds
        assert closed.holds_inside(number(text)) is (holds and text != "+14")
    assert replace(closed, next=ROOT).holds(number("+9"))
    assert closed.delegated_above(number("+145")) == [number("+1"), number("+14")]
    assert closed.delegated_above(number("+15")) == [number("+1")]
    assert replace(closed, counts=(0,)).delegated_above(number("+15")) == [ROOT]


def test_a_node_may_have_hundreds_of_grants_and_no_more_than_fit() -> None:
    sample = SAMPLES[Kind.DELEGATION]
    assert isinstance(sample, Delegation)
    many = tuple(Grant(f"msp{n:04}.example", (Role.MSP,)) for n in range(400))
    assert read_untrusted(seal(replace(sample, grants=many), key("a"))) == replace(sample, grants=many)
    more = (*many, Grant("z.example", (Role.MSP,)))
    with pytest.raises(MalformedError, match="401"):
        read_untrusted(seal(replace(sample, grants=more), key("a")))
    longer = tuple(Grant(f"a-provider-with-a-very-very-long-name-{n:040}.example", (Role.MSP,)) for n in range(400))
    with pytest.raises(MalformedError, match="at most 32768"):
        seal(replace(sample, grants=longer), key("a"))


def test_the_root_zone_binds_itself() -> None:
    sample = SAMPLES[Kind.AUTHORITY]
    assert isinstance(sample, Authority)
    assert read(Kind.AUTHORITY, fields_of(sample) | {"authority": "."}) == replace(sample, authority=".")


def test_ports_are_given_by_transport() -> None:
    sample = SAMPLES[Kind.AUTHORITY]
    assert isinstance(sample, Authority)
    ports = {"udp": 53, "tcp": 53, "tls": 853}
    fields = fields_of(sample) | {"servers": [SERVER | {"ports": ports, "pin": bytes(32)}]}
    read_back = read(Kind.AUTHORITY, fields)
    assert isinstance(read_back, Authority)
    assert read_back.servers[0].ports == (("tcp", 53), ("tls", 853), ("udp", 53))


@pytest.mark.parametrize(
    ("kind", "speaker"),
    [
        (Kind.ROOTKEYS, "."),
        (Kind.ZONEDIGEST, "."),
        (Kind.AUTHORITY, "."),
        (Kind.DELEGATION, "."),
        (Kind.GAP, "."),
        (Kind.ASSERTION, "alpha.example"),
        (Kind.BLOCK, "alpha.example"),
        (Kind.DENIAL, "alpha.example"),
        (Kind.STATUS, ""),
    ],
)
def test_every_statement_names_its_speaker(kind: Kind, speaker: str) -> None:
    assert speaker_of(SAMPLES[kind]) == speaker


def test_optional_fields_are_left_out_when_empty() -> None:
    bare = Assertion(life(Kind.ASSERTION), OWNER, "alpha.example", "mimi://alpha.example/u/a")
    assert set(bare.to_fields()) == {"owner", "msp", "ssi"}
    assert read(Kind.ASSERTION, fields_of(bare)) == bare
