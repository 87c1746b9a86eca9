"""What a recipient keeps and says, with validators that are silent, that change their name, or that lag behind."""

import fcntl
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fingerpost import httpurl
from fingerpost.recipient import state as states
from fingerpost.recipient.state import Held, State
from tests.fingerpost.household import Household
from tests.fingerpost.validators import free_port
from zonedata import identifiers, statements
from zonedata.errors import MalformedError
from zonedata.recipient_statements import MAX_ENTRIES, Mapping, MappingEntry
from zonedata.sealed import Sealed
from zonedata.validator_requests import Action, Outcome, Reply, Request, open_request

NUMBER = "+14155550123"
ALICE = "alice@example.com"


class Fake:
    """A validator that says what a test likes, and keeps what it was asked."""

    def __init__(self) -> None:
        self.name = "vera.example"
        self.requests: list[Request] = []
        self.say: Callable[[Request], Reply] = lambda _: Reply(Outcome.STANDING, "", 1, 2_000_000_000)
        self.raw: bytes | None = None
        self.status = 200
        self.url = ""

    def mapping(self) -> Mapping:
        """Return the newest that was handed in."""
        said = statements.read_untrusted(Sealed.from_wire(self.requests[-1].mapping))
        assert isinstance(said, Mapping)
        return said


@contextmanager
def faking() -> Iterator[Fake]:
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(fake.name.encode())

        def do_POST(self) -> None:
            wire = self.rfile.read(int(self.headers["Content-Length"]))
            request = open_request(wire, fake.name, _time_in(wire))
            fake.requests.append(request)
            self._send(fake.raw if fake.raw is not None else fake.say(request).to_wire(), fake.status)

        def _send(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()


def _time_in(wire: bytes) -> float:
    at = wire.index(b"\xa4time") + 5
    assert wire[at] == 0xCE
    return int.from_bytes(wire[at + 1 : at + 5], "big")


def claimed(house: Household, fake: Fake, *csis: str) -> None:
    house.sound("recipient", "create", "recipient.pem")
    usual, fake.say = fake.say, lambda _: Reply(Outcome.SENT)
    for csi in csis:
        house.sound("recipient", "claim", csi, "--validator", fake.url)
    fake.say = usual


def test_serials_ascend_whatever_the_clock_says(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        serials = []
        for now in (1_800_000_000.5, 1_800_000_000.5, 1_700_000_000):
            monkeypatch.setattr("fingerpost.recipient.client.time.time", lambda now=now: now)
            house.sound("recipient", "authorise", "alpha.example")
            serials.append(fake.mapping().life.serial)
        assert serials == [1_800_000_000_500, 1_800_000_000_501, 1_800_000_000_502]


def test_what_is_said_is_kept_before_it_is_sent(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        kept = []

        def look(_: Request) -> Reply:
            kept.append(states.load(Path("recipient.pem.state")).held[NUMBER].serial)
            return Reply(Outcome.STANDING)

        fake.say = look
        house.sound("recipient", "authorise", "alpha.example")
        assert kept == [fake.mapping().life.serial]


def test_an_msp_stands_once_with_its_newest_tags(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        house.sound("recipient", "authorise", "beta.example", "Video", "Audio", "Video")
        house.sound("recipient", "authorise", "alpha.example", "Default")
        house.sound("recipient", "authorise", "beta.example")
        assert fake.mapping().entries == (MappingEntry("alpha.example", ("Default",)), MappingEntry("beta.example"))
        house.sound("recipient", "opt-out")
        assert fake.mapping().entries == ()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("authorise", "Alpha"), "is no authority"),
        (("authorise", "alpha.example", "Default", "Video"), "Default stands alone"),
        (("authorise", "alpha.example", "ä"), "tag is not"),
        (("unlist", "alpha.example"), "alpha.example is not listed for +14155550123"),
        (("deposit",), "nothing was said for +14155550123 yet"),
        (("roll", "new.pem"), "+14155550123: nothing was said for it yet, so it stays with this key"),
        (("keep", "--csi", ALICE), "was not claimed with this key"),
        (("confirm", " - "), "the code is empty"),
        (("confirm", "1234567O"), "a code is at most 16 digits"),
        (("confirm", "12345678901234567"), "a code is at most 16 digits"),
        (("drop", "--csi", ALICE), "was not claimed with this key"),
        (("confirm", "1", "--validator", "http://127.0.0.1:1/"), "was not asked for a code"),
        (("claim", "alice"), "neither a telephone number"),
        (("claim", ALICE), "which validator? say --validator URL"),
        (("claim", ALICE, "--validator", "http://vera.example/"), "would leave this machine in the clear"),
        (("claim", ALICE, "--validator", "ftp://vera.example/"), "is no URL"),
        (
            ("show", "--key", "gone.pem"),
            "gone.pem: cannot be read: No such file or directory; ",
        ),
        (("create", "recipient.pem"), "is there already"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(house: Household, words: tuple[str, ...], reason: str) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        house.sound("recipient", "create", "new.pem")
        asked = len(fake.requests)
        outcome = house.run("recipient", *words)
        assert outcome.status == 1
        assert reason in outcome.err
        assert outcome.err.count("\n") == 1
        assert len(fake.requests) == asked, "nothing was sent"


def test_of_several_identifiers_one_is_named(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER, ALICE)
        refused = house.run("recipient", "opt-out")
        assert f"which identifier? say --csi; known are {NUMBER}, {ALICE}" in refused.err
        house.sound("recipient", "opt-out", "--csi", "ALICE@example.com")
        assert house.sound("recipient", "show").count("vouches for this key") == 2
        assert house.sound("recipient", "show", "--csi", NUMBER).count("vouches for this key") == 1


def test_each_of_several_validators_is_told_and_a_silent_one_is_named(house: Household) -> None:
    silent = f"http://127.0.0.1:{free_port()}/"
    with faking() as fake, faking() as other:
        other.name = "val.example"
        claimed(house, fake, NUMBER)
        usual, other.say = other.say, lambda _: Reply(Outcome.SENT)
        outcome = house.run("recipient", "claim", NUMBER, "--validator", silent, "--validator", other.url)
        assert (outcome.status, outcome.err) == (1, f"{silent}: Connection refused\n")
        other.say = usual
        assert "whose code is it? say --validator URL" in house.run("recipient", "confirm", "1").err
        house.sound("recipient", "opt-out")
        assert fake.mapping() == other.mapping()
        assert (fake.requests[-1].validator, other.requests[-1].validator) == ("vera.example", "val.example")


def test_a_validator_that_changes_its_name_is_another(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.name = "mallory.example"
        outcome = house.run("recipient", "claim", NUMBER)
        assert (outcome.status, outcome.err) == (
            1,
            f"{fake.url}: calls itself mallory.example, and was vera.example before\n",
        )
        fake.name = "<html>"
        house.sound("recipient", "create", "other.pem")
        outcome = house.run("recipient", "claim", NUMBER, "--key", "other.pem", "--validator", fake.url)
        assert outcome.err == f"{fake.url}: there is no validator here\n"


@pytest.mark.parametrize("raw", [b"", b"<html>", bytes(10_000)])
def test_what_no_validator_replies_is_not_believed(house: Household, raw: bytes) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.raw = raw
        outcome = house.run("recipient", "keep")
        assert (outcome.status, outcome.err) == (
            1,
            f"{fake.url}: replied with status 200, and not as a validator does\n",
        )


def test_a_validator_that_lags_behind_is_noticed(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.say = lambda _: Reply(Outcome.REFUSED, "not vouched for")
        assert house.run("recipient", "authorise", "alpha.example").status == 1
        fake.say = lambda _: Reply(Outcome.STANDING, "", 1, 2)
        assert "'fingerpost recipient deposit' hands it in" in house.sound("recipient", "show")
        house.sound("recipient", "deposit")
        serial = fake.mapping().life.serial
        fake.say = lambda _: Reply(Outcome.STANDING, "", 1, 2, 0, serial)
        assert "deposit" not in house.sound("recipient", "show")


def test_a_roll_goes_on_where_it_was_broken_off(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER, ALICE)
        for csi in (NUMBER, ALICE):
            house.sound("recipient", "authorise", "alpha.example", "--csi", csi)
        house.sound("recipient", "create", "new.pem")

        def broken(request: Request) -> Reply:
            is_other = request.owner != fake.requests[0].owner
            if request.action is Action.ROLL:
                return Reply(Outcome.REFUSED, "later") if is_other else Reply(Outcome.STANDING)
            return Reply(Outcome.NONE)

        fake.say = broken
        assert house.run("recipient", "roll", "new.pem").status == 1
        fake.requests.clear()
        first = Path("new.pem.state").read_text()
        fake.say = lambda request: Reply(
            Outcome.STANDING if request.action is Action.ROLL or len(fake.requests) == 1 else Outcome.NONE
        )
        house.sound("recipient", "roll", "new.pem")
        assert [one.action for one in fake.requests] == [Action.STATUS, Action.STATUS, Action.ROLL]
        mapping = fake.mapping()
        assert len(mapping.former) == 1
        assert json.loads(first)["former"] == [mapping.former[0].hex()]
        refused = house.run("recipient", "roll", "recipient.pem")
        assert refused.err == "fingerpost recipient: recipient.pem: is the key that is used now\n"


def standing_with(fake: Fake, house: Household, key: str) -> Callable[[Request], Reply]:
    """Say STANDING to this key and whoever goes over to it, with the mapping that was handed in last."""
    digest, serial = house.key(key).public, 0

    def say(request: Request) -> Reply:
        nonlocal digest, serial
        if request.key != digest:
            return Reply(Outcome.NONE)
        if request.mapping:
            mapping = fake.mapping()
            digest, serial = mapping.key, mapping.life.serial
        return Reply(Outcome.STANDING, "", 1, 2, 0, serial)

    return say


def test_a_roll_leaves_what_nothing_was_said_for_and_goes_on(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, ALICE, NUMBER)
        fake.say = standing_with(fake, house, "recipient.pem")
        house.sound("recipient", "authorise", "alpha.example", "--csi", NUMBER)
        house.sound("recipient", "create", "new.pem")
        outcome = house.run("recipient", "roll", "new.pem")
        assert outcome.status == 1
        assert outcome.err == (
            f"{ALICE}: nothing was said for it yet, so it stays with this key; "
            "'authorise' or 'opt-out', then 'roll' again, or 'drop' it\n"
        )
        assert outcome.out.splitlines()[-1] == "from now on use --key new.pem"
        assert fake.mapping().owner == identifiers.parse(NUMBER).owner
        assert list(states.load(Path("new.pem.state")).held) == [NUMBER]
        house.sound("recipient", "drop", "--csi", ALICE)
        again = house.sound("recipient", "roll", "new.pem").splitlines()
        assert again[-1] == "from now on use --key new.pem"


def test_a_roll_that_is_done_changes_nothing(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.say = standing_with(fake, house, "recipient.pem")
        house.sound("recipient", "authorise", "alpha.example")
        house.sound("recipient", "create", "new.pem")
        house.sound("recipient", "roll", "new.pem")
        kept = Path("new.pem.state").read_text()
        for _ in range(2):
            house.sound("recipient", "roll", "new.pem")
            assert Path("new.pem.state").read_text() == kept
            assert "not what was said last" not in house.sound("recipient", "show", "--key", "new.pem")
        house.sound("recipient", "authorise", "beta.example", "--key", "new.pem")
        house.sound("recipient", "roll", "new.pem")
        said = states.load(Path("new.pem.state")).held[NUMBER].entries
        assert said == (MappingEntry("alpha.example"), MappingEntry("beta.example"))


def test_a_roll_that_reaches_one_more_validator_tells_the_others_of_the_new_mapping(house: Household) -> None:
    with faking() as fake, faking() as other:
        other.name = "val.example"
        claimed(house, fake, NUMBER)
        other.say = lambda _: Reply(Outcome.SENT)
        house.sound("recipient", "claim", NUMBER, "--validator", other.url)
        fake.say, usual = (standing_with(one, house, "recipient.pem") for one in (fake, other))
        other.say = usual
        house.sound("recipient", "opt-out")
        house.sound("recipient", "create", "new.pem")
        other.raw = b"out of order"
        assert house.run("recipient", "roll", "new.pem").status == 1
        other.raw = None
        house.sound("recipient", "roll", "new.pem")
        assert fake.mapping() == other.mapping()
        assert "not what was said last" not in house.sound("recipient", "show", "--key", "new.pem")


def test_a_roll_that_cannot_be_signed_asks_nobody(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER, ALICE)
        house.sound("recipient", "authorise", "alpha.example", "--csi", NUMBER)
        for pattern in ("a-provider-with-a-long-name-{}.example", "{}.com"):
            n = 0
            while house.run("recipient", "authorise", pattern.format(n), "--csi", ALICE).status == 0:
                n += 1
        house.sound("recipient", "create", "new.pem")
        fake.requests.clear()
        outcome = house.run("recipient", "roll", "new.pem")
        assert (outcome.status, fake.requests, Path("new.pem.state").exists()) == (1, [], False), outcome


def test_a_claim_that_is_refused_is_not_kept(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.say, fake.status = lambda _: Reply(Outcome.REFUSED, "not such identifiers"), 403
        assert house.run("recipient", "claim", ALICE, "--validator", fake.url).status == 1
        assert list(states.load(Path("recipient.pem.state")).held) == [NUMBER]
        assert house.run("recipient", "claim", NUMBER).status == 1
        assert states.load(Path("recipient.pem.state")).held[NUMBER].validators == (fake.url,), "as it was before"


@pytest.mark.parametrize(("status", "raw"), [(502, None), (200, b"cut sh")])
def test_a_claim_whose_code_may_come_is_kept(house: Household, status: int, raw: bytes | None) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.say, fake.status, fake.raw = lambda _: Reply(Outcome.REFUSED, "not delivered"), status, raw
        assert house.run("recipient", "claim", ALICE, "--validator", fake.url).status == 1
        assert list(states.load(Path("recipient.pem.state")).held) == [NUMBER, ALICE]


def test_what_is_dropped_is_forgotten(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER, ALICE)
        asked = len(fake.requests)
        dropped = house.sound("recipient", "drop", "--csi", "ALICE@example.com")
        assert dropped == f"{ALICE}: forgotten here; a validator that vouches for this key was not told\n"
        assert len(fake.requests) == asked
        house.sound("recipient", "opt-out")
        assert house.sound("recipient", "show").count("vouches for this key") == 1


def test_what_is_said_before_the_code_is_kept(house: Household) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.say, fake.status = lambda _: Reply(Outcome.REFUSED, "this key is not vouched for here"), 409
        outcome = house.run("recipient", "authorise", "alpha.example")
        assert outcome.status == 1
        assert outcome.out == f"{NUMBER}: this is kept; 'confirm' hands it in, and so does 'deposit'\n"


def test_a_release_that_was_not_taken_is_handed_in_by_deposit_alone(house: Household) -> None:
    """For 'confirm' would take it back: it proves possession anew."""
    with faking() as fake:
        claimed(house, fake, NUMBER)
        fake.say, fake.status = lambda _: Reply(Outcome.REFUSED, "try again later"), 503
        outcome = house.run("recipient", "release")
        assert outcome.out == f"{NUMBER}: this is kept; 'deposit' hands it in\n"


def test_a_code_is_read_from_standard_input(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with faking() as fake:
        claimed(house, fake, NUMBER)
        monkeypatch.setattr("sys.stdin", io.StringIO("1234-5678\nmore\n"))
        house.sound("recipient", "confirm", "-")
        assert fake.requests[-1].code == "12345678"
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        assert "the code is empty" in house.run("recipient", "confirm", "-").err


def test_who_waits_for_another_command_says_so(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    house.sound("recipient", "create", "recipient.pem")
    descriptor, lines = os.open("recipient.pem", os.O_RDONLY), list[str]()
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    def heard(line: str) -> None:
        lines.append(line)
        os.close(descriptor)

    monkeypatch.setattr("fingerpost.recipient.command.complain", heard)
    house.sound("recipient", "show")
    assert lines == ["recipient.pem: another 'fingerpost recipient' is at work with this key; waiting for it"]


# --- the file -------------------------------------------------------------------------------------------------


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries = (MappingEntry("alpha.example", ("Default",)), MappingEntry("beta.example"))
    held = Held(NUMBER, ("https://vera.example/",), entries, 7, is_released=True)
    state = State({NUMBER: held, ALICE: Held(ALICE)}, {"https://vera.example/": "vera.example"}, (bytes(32),))
    states.save(tmp_path / "state", state)
    assert states.load(tmp_path / "state") == state
    assert states.load(tmp_path / "none") == State()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format"', '"form"'),
        ("recipient-1", "recipient-2"),
        (NUMBER, "+1415"),
        ('"serial": 0', '"serial": -1'),
        ('"serial": 0', '"serial": "0"'),
        ('"entries": null', '"entries": [1]'),
        ('"validators": []', '"validators": ["x"]'),
        ('"former": []', '"former": ["x"]'),
        ("{", "["),
    ],
)
def test_what_is_no_state_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "state"
    text = State({NUMBER: Held(NUMBER)}).to_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(MalformedError, match="is no state of a recipient"):
        states.load(path)


def test_a_list_has_an_end() -> None:
    held = Held(NUMBER)
    for n in range(MAX_ENTRIES):
        held = held.listing(MappingEntry(f"m{n}.example"))
    assert held.listing(MappingEntry("m3.example", ("Default",))).entries is not None
    with pytest.raises(MalformedError, match="which is the most"):
        held.listing(MappingEntry("more.example"))


@pytest.mark.parametrize(
    "url",
    [
        "https://vera.example/",
        "https://vera.example:8443/v",
        "http://127.0.0.1:80/",
        "http://localhost/",
        "http://[::1]:8080/",
    ],
)
def test_urls_that_are_asked(url: str) -> None:
    assert httpurl.check(url, allow_plain=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "vera.example",
        "https://",
        "https://a@b.example/",
        "https://b.example/?q",
        "https://b.example:99999/",
        "https://b.example:0/",
        "http://b.example/",
        "http://192.0.2.1/",
        "https://b.example/\n",
        "https://ä.example/",
    ],
)
def test_urls_that_are_not(url: str) -> None:
    with pytest.raises(MalformedError):
        httpurl.check(url, allow_plain=False)
