"""docs/protocol.md against the code: the tables of kinds, steps, types and constants, and the worked examples."""

import importlib
import re
from pathlib import Path

import pytest

from zonedata import identifiers, names, statements
from zonedata.keys import PrivateKey
from zonedata.kinds import RULES, Kind
from zonedata.life import Life
from zonedata.opening import Claim, Step, read_claim
from zonedata.person_statements import Assertion
from zonedata.sealed import signed_octets
from zonedata.statements import Statement
from zonedata.wire import QType
from zonedata.zone_statements import Gap

TEXT = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text(encoding="utf-8")
DAY = 86_400
ISSUED = 1_800_000_000
OWNER = identifiers.parse("+14155550123").owner
ASSERTION = Assertion(
    Life(300, ISSUED, ISSUED, ISSUED + 14 * DAY),
    OWNER,
    "alpha.example",
    "mimi://alpha.example/u/alice",
    ("mls",),
)
GAP = Gap(
    Life(3_600, ISSUED, ISSUED, ISSUED + 7 * DAY),
    bytes(range(16)),
    ".",
    identifiers.node_from_text("+1415"),
    identifiers.node_from_text("+44"),
    (2, 5),
)


def section(title: str) -> str:
    """The text from a heading to the next one of any level."""
    _, _, rest = TEXT.partition(f"# {title}\n")
    assert rest, title
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without header rows' rules."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines]


def octets(text: str) -> list[bytes]:
    """Every block of hexadecimal octets, in order."""
    return [bytes.fromhex(block) for block in re.findall(r"```hex\n(.*?)```", text, flags=re.DOTALL)]


@pytest.mark.parametrize(
    ("title", "statement", "seed"),
    [("An assertion", ASSERTION, bytes(range(32))), ("A gap", GAP, bytes(range(32, 64)))],
)
def test_the_examples_are_what_the_code_makes(title: str, statement: Statement, seed: bytes) -> None:
    key = PrivateKey.from_seed(seed)
    sealed = statements.seal(statement, key)
    body = statements.to_body(statement)
    shown = octets(section(title))
    assert shown == [key.public.raw, key.public.key_id, body, signed_octets(statement.kind, body), sealed.to_wire()]
    assert f"Body, {len(body)} octets:" in section(title)
    assert f"Envelope, {len(shown[-1])} octets:" in section(title)
    claim = read_claim(shown[-1])
    assert isinstance(claim, Claim)
    assert claim.statement == statement
    assert key.public.verifies(claim.sealed.signatures[0].octets, shown[3])


def test_the_gap_of_the_example_holds_the_number_of_the_other() -> None:
    assert GAP.holds_inside(OWNER)
    assert [identifiers.node_to_text(node) for node in GAP.delegated_above(OWNER)] == ["+1", "+1415"]


def test_the_name_of_the_example_is_that_of_the_question() -> None:
    assert octets(section("A question")) == [names.to_wire(OWNER, names.from_text("fingerpost.internal."))]


def test_the_table_of_kinds_is_that_of_the_code() -> None:
    said = {row[0]: row[1:] for row in rows(section("5. Kinds")) if row[0] in Kind.__members__}
    assert said == {
        kind.name: [
            str(n)
            for n in (
                int(kind),
                rules.use,
                rules.max_life,
                rules.max_ttl,
                rules.caps.octets,
                rules.caps.elements,
                rules.max_signatures,
            )
        ]
        for kind, rules in RULES.items()
    }


def test_the_steps_are_those_of_the_code() -> None:
    said = [(row[0], row[1]) for row in rows(section("9. Verification")) if len(row) == 3 and row[0].isdigit()]
    assert said == [(str(int(step)), step.name) for step in Step]


def test_the_question_types_are_those_of_the_code() -> None:
    said = {row[0]: row[1] for row in rows(section("12. Messages")) if row[1].isdigit()}
    assert said == {qtype.name: str(int(qtype)) for qtype in QType}


CONSTANTS = [(row[0].strip("`"), row[1]) for row in rows(section("15. Constants")) if "." in row[0]]


@pytest.mark.parametrize(("name", "said"), CONSTANTS)
def test_a_constant_is_that_of_the_code(name: str, said: str) -> None:
    module, _, constant = name.rpartition(".")
    assert float(getattr(importlib.import_module(module), constant)) == float(said)


def test_constants_are_listed() -> None:
    assert len(CONSTANTS) > 60
