"""One daemon is the whole world: the root, and the only provider in it, out of one store."""

import pytest
import trio

from resolver.client import Settings, walk
from tests.fingerpost.daemons import running
from tests.fingerpost.household import Household, replaced
from zonedata.judgement import Outcome
from zonedata.kinds import Role
from zonedata.standing import Standing

WHOLE = """\
[listen]
udp = ["127.0.0.1#0"]
tcp = ["127.0.0.1#0"]

[authority]
name = "."
speaks_as = "alpha.example"
store = "whole.store"
roles = ["msp"]
deny_key = "deny.pem"

[sign]
key = "assert.pem"
listings = ["people.ndjson"]
nodes = ["+1415", "@example.com"]
zone_key = "zone.pem"
zone = "root.zone"
anchor = "anchor.pem"
"""


def _world(house: Household) -> None:
    house.root()
    house.msp()
    house.zone(house.delegation(1, 1))
    house.write("whole.toml", WHOLE)


def test_one_daemon_is_the_whole_world(house: Household) -> None:
    _world(house)
    assert "alpha.example" not in house.sound("check", "whole.toml")
    house.sound("sign", "whole.toml")
    with running("whole.toml") as first:
        doors = first.doors
    ports = {"udp": f'["127.0.0.1#{doors.udp}"]', "tcp": f'["127.0.0.1#{doors.tcp}"]'}
    house.write("whole.toml", replaced(WHOLE, **ports))
    house.zone(
        [*house.delegation(doors.udp, doors.tcp), f"server . ns.root 127.0.0.1 udp={doors.udp} tcp={doors.tcp}"]
    )
    house.sound("sign", "whole.toml")
    settings = Settings(lab_addresses=True)
    with running("whole.toml"):
        found = trio.run(lambda: walk("+14155550123", anchor=house.folder / "anchor.pem", settings=settings))
        absent = trio.run(lambda: walk("+14155550124", anchor=house.folder / "anchor.pem", settings=settings))
    assert (found.outcome, found.complete, found.verified) == (Outcome.FOUND, True, True)
    assert [(row.authority, row.role, row.standing) for row in found.rows] == [
        (".", Role.REGISTRY, Standing.REFERRED),
        ("alpha.example", Role.MSP, Standing.ASSERTED),
    ]
    assert (absent.outcome, absent.complete, absent.verified) == (Outcome.NONE, True, True)


def test_a_registry_speaks_for_people_under_its_own_name(house: Household) -> None:
    _world(house)
    house.write("root.zone", "zone alpha.example\nnode +1415\nlab-addresses yes\n")
    registry = replaced(WHOLE, name='"alpha.example"', roles='["registry", "msp"]', speaks_as=None)
    assert house.check(registry) == []
    assert "alpha.example: " in house.sound("sign", "c.toml")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"speaks_as": None},
            (
                "c.toml:8: authority.roles: the root speaks for its zone only; 'speaks_as' names it where it "
                "speaks about people, too"
            ),
        ),
        (
            {"zone_key": None},
            (
                "c.toml:12: sign.zone_key: missing; expected path: key that signs the zone, where one "
                "store has a zone and listings; 'key' signs the listings then"
            ),
        ),
        (
            {"zone_key": '"assert.pem"'},
            "c.toml:16: sign.zone_key: signs listings, too; a zone is signed with a key of its own",
        ),
        (
            {"deny_key": '"zone.pem"'},
            "c.toml:10: authority.deny_key: is the signing key too; the on-line key may sign denials only",
        ),
        (
            {"speaks_as": '"."'},
            "c.toml:7: authority.speaks_as: '.' is the root zone; it is granted nothing and speaks of nobody",
        ),
    ],
)
def test_what_does_not_agree(house: Household, changes: dict[str, str | None], fault: str) -> None:
    _world(house)
    assert house.check(replaced(WHOLE, **changes))[0] == fault
