"""A validator as a real process: codes by mail and by command, recipients who type, resolvers that ask."""

import http.client
import os
import re
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fingerpost.daemons import PATIENCE, Doors, running, starting
from tests.fingerpost.household import PEOPLE, RESOLVER, Household
from tests.fingerpost.validators import (
    MAIL,
    NUMBERS,
    caller,
    free_port,
    mail_server,
    validating,
    validator,
)
from tests.fulldisk import full_disk
from tests.root.validator.office import office
from zonedata import identifiers, keys, trust
from zonedata.judgement import Judgement, Outcome, judge
from zonedata.kinds import Assurance, Role
from zonedata.recipient_statements import recipient_of
from zonedata.standing import Standing
from zonedata.validator_requests import Reply
from zonedata.wire import QType

ALICE = "alice@example.com"
NUMBER = "+14155550123"
VOUCHES = r"http://127\.0\.0\.1:\d+/: vouches for this key, which holds it since \S+Z, until \S+Z"


def judged(port_udp: int, csi: str) -> Judgement:
    """Ask a resolver for the proof and judge it."""
    owner = identifiers.parse(csi).owner
    reply = Doors(port_udp, port_udp).ask(owner, QType.PROOF, tcp=True)
    anchor = trust.read_anchor(Path("anchor.pem"))
    return judge(owner, anchor, [record.rdata for record in reply.records], time.time())


def delegation(house: Household, udp: int, tcp: int) -> list[str]:
    """Return the lines that delegate to vera."""
    return [
        f"key vera.example validate {house.key('validate.pem').public.to_text()}",
        f"key vera.example deny {house.key('vera-deny.pem').public.to_text()}",
        f"server vera.example ns.vera.example 127.0.0.1 udp={udp} tcp={tcp}",
        "delegate +1415 vera.example validator",
        "delegate @example.com vera.example validator",
    ]


def test_from_a_claim_by_mail_to_an_authorized_answer(house: Household) -> None:
    with mail_server() as (mailbox, mail_port), ExitStack() as daemons:
        validator(house, MAIL.format(port=mail_port))
        vera = daemons.enter_context(validating())
        name, digest = house.sound("recipient", "create", "recipient.pem").split()
        assert (name, digest) == ("recipient.pem", recipient_of(keys.load(Path(name)).public).hex())
        assert house.sound("recipient", "claim", ALICE, "--validator", vera.url) == (
            f"{vera.url}: a code is on its way; show it with 'fingerpost recipient confirm CODE'\n"
        )
        ((to, text),) = mailbox.mails
        assert to == [ALICE]
        assert f"It proves to vera.example that {ALICE} is yours." in text
        assert re.fullmatch(VOUCHES + "\n", house.sound("recipient", "confirm", mailbox.code()))
        told = house.sound("recipient", "authorise", "alpha.example", "Default")
        assert re.fullmatch(VOUCHES + r"; mapping \d+\n", told)

        house.msp()
        listed = PEOPLE.replace('u/alice"', f'u/alice", "recipient": "{digest}"')
        assert digest in listed
        house.write("people.ndjson", listed)
        house.sound("sign", "alpha.toml")
        alpha = daemons.enter_context(running("alpha.toml"))
        serving = daemons.enter_context(running("vera.toml"))
        doors = serving.doors
        house.root(*house.delegation(alpha.doors.udp, alpha.doors.tcp), *delegation(house, doors.udp, doors.tcp))
        house.write("root.toml", Path("root.toml").read_text().replace("#0", f"#{free_port()}"))
        house.sound("sign", "root.toml")
        root = daemons.enter_context(running("root.toml"))
        house.write("resolver.toml", RESOLVER + f'root = ["127.0.0.1#{root.doors.udp}"]\n')
        resolver = daemons.enter_context(running("resolver.toml"))

        judgement = judged(resolver.doors.tcp, ALICE)
        rows = {finding.authority: finding for finding in judgement.findings if finding.role is not Role.REGISTRY}
        assert (judgement.outcome, judgement.complete) == (Outcome.FOUND, True), judgement.findings
        assert judgement.recipient.hex() == digest
        assert rows["vera.example"].standing is Standing.VALIDATED
        assert rows["alpha.example"].assurance is Assurance.AUTHORIZED
        assert rows["alpha.example"].tags == ("Default",)
        assert judged(resolver.doors.tcp, NUMBER).recipient == b""

        # What the recipient says shows at the next question to the validator, without any signal.
        house.sound("recipient", "opt-out")
        owner = identifiers.parse(ALICE).owner
        kinds = [record.rdata[0] for record in doors.ask(owner, QType.PROOF).records]
        assert sorted(kinds) == [19, 20]
        (shown,) = [record.rdata for record in doors.ask(owner, QType.PROOF).records if record.rdata[0] == 19]
        assert b"alpha.example" not in shown
        assert vera.end() == 0
        assert serving.end(signal.SIGTERM)[0] == 0


def test_a_conversation_by_telephone(house: Household) -> None:
    calls = caller(house)
    validator(house, NUMBERS)
    with validating() as vera:

        def code() -> str:
            number, sent = calls.read_text().splitlines()[-1].split()
            assert number == NUMBER
            return sent

        def ann(*words: str) -> str:
            return house.sound("recipient", words[0], "--key", "ann.pem", *words[1:])

        def bob(*words: str) -> str:
            return house.sound("recipient", words[0], "--key", "bob.pem", *words[1:])

        for name in ("ann", "bob", "ann2"):
            house.sound("recipient", "create", f"{name}.pem")
        refused = house.run("recipient", "authorise", "--key", "ann.pem", "alpha.example")
        assert (refused.status, "which identifier? say --csi; known are none" in refused.err) == (1, True)
        ann("claim", "+1 415 555 0123", "--validator", vera.url)
        refused = house.run("recipient", "confirm", "--key", "ann.pem", "00000000")
        assert (refused.status, refused.err) == (1, f"{vera.url}: refused: this is not the code\n")
        assert house.run("recipient", "authorise", "--key", "ann.pem", "alpha.example", "Business").status == 1
        told = ann("confirm", f"{code()[:4]} {code()[4:]}").splitlines()
        assert re.fullmatch(VOUCHES, told[0])
        assert re.fullmatch(VOUCHES + r"; mapping \d+", told[1]), "what was said before is handed in"
        ann("authorise", "beta.example", "Video", "Private")
        shown = ann("show").splitlines()
        assert shown[0] == f"recipient {recipient_of(keys.load(Path('ann.pem')).public).hex()}"
        assert re.fullmatch(
            r"\+14155550123: mapping \d+: alpha.example Business, beta.example Private Video", shown[1]
        )
        ann("unlist", "alpha.example")
        assert "alpha.example" not in ann("show")

        # Somebody else gets hold of the telephone.
        bob("claim", NUMBER, "--validator", vera.url)
        assert "an older recipient may object until" in bob("confirm", code())
        assert "somebody else has proven possession: 'fingerpost recipient keep' before" in ann("show")
        refused = house.run("recipient", "keep", "--key", "bob.pem")
        assert (refused.status, "only the standing recipient's" in refused.err) == (1, True)
        assert "somebody else" not in ann("keep")
        assert "does not vouch for this key" in bob("show")

        # Another key, then the end.
        rolled = f"^{VOUCHES}; mapping (\\d+)\nfrom now on use --key ann2\\.pem\n$"
        first, again = (re.findall(rolled, ann("roll", "ann2.pem"))[0] for _ in range(2))
        assert first == again, "twice does no harm"
        assert "does not vouch for this key" in ann("show")
        says = house.sound("recipient", "show", "--key", "ann2.pem")
        assert f"mapping {first}: beta.example" in says
        assert "not what was said last" not in says
        assert house.sound("recipient", "release", "--key", "ann2.pem") == f"{vera.url}: given up\n"
        assert "given up" in house.sound("recipient", "show", "--key", "ann2.pem")
        refused = house.run("recipient", "opt-out", "--key", "ann2.pem")
        assert (refused.status, "was given up; claim it anew" in refused.err) == (1, True)
        bob("claim", NUMBER)
        assert re.fullmatch(VOUCHES + "\n", bob("confirm", code()))
        assert vera.end() == 0
        sent = {line.split()[1] for line in calls.read_text().splitlines()}
        assert len(sent) == 3
        for secret in (*sent, NUMBER, "14155550123"):
            assert secret not in vera.log
        for logged in ("roll status=200 outcome=standing\n", "confirm status=403 outcome=refused why=code\n"):
            assert f"event=request action={logged}" in vera.log
    for name in ("ann", "bob", "ann2"):
        assert Path(f"{name}.pem.state").stat().st_mode & 0o777 == 0o600


def test_what_was_acknowledged_survives_a_kill(house: Household) -> None:
    calls = caller(house)
    validator(house, NUMBERS)
    house.sound("recipient", "create", "recipient.pem")
    with validating() as vera:
        house.sound("recipient", "claim", NUMBER, "--validator", vera.url)
        house.sound("recipient", "confirm", calls.read_text().split()[1])
        house.sound("recipient", "opt-out")
        vera.process.kill()
        vera.process.wait(PATIENCE)
        port = vera.port
    house.write(
        "vera.toml", Path("vera.toml").read_text().replace('127.0.0.1#0"]\nkey', f'127.0.0.1#{port}"]\nkey')
    )
    with validating() as vera:
        assert vera.port == port
        assert re.search(VOUCHES + r"; mapping \d+\n", house.sound("recipient", "show"))


def test_an_operator_forgets_beside_the_daemon(house: Household) -> None:
    calls = caller(house)
    validator(house, NUMBERS)
    house.sound("recipient", "create", "recipient.pem")
    with validating() as vera:
        house.sound("recipient", "claim", NUMBER, "--validator", vera.url)
        house.sound("recipient", "confirm", calls.read_text().split()[1])
        with starting("vera.toml", "validate") as (second, _, log):
            assert second.wait(PATIENCE) == 1
            assert "vera.toml:10: authority.register: register vera.register is another daemon's" in log.read_text()
        # LMDB allows one environment a process, and this one is none of the daemon's.
        assert house.sound("validate", "vera.toml", "--forget", "+1 415 555 0123") == f"{NUMBER}: forgotten\n"
        again = house.run("validate", "vera.toml", "--forget", NUMBER)
        assert (again.status, again.err) == (1, f"{NUMBER}: nothing is known of it\n")
        assert "does not vouch for this key" in house.sound("recipient", "show")


def test_nothing_is_forgotten_where_it_cannot_be_written(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    refused = house.run("validate", "vera.toml", "--forget", NUMBER)
    assert refused.err == (
        "vera.toml:10: authority.register: vera.register: there is no register; 'fingerpost validate' makes it\n"
    )
    assert not Path("vera.register").exists(), "none is made"
    made = office(Path("vera.register"))
    made.prove("ann")
    made.register.close()
    with full_disk():
        failed = house.run("validate", "vera.toml", "--forget", NUMBER)
    assert (failed.status, failed.out) == (1, "")
    assert "register cannot be written; is the disk full?" in failed.err
    assert house.sound("validate", "vera.toml", "--forget", NUMBER) == f"{NUMBER}: forgotten\n"


# --- HTTP -----------------------------------------------------------------------------------------------------


def ask(port: int, method: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, "/", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_what_anybody_may_send(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS + "\n")
    house.write(
        "vera.toml", Path("vera.toml").read_text().replace("[validate]", '[validate]\nproxies = ["127.0.0.1"]')
    )
    with validating() as vera:
        assert ask(vera.port, "GET") == (200, b"vera.example\n")
        assert ask(vera.port, "PUT")[0] == 405
        assert ask(vera.port, "POST", bytes(5_000))[0] == 413
        status, body = ask(vera.port, "POST", b"rubbish")
        assert (status, Reply.from_wire(body).reason) == (400, "request is cut short")
        for n in range(60):
            assert ask(vera.port, "POST", b"", **{"X-Forwarded-For": f"192.0.2.{n}, 192.0.2.77"})[0] == 400
        assert ask(vera.port, "POST", b"", **{"X-Forwarded-For": "192.0.2.1, 192.0.2.77"})[0] == 429
        assert ask(vera.port, "POST", b"", **{"X-Forwarded-For": "192.0.2.77, 192.0.2.78"})[0] == 400
        for same in ("192.0.2.77:4711", "::ffff:192.0.2.77", "[::ffff:192.0.2.77]:4711"):
            assert ask(vera.port, "POST", b"", **{"X-Forwarded-For": same})[0] == 429
        statuses = [ask(vera.port, "POST", b"", **{"X-Forwarded-For": f"rubbish-{n}"})[0] for n in range(60)]
        assert statuses == [400] * 59 + [429], "who cannot be told apart counts as the proxy, which has asked once"
        assert vera.log.count("event=proxy-names-nobody proxy=127.0.0.1 ") == 1
        assert vera.end() == 0


# --- what is wrong --------------------------------------------------------------------------------------------


def test_neither_daemon_works_without_what_it_needs(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    refused = house.run("serve", "vera.toml")
    assert refused.status == 1
    assert refused.err == (
        "vera.toml:10: authority.register: vera.register: there is no register; 'fingerpost validate' makes it\n"
    )
    house.msp()
    refused = house.run("validate", "alpha.toml")
    assert (refused.status, refused.err) == (1, "alpha.toml: has no [validate], so it is no validator's\n")
    house.write("late.toml", Path("vera.toml").read_text().replace("vera.store", "nowhere"))
    refused = house.run("validate", "late.toml")
    assert refused.err == "late.toml:7: authority.store: nowhere: there is no store; 'fingerpost sign' makes it\n"
    refused = house.run("validate", "vera.toml", "--forget", "alice")
    assert (refused.status, "neither a telephone number" in refused.err) == (1, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = Path("vera.toml").read_text().replace('http = ["127.0.0.1#0"]', f'http = ["127.0.0.1#{port}"]')
        house.write("taken.toml", text)
        refused = house.run("validate", "taken.toml")
    assert (
        refused.err == f"taken.toml:18: validate.http: cannot listen on 127.0.0.1#{port}: Address already in use\n"
    )


def test_a_command_is_found_from_anywhere_and_missed_before_anything_begins(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = caller(house)
    validator(house, NUMBERS)
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    with validating("../vera.toml") as vera:
        house.sound("recipient", "create", "recipient.pem")
        house.sound("recipient", "claim", NUMBER, "--validator", vera.url)
    assert Path(calls.name).read_text().startswith(NUMBER), "it runs where the daemon does"
    Path("../call.sh").chmod(0o600)
    refused = house.run("validate", "../vera.toml")
    assert refused.status == 1
    assert refused.err.startswith("../vera.toml:")
    assert "numbers.command: " in refused.err


def test_a_register_that_others_could_write_is_refused(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    Path("vera.register").mkdir(mode=0o777)
    Path("vera.register").chmod(0o777)
    for command in ("validate", "serve"):
        refused = house.run(command, "vera.toml")
        assert (refused.status, "vera.toml:10: authority.register: " in refused.err) == (1, True)
        assert "has mode 0777" in refused.err


def test_check_leaves_it_to_the_daemons_whose_a_register_is(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configurations are checked by root before they are installed; the register is the service's."""
    caller(house)
    validator(house, NUMBERS)
    office(Path("vera.register")).register.close()
    monkeypatch.setattr(os, "geteuid", lambda: Path("vera.register").stat().st_uid + 1)
    assert house.sound("check", "vera.toml").endswith("vera.toml: no faults\n")
    for command in ("validate", "serve"):
        refused = house.run(command, "vera.toml")
        assert (refused.status, "not to us" in refused.err) == (1, True)


def test_a_register_that_is_cut_short_is_refused_by_all(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    made = office(Path("vera.register"))
    made.prove("ann")
    made.register.close()
    assert house.sound("check", "vera.toml").endswith("vera.toml: no faults\n")
    os.truncate("vera.register/data.mdb", 12_288)
    reason = (
        "vera.toml:10: authority.register: register vera.register/data.mdb is cut short: restore a whole copy\n"
    )
    for command in ("validate", "serve"):
        assert house.run(command, "vera.toml").err == reason
    assert reason in house.run("check", "vera.toml").out
