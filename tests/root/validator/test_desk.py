"""Requests to a validator's desk, with a register on disk: who is vouched for after each."""

from pathlib import Path

import pytest

from root.validator.allowances import ALL_TOGETHER
from root.validator.claims import RECONFIRM_SECONDS, SHOWN_AFTER_RELEASE, Terms
from root.validator.codes import ATTEMPTS, CODE_SECONDS
from root.validator.desk import Answer
from root.validator.refusals import CONFLICT, LIMITED, MALFORMED, OK, UNAVAILABLE, UNTRUSTED
from root.validator.store import RegisterWriter
from root.validator.vouching import RENEW_AFTER, VALIDATION_LIFE
from tests.fulldisk import full_disk
from tests.root.validator.office import HOST, MAIL, NUMBER, VERA, Asker, Office, digest, mapping, office, sealed
from tests.zonedata.builders import NOW, bound, key
from zonedata import identifiers
from zonedata.errors import MalformedError
from zonedata.kinds import DAY, Use
from zonedata.opening import Claim, Opened, Signer, open_claim, read_claim
from zonedata.recipient_statements import Mapping, Validation
from zonedata.sealed import Sealed
from zonedata.store.layout import data_of
from zonedata.validator_requests import WINDOW, Action, Outcome


def refused(answer: Answer, status: int, words: str) -> None:
    assert (answer.status, answer.reply.outcome) == (status, Outcome.REFUSED), answer
    assert words in answer.reply.reason
    assert answer.delivery is None


def test_whoever_shows_the_code_is_vouched_for(vera: Office) -> None:
    claimed = vera.ask(Action.CLAIM, "ann")
    assert (claimed.status, claimed.reply.outcome) == (OK, Outcome.SENT)
    assert claimed.delivery is not None
    assert claimed.delivery.csi == NUMBER
    assert len(claimed.delivery.code) == 8
    assert vera.shown() == []
    vera.now += 30
    confirmed = vera.ask(Action.CONFIRM, "ann", code=claimed.delivery.code)
    assert (confirmed.reply.outcome, confirmed.reply.since) == (Outcome.STANDING, NOW + 30)
    (validation,) = vera.shown()
    assert isinstance(validation, Validation)
    assert (validation.recipient, validation.validator, validation.method) == (digest("ann"), VERA, "sms")
    assert (validation.since, validation.executed, validation.mapping) == (NOW + 30, NOW + 30, 0)
    assert validation.life.expires == NOW + 30 + VALIDATION_LIFE


def test_what_is_shown_opens_with_the_validators_key(vera: Office) -> None:
    vera.prove("ann")
    vera.map("ann")
    signer = Signer(VERA, (VERA,), (bound(f"{VERA}/validate", Use.VALIDATE),), NOW + DAY)
    for value in vera.register.about(NUMBER.owner):
        claim = read_claim(data_of(value))
        assert isinstance(claim, Claim)
        assert isinstance(open_claim(claim, signer, b"", NOW), Opened)
    validation, shown = vera.shown()
    assert isinstance(validation, Validation)
    assert validation.mapping == shown.life.serial == 1


def test_a_mail_address_is_claimed_in_the_clear_and_must_be_the_owner(vera: Office) -> None:
    vera.asker = Asker(MAIL)
    claimed = vera.ask(Action.CLAIM, "ann", csi="Alice@EXAMPLE.com")
    assert claimed.delivery is not None
    assert claimed.delivery.csi == MAIL
    assert vera.ask(Action.CONFIRM, "ann", code=claimed.delivery.code).reply.outcome is Outcome.STANDING
    validation = vera.shown()[0]
    assert isinstance(validation, Validation)
    assert validation.method == "email"
    refused(
        vera.ask(Action.CLAIM, "ann", csi="bob@example.com"), MALFORMED, "not the one that the request is about"
    )
    refused(vera.ask(Action.CLAIM, "ann", csi="+14155550123"), MALFORMED, "not the one that the request is about")


def test_nobody_is_vouched_for_elsewhere(vera: Office) -> None:
    vera.asker = Asker(identifiers.parse("+442079460000"))
    refused(vera.ask(Action.CLAIM, "ann"), UNTRUSTED, "does not vouch for such identifiers")


def test_a_scheme_without_delivery_is_refused(tmp_path: Path) -> None:
    vera = office(tmp_path / "register", methods={"mail": "email"})
    refused(vera.ask(Action.CLAIM, "ann"), UNTRUSTED, "no way to send codes")
    vera.register.close()


# --- codes ----------------------------------------------------------------------------------------------------


def test_a_code_counts_for_the_key_that_asked_and_once(vera: Office) -> None:
    claimed = vera.ask(Action.CLAIM, "ann")
    assert claimed.delivery is not None
    code = claimed.delivery.code
    refused(vera.ask(Action.CONFIRM, "bob", code=code), UNTRUSTED, "no code is outstanding for this key")
    assert vera.ask(Action.CONFIRM, "ann", code=code).reply.outcome is Outcome.STANDING
    refused(vera.ask(Action.CONFIRM, "ann", code=code), UNTRUSTED, "no code is outstanding")


def test_a_code_counts_on_where_the_register_could_not_be_written(vera: Office) -> None:
    with full_disk():
        refused(vera.ask(Action.CLAIM, "ann"), UNAVAILABLE, "the register cannot be written")
    claimed = vera.ask(Action.CLAIM, "ann")
    assert claimed.delivery is not None
    code = claimed.delivery.code
    with full_disk():
        again = vera.asker.wire(Action.CONFIRM, "ann", NOW, code=code)
        failed = vera.desk.handle(again, HOST, NOW)
        refused(failed, UNAVAILABLE, "the register cannot be written")
        assert (failed.event, failed.why) == ("confirm", "register")
        assert "is the disk full?" in failed.fault
    assert vera.stands() == b""
    assert vera.desk.handle(again, HOST, NOW).reply.outcome is Outcome.STANDING, "that very request was not taken"


def test_a_claim_that_could_not_be_written_counts_for_nobody(vera: Office) -> None:
    with full_disk():
        for _ in range(25):
            refused(vera.ask(Action.CLAIM, "ann"), UNAVAILABLE, "the register cannot be written")
    assert vera.ask(Action.CLAIM, "ann").status == OK


def test_a_code_is_guessed_at_a_few_times_only(vera: Office) -> None:
    claimed = vera.ask(Action.CLAIM, "ann")
    assert claimed.delivery is not None
    for _ in range(ATTEMPTS):
        refused(vera.ask(Action.CONFIRM, "ann", code="00000000"), UNTRUSTED, "this is not the code")
    refused(vera.ask(Action.CONFIRM, "ann", code=claimed.delivery.code), UNTRUSTED, "no code is outstanding")
    assert vera.stands() == b""


def test_a_code_grows_old(vera: Office) -> None:
    claimed = vera.ask(Action.CLAIM, "ann")
    assert claimed.delivery is not None
    vera.now += CODE_SECONDS
    refused(vera.ask(Action.CONFIRM, "ann", code=claimed.delivery.code), UNTRUSTED, "no code is outstanding")


def test_a_telephone_does_not_ring_all_day(vera: Office) -> None:
    for n in range(4):
        vera.host = f"192.0.2.{n}"
        assert vera.ask(Action.CLAIM, f"key {n}").status == OK
    refused(vera.ask(Action.CLAIM, "another"), LIMITED, "too many codes to this identifier; try again in 3600 s")
    vera.now += 3_600
    assert vera.ask(Action.CLAIM, "another").status == OK


def test_a_code_that_reached_nobody_counts_for_the_client_alone(vera: Office) -> None:
    for n in range(20):
        vera.now += 1
        claimed = vera.ask(Action.CLAIM, "ann")
        assert claimed.delivery is not None, n
        vera.desk.undelivered(claimed.delivery)
    refused(vera.ask(Action.CLAIM, "ann"), LIMITED, "too many codes for this address")
    vera.host = "192.0.2.99"
    for _ in range(4):
        assert vera.ask(Action.CLAIM, "ann").status == OK
    refused(vera.ask(Action.CLAIM, "ann"), LIMITED, "too many codes to this identifier")


def test_a_code_that_reached_nobody_is_void(vera: Office) -> None:
    claimed = vera.ask(Action.CLAIM, "ann")
    assert claimed.delivery is not None
    vera.desk.undelivered(claimed.delivery)
    refused(vera.ask(Action.CONFIRM, "ann", code=claimed.delivery.code), UNTRUSTED, "no code is outstanding")


def test_guesses_at_codes_that_reached_nobody_are_bounded_all_the_same(vera: Office) -> None:
    for n in range(4):
        vera.host = f"192.0.2.{n}"
        claimed = vera.ask(Action.CLAIM, "eve")
        assert claimed.delivery is not None
        refused(vera.ask(Action.CONFIRM, "eve", code="00000000"), UNTRUSTED, "this is not the code")
        vera.desk.undelivered(claimed.delivery)
    refused(vera.ask(Action.CLAIM, "eve"), LIMITED, "too many codes to this identifier")


def test_an_older_delivery_that_fails_leaves_the_newer_code(vera: Office) -> None:
    older, newer = vera.ask(Action.CLAIM, "ann"), vera.ask(Action.CLAIM, "ann")
    assert older.delivery is not None
    assert newer.delivery is not None
    vera.desk.undelivered(older.delivery)
    assert vera.ask(Action.CONFIRM, "ann", code=newer.delivery.code).status == OK


def test_codes_to_all_together_have_a_bound(vera: Office) -> None:
    most = ALL_TOGETHER[0].most

    def claim(n: int) -> Answer:
        vera.host = f"2001:db8:0:{n:x}::1"
        vera.asker = Asker(identifiers.parse(f"+1415{n:07}"))
        return vera.ask(Action.CLAIM, "ann")

    answers = [claim(n) for n in range(most)]
    assert {answer.status for answer in answers} == {OK}
    refused(claim(most), LIMITED, "too many codes; try again in 3600 s")
    assert answers[0].delivery is not None
    vera.desk.undelivered(answers[0].delivery)
    assert claim(most).status == OK
    assert claim(most + 1).status == LIMITED


def test_a_client_has_codes_sent_to_a_few_only(vera: Office) -> None:
    for n in range(20):
        vera.asker = Asker(identifiers.parse(f"+141555501{n:02}"))
        assert vera.ask(Action.CLAIM, "ann").status == OK
    vera.asker = Asker()
    refused(vera.ask(Action.CLAIM, "ann"), LIMITED, "too many codes for this address")
    vera.host = "192.0.2.99"
    assert vera.ask(Action.CLAIM, "ann").status == OK


def test_a_client_asks_for_anything_so_often_only(vera: Office) -> None:
    for _ in range(60):
        refused(vera.desk.handle(b"rubbish", HOST, NOW), MALFORMED, "cut short")
    refused(vera.desk.handle(b"rubbish", HOST, NOW), LIMITED, "too many requests")
    assert vera.desk.handle(b"rubbish", HOST, NOW + 60).status == MALFORMED


# --- requests -------------------------------------------------------------------------------------------------


def test_a_request_is_taken_once_whatever_came_of_it(vera: Office) -> None:
    claim = vera.asker.wire(Action.CLAIM, "ann", NOW)
    assert vera.desk.handle(claim, HOST, NOW).status == OK
    refused(vera.desk.handle(claim, HOST, NOW), UNTRUSTED, "was taken before")
    wrong = vera.asker.wire(Action.CONFIRM, "ann", NOW, code="00000000")
    refused(vera.desk.handle(wrong, HOST, NOW), UNTRUSTED, "not the code")
    for _ in range(ATTEMPTS):
        refused(vera.desk.handle(wrong, HOST, NOW), UNTRUSTED, "was taken before")


def test_a_request_is_not_taken_again_after_a_restart(vera: Office, tmp_path: Path) -> None:
    vera.prove("ann")
    keep = vera.asker.wire(Action.KEEP, "ann", NOW)
    assert vera.desk.handle(keep, HOST, NOW).status == OK
    vera.register.close()
    again = office(tmp_path / "register")
    refused(again.desk.handle(keep, HOST, NOW + WINDOW), UNTRUSTED, "was taken before")
    refused(again.desk.handle(keep, HOST, NOW + WINDOW + 1), UNTRUSTED, "ago by its clock")
    again.register.close()


def test_a_request_is_for_one_validator_and_of_now(vera: Office) -> None:
    elsewhere = Asker(to="other.example").wire(Action.STATUS, "ann", NOW)
    refused(vera.desk.handle(elsewhere, HOST, NOW), UNTRUSTED, "is for other.example")
    for late in (WINDOW + 1, -WINDOW - 1):
        refused(vera.desk.handle(vera.asker.wire(Action.STATUS, "ann", NOW), HOST, NOW + late), UNTRUSTED, "clock")


def test_a_request_is_signed_by_the_key_in_it(vera: Office) -> None:
    wire = vera.asker.wire(Action.STATUS, "ann", NOW)
    refused(vera.desk.handle(bytes(64) + wire[64:], HOST, NOW), UNTRUSTED, "does not verify")


def test_the_log_has_what_was_asked_for_and_why_not(vera: Office) -> None:
    def logged(answer: Answer) -> tuple[str, int, str]:
        return answer.event, answer.status, answer.why

    def told(wire: bytes, late: float = 0) -> tuple[str, int, str]:
        return logged(vera.desk.handle(wire, HOST, NOW + late))

    usual = vera.asker.wire(Action.STATUS, "ann", NOW)
    assert told(usual) == ("status", OK, "")
    assert told(usual) == ("status", UNTRUSTED, "replay")
    assert told(b"rubbish") == ("", MALFORMED, "malformed")
    assert told(vera.asker.wire(Action.KEEP, "ann", NOW), WINDOW + 1) == ("keep", UNTRUSTED, "clock")
    assert told(Asker(to="other.example").wire(Action.CLAIM, "ann", NOW)) == ("claim", UNTRUSTED, "other-validator")
    assert told(bytes(64) + usual[64:]) == ("status", UNTRUSTED, "signature")
    abroad = Asker(identifiers.parse("+442079460000"))
    assert told(abroad.wire(Action.CLAIM, "ann", NOW)) == ("claim", UNTRUSTED, "elsewhere")
    assert logged(vera.ask(Action.CLAIM, "ann", csi="rubbish")) == ("claim", MALFORMED, "identifier")
    assert logged(vera.ask(Action.CONFIRM, "ann", code="1")) == ("confirm", UNTRUSTED, "no-code")
    assert vera.ask(Action.CLAIM, "ann").status == OK
    assert logged(vera.ask(Action.CONFIRM, "ann", code="1")) == ("confirm", UNTRUSTED, "code")
    assert logged(vera.ask(Action.MAP, "ann", mapping=b"rubbish")) == ("map", MALFORMED, "mapping")
    assert logged(vera.map("ann")) == ("map", CONFLICT, "conflict")
    for _ in range(3):
        vera.ask(Action.CLAIM, "ann")
    assert logged(vera.ask(Action.CLAIM, "ann")) == ("claim", LIMITED, "limit-csi")


# --- mappings -------------------------------------------------------------------------------------------------


def test_a_mapping_is_the_standing_recipients_and_newer(vera: Office) -> None:
    refused(vera.map("ann"), CONFLICT, "not vouched for here")
    vera.prove("ann")
    assert vera.map("ann", 5).reply.mapping == 5
    serial = vera.shown()[0].life.serial
    assert vera.map("ann", 5).status == OK, "the same once more"
    refused(vera.map("ann", 5, entries=()), CONFLICT, "serial 5 is known; this has 5")
    refused(vera.map("ann", 4), CONFLICT, "serial 5 is known; this has 4")
    assert vera.shown()[0].life.serial == serial, "nothing was signed anew"
    assert vera.map("ann", 6, entries=()).reply.mapping == 6
    validation, shown = vera.shown()
    assert validation.life.serial > serial
    assert isinstance(shown, Mapping)
    assert (shown.life.serial, shown.entries) == (6, ())
    refused(vera.map("bob", 7), CONFLICT, "not vouched for here")


def test_a_mapping_of_another_key_or_csi_is_refused(vera: Office) -> None:
    vera.prove("ann")
    others = sealed(mapping(key("bob"), NUMBER), key("bob"))
    refused(vera.ask(Action.MAP, "ann", mapping=others), UNTRUSTED, "another key than the request")
    elsewhere = sealed(mapping(key("ann"), MAIL), key("ann"))
    refused(vera.ask(Action.MAP, "ann", mapping=elsewhere), UNTRUSTED, "about another CSI")
    forged = sealed(mapping(key("ann"), NUMBER), key("bob"))
    refused(vera.ask(Action.MAP, "ann", mapping=forged), UNTRUSTED, "not signed by the key that stands in it")
    gone = sealed(mapping(key("ann"), NUMBER, entries=(), is_released=True), key("ann"))
    refused(vera.ask(Action.MAP, "ann", mapping=gone), CONFLICT, "ask for a release")
    refused(
        vera.ask(Action.RELEASE, "ann", mapping=sealed(mapping(key("ann"), NUMBER), key("ann"))), CONFLICT, "say"
    )


def test_a_mapping_that_has_expired_is_no_longer_promised(vera: Office) -> None:
    vera.prove("ann")
    vera.map("ann", 3)
    vera.pass_time(300 * DAY + 1)
    (validation,) = vera.shown()
    assert isinstance(validation, Validation)
    assert validation.mapping == 0


# --- two recipients -------------------------------------------------------------------------------------------


def test_a_newcomer_waits_and_the_standing_recipient_keeps(vera: Office) -> None:
    vera.prove("ann")
    vera.map("ann")
    vera.now += DAY
    pending = vera.prove("bob")
    assert (pending.reply.outcome, pending.reply.deadline) == (Outcome.PENDING, NOW + DAY + RECONFIRM_SECONDS)
    assert vera.stands() == digest("ann")
    status = vera.ask(Action.STATUS, "ann").reply
    assert (status.outcome, status.deadline) == (Outcome.STANDING, pending.reply.deadline)
    refused(vera.ask(Action.KEEP, "bob"), CONFLICT, "only the standing recipient's")
    refused(vera.map("bob", 9), CONFLICT, "only the standing recipient's")
    assert vera.ask(Action.KEEP, "ann").reply.deadline == 0
    assert vera.ask(Action.STATUS, "bob").reply.outcome is Outcome.NONE
    vera.pass_time(2 * RECONFIRM_SECONDS)
    assert vera.stands() == digest("ann")


def test_a_newcomer_stands_when_nobody_objects(vera: Office) -> None:
    vera.prove("ann")
    vera.map("ann")
    vera.now += DAY
    vera.prove("bob")
    vera.pass_time(RECONFIRM_SECONDS - 1)
    assert vera.stands() == digest("ann")
    vera.pass_time(1)
    (validation,) = vera.shown()
    assert isinstance(validation, Validation)
    assert (validation.recipient, validation.since, validation.mapping) == (digest("bob"), NOW + DAY, 0)
    assert vera.ask(Action.STATUS, "ann").reply.outcome is Outcome.NONE
    refused(vera.ask(Action.KEEP, "ann"), CONFLICT, "not vouched for here")


def test_a_deadline_counts_though_nothing_was_swept(vera: Office) -> None:
    vera.prove("ann")
    vera.prove("bob")
    vera.now += RECONFIRM_SECONDS
    refused(vera.ask(Action.KEEP, "ann"), CONFLICT, "not vouched for here")
    assert vera.ask(Action.STATUS, "bob").reply.outcome is Outcome.STANDING
    assert vera.stands() == digest("bob")


def test_the_standing_recipients_own_proof_ends_a_newer_claim(vera: Office) -> None:
    vera.prove("ann")
    vera.prove("bob")
    vera.now += DAY
    again = vera.prove("ann").reply
    assert (again.outcome, again.since, again.deadline) == (Outcome.STANDING, NOW, 0)
    vera.pass_time(RECONFIRM_SECONDS)
    assert vera.stands() == digest("ann")


def test_of_two_newcomers_the_later_waits_anew(vera: Office) -> None:
    vera.prove("ann")
    vera.prove("bob")
    vera.pass_time(RECONFIRM_SECONDS - 10)
    assert vera.prove("eve").reply.deadline == int(vera.now) + RECONFIRM_SECONDS
    vera.pass_time(10)
    assert vera.stands() == digest("ann")
    again = vera.prove("eve").reply
    assert again.deadline == NOW + 2 * RECONFIRM_SECONDS - 10, "proving again neither shortens nor lengthens it"
    vera.pass_time(RECONFIRM_SECONDS - 10)
    assert vera.stands() == digest("eve")


def test_the_time_to_object_is_the_operators(tmp_path: Path) -> None:
    vera = office(tmp_path / "register", Terms(reconfirm=DAY))
    vera.prove("ann")
    vera.prove("bob")
    vera.pass_time(DAY)
    assert vera.stands() == digest("bob")
    vera.register.close()


def test_an_operator_forgets(vera: Office) -> None:
    vera.prove("ann")
    with vera.register.writing() as writing:
        assert writing.drop(NUMBER.owner)
        assert not writing.drop(NUMBER.owner)
    assert vera.shown() == []
    vera.now += 1
    assert vera.prove("bob").reply.outcome is Outcome.STANDING


# --- ends and changes of keys ---------------------------------------------------------------------------------


def release(vera: Office, who: str, serial: int = 9) -> Answer:
    gone = mapping(key(who), vera.asker.csi, serial, entries=(), is_released=True)
    return vera.ask(Action.RELEASE, who, mapping=sealed(gone, key(who)))


def test_a_release_is_shown_until_what_was_said_of_the_key_has_ended(vera: Office) -> None:
    vera.prove("ann")
    vera.map("ann")
    assert release(vera, "ann").reply.outcome is Outcome.RELEASED
    validation, shown = vera.shown()
    assert isinstance(shown, Mapping)
    assert shown.is_released
    assert validation.life.serial
    refused(vera.map("ann", 10), CONFLICT, "has given the CSI up; claim it anew")
    vera.pass_time(SHOWN_AFTER_RELEASE - 1)
    assert len(vera.shown()) == 2
    vera.pass_time(1)
    assert vera.shown() == []


def test_after_a_release_the_next_proof_counts_at_once(vera: Office) -> None:
    vera.prove("ann")
    release(vera, "ann")
    vera.now += 5
    assert vera.prove("bob").reply.outcome is Outcome.STANDING
    assert vera.stands() == digest("bob")


def test_a_release_lets_the_newcomer_stand(vera: Office) -> None:
    vera.prove("ann")
    vera.prove("bob")
    assert release(vera, "ann").reply.outcome is Outcome.NONE
    assert vera.stands() == digest("bob")
    assert len(vera.shown()) == 1


def roll(vera: Office, old: str, new: str, **fields: object) -> Answer:
    fields.setdefault("former", (digest(old),))
    said = mapping(key(new), vera.asker.csi, 20, **fields)
    return vera.ask(Action.ROLL, old, mapping=sealed(said, key(new)))


def test_another_key_keeps_the_seniority(vera: Office) -> None:
    vera.prove("ann")
    vera.map("ann")
    vera.now += DAY
    vera.prove("bob")
    rolled = roll(vera, "ann", "ann's new").reply
    assert (rolled.outcome, rolled.since, rolled.mapping) == (Outcome.STANDING, NOW, 20)
    assert rolled.deadline == NOW + DAY + RECONFIRM_SECONDS, "it does not say that the CSI is still held"
    assert vera.stands() == digest("ann's new")
    refused(vera.ask(Action.KEEP, "ann"), CONFLICT, "not vouched for here")
    assert vera.ask(Action.KEEP, "ann's new").status == OK


def test_a_key_is_given_over_by_both(vera: Office) -> None:
    vera.prove("ann")
    refused(roll(vera, "ann", "new", former=()), CONFLICT, "does not name the old one")
    refused(roll(vera, "ann", "ann"), CONFLICT, "signed by the old key")
    refused(roll(vera, "bob", "new"), CONFLICT, "not vouched for here")
    refused(roll(vera, "ann", "new", entries=(), is_released=True), CONFLICT, "gives the CSI up")
    assert vera.stands() == digest("ann")


# --- time -----------------------------------------------------------------------------------------------------


def test_a_validation_is_signed_anew_each_day_until_the_proof_is_too_old(vera: Office) -> None:
    vera.prove("ann")
    first = vera.shown()[0].life
    vera.pass_time(RENEW_AFTER - 1)
    assert vera.shown()[0].life == first
    vera.pass_time(1)
    second = vera.shown()[0].life
    assert (second.issued, second.expires) == (first.issued + DAY, first.expires + DAY)
    assert second.serial > first.serial
    vera.pass_time(363 * DAY)
    assert vera.shown()[0].life.expires == NOW + 365 * DAY
    vera.pass_time(DAY)
    assert vera.shown() == []
    assert vera.ask(Action.STATUS, "ann").reply.outcome is Outcome.NONE


def test_another_proof_in_time_keeps_the_seniority(vera: Office) -> None:
    vera.prove("ann")
    vera.pass_time(300 * DAY)
    vera.prove("ann")
    vera.pass_time(300 * DAY)
    validation = vera.shown()[0]
    assert isinstance(validation, Validation)
    assert (validation.since, validation.executed) == (NOW, NOW + 300 * DAY)


def test_a_new_signing_key_signs_everything_anew(vera: Office, tmp_path: Path) -> None:
    vera.prove("ann")
    vera.map("ann")
    old = vera.shown()[0].life
    vera.register.close()
    again = office(tmp_path / "register", signer="another")
    again.pass_time(1)
    assert again.shown()[0].life.serial > old.serial
    value = again.register.about(NUMBER.owner)[0]
    assert Sealed.from_wire(data_of(value)).signatures[0].key_id == key("another").public.key_id
    assert again.desk.sweep(again.now) == 0
    again.register.close()


def test_a_new_signing_key_takes_its_time(vera: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csis = [identifiers.parse(f"+141555501{n:02}") for n in range(4)]
    for vera.asker.csi in csis:
        vera.prove("ann")
    vera.register.close()
    monkeypatch.setattr("root.validator.desk.SWEEP", 2)
    office(tmp_path / "register", signer="another").register.close()  # after the first two were made due
    again = office(tmp_path / "register", signer="another")
    assert again.desk.sweep(NOW) == 2, "the other two"

    def done() -> int:
        signed = [Sealed.from_wire(data_of(again.register.about(csi.owner)[0])).signatures[0] for csi in csis]
        return sum(one.key_id == key("another").public.key_id for one in signed)

    assert done() == 0
    again.pass_time(0)
    assert done() == 4
    again.desk.begin()
    assert again.desk.sweep(NOW) == 0
    again.register.close()


def test_a_new_signing_key_that_is_taken_back_halfway_leaves_nothing_behind(
    vera: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        vera.asker.csi = identifiers.parse(f"+141555501{n:02}")
        vera.prove("ann")
        vera.map("ann")
    vera.register.close()
    monkeypatch.setattr("root.validator.desk.SWEEP", 2)
    between = office(tmp_path / "register", signer="another")  # has begun, and signs for who asks
    between.asker.csi = identifiers.parse("+14155550100")
    between.map("ann", serial=2)
    between.register.close()

    def key_id(one: Office) -> bytes:
        return Sealed.from_wire(data_of(one.register.about(between.asker.csi.owner)[0])).signatures[0].key_id

    again = office(tmp_path / "register")
    assert key_id(again) == key("another").public.key_id
    again.pass_time(0)
    assert key_id(again) == key("vera.example/validate").public.key_id
    again.register.close()


def test_a_clock_that_steps_back_breaks_nothing(vera: Office) -> None:
    vera.prove("ann")
    serial = vera.shown()[0].life.serial
    vera.now -= 1_800
    assert vera.map("ann").status == OK
    validation = vera.shown()[0]
    assert isinstance(validation, Validation)
    assert validation.life.serial == serial + 1
    assert validation.executed <= validation.life.issued


def test_a_register_is_one_authoritys(vera: Office, tmp_path: Path) -> None:
    vera.register.close()
    with pytest.raises(MalformedError, match=r"is that of vera\.example, not of other\.example"):
        RegisterWriter(tmp_path / "register", "other.example")
