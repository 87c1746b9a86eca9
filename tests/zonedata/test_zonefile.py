"""Zone sources: what each directive means, and what each mistake is called, with its line and field."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import key
from tests.zonedata.samples import host
from zonedata import identifiers, names, zonefile
from zonedata.errors import ConfigError, Fault
from zonedata.kinds import Assurance, Role, Use
from zonedata.life import MAX_TIME
from zonedata.zone_statements import BoundKey, Grant, Server
from zonedata.zonefile import ZoneSource, parse_zone, read_zone

HERE = Path("here.zone")
KEY = key("alpha.example/assert").public
KEY_TEXT = KEY.to_text()
PIN = "ab" * 32
BINDING = f"key alpha.example assert {KEY_TEXT}\nserver alpha.example ns.alpha.example 8.8.8.8 udp=53\n"
GRANT = "delegate +1 alpha.example msp\n"


def parse(text: str) -> ZoneSource:
    return parse_zone(HERE, text.encode().splitlines(keepends=True))


def faults(text: str | bytes) -> list[Fault]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigError) as caught:
        parse_zone(HERE, raw.splitlines(keepends=True))
    assert all(fault.where == HERE for fault in caught.value.faults)
    return caught.value.faults


def fault(line: str | bytes, before: str = "zone .\n") -> tuple[str, str]:
    """The field and reason of the one mistake on a line that follows `before`."""
    raw = line.encode() if isinstance(line, str) else line
    [found] = faults(before.encode() + raw)
    assert found.line == before.count("\n") + 1
    return found.field, found.reason


# --- what is understood ------------------------------------------------------------------------------------


def test_a_whole_zone() -> None:
    source = parse(
        f"""
        ; a zone
        zone numbers.example    ; whose
        ttl 600
        node +44
        node @example.com
        above beta.example
        key alpha.example zone,assert {KEY_TEXT} until=2027-01-01 from=2026-01-01
        key alpha.example deny {key("x").public.to_text()}
        server alpha.example ns1.alpha.example 192.0.2.1,2001:DB8::1 tcp=5353 udp=5300
        server alpha.example ns2.alpha.example 8.8.8.8 tls=853 pin={PIN.upper()}
        lab-addresses yes
        delegate +44 alpha.example msp,csip required=validated
        delegate @example.com beta.example msp deep required=authorized
        delegate @example.com beta.example validator
        delegate @sub.example.com alpha.example registry,msp,msp
        terminate +4477
        terminate @example.com
        """
    )
    assert (source.zone, source.ttl, source.lab_addresses) == ("numbers.example", 600, True)
    assert [identifiers.node_to_text(node) for node in source.scope] == ["+44", "@example.com"]
    assert source.above == {"beta.example"}
    alpha = source.bindings["alpha.example"]
    assert list(source.bindings) == ["alpha.example"]
    assert alpha.keys == {
        KEY.key_id: BoundKey(KEY, (Use.ASSERT, Use.ZONE), 1_767_225_600, 1_798_761_600),
        key("x").public.key_id: BoundKey(key("x").public, (Use.DENY,), 0, MAX_TIME),
    }
    assert alpha.servers == {
        "ns1.alpha.example": Server(
            "ns1.alpha.example", ("192.0.2.1", "2001:db8::1"), (("tcp", 5353), ("udp", 5300))
        ),
        "ns2.alpha.example": Server("ns2.alpha.example", ("8.8.8.8",), (("tls", 853),), bytes.fromhex(PIN)),
    }
    nodes = {identifiers.node_to_text(name): node for name, node in source.nodes.items()}
    assert {text: node.terminating for text, node in nodes.items()} == {
        "+44": False, "@example.com": True, "@sub.example.com": False, "+4477": True,
    }  # fmt: skip
    assert list(nodes["+44"].grants.values()) == [
        Grant("alpha.example", (Role.CSIP, Role.MSP), Assurance.VALIDATED)
    ]
    assert list(nodes["@example.com"].grants.values()) == [
        Grant("beta.example", (Role.MSP,), Assurance.AUTHORIZED, deep=True),
        Grant("beta.example", (Role.VALIDATOR,)),
    ]
    assert list(nodes["@sub.example.com"].grants.values()) == [Grant("alpha.example", (Role.MSP, Role.REGISTRY))]
    assert nodes["+4477"].grants == {}


def test_the_root_stands_at_the_root_of_the_tree_unless_it_says_otherwise() -> None:
    assert parse("zone .").scope == [names.ROOT]
    assert parse("zone .\nnode +1").scope == [identifiers.node_from_text("+1")]
    assert parse("zone .").ttl == zonefile.DEFAULT_TTL
    assert list(parse("zone .\nabove a.example\ndelegate . a.example msp").nodes) == [names.ROOT]


def test_lines_stand_in_any_order() -> None:
    lines = [
        "zone .",
        "ttl 77",
        "lab-addresses yes",
        *BINDING.replace("8.8.8.8", "10.0.0.1").splitlines(),
        GRANT,
        "terminate +1",
    ]
    straight = parse("\n".join(lines))
    for seed in range(8):
        random.Random(seed).shuffle(lines)
        assert parse("\n".join(lines)) == straight


def test_an_authority_is_bound_here_or_above_or_not_granted() -> None:
    assert parse(f"zone .\n{BINDING}{GRANT}")
    assert parse(f"zone .\nabove alpha.example\n{GRANT}")
    assert parse("zone .\nserver alpha.example ns.alpha.example 8.8.8.8 udp=53\n")  # bound for others to see
    for have, lack in (("server alpha.example n.alpha.example 8.8.8.8 udp=53\n", "key"), ("", "key")):
        [found] = faults(f"zone .\n{GRANT}delegate +2 alpha.example msp\n{have}")
        assert (found.line, found.field) == (2, "alpha.example")
        assert found.reason == f"granted, but has no '{lack}' line here; or say 'above alpha.example'"
    [found] = faults(f"zone .\nkey alpha.example deny {KEY_TEXT}\n{GRANT}")
    assert (found.line, found.reason.split()[4]) == (3, "'server'")


def test_windows_lines_blanks_and_comments() -> None:
    source = parse_zone(HERE, [b"\r\n", b"  ;x\r\n", b"zone . ; \xc3\xa9\r\n", b"\tttl\t 60\r\n"])
    assert (source.zone, source.ttl) == (".", 60)


_digits = st.text("0123456789", min_size=1, max_size=4)
_node = st.one_of(
    st.just("."), st.just("@"), _digits.map("+".__add__), host.filter(lambda h: h[0] != "-").map("@".__add__)
)
_ports = st.dictionaries(st.sampled_from(["tcp", "udp"]), st.integers(1, 65_535), min_size=1)


@st.composite
def sources(draw: st.DrawFn) -> ZoneSource:
    source = ZoneSource(".", draw(st.integers(1, 604_800)), [names.ROOT], lab_addresses=True)
    for name in draw(st.lists(host, max_size=3, unique=True)):
        binding = source.bindings.setdefault(name, zonefile.Binding())
        for which in draw(st.sets(st.sampled_from("abc"), min_size=1)):
            start = draw(st.integers(0, 2_000_000_000))
            uses = draw(st.just({Use.DENY}) | st.sets(st.sampled_from([Use.ZONE, Use.ASSERT]), min_size=1))
            public = key(which).public
            end = draw(st.integers(start + 1, 4_000_000_000))
            binding.keys[public.key_id] = BoundKey(public, tuple(sorted(uses)), start, end)
        for server in draw(st.sets(host, min_size=1, max_size=2)):
            addresses = draw(st.lists(st.ip_addresses().map(str), min_size=1, max_size=4))
            ports = tuple(sorted(draw(_ports).items()))
            pinned = draw(st.binary(min_size=32, max_size=32) | st.just(b""))
            whole = (*ports[:1], ("tls", 853)) if pinned and ports[0][0] == "tcp" else ports
            pin = pinned if ("tls", 853) in whole else b""
            binding.servers[server] = Server(server, tuple(addresses), whole, pin)
    for text in draw(st.sets(_node, max_size=4)):
        try:
            node = source.nodes.setdefault(identifiers.node_from_text(text), zonefile.Node())
        except ValueError:
            continue  # not every host is a mail domain
        node.terminating = draw(st.booleans())
        for name in draw(st.sets(st.sampled_from(sorted(source.bindings) or ["up.example"]), max_size=2)):
            roles = tuple(sorted(draw(st.sets(st.sampled_from(Role), min_size=1))))
            deep = draw(st.booleans())
            node.grants[name, deep] = Grant(name, roles, draw(st.sampled_from(Assurance)), deep)
        if not node.grants:
            node.terminating = True
    if not source.bindings:
        source.above.add("up.example")
    return source


def _lines_of(source: ZoneSource) -> list[str]:
    """Write a source as a person would."""
    lines = [f"zone {source.zone}", f"ttl {source.ttl}", "lab-addresses yes", *(f"above {a}" for a in source.above)]
    for name, binding in source.bindings.items():
        for bound in binding.keys.values():
            window = f"from={_moment(bound.start)} until={_moment(bound.end)}"
            lines.append(f"key {name} {','.join(bound.uses)} {bound.public.to_text()} {window}")
        for server in binding.servers.values():
            ports = [f"{transport}={port}" for transport, port in server.ports]
            pin = [f"pin={server.pin.hex()}"] if server.pin else []
            lines.append(f"server {name} {server.name} {','.join(server.addresses)} {' '.join(ports + pin)}")
    for at, node in source.nodes.items():
        text = identifiers.node_to_text(at)
        lines += [f"terminate {text}"] * node.terminating
        for grant in node.grants.values():
            deep = " deep" * grant.deep
            lines.append(
                f"delegate {text} {grant.authority} {','.join(grant.roles)} required={grant.required}{deep}"
            )
    return lines


def _moment(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    year, month, day = _date(days)
    return f"{year:04}-{month:02}-{day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def _date(days: int) -> tuple[int, int, int]:
    """Count a date from 1970 by the calendar's rules, not by the library that is tested."""
    year = 1970
    while days >= (length := 366 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 365):
        days, year = days - length, year + 1
    months = [31, 29 if length == 366 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    month = 0
    while days >= months[month]:
        days, month = days - months[month], month + 1
    return year, month + 1, days + 1


@given(sources(), st.randoms(use_true_random=False))
def test_what_is_written_out_is_read_back(source: ZoneSource, rng: Any) -> None:
    lines = _lines_of(source)
    rng.shuffle(lines)
    assert parse("\n".join(lines)) == source


# --- mistakes ----------------------------------------------------------------------------------------------

S, K, D = "server a.example n.a.example", "key a.example", "delegate +1 a.example"


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("frobnicate 1", "frobnicate", "unknown directive; expected one of zone, ttl, lab-addresses, node, "),
        ("x" * 50, "x" * 40, "unknown directive"),
        ("zone a.example", "zone", "said before, as ."),
        ("zone", "", "expected: zone NAME"),
        ("zone a.example b", "", "expected: zone NAME"),
        ("ttl", "", "expected: ttl SECONDS"),
        ("ttl 0", "ttl", "'0', expected a whole number from 1 to 604800"),
        ("ttl 604801", "ttl", "'604801', expected"),
        ("ttl -1", "ttl", "'-1', expected"),
        ("ttl 1h", "ttl", "'1h', expected"),
        ("ttl ٣", "ttl", "'٣', expected"),
        ("ttl 000000000001999999999", "ttl", "'000000000001999999999', expected"),
        ("ttl " + "9" * 4_000, "ttl", f"'{'9' * 40}', expected"),
        ("lab-addresses", "", "expected: lab-addresses yes|no"),
        ("lab-addresses maybe", "lab-addresses", "'maybe', expected yes or no"),
        ("node", "", "expected: node NODE"),
        ("node 1415", "1415", "'1415' is no node: expected a prefix (+1415), a mail domain (@example.com) or '.'"),
        ("node +14x", "+14x", "'+14x' is no number prefix"),
        ("node +1234567890123456", "+1234567890123456", "'+1234567890123456' has more than 15 digits"),
        ("node @exa..mple", "@exa..mple", "'@exa..mple' is no mail domain"),
        ("above", "", "expected: above AUTHORITY"),
        ("above Alpha.example", "Alpha.example", "'Alpha.example' is no authority: expected a domain name"),
        ("above alpha", "alpha", "'alpha' is no authority"),
        ("above alpha.example.", "alpha.example.", "'alpha.example.' is no authority"),
        ("terminate", "", "expected: terminate NODE"),
        ("terminate +1 +2", "", "expected: terminate NODE"),
        ("terminate x", "x", "'x' is no node"),
        (K, "", "expected: key AUTHORITY USES KEY [from=DATE] [until=DATE]"),
        (f"{K} assert {KEY_TEXT} from=2026-01-01 until=2027-01-01 deep", "", "expected: key AUTHORITY"),
        (f"{K} assert ed25519:AAAA", "key", ""),
        (f"{K} assert rsa:AAAA", "key", ""),
        (f"{K} assert ed25519:{'A' * 43}=", "key", "key"),
        (f"{K} root {KEY_TEXT}", "uses", "'root' keys stand in ROOTKEYS only"),
        (f"{K} assert,root {KEY_TEXT}", "uses", "'root' keys stand"),
        (f"{K} assert,deny {KEY_TEXT}", "uses", "the deny key is on-line and can sign nothing else"),
        (f"{K} deny,zone {KEY_TEXT}", "uses", "the deny key is on-line and can sign nothing else"),
        (f"{K} sign {KEY_TEXT}", "uses", "'sign', expected one of root, zone, assert, deny"),
        (f"{K} assert, {KEY_TEXT}", "uses", "'', expected one of"),
        (f"{K} assert {KEY_TEXT} from=yesterday", "from", "'yesterday', expected a date as 2026-01-31"),
        (f"{K} assert {KEY_TEXT} until=2026-02-30", "until", "'2026-02-30', expected a date"),
        (f"{K} assert {KEY_TEXT} from=2026-01-01T00:00:00+02:00", "from", "'2026-01-01T00:00:00+02:00', expec"),
        (f"{K} assert {KEY_TEXT} from=1969-12-31", "from", "'1969-12-31', expected a date"),
        (f"{K} assert {KEY_TEXT} from=2027-01-01 until=2026-01-01", "until", "the key ends before it begins"),
        (f"{K} assert {KEY_TEXT} from=2027-01-01 until=2027-01-01", "until", "the key ends before it begins"),
        (f"{K} assert {KEY_TEXT} from=2026-01-01 from=2026-01-01", "from=2026-01-01", "expected one of from=, unt"),
        (f"{K} assert {KEY_TEXT} udp=53", "udp=53", "expected one of from=, until=, each once"),
        (f"{K} assert {KEY_TEXT} until", "until", "expected one of from=, until=, each once"),
        (f"key A.example assert {KEY_TEXT}", "A.example", "'A.example' is no authority"),
        (f"{S} 8.8.8.8", "", "expected: server AUTHORITY HOST ADDRESS[,ADDRESS] udp=PORT tcp=PORT [tls="),
        (f"{S} 8.8.8 udp=53", "address", "'8.8.8' is no IP address"),
        (f"{S} 8.8.8.8, udp=53", "address", "'' is no IP address"),
        (f"{S} fe80::1%eth0 udp=53", "address", "'fe80::1%eth0' is no IP address"),
        (f"{S} ns.a.example udp=53", "address", "'ns.a.example' is no IP address"),
        (f"{S} 8.8.8.8 udp=0", "udp", "'0', expected a whole number from 1 to 65535"),
        (f"{S} 8.8.8.8 tcp=65536", "tcp", "'65536', expected"),
        (f"{S} 8.8.8.8 udp=00000000000165536", "udp", "'00000000000165536', expected"),
        (f"{S} 8.8.8.8 quic=853", "quic=853", "expected one of pin=, tcp=, tls=, udp=, each once"),
        (f"{S} 8.8.8.8 pin={PIN}", "server", "needs a port of udp, tcp or tls, and at most 4 addresses"),
        (f"{S} 8.8.8.1,8.8.8.2,8.8.8.3,8.8.8.4,8.8.8.5 udp=53", "server", "needs a port of udp, tcp or tls, "),
        (f"{S} 8.8.8.8 udp=53 pin={PIN}", "pin", "tls=PORT and pin=HEX go together: a TLS server is known by"),
        (f"{S} 8.8.8.8 tls=853", "pin", "tls=PORT and pin=HEX go together"),
        (f"{S} 8.8.8.8 tls=853 pin=", "pin", "0 octets, expected 32"),
        (f"{S} 8.8.8.8 tls=853 pin=abcd", "pin", "2 octets, expected 32"),
        (f"{S} 8.8.8.8 tls=853 pin=xyz", "pin", "expected hexadecimal digits"),
        ("server a.example N 8.8.8.8 udp=53", "N", "'N' is no authority"),
        (f"{S} 10.0.0.1 udp=53", "server", "address 10.0.0.1 is private, loopback, link-local, multicast or res"),
        (f"{S} 8.8.8.8 udp=25", "server", "port 25 is below 1024 and none of 53, 443, 853; 'lab-addresses yes'"),
        ("delegate +1 a.example", "", "expected: delegate NODE AUTHORITY ROLES [required=ASSURANCE] [deep]"),
        (f"{D} boss", "role", "'boss', expected one of msp, registry, validator, csip"),
        (f"{D} msp, deep", "role", "'', expected one of"),
        (f"{D} msp required=total", "required", "'total', expected one of asserted, validated, authorized"),
        (f"{D} msp required=asserted required=asserted", "required=asserted", "expected one of required=, each "),
        (f"{D} msp deeply", "deeply", "expected one of required=, each once"),
        ("delegate 1 a.example msp", "1", "'1' is no node"),
        ("delegate +1 a msp", "a", "'a' is no authority"),
        (";" * 4_097, "", "line of 4097 octets, at most 4096 are read"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_field_and_reason(line: str, field: str, reason: str) -> None:
    got = fault(line)
    assert got[0] == field
    assert got[1].startswith(reason) or reason in got[1]
    assert len(got[1]) < 200


def test_the_longest_line_is_read() -> None:
    assert parse("zone .;" + " " * (zonefile.MAX_LINE - 7)).zone == "."


def test_not_utf8_is_a_mistake_of_its_line() -> None:
    assert fault(b"ttl \xff60\n") == ("", "not UTF-8 text")
    assert fault(b"\xff\xfez\0\n") == ("", "not UTF-8 text")


def test_a_key_is_said_once() -> None:
    got = fault(f"key alpha.example deny {KEY_TEXT}", f"zone .\nkey alpha.example assert {KEY_TEXT}\n")
    assert got == ("key", "said before; name all its uses on one line, with commas")
    assert parse(f"zone .\nkey a.example deny {KEY_TEXT}\nkey b.example deny {KEY_TEXT}\n")


def test_limits_of_an_authority_and_a_node() -> None:
    keys = "".join(f"key a.example deny {key(str(n)).public.to_text()}\n" for n in range(9))
    *most, one_more = keys.splitlines(keepends=True)
    assert fault(one_more, "zone .\n" + "".join(most)) == ("key", "more than 8 keys of one authority")
    servers = [f"server a.example n{n}.a.example 8.8.8.8 udp=53\n" for n in range(14)]
    reason = "said before, or more than 13 servers of one authority"
    assert fault(servers[13], "zone .\n" + "".join(servers[:13])) == ("server", reason)
    assert fault(servers[0], "zone .\n" + servers[0]) == ("server", reason)
    above = "".join(f"above a{n}.example\n" for n in range(401))
    grants = [f"delegate +1 a{n}.example msp\n" for n in range(401)]
    got = fault(grants[400], "zone .\n" + above + "".join(grants[:400]))
    assert got == ("+1", "more than 400 grants at one node")


def test_one_authority_has_one_line_at_a_node_and_depth() -> None:
    before = "zone .\nabove a.example\ndelegate +1 a.example msp\n"
    got = fault("delegate +1 a.example csip", before)
    assert got == ("+1", "a.example is granted here already; name all its roles on one line")
    assert parse(before + "delegate +1 a.example csip deep")


def test_the_root_is_bound_by_its_own_zone_alone() -> None:
    lines = f"key . zone {KEY_TEXT}\nserver . ns.example 8.8.8.8 udp=53\n"
    assert set(parse("zone .\n" + lines).bindings) == {"."}
    for text, first in ((f"zone r.example\nnode +1\n{lines}", 3), (f"{lines}node +1\nzone r.example\n", 1)):
        found = [(one.line, one.field, one.reason) for one in faults(text)]
        reason = "the root zone binds itself, the zone r.example does not"
        assert found == [(first, ".", reason), (first + 1, ".", reason)]
    for line in ("above .", "delegate +1 . msp"):
        assert fault(line) == (".", "'.' is the root zone; it is granted nothing and speaks of nobody")


def test_nodes_lie_in_the_scope() -> None:
    before = "zone r.example\nnode +44\nnode @example.com\nabove a.example\n"
    inside = "delegate +44 a.example msp\ndelegate +447 a.example msp\nterminate @b.example.com\n"
    assert parse(before + inside)
    for line, field in (
        ("delegate +4 a.example msp", "+4"),
        ("delegate +45 a.example msp", "+45"),
        ("terminate @example.org", "@example.org"),
        ("terminate .", "."),
    ):
        assert fault(line, before + inside) == (field, "not at or below any 'node' of the zone")


def test_a_file_must_say_whose_zone_and_where() -> None:
    assert [(f.line, f.field) for f in faults("")] == [(0, "zone"), (0, "node")]
    [found] = faults("zone r.example")
    assert (found.line, found.field) == (0, "node")
    assert "needs a 'node' line" in found.reason


def test_private_addresses_are_excused_by_one_word_anywhere() -> None:
    line = "server a.example n.a.example 8.8.8.8,127.0.0.1,10.0.0.1 udp=53 tcp=53\n"
    found = faults("zone .\n" + line)
    assert [(one.line, one.reason.split()[1]) for one in found] == [(2, "127.0.0.1"), (2, "10.0.0.1")]
    assert faults(f"zone .\n{line}lab-addresses no\n") == found
    assert parse(f"zone .\n{line}lab-addresses yes\n")


WRONG = f"""zone a
ttl forever
node +1415
lab-addresses si
above nobody
key alpha.example assert ed25519:short
key alpha.example root {KEY_TEXT}
key alpha.example assert {KEY_TEXT} until=tomorrow
key alpha.example assert {KEY_TEXT}
key alpha.example deny {KEY_TEXT}
server alpha.example ns.alpha.example 192.0.2 udp=53
server alpha.example ns.alpha.example 192.0.2.1 udp=99999
server alpha.example ns.alpha.example 8.8.8.8
server alpha.example ns.alpha.example 192.0.2.1 udp=53
server alpha.example ns.alpha.example 8.8.8.8 udp=53
delegate +1415 alpha.example msp
delegate +1415 alpha.example csip
delegate +1416 beta.example msp
delegate +1415 gamma.example king
delegate 1415 alpha.example msp
terminate
transmogrify +1415
"""
TOLD = """here.zone: zone: no 'zone' line says whose zone this is; the root's is 'zone .'
here.zone:1: a: 'a' is no authority: expected a domain name such as alpha.example
here.zone:2: ttl: 'forever', expected a whole number from 1 to 604800
here.zone:4: lab-addresses: 'si', expected yes or no
here.zone:5: nobody: 'nobody' is no authority: expected a domain name such as alpha.example
here.zone:6: key: key 'ed25519:short' is not base64: Invalid base64-encoded string: number of data \
characters (5) cannot be 1 more than a multiple of 4
here.zone:7: uses: 'root' keys stand in ROOTKEYS only
here.zone:8: until: 'tomorrow', expected a date as 2026-01-31, or with a time, in UTC
here.zone:10: key: said before; name all its uses on one line, with commas
here.zone:11: address: '192.0.2' is no IP address
here.zone:12: udp: '99999', expected a whole number from 1 to 65535
here.zone:13: expected: server AUTHORITY HOST ADDRESS[,ADDRESS] udp=PORT tcp=PORT [tls=PORT pin=HEX]
here.zone:14: server: address 192.0.2.1 is private, loopback, link-local, multicast or reserved; \
'lab-addresses yes' allows it
here.zone:15: server: said before, or more than 13 servers of one authority
here.zone:17: +1415: alpha.example is granted here already; name all its roles on one line
here.zone:18: +1416: not at or below any 'node' of the zone
here.zone:18: beta.example: granted, but has no 'key' line here; or say 'above beta.example'
here.zone:19: role: 'king', expected one of msp, registry, validator, csip
here.zone:20: 1415: '1415' is no node: expected a prefix (+1415), a mail domain (@example.com) or '.'
here.zone:21: expected: terminate NODE
here.zone:22: transmogrify: unknown directive; expected one of zone, ttl, lab-addresses, node, above, key, \
server, delegate, terminate"""


def test_every_mistake_is_found_in_one_run() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(WRONG)
    assert str(caught.value) == TOLD


def test_a_file_that_is_no_zone_is_not_reported_for_ever() -> None:
    assert len(faults("junk\n" * (zonefile.MAX_FAULTS + 50))) == zonefile.MAX_FAULTS


@given(st.lists(st.text(max_size=30) | st.sampled_from(WRONG.splitlines()), max_size=8))
def test_any_text_is_a_zone_or_a_list_of_faults(lines: list[str]) -> None:
    try:
        parse("\n".join(lines))
    except ConfigError as error:
        for found in error.faults:
            assert found.line <= len("\n".join(lines).encode().splitlines())


# --- files -------------------------------------------------------------------------------------------------


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "root.zone"
    path.write_text(f"zone .\n{BINDING}{GRANT}")
    assert read_zone(path) == parse(path.read_text())
    path.write_text("zone .\nzone .\n")
    with pytest.raises(ConfigError) as caught:
        read_zone(path)
    assert str(caught.value) == f"{path}:2: zone: said before, as ."


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.zone", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError) as caught:
            read_zone(path)
        assert str(caught.value) == f"{path}: cannot be read: {why}"


@pytest.mark.parametrize("line", ["ttl 60", "lab-addresses yes"])
def test_what_the_whole_zone_has_is_said_once(line: str) -> None:
    directive = line.split(maxsplit=1)[0]
    with pytest.raises(ConfigError) as caught:
        parse_zone(Path("here.zone"), [b"zone .", line.encode(), line.encode()])
    assert str(caught.value) == f"here.zone:3: {directive}: said before; the whole zone has one"
