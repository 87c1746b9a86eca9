import re

from resolver.fpdig import flags, usage
from resolver.fpdig.exits import Exit


def test_the_help_tells_every_flag_and_no_other() -> None:
    told = set(re.findall(r"\+([a-z-]+)", usage.HELP)) - {"nostats", "noall"}
    aliases = {"cdflag", "vc"}
    valued = {field.replace("_", "-") for field in (*flags.VALUES, *flags.OPTIONAL)}
    assert told == (set(flags.TOGGLES) | valued) - aliases - {"root"}
    assert "--root" in usage.HELP


def test_the_help_tells_every_exit_status() -> None:
    statuses = usage.HELP.split("Exit status")[1]
    assert {int(number) for number in re.findall(r"(?<![\w@])\d+", statuses)} == {int(status) for status in Exit}


def test_it_fits_eighty_columns() -> None:
    assert max(map(len, (usage.HELP + usage.BRIEF).splitlines())) <= 80
