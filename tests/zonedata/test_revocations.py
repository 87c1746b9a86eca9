"""What a CSIP revokes, line by line."""

from pathlib import Path

import pytest

from tests.zonedata.builders import number
from zonedata.errors import Fault
from zonedata.identifiers import node_from_text, parse
from zonedata.revocations import RevocationLine, read_revocations

NOW = 1_800_000_000.0
BEFORE = '"before": "2026-11-01T00:00:00Z"'
SECONDS = 1_793_491_200


def read(tmp_path: Path, text: str) -> tuple[list[RevocationLine], list[Fault]]:
    path = tmp_path / "revoked.ndjson"
    path.write_text(text, "utf-8")
    found: list[Fault] = []
    return list(read_revocations(path, NOW, found.append)), found


def test_numbers_addresses_and_blocks(tmp_path: Path) -> None:
    kept, found = read(
        tmp_path,
        f"""{{"csi": "+14155550123", {BEFORE}, "reason": "reassigned"}}

{{"csi": "Alice@example.com", {BEFORE}, "reason": "left"}}
{{"block": "+4477009", "before": "2026-11-01", "reason": "range returned"}}
{{"block": "@example.com", "before": "2026-11-01T01:00:00+01:00", "reason": "sold"}}
""",
    )
    assert found == []
    assert kept == [
        RevocationLine(1, number("+14155550123"), False, SECONDS, "reassigned"),
        RevocationLine(3, parse("alice@example.com").owner, False, SECONDS, "left"),
        RevocationLine(4, number("+4477009"), True, SECONDS, "range returned"),
        RevocationLine(5, node_from_text("@example.com"), True, SECONDS, "sold"),
    ]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("[]", "", "not a JSON object"),
        ("{", "", "not a JSON object"),
        ('{"a": 1, "a": 2}', "", "not a JSON object: a field is said twice"),
        (f'{{{BEFORE}, "reason": "x"}}', "csi", "expected either csi"),
        (f'{{"csi": "+14155550123", "block": "+1", {BEFORE}, "reason": "x"}}', "csi", "expected either csi"),
        (f'{{"csi": "+1415", {BEFORE}, "reason": "x"}}', "csi", "'+1415' is not a possible"),
        (f'{{"block": "1415", {BEFORE}, "reason": "x"}}', "block", "'1415' is no node"),
        (f'{{"block": ".", {BEFORE}, "reason": "x"}}', "block", "expected a number prefix"),
        ('{"csi": "+14155550123", "before": "soon", "reason": "x"}', "before", "'soon', expected an instant"),
        ('{"csi": "+14155550123", "before": "2127-01-01", "reason": "x"}', "before", "lies in the future"),
        ('{"csi": "+14155550123", "before": "1901-01-01", "reason": "x"}', "before", "is before 1970"),
        ('{"csi": "+14155550123", "before": 7, "reason": "x"}', "before", "missing, or not text"),
        (f'{{"csi": "+14155550123", {BEFORE}}}', "reason", "missing, or not text"),
        (f'{{"csi": "+14155550123", {BEFORE}, "reason": ""}}', "reason", "expected 1 to 64 octets"),
        (f'{{"csi": "+14155550123", {BEFORE}, "reason": "{"x" * 65}"}}', "reason", "expected 1 to 64 octets"),
        (f'{{"csi": "+14155550123", {BEFORE}, "reason": "x", "why\\u001b": 1}}', "why\\x1b", "unknown field"),
        (" " * 3_000 + "x", "", "line of more than 1000 octets"),
    ],
)
def test_each_mistake_has_its_line_field_and_reason(tmp_path: Path, line: str, field: str, reason: str) -> None:
    good = f'{{"csi": "+14155550124", {BEFORE}, "reason": "reassigned"}}'
    kept, found = read(tmp_path, f"{good}\n{line}\n{good}\n")
    assert [one.line for one in kept] == [1, 3]
    [only] = found
    assert (only.line, only.field) == (2, field)
    assert only.reason.startswith(reason)


def test_a_source_that_is_not_there_is_one_fault(tmp_path: Path) -> None:
    found: list[Fault] = []
    assert list(read_revocations(tmp_path / "none", NOW, found.append)) == []
    assert [fault.reason for fault in found] == ["cannot be read: No such file or directory"]
