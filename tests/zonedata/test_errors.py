from pathlib import Path

from zonedata.errors import ConfigError, Fault, MalformedError, UntrustedError


def test_a_fault_says_where_what_and_why() -> None:
    assert (
        Fault(Path("root.zone"), 7, "ttl", "expected a number").to_text() == "root.zone:7: ttl: expected a number"
    )
    assert Fault(Path("root.zone"), 7, "", "unknown word").to_text() == "root.zone:7: unknown word"
    assert Fault(Path("root.zone"), 0, "", "cannot be read").to_text() == "root.zone: cannot be read"


def test_every_fault_is_told_at_once() -> None:
    faults = [Fault(Path("a"), 1, "x", "first"), Fault(Path("b"), 2, "", "second")]
    error = ConfigError(faults)
    assert str(error) == "a:1: x: first\nb:2: second"
    assert error.faults == faults


def test_the_families_do_not_catch_each_other() -> None:
    assert not issubclass(UntrustedError, ValueError | MalformedError)
    assert issubclass(MalformedError, ValueError)
    assert not issubclass(ConfigError, ValueError)
