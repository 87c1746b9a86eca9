import errno
import os
import re
from pathlib import Path

import pytest

from tests.fingerpost.household import MSP, ROOT, Household, replaced
from tests.root.test_publishing import assertions_in
from zonedata import statements, trust
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY
from zonedata.life import Life
from zonedata.store.disk import DiskTables
from zonedata.store.layout import Table
from zonedata.zone_statements import RootKeys


def test_an_msps_listings_become_a_store(house: Household) -> None:
    house.msp()
    out = house.sound("sign", "alpha.toml")
    assert re.fullmatch(r"alpha\.example: 3 statements, serial \d{10}, \d+\.\d\d seconds\n", out)
    assert len(assertions_in(Path("alpha.store"))) == 2


def test_signing_again_raises_the_serial(house: Household) -> None:
    house.msp()
    serials = [int(re.findall(r"serial (\d+)", house.sound("sign", "alpha.toml"))[0]) for _ in range(3)]
    assert serials == sorted(set(serials))


def test_every_fault_of_the_sources_is_printed_and_the_old_store_stays(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    before = Path("alpha.store").resolve()
    house.add("people.ndjson", '{"csi": "+14155550123", "ssi": "mimi://alpha.example/u/other"}\n')
    house.add("people.ndjson", '{"csi": "+442079460000", "ssi": "mimi://alpha.example/u/far"}\n{\n')
    outcome = house.run("sign", "alpha.toml")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err.splitlines()[:2] == [
        "people.ndjson:4: csi: said before, on line 1; one line a name",
        "people.ndjson:5: csi: not below any of the nodes at which alpha.example answers",
    ]
    assert outcome.err.splitlines()[2].startswith("people.ndjson:6: not a JSON object:")
    assert Path("alpha.store").resolve() == before


@pytest.mark.parametrize("name", ["resolver.toml", "unsigned.toml"])
def test_what_has_nothing_to_sign_says_so(house: Household, name: str) -> None:
    house.msp()
    house.write("unsigned.toml", MSP.partition("[sign]")[0])
    house.write("resolver.toml", '[listen]\nudp = ["127.0.0.1#0"]\n[resolver]\nanchor = "anchor.pem"\n')
    outcome = house.run("sign", name)
    assert (outcome.status, outcome.err) == (1, f"{name}: has no [sign] that says what to sign\n")


def test_somebody_elses_store_is_not_overwritten(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    house.write("beta.toml", replaced(MSP, name='"beta.example"'))
    house.write("people.ndjson", "")
    outcome = house.run("sign", "beta.toml")
    assert outcome.status == 1
    assert outcome.err == (
        "beta.toml:7: authority.store: holds the statements of alpha.example, not of beta.example\n"
    )


def test_a_deny_key_is_not_needed_where_signing_is_done(house: Household) -> None:
    house.msp()
    Path("deny.pem").unlink()
    house.sound("sign", "alpha.toml")


def test_the_root_puts_its_servers_into_the_anchor_file(house: Household) -> None:
    house.root("server . ns.example 127.0.0.1 udp=5300 tcp=5300")
    before = trust.read_anchor(Path("anchor.pem"))
    house.sound("sign", "root.toml")
    after = trust.read_anchor(Path("anchor.pem"))
    assert after.sealed == before.sealed
    assert [server.name for server in after.servers] == ["ns.example"]
    house.zone(["server . other.example 127.0.0.1 udp=5300 tcp=5300"])
    house.sound("sign", "root.toml")
    assert [server.name for server in trust.read_anchor(Path("anchor.pem")).servers] == ["other.example"]
    assert [path.name for path in Path().iterdir() if path.name.startswith(".anchor")] == []


def test_a_root_without_servers_leaves_the_anchor_file_alone(house: Household) -> None:
    house.root()
    before = Path("anchor.pem").read_bytes()
    house.sound("sign", "root.toml")
    assert Path("anchor.pem").read_bytes() == before
    tables = DiskTables(Path("root.store"))
    assert tables.get(Table.ROOTKEYS, (1).to_bytes(4, "big")) is not None
    tables.close()


def test_a_registry_signs_its_zone_under_the_anchor(house: Household) -> None:
    house.root()
    registry = replaced(ROOT, name='"reg.example"\nroles = ["registry"]', store='"reg.store"', zone='"reg.zone"')
    house.write("reg.toml", registry)
    house.write("reg.zone", "zone reg.example\nnode +1\n")
    assert house.sound("sign", "reg.toml").startswith("reg.example: 2 statements, ")


def test_a_zone_of_somebody_else_is_refused(house: Household) -> None:
    house.root()
    house.write("root.zone", "zone reg.example\nnode +1\n")
    outcome = house.run("sign", "root.toml")
    assert outcome.err == "root.zone: zone: is the zone of reg.example, expected that of .\n"


def test_the_root_zone_is_signed_by_a_key_of_the_root(house: Household) -> None:
    house.root()
    house.key("other.pem")
    house.write("root.toml", replaced(ROOT, key='"other.pem"'))
    key_id = house.key("other.pem").public.key_id.hex()
    expected = f"root.toml:10: sign.key: {key_id} is no zone key of the root; version 1 of its keys has others\n"
    assert house.run("sign", "root.toml").err == expected
    assert house.run("check", "root.toml").out.splitlines()[0] + "\n" == expected


def _write_version(
    house: Household, number: int, *, tree: bytes | None = None, age: int = 0, by: str = "root.pem"
) -> None:
    first = trust.read_anchor(Path("anchor.pem"))
    said = first.rootkeys
    life = Life(300, number, said.life.issued - age, said.life.expires - age)
    key: PrivateKey = house.key(by)
    following = RootKeys(life, number, tree or first.tree, (key.public,), 1, (house.key("zone.pem").public,))
    sealed = statements.seal(following, *{one.public: one for one in (house.key("root.pem"), key)}.values())
    house.write(f"v{number}.pem", trust.to_pem(sealed))


def test_a_root_serves_every_version_of_its_keys(house: Household) -> None:
    house.root()
    _write_version(house, 2)
    house.write("root.toml", ROOT + 'rootkeys = ["anchor.pem", "v2.pem"]\n')
    house.sound("sign", "root.toml")
    tables = DiskTables(Path("root.store"))
    assert [int.from_bytes(key, "big") for key, _ in tables.scan(Table.ROOTKEYS)] == [1, 2]
    tables.close()


def test_versions_that_are_no_chain_are_refused(house: Household) -> None:
    house.root()
    _write_version(house, 2)
    _write_version(house, 4, tree=bytes(16))
    house.write("root.toml", ROOT + 'rootkeys = ["anchor.pem",\n"v2.pem",\n"v4.pem"]\n')
    assert house.run("sign", "root.toml").err == (
        "root.toml:15: sign.rootkeys: belongs to another tree than the anchor\n"
        "root.toml:15: sign.rootkeys: does not follow the one before: expected ROOTKEYS version 3\n"
    )


@pytest.mark.parametrize(("listed", "line"), [('"anchor.pem", "v2.pem"', "13: sign.rootkeys"), ('"v2.pem"', "12")])
def test_keys_of_the_root_that_have_expired_sign_nothing(house: Household, listed: str, line: str) -> None:
    house.root()
    _write_version(house, 2, age=400 * DAY)
    if line == "12":
        house.write("root.toml", replaced(ROOT, anchor='"v2.pem"'))
        line = "12: sign.anchor"
    else:
        house.write("root.toml", ROOT + f"rootkeys = [{listed}]\n")
    outcome = house.run("sign", "root.toml")
    assert outcome.err == f"root.toml:{line}: version 2 of the root's keys is not current\n"


@pytest.mark.parametrize("what", ["root.publishing.build", "fingerpost.anchor.write_whole"])
def test_a_full_disk_is_said_and_leaves_the_old_store(
    house: Household, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    house.root("server . ns.example 127.0.0.1 udp=5300")
    house.sound("sign", "root.toml")
    store, anchor = Path("root.store").resolve(), Path("anchor.pem").read_bytes()

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(what, full)
    outcome = house.run("sign", "root.toml")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "fingerpost sign: No space left on device\n"
    assert Path("anchor.pem").read_bytes() == anchor
    if what == "root.publishing.build":
        assert Path("root.store").resolve() == store
