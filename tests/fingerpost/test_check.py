import re
import time
from pathlib import Path

from fingerpost import reference, sections
from root.publishing import ListingsWork, publish
from tests.fingerpost.household import MSP, Household, replaced
from zonedata import names
from zonedata.kinds import DAY
from zonedata.store.disk import build
from zonedata.store.layout import Table


def _state(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("note: ")]
    return line


def test_what_is_sound_is_said_to_be(house: Household) -> None:
    house.msp()
    assert house.sound("check", "alpha.toml") == (
        "note: alpha.toml: alpha.store: no store yet; 'fingerpost sign' makes it\nalpha.toml: no faults\n"
    )
    house.sound("sign", "alpha.toml")
    expected = r"note: alpha\.toml: alpha\.store: serial \d+, 3 statements, the first expires 20\d\d-\d\d-\d\dT\S+Z"
    assert re.fullmatch(expected, _state(house.sound("check", "alpha.toml")))


def test_several_files_are_checked_and_counted_together(house: Household) -> None:
    house.msp()
    house.write("bad.toml", replaced(MSP, tcp="5", store="6"))
    outcome = house.run("check", "bad.toml", "alpha.toml", "gone.toml")
    assert outcome.status == 1
    assert outcome.out.splitlines() == [
        "bad.toml:3: listen.tcp: 5, expected an array: [...]",
        "bad.toml:7: authority.store: 6, expected text in quotes",
        "note: alpha.toml: alpha.store: no store yet; 'fingerpost sign' makes it",
        "alpha.toml: no faults",
        "gone.toml: cannot be read: No such file or directory",
        "3 faults",
    ]


def test_sources_are_checked_to_the_last_line(house: Household) -> None:
    house.msp()
    house.write(
        "more.csv", "csi,ssi\n+14155550123,mimi://alpha.example/u/again\n+14155550124,mimi://beta.example/u/1\n"
    )
    text = replaced(MSP, listings='["people.ndjson", "more.csv"]')
    assert house.check(text) == [
        "more.csv:2: csi: said before, in people.ndjson on line 1; one line a name",
        "more.csv:3: ssi: is at beta.example; alpha.example can speak for mimi://alpha.example/ only",
    ]


def test_a_zone_is_checked(house: Household) -> None:
    house.root("delegate +1 alpha.example msp", "dance")
    outcome = house.run("check", "root.toml")
    assert outcome.out.splitlines()[:2] == [
        "root.zone:3: alpha.example: granted, but has no 'key' line here; or say 'above alpha.example'",
        (
            "root.zone:4: dance: unknown directive; expected one of zone, ttl, lab-addresses, node, above, "
            "key, server, "
            "delegate, terminate"
        ),
    ]


def test_a_store_that_has_expired_is_a_fault(house: Household) -> None:
    house.msp()
    work = ListingsWork((Path("people.ndjson"),), "alpha.example", (names.ROOT,))
    publish(work, house.key("assert.pem"), Path("alpha.store"), int(time.time()) - 2 * DAY)
    (fault,) = house.check(MSP)  # assertions live on, but the block is over
    assert re.fullmatch(
        r"c\.toml:7: authority\.store: has statements that expired, the first on \S+Z; sign again", fault
    )


def test_versions_of_the_roots_keys_may_have_expired_but_not_the_newest(house: Household) -> None:
    house.root()
    house.sound("sign", "root.toml")
    assert "no faults" in house.sound("check", "root.toml")


def test_an_empty_store_expires_never(house: Household) -> None:
    house.msp()
    house.write("people.ndjson", "")
    house.sound("sign", "alpha.toml")
    assert re.fullmatch(r".*: serial \d+, 0 statements", _state(house.sound("check", "alpha.toml")))


def test_a_store_that_is_none_is_a_fault(house: Household) -> None:
    house.msp()
    Path("alpha.store").symlink_to("nowhere")
    (fault,) = house.check(MSP)
    assert fault.startswith("c.toml:7: authority.store: store alpha.store cannot be opened: ")
    Path("alpha.store").unlink()
    build(Path("alpha.store"), [(Table.META, b"serial", b"many")])
    (fault,) = house.check(MSP)
    assert fault.startswith("c.toml:7: authority.store: store alpha.store is damaged: ")


def test_a_store_of_somebody_else_is_a_fault(house: Household) -> None:
    house.msp()
    build(Path("alpha.store"), [(Table.META, b"authority", b"beta.example")])
    assert house.check(MSP) == [
        "c.toml:7: authority.store: holds the statements of beta.example, not of alpha.example"
    ]


def test_the_reference_lists_every_key(house: Household) -> None:
    text = house.sound("check", "--reference")
    assert text == reference.to_text() + "\n"
    for section in sections.SECTIONS:
        for key in section.keys:
            assert f"  {key.name}: {key.form}; " in text
            assert f"      {key.doc}" in text
            assert "\n" not in key.doc
    assert '  apex: name ending in a dot; default "fingerpost.internal."' in text
    assert "  allow_plain: true or false; default false" in text
    assert "  lookups: whole number; default 1000" in text
    assert "  store: path; required" in text
