"""What is wrong with a validator's configuration, said where it stands."""

import pytest

from tests.fingerpost.household import Household
from tests.fingerpost.validators import NUMBERS, VALIDATOR, caller, validator

HTTP = 'http = ["127.0.0.1#0"]\n'
MAIL = "[mail]\nserver = 'x#25'\nsender = 'a@b.de'\n"
KEY = 'key = "validate.pem"\n\n[numbers]'


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'register = "vera.register"\n',
            "",
            "c.toml:5: authority.register: missing; a validator shows whom it vouches for out of a register",
        ),
        (
            '["validator"]',
            '["csip"]',
            "c.toml:10: authority.register: has no place here without the role 'validator'",
        ),
        ('["validator"]', '["csip"]', "c.toml:17: validate: is for an authority with the role 'validator'"),
        ("[numbers]\n", "[numbers]\nurl = 'https://x.example/'\n", "numbers: expected one of 'command' and 'url'"),
        ('command = ["./call.sh"]\n', "", "numbers: expected one of 'command' and 'url'"),
        ('command = ["./call.sh"]\n', "url = 'http://x.example/'\n", "would leave this machine in the clear"),
        ('["./call.sh"]', '["./gone.sh"]', "/gone.sh: there is no such program"),
        ('["./call.sh"]', '["./login"]', "/login: is no program that can be executed"),
        (
            '["./call.sh"]',
            '["no-such-program"]',
            "no-such-program: there is no such program in PATH",
        ),
        ('["./call.sh"]', "[]", "numbers.command: [], expected an array with a program and its arguments"),
        ('method = "voice"', 'method = "Voice"', "numbers.method: method is not 1 to 32 of a-z, 0-9 and '-'"),
        (NUMBERS, "", "validate: has no [mail] and no [numbers] beside it, so no code would reach anybody"),
        (HTTP, "http = []\n", "validate.http: has no address; nobody could ask"),
        (
            HTTP,
            'http = ["192.0.2.1#80"]\n',
            "validate.http: 192.0.2.1#80 is no loopback address, and plain HTTP is",
        ),
        ("[validate]", "[validate]\nreconfirm = 0", "validate.reconfirm: 0, expected a whole number from 1 to 30"),
        ("[validate]", "[validate]\nproof = 29", "validate.proof: 29, expected a whole number from 30 to 366"),
        ("[validate]", "[validate]\nproxies = ['x']", "validate.proxies: 'x' is not an IP address"),
        (
            KEY,
            KEY.replace("validate", "vera-deny"),
            "validate.key: is the deny_key too; each on-line key has one",
        ),
        ("[numbers]", MAIL.replace("#25", "") + "[numbers]", "mail.server: 'x' is not HOST#PORT"),
        ("[numbers]", MAIL.replace("#25", "#99999") + "[numbers]", "mail.server: 'x#99999' is not HOST#PORT"),
        ("[numbers]", MAIL.replace("a@b.de", "+14155550123") + "[numbers]", "is no e-mail address"),
        ("[numbers]", MAIL + "tls = 'x'\n[numbers]", "mail.tls: 'x', expected one of required, offered, never"),
        (
            "[numbers]",
            MAIL + "tls = 'never'\nlogin = 'login'\n[numbers]",
            "mail.login: could be read on its way with tls = 'never'; it needs 'required'",
        ),
        (
            "[numbers]",
            MAIL + "tls = 'offered'\nlogin = 'login'\n[numbers]",
            "mail.login: could be read on its way with tls = 'offered'; it needs 'required'",
        ),
        (
            "[numbers]",
            MAIL + "login = 'accented'\n[numbers]",
            "mail.login: accented: has characters beyond ASCII, which no mail server is sent",
        ),
        (
            "[numbers]",
            MAIL + "login = 'open'\n[numbers]",
            "mail.login: open: has mode 0644, so others may",
        ),
        ("[numbers]", MAIL + "login = 'gone'\n[numbers]", "mail.login: gone: cannot be read: No such file"),
        ("[numbers]", MAIL + "login = 'short'\n[numbers]", "mail.login: short: does not hold two lines"),
    ],
)
def test_a_configuration_that_does_not_fit(house: Household, old: str, new: str, fault: str) -> None:
    house.write("login", "user\npassword\n").chmod(0o600)
    house.write("open", "user\npassword\n").chmod(0o644)
    house.write("accented", "user\ns\u00e9same\n").chmod(0o600)
    house.write("short", "user\n").chmod(0o600)
    caller(house)
    validator(house, NUMBERS)
    text = VALIDATOR + NUMBERS
    assert text.count(old) == 1
    faults = house.check(text.replace(old, new))
    assert any(fault in one for one in faults), faults


def test_an_address_beyond_this_machine_is_allowed_by_name(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    text = VALIDATOR.replace(HTTP, 'http = ["192.0.2.1#80"]\nallow_plain = true\n')
    assert house.check(text + NUMBERS) == []


def test_ways_without_validate_send_nothing(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    faults = house.check(VALIDATOR[: VALIDATOR.index("[validate]")] + NUMBERS)
    assert faults == ["c.toml:18: numbers: has no [validate] beside it that would send any code"]


def test_a_sound_configuration_has_no_faults(house: Household) -> None:
    caller(house)
    validator(house, NUMBERS)
    assert house.check(VALIDATOR + NUMBERS) == []
