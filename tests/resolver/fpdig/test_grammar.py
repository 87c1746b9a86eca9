from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.fpdig.grammar import is_blank, read_command, read_line
from resolver.fpdig.options import DEFAULTS, Command, Options, Question, UsageError
from resolver.fpdig.url import ServerText
from resolver.settings import DEFAULT_APEX
from resolver.way import Way
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.proof import Certified, Pinned, Unproven
from transport.resource import Resource
from zonedata import names

ALICE = "+14155550123"
MAIL = "alice@example.com"


def command(*words: str, rc: str = "") -> Command:
    read = read_command(list(words), rc)
    assert isinstance(read, Command), read
    return read


def options(*words: str, rc: str = "") -> Options:
    (question,) = command(ALICE, *words, rc=rc).questions
    return question.options


def faults(*words: str, rc: str = "") -> tuple[str, ...]:
    read = read_command(list(words), rc)
    assert isinstance(read, UsageError)
    return read.faults


def test_defaults_are_digs() -> None:
    plain = options()
    assert plain == DEFAULTS
    assert plain.server == Endpoint("127.0.0.1", 53)
    assert (plain.time, plain.tries, plain.apex) == (5.0, 3, DEFAULT_APEX)
    assert plain.is_text


@pytest.mark.parametrize(
    ("words", "server"),
    [
        (["@192.0.2.1"], "192.0.2.1#53"),
        (["@192.0.2.1#5300"], "192.0.2.1#5300"),
        (["@192.0.2.1#5300", "-p", "53"], "192.0.2.1#5300"),
        (["-p5300", "@192.0.2.1"], "192.0.2.1#5300"),
        (["@::1", "-p", "5300"], "::1#5300"),
        (["@2001:DB8::1#5"], "2001:db8::1#5"),
    ],
)
def test_server_and_port(words: list[str], server: str) -> None:
    assert options(*words).server.to_text() == server


@pytest.mark.parametrize("name", ["short", "json", "proof", "csi", "cd", "lab", "stats", "comments"])
def test_every_toggle_in_every_spelling(name: str) -> None:
    for word in (f"+{name}", f"--{name}"):
        assert getattr(options(f"+no{name}", word), name) is True
    for word in (f"+no{name}", f"--no{name}", f"--no-{name}"):
        assert getattr(options(f"+{name}", word), name) is False


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("+sh", "short", True),
        ("+nosh", "short", False),
        ("+noadd", None, "+noadd: there is no such option"),
        ("+cdf", "cd", True),
        ("+vc", "over", Protocol.TCP),
        ("+ti=2", "time", 2.0),
        ("+tri=7", "tries", 7),
        ("+no", None, "+no: there is no such option"),
        ("+noa", None, "+noa: ambiguous: noall, noanchor, noanswer, noapex, noassurance, noauthority"),
        ("+s", None, "+s: ambiguous: short, stats, svg"),
        ("+", None, "+: there is no such option"),
    ],
)
def test_abbreviations(word: str, field: str | None, value: object) -> None:
    if field is None:
        assert faults(ALICE, word) == (value,)
    else:
        assert getattr(options(word), field) == value


@pytest.mark.parametrize(
    ("words", "server", "way"),
    [
        (["+tcp"], "127.0.0.1#53", Way(Protocol.TCP)),
        (["+tls"], "127.0.0.1#853", Way(Protocol.TLS, Unproven())),
        (["+quic", "@::1"], "::1#853", Way(Protocol.QUIC, Unproven())),
        (["+tls", "+https"], "127.0.0.1#443", Way(Protocol.HTTPS, Unproven())),
        (["+https", "+nohttps"], "127.0.0.1#53", Way()),
        (["+https-get", "+nohttps"], "127.0.0.1#53", Way()),
        (["@tls://a.example", "+notcp", "+nohttps"], "a.example#853", Way(Protocol.TLS, Certified("a.example"))),
        (
            ["+https-get=/q", "-p", "8443"],
            "127.0.0.1#8443",
            Way(Protocol.HTTPS, Unproven(), Resource("/q", is_get=True)),
        ),
        (["+tls", "+tls-ca"], "127.0.0.1#853", Way(Protocol.TLS, Certified("127.0.0.1"))),
        (["+tls", "+tls-ca=a.pem"], "127.0.0.1#853", Way(Protocol.TLS, Certified("127.0.0.1", Path("a.pem")))),
        (["+tls", "+tls-ca", "+notls-ca"], "127.0.0.1#853", Way(Protocol.TLS, Unproven())),
        (["+tls", "+tls-hostname=A.example."], "127.0.0.1#853", Way(Protocol.TLS, Certified("a.example"))),
        (["+tls", f"+tls-pin={'ab' * 32}"], "127.0.0.1#853", Way(Protocol.TLS, Pinned(b"\xab" * 32))),
        (["+tls", f"+tls-pin={'q6ur' * 10}q6s="], "127.0.0.1#853", Way(Protocol.TLS, Pinned(b"\xab" * 32))),
        (["@dns.example"], "dns.example#53", Way()),
        (["@dns.example#5300", "+tls", "+tls-ca"], "dns.example#5300", Way(Protocol.TLS, Certified("dns.example"))),
        (["@tls://dns.example"], "dns.example#853", Way(Protocol.TLS, Certified("dns.example"))),
        (["@quic://192.0.2.1:8853"], "192.0.2.1#8853", Way(Protocol.QUIC, Certified("192.0.2.1"))),
        (["@https://DNS.example"], "dns.example#443", Way(Protocol.HTTPS, Certified("dns.example"))),
        (["@https://[::1]:8443/q"], "::1#8443", Way(Protocol.HTTPS, Certified("::1"), Resource("/q"))),
        (["@tls://a.example", f"+tls-pin={'ab' * 32}"], "a.example#853", Way(Protocol.TLS, Pinned(b"\xab" * 32))),
        (["@udp://192.0.2.1"], "192.0.2.1#53", Way()),
        (
            ["@https://a.example/q", "@https://b.example"],
            "b.example#443",
            Way(Protocol.HTTPS, Certified("b.example")),
        ),
        (
            ["@https://a.example/q", "+https-get"],
            "a.example#443",
            Way(Protocol.HTTPS, Certified("a.example"), Resource("/q", is_get=True)),
        ),
        (
            ["@https://a.example", "+https=/q"],
            "a.example#443",
            Way(Protocol.HTTPS, Certified("a.example"), Resource("/q")),
        ),
    ],
)
def test_over_what_and_what_is_demanded(words: list[str], server: str, way: Way) -> None:
    made = options(*words)
    assert (made.server.to_text(), made.way) == (server, way)


def test_by_way_of_a_relay_and_paid_for() -> None:
    words = [
        "@https://dns.example",
        "+oblivious=https://relay.example:8443/r",
        "+oblivious-keys=k",
        "+token=w",
        ALICE,
    ]
    (question,) = command(*words).questions
    made = question.options
    assert made.oblivious == ServerText("relay.example", 8_443, Protocol.HTTPS, "/r")
    assert (made.oblivious_keys, made.token) == ("k", "w")
    (plain,) = command(*words[:-1], "+nooblivious", "+nooblivious-keys", "+notoken", ALICE).questions
    assert (plain.options.oblivious, plain.options.oblivious_keys, plain.options.token) == (None, "", "")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["+oblivious=https://r.example"], "+oblivious is for DNS over HTTPS"),
        (["+tls", "+token=w"], "+token is for DNS over HTTPS"),
        (["+https", "+oblivious=tls://r.example"], "expected the URL of a relay such as https://relay.example"),
        (["+https", "+oblivious=r.example"], "expected the URL of a relay"),
        (["+https", "+oblivious-keys=k"], "+oblivious-keys are of a resolver that is asked by way of a relay"),
        (["+https", "+oblivious=https://r"], "+oblivious takes keys from a resolver that proves who it is"),
        (["@https://d", "+oblivious=https://r", "+trace", "--anchor", "a"], "+trace asks authorities itself"),
        (["@https://d", "+oblivious=https://r", "+direct", "--anchor", "a"], "+direct asks authorities itself"),
        (["+https", "+token"], "+token: needs a value: +token=..."),
        (["+bearer=f"], "+bearer is for DNS over HTTPS"),
        (["+tls", "+tls-ca", "+bearer=f"], "+bearer is for DNS over HTTPS"),
        (["+https", "+bearer=f"], "+bearer is shown to nobody who has not proven who it is"),
        (["@https://a.example", "+bearer=f", "+token=w"], "+bearer tells who asks, and +token pays without a name"),
        (["+https", "+tls-ca", "+bearer=f", "+oblivious=https://r.example"], "and +oblivious hides who asks"),
    ],
)
def test_what_does_not_go_together_on_the_way(words: list[str], fault: str) -> None:
    (told,) = faults(*words, ALICE)
    assert fault in told
    assert "is for all" in str(read_line(f"{ALICE} +token=w", DEFAULTS))


def test_a_question_may_have_a_name_of_its_own() -> None:
    first, second = command("@https://a.example", "+bearer=f", ALICE, MAIL, "+nobearer").questions
    assert (first.options.bearer, second.options.bearer) == ("f", "")
    read = read_line(f"{ALICE} @https://a.example +bearer=f", DEFAULTS)
    assert not isinstance(read, UsageError)
    assert [question.options.bearer for question in read] == ["f"]


def test_values() -> None:
    made = options(
        "+time=0.5", "--tries", "9", "+apex=Other.Example", "--anchor", "a.pem", "--root=::1#7", "--time=3"
    )
    assert (made.time, made.tries, made.anchor, made.root) == (3.0, 9, "a.pem", Endpoint("::1", 7))
    assert made.apex == names.from_text("other.example.")
    assert options("+time=9", "+notime", "+anchor=x", "--no-anchor") == DEFAULTS


def test_all_sets_the_parts_of_the_layout_and_nothing_else() -> None:
    made = options("+noall", "+answer", "+proof")
    on = {name for name in Options.__slots__ if getattr(made, name) is True}
    assert on == {"answer", "proof"}
    assert options("+noall", "+all") == DEFAULTS


def test_options_before_the_first_identifier_are_for_all_later_ones_its_own() -> None:
    first, second, third = command("+short", ALICE, "+tcp", "@192.0.2.1", MAIL, "+noshort", ALICE).questions
    assert (first.options.short, first.options.over, first.options.server.host) == (True, Protocol.TCP, "192.0.2.1")
    assert (second.options.short, second.options.over, second.csi.text) == (False, Protocol.UDP, MAIL)
    assert (third.options.short, third.options.server.host) == (True, "127.0.0.1")
    assert third.words == f"+short {ALICE} +tcp @192.0.2.1 {MAIL} +noshort {ALICE}"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = faults(
        "@example_com", "+time=0", "+time=nan", "+tries=101", "+time", "+short=1", "+nostats=1", "bob", "-pX", "-x"
    )
    assert [fault.split(":")[0] for fault in told] == [
        "@example_com", "+time=0", "+time=nan", "+tries=101", "+time", "+short=1", "+nostats=1", "bob", "-pX", "-x",
    ]  # fmt: skip
    assert told[4] == "+time: needs a value: +time=..."


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("-p", "-p: needs a value"),
        ("--time", "--time: needs a value"),
        ("-hx", "-hx: there is no such option"),
        ("-", "-: '-' is neither"),
        ("+apex=" + "a" * 63 + ".bc", "an apex of 67 octets"),
        ("+apex=a b", "holds a character"),
        ("+anchor=", "+anchor=: expected a file"),
        ("--root=elsewhere", "--root=elsewhere: endpoint"),
        ("@192.0.2.1#0", "'0', expected a port from 1 to 65535"),
        ("@192.0.2.256", "is not an IP address"),
        ("@tls://a.example/x", "a tls URL has no path"),
        ("@doq://a.example", "a URL of 'doq', expected one of udp://"),
        ("@https://[::1", "expected [ADDRESS]"),
        ("@https://a.example/a b", "expected a path"),
        ("@https://a..example", "is not an IP address"),
        ("+https=x", "expected a path such as /dns-query"),
        ("+tls-pin=00", "expected the SHA-256 of a server's key"),
        ("+tls-pin=" + "zz" * 32, "expected the SHA-256 of a server's key"),
        ("+tls-hostname=a b", "expected the name of a host"),
        ("+tls-hostname=a.example", "+tls-hostname is for what is encrypted"),
        ("+tls-ca", "+tls-ca is for what is encrypted"),
        ("+token=w", "+token=w: is for all questions: it stands before the first"),
        ("+oblivious=https://r.example", "is for all questions"),
        ("-p65536", "expected a port"),
        ("-p1234567", "expected a port"),
        ("+1415", "is not a possible telephone number"),
    ],
)
def test_single_faults(word: str, fault: str) -> None:
    (told,) = faults(ALICE, word)
    assert fault in told


def test_what_only_the_whole_can_show() -> None:
    assert faults() == ("no telephone number and no e-mail address to look up",)
    assert faults(ALICE, "+trace") == ("+trace walks from a trust anchor: give --anchor FILE",)
    assert "+csi has no meaning" in faults(ALICE, "+trace", "+csi", "--anchor", "a")[0]
    assert "put them into the file" in faults("-f", "x", ALICE)[0]
    assert "+trace walks" in faults("-f", "x", "+trace")[0]
    assert faults("+zz") == ("+zz: there is no such option",)  # and not that there is no identifier besides


def test_help_and_version_win_over_mistakes() -> None:
    assert command("-h", "+zz").wants_help
    assert command("--version", "-h").wants_help
    assert command("-v").wants_version
    assert not command("-h").wants_version
    assert not command(ALICE).wants_help


def test_batch() -> None:
    made = command("-f", "-", "+short")
    assert (made.batch, made.questions, made.defaults.short) == ("-", (), True)
    assert command("--file=x").batch == command("-fx").batch == command("--file", "x").batch == "x"
    assert command("-r", "-f", "x").batch == "x"


def test_rc_is_read_before_the_arguments() -> None:
    rc = "; mine\n@192.0.2.1 +short\n\n+tries=7\n"
    assert options(rc=rc) == Options(at=("192.0.2.1", None), short=True, tries=7)
    assert options("+noshort", "@192.0.2.2", rc=rc).server.host == "192.0.2.2"


def test_faults_of_rc_have_its_lines() -> None:
    assert faults(ALICE, "+yy", rc=f"\n+zz\n{ALICE}\n-h\n") == (
        ".fpdigrc:2: +zz: there is no such option",
        f".fpdigrc:3: {ALICE}: an identifier, where only options can stand",
        ".fpdigrc:4: -h: is for the command line only",
        "+yy: there is no such option",
    )


def test_a_line_of_a_batch_has_options_of_its_own() -> None:
    read = read_line(f" {MAIL}  +tcp {ALICE}\t@192.0.2.1", Options(short=True))
    assert isinstance(read, tuple)
    assert [q.options for q in read] == [
        Options(short=True, over=Protocol.TCP),
        Options(short=True, at=("192.0.2.1", None)),
    ]
    assert read[0].words == f"{MAIL} +tcp {ALICE} @192.0.2.1"
    for word in ("-fx", "-h", "-v", "-r"):
        assert read_line(f"{ALICE} {word}", DEFAULTS) == UsageError((f"{word}: is for the command line only",))
    assert isinstance(read_line("+short", DEFAULTS), UsageError)
    assert isinstance(read_line(f"{ALICE} -p 5300", DEFAULTS), tuple)


def test_blank_lines() -> None:
    assert [is_blank(line) for line in ("", "  ", "; x", " # x", "x", "+1;")] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


@given(
    st.lists(st.text(max_size=12) | st.sampled_from(["+", "-", "--", "@", "-f", "-p", "+time=", ALICE]), max_size=6)
)
def test_any_words_are_a_command_or_faults(words: list[str]) -> None:
    read = read_command(words)
    assert isinstance(read, UsageError) == bool(getattr(read, "faults", ()))
    if isinstance(read, Command) and not (read.batch or read.wants_help or read.wants_version):
        assert read.questions
        assert all(isinstance(question, Question) for question in read.questions)


def test_an_anchor_for_each_tree() -> None:
    made = options("--anchor", "a.pem", "--anchor=b.pem", "+anchor=c.pem")
    assert (made.anchor, made.beside) == ("a.pem", ("b.pem", "c.pem"))
    assert options("--no-anchor", rc="+anchor=a.pem\n+anchor=b.pem\n") == DEFAULTS
    other = options("--anchor", "c.pem", rc="+anchor=a.pem\n+anchor=b.pem\n")
    assert (other.anchor, other.beside) == ("c.pem", ()), "what .fpdigrc names gives way"
    (question,) = command("--anchor", "a.pem", "--anchor", "b.pem", ALICE, "--anchor", "c.pem").questions
    assert (question.options.anchor, question.options.beside) == ("c.pem", ())


def test_what_is_for_one_tree() -> None:
    anchors = ("--anchor", "a.pem", "--anchor", "b.pem")
    assert faults(*anchors, "+trace", ALICE) == ("+trace is for one tree: give one --anchor FILE",)
    assert faults(*anchors, "+bundle=x", ALICE) == ("+bundle is for one tree: give one --anchor FILE",)
