import pytest

from resolver.fpdig import flags
from resolver.fpdig.options import Options


def test_every_flag_sets_a_field_of_the_options() -> None:
    fields = set(Options.__slots__)
    assert {field for field in flags.TOGGLES.values() if field not in {"all", *flags.OVER}} <= fields
    assert set(flags.VALUES) | set(flags.DISPLAY) | set(flags.OPTIONAL) - set(flags.OVER) <= fields


@pytest.mark.parametrize("name", [*flags.TOGGLES, *flags.VALUES, *flags.OPTIONAL])
def test_a_whole_name_is_never_ambiguous(name: str) -> None:
    field = flags.TOGGLES.get(name, name)
    name = name.replace("_", "-")
    assert flags.resolve(name) == (field, True)
    assert flags.resolve(f"no{name}") == (field, False)


def test_two_names_of_one_flag_do_not_make_it_ambiguous() -> None:
    assert flags.resolve("cdf") == flags.resolve("cdflag") == ("cd", True)


def test_port() -> None:
    assert [flags.port("1"), flags.port("65535")] == [1, 65_535]
    for text in ("0", "65536", "", "5x", "٥٣"):
        with pytest.raises(ValueError, match="expected a port from 1 to 65535"):
            flags.port(text)
