"""A CSIP's configuration, from the lines of its source to a store that is served."""

import re

import pytest

from tests.fingerpost.household import Household

CSIP = """\
[authority]
name = "carrier.example"
store = "carrier.store"
roles = ["csip"]
deny_key = "deny.pem"

[sign]
key = "revoke.pem"
listings = []
revocations = ["revoked.ndjson"]
nodes = ["+1415"]
"""
REVOKED = """\
{"csi": "+14155550123", "before": "2026-01-01T00:00:00Z", "reason": "reassigned"}
{"block": "+1415666", "before": "2026-01-01T00:00:00Z", "reason": "range returned"}
"""


def carrier(house: Household) -> None:
    house.key("deny.pem")
    house.key("revoke.pem")
    house.write("revoked.ndjson", REVOKED)
    house.write("carrier.toml", CSIP)


def test_revocations_are_checked_signed_and_looked_into(house: Household) -> None:
    carrier(house)
    assert house.check(CSIP, "carrier.toml") == []
    assert re.match(r"carrier\.example: 2 statements, serial \d{10}, ", house.sound("sign", "carrier.toml"))
    expected = (
        r"note: carrier\.toml: carrier\.store: serial \d+, 2 statements, the first expires 20\d\d-\d\d-\d\dT\S+Z"
    )
    assert re.match(expected, house.sound("check", "carrier.toml"))


def test_a_mistake_in_what_is_revoked_stops_the_signing(house: Household) -> None:
    carrier(house)
    house.add("revoked.ndjson", '{"csi": "+14155550123", "before": "2126-01-01", "reason": "x"}\n')
    assert house.check(CSIP, "carrier.toml") == [
        "revoked.ndjson:3: before: lies in the future; only what was can be revoked"
    ]
    assert house.run("sign", "carrier.toml").status == 1
    assert not (house.folder / "carrier.store").exists()


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('"csip"', '"msp"', "c.toml:10: sign.revocations: has no place here without the role 'csip'"),
        (
            'revocations = ["revoked.ndjson"]',
            'revoke_key = "revoke.pem"',
            "c.toml:10: sign.revoke_key: has nothing to sign without 'revocations'",
        ),
        (
            "[sign]",
            '[sign]\nrevoke_key = "deny.pem"',
            "c.toml:5: authority.deny_key: is the signing key too; the on-line key may sign denials only",
        ),
        (
            '"revoked.ndjson"',
            '"gone.ndjson"',
            "c.toml:10: sign.revocations: gone.ndjson: cannot be read: No such file or directory",
        ),
    ],
)
def test_what_does_not_agree(house: Household, before: str, after: str, fault: str) -> None:
    carrier(house)
    assert house.check(CSIP.replace(before, after)) == [fault]
