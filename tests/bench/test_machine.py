import pytest

from bench.machine import describe, field_of, first_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Version 1.17.1\n\nConfigure line: --prefix=/usr\n", "Version 1.17.1"),
        ("Nov 21 10:23:05 PowerDNS Recursor 4.8.8 (C)\nNov 21 more", "PowerDNS Recursor 4.8.8 (C)"),
        ("Usage: some\n\nDNS Performance Testing Tool\nVersion 2.10.0\n", "Version 2.10.0"),
        ("", "?"),
    ],
)
def test_versions_are_found_in_what_programs_print(text: str, version: str) -> None:
    assert first_version(text) == version


def test_fields_of_proc() -> None:
    assert field_of("processor\t: 0\nmodel name\t: AMD: EPYC\nmodel name\t: other\n", "model name") == "AMD: EPYC"
    assert field_of("processor\t: 0\n", "model name") == ""


def test_this_machine_has_everything_that_a_reader_asks_for() -> None:
    said = describe([("no-such-program", ("-v",))])
    assert said["no-such-program"] == "not installed"
    assert {"processor", "cores", "kernel", "Python", "Fingerpost", "trio"} <= said.keys()
    assert all(said.values())
