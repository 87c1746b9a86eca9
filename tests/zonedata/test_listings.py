"""Sources of listings: what a line means, what each mistake is called, and that nothing is held whole."""

import csv
import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import identifiers, listings
from zonedata.errors import Fault
from zonedata.identifiers import parse
from zonedata.listings import BlockListing, Listing, read_listings

MSP = "alpha.example"
SSI = "mimi://alpha.example/u/7f3a"
KNOWN = "csi, features, recipient, ssi"
TEMPLATE = "mimi://alpha.example/u/{number}"


def read(path: Path, content: bytes | str) -> tuple[list[Listing | BlockListing], list[Fault]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found: list[Fault] = []
    return list(read_listings(path, MSP, found.append)), found


@pytest.fixture
def ndjson(tmp_path: Path) -> Path:
    return tmp_path / "people.ndjson"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def one_fault(path: Path, line: str | bytes) -> tuple[str, str]:
    """The field and reason of the one mistake on the second of three lines; the others are read."""
    good = [json.dumps({"csi": f"+1415555012{n}", "ssi": SSI}).encode() for n in (1, 2)]
    raw = line.encode() if isinstance(line, str) else line
    kept, found = read(path, good[0] + b"\n" + raw + b"\n" + good[1])
    assert [listing.line for listing in kept] == [1, 3]
    [only] = found
    assert (only.where, only.line) == (path, 2)
    return only.field, only.reason


# --- NDJSON ------------------------------------------------------------------------------------------------


def test_people_and_blocks(ndjson: Path) -> None:
    kept, found = read(
        ndjson,
        """
        {"csi": "+1 (415) 555-0123", "ssi": "mimi://alpha.example/u/7f3a", "features": ["mls", "e2ee", "mls"]}

        {"csi": "Alice@Example.com", "ssi": "mimi://alpha.example/u/a"}
        {"block": "+44770090", "ssi": "mimi://alpha.example/u/{number}", "lengths": [12, 11, 12], "except": ["02", "01", "02"]}
        {"block": "+1", "ssi": "mimi://alpha.example/{number}/x", "lengths": [1]}
        """,  # noqa: E501 - a line is a line
    )
    assert found == []
    assert kept == [
        Listing(2, parse("+14155550123").owner, SSI, ("e2ee", "mls")),
        Listing(4, parse("alice@example.com").owner, "mimi://alpha.example/u/a", ()),
        BlockListing(5, identifiers.node_from_text("+44770090"), TEMPLATE, (11, 12), ("01", "02")),
        BlockListing(6, identifiers.node_from_text("+1"), "mimi://alpha.example/{number}/x", (1,), ()),
    ]


CSI = '"csi": "+14155550123"'
BLOCK = f'"block": "+44770090", "ssi": "{TEMPLATE}"'


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("{", "", "not a JSON object: Expecting property name"),
        ("[]", "", "not a JSON object"),
        ("null", "", "not a JSON object"),
        ('"csi"', "", "not a JSON object"),
        ("{} {}", "", "not a JSON object: Extra data"),
        ("[" * 8_000, "", "not a JSON object: maximum recursion depth"),
        ("1" * 5_000, "", "not a JSON object: Exceeds the limit"),
        (f'{{{CSI}, {CSI}, "ssi": "{SSI}"}}', "", "not a JSON object: a field is said twice"),
        ("{}", "csi", "missing, or not text"),
        (f'{{"ssi": "{SSI}"}}', "csi", "missing, or not text"),
        (f'{{"csi": 14155550123, "ssi": "{SSI}"}}', "csi", "missing, or not text"),
        (f'{{"csi": "14155550123", "ssi": "{SSI}"}}', "csi", "'14155550123' is neither a telephone number"),
        (f'{{"csi": "+1415", "ssi": "{SSI}"}}', "csi", "'+1415' is not a possible telephone number"),
        (f'{{"csi": "a@b@c", "ssi": "{SSI}"}}', "csi", "'a@b@c' is no e-mail address"),
        (f'{{"csi": "\\ud800@example.com", "ssi": "{SSI}"}}', "csi", "'\\ud800@example.com' is no e-mail address"),
        (f'{{"csi": "+{"1" * 4_000}", "ssi": "{SSI}"}}', "csi", "identifier of more than 320 octets"),
        (f"{{{CSI}}}", "ssi", "missing, or not text"),
        (f'{{{CSI}, "ssi": null}}', "ssi", "missing, or not text"),
        (f'{{{CSI}, "ssi": "https://alpha.example/u"}}', "ssi", "SSI 'https://alpha.example/u' is no mimi:// URI"),
        (f'{{{CSI}, "ssi": "mimi://alpha.example/"}}', "ssi", "SSI 'mimi://alpha.example/' has an empty path"),
        (
            f'{{{CSI}, "ssi": "mimi://beta.example/u/1"}}',
            "ssi",
            "is at beta.example; alpha.example can speak for mimi://alpha.example/ only",
        ),
        (f'{{{CSI}, "ssi": "{SSI}", "features": "e2ee"}}', "features", "expected a list of short words"),
        (f'{{{CSI}, "ssi": "{SSI}", "features": [1]}}', "features", "feature is not 1 to 32 characters of text"),
        (f'{{{CSI}, "ssi": "{SSI}", "features": ["E2EE"]}}', "features", "feature 'E2EE' holds a character"),
        (f'{{{CSI}, "ssi": "{SSI}", "features": [["a"]]}}', "features", "feature is not"),
        (f'{{{CSI}, "ssi": "{SSI}", "name": "A"}}', "name", f"unknown field; expected {KNOWN}"),
        (f'{{{CSI}, "ssi": "{SSI}", "lengths": [1]}}', "lengths", f"unknown field; expected {KNOWN}"),
        (f'{{{CSI}, "ssi": "{SSI}", "recipient": "7"}}', "recipient", "expected hexadecimal digits"),
        (f'{{{CSI}, "ssi": "{SSI}", "recipient": "{"AB" * 32}"}}', "recipient", "expected 64 lower-case"),
        (f'{{{CSI}, "ssi": "{SSI}", "recipient": "{"ab" * 31}"}}', "recipient", "expected 64 lower-case"),
        (f'{{{CSI}, "ssi": "{SSI}", "recipient": 7}}', "recipient", "missing, or not text"),
        (f'{{{CSI}, "ssi": "{SSI}", "{"n" * 90}": 1}}', "n" * 40, "unknown field"),
        (f'{{{CSI}, "ssi": "{SSI}", "\\ud800\\u001b[31m": 1}}', "\\ud800\\x1b[31m", "unknown field"),
        (f'{{{BLOCK}, "lengths": [12], "csi": "x"}}', "csi", "unknown field; expected block, except, lengths, ssi"),
        ('{"block": 44, "ssi": "x", "lengths": [12]}', "block", "missing, or not text"),
        ('{"block": "44", "ssi": "x", "lengths": [12]}', "block", "'44' is no node"),
        ('{"block": "@a.example", "ssi": "x", "lengths": [12]}', "block", "expected a number prefix such as"),
        ('{"block": ".", "ssi": "x", "lengths": [12]}', "block", "expected a number prefix such as"),
        (f'{{"block": "+4", "ssi": "{SSI}", "lengths": [12]}}', "ssi", "a block's SSI holds {number} once"),
        (
            f'{{"block": "+4", "ssi": "{TEMPLATE}{{number}}", "lengths": [12]}}',
            "ssi",
            "a block's SSI holds {number} once, for the digits of the number",
        ),
        (f"{{{BLOCK}}}", "lengths", "expected a list of how many digits its numbers have in all, 1 to 15"),
        (f'{{{BLOCK}, "lengths": []}}', "lengths", "expected a list of how many digits"),
        (f'{{{BLOCK}, "lengths": [true]}}', "lengths", "expected a list of how many digits"),
        (f'{{{BLOCK}, "lengths": [12.0]}}', "lengths", "expected a list of how many digits"),
        (f'{{{BLOCK}, "lengths": [0]}}', "lengths", "expected a list of how many digits"),
        (f'{{{BLOCK}, "lengths": [16]}}', "lengths", "expected a list of how many digits"),
        (f'{{{BLOCK}, "lengths": [7]}}', "lengths", "shorter than the prefix itself"),
        (f'{{{BLOCK}, "lengths": [12], "except": "01"}}', "except", "expected a list of the digits that follow"),
        (f'{{{BLOCK}, "lengths": [12], "except": [1]}}', "except", "expected a list of the digits that follow"),
        (f'{{{BLOCK}, "lengths": [12], "except": [""]}}', "except", "expected a list of the digits that follow"),
        (f'{{{BLOCK}, "lengths": [12], "except": ["٣"]}}', "except", "expected a list of the digits that follow"),
        ('{"csi": "' + "x" * 9_000 + '"}', "", "line of more than 8192 octets"),
        (b'{"csi": "\xff"}', "", "not UTF-8 text"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line_field_and_reason(
    ndjson: Path, line: str | bytes, field: str, reason: str
) -> None:
    got = one_fault(ndjson, line)
    assert got[0] == field
    assert got[1].startswith(reason)
    Fault(ndjson, 2, *got).to_text().encode()  # whatever it quotes can be printed


def test_a_block_may_be_as_long_as_its_shortest_number(ndjson: Path) -> None:
    kept, found = read(ndjson, f'{{{BLOCK}, "lengths": [8]}}')
    assert (len(kept), found) == (1, [])


MISTAKES = f"""{{"csi": "+1415", "ssi": "{SSI}"}}
{{{CSI}, "ssi": "mimi://beta.example/u"}}
{{{CSI}, "ssi": "{SSI}"}}

{{"block": "+44", "ssi": "{TEMPLATE}"}}
{{"block": "+44", "ssi": "{TEMPLATE}", "lengths": [12], "except": [1], "more": 1}}
nonsense
{{{CSI}, "ssi": "{SSI}", "features": ["Ü"]}}
"""
TOLD = """:1: csi: '+1415' is not a possible telephone number: its length does not fit the plan
:2: ssi: is at beta.example; alpha.example can speak for mimi://alpha.example/ only
:5: lengths: expected a list of how many digits its numbers have in all, 1 to 15
:6: more: unknown field; expected block, except, lengths, ssi
:7: not a JSON object: Expecting value: line 1 column 1 (char 0)
:8: features: feature 'Ü' holds a character other than a-z, 0-9, '-', '.' and '_'"""


def test_every_mistake_is_found_in_one_run(ndjson: Path) -> None:
    kept, found = read(ndjson, MISTAKES)
    assert [listing.line for listing in kept] == [3]
    assert [fault.to_text() for fault in found] == [f"{ndjson}{line}" for line in TOLD.splitlines()]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_long_lines_are_passed_over_whole(ndjson: Path, end: str) -> None:
    good = f'{{{CSI}, "ssi": "{SSI}"}}'
    exact = good + " " * (listings.MAX_LINE - len(good) - 1)
    for length in (listings.MAX_LINE + 1, 2 * listings.MAX_LINE + 1, 2 * listings.MAX_LINE + 2, 100_000):
        kept, found = read(ndjson, f"{exact}\n{'x' * length}\n{good}\n{'y' * length}{end}")
        assert [listing.line for listing in kept] == [1, 3]
        assert [(one.line, one.reason) for one in found] == [(n, "line of more than 8192 octets") for n in (2, 4)]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        found: list[Fault] = []
        assert list(read_listings(path, MSP, found.append)) == []
        assert found == [Fault(path, 0, "", f"cannot be read: {why}")]


# --- CSV ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["csi,ssi,features", " ssi , features,csi", "features,csi,ssi"])
def test_columns_stand_in_any_order(table: Path, header: str) -> None:
    row = {"csi": "+14155550123", "ssi": SSI, "features": "mls  e2ee"}
    line = ",".join(row[name.strip()] for name in header.split(","))
    kept, found = read(table, f"{header}\r\n{line}\r\n")
    assert (kept, found) == ([Listing(2, parse("+14155550123").owner, SSI, ("e2ee", "mls"))], [])


def test_a_listing_may_name_the_recipients_key(ndjson: Path, table: Path) -> None:
    digest = bytes(range(32))
    line = f'{{{CSI}, "ssi": "{SSI}", "recipient": "{digest.hex()}"}}\n'
    assert read(ndjson, line) == ([Listing(1, parse("+14155550123").owner, SSI, (), digest)], [])
    kept, found = read(table, f"csi,ssi,recipient\n+14155550123,{SSI},{digest.hex()}\n+14155550124,{SSI},\n")
    assert found == []
    assert [getattr(listing, "recipient", None) for listing in kept] == [digest, b""]


def test_features_may_be_left_out_and_fields_quoted(table: Path) -> None:
    kept, found = read(table, f'"csi","ssi"\n\n"+1 415 555 0123","{SSI}"\nalice@example.com,{SSI}\n')
    assert found == []
    assert [(listing.line, getattr(listing, "features", None)) for listing in kept] == [(3, ()), (4, ())]


@pytest.mark.parametrize(
    "header", ["csi", "ssi,features", "csi,ssi,name", "csi,csi,ssi", f"+14155550123,{SSI}", '""']
)
def test_without_the_right_header_nothing_is_read(table: Path, header: str) -> None:
    kept, found = read(table, f"\n{header}\n+14155550123,{SSI},x\n")
    assert (kept, found) == ([], [Fault(table, 2, "", "expected the header csi,ssi,features,recipient")])


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (f"+14155550123,{SSI}", "", "2 columns, the header has 3"),
        (f"+14155550123,{SSI},,", "", "4 columns, the header has 3"),
        (f"+1415,{SSI},", "csi", "'+1415' is not a possible telephone number"),
        ("+14155550123,,", "ssi", "SSI '' is no mimi:// URI"),
        (f"+14155550123,{SSI},E2EE", "features", "feature 'E2EE' holds a character"),
        (f"+1415\r5550123,{SSI},", "", "not a line of CSV: new-line character seen in unquoted field"),
        (f'"+14155550123,{SSI},', "", "1 columns, the header has 3"),
    ],
)
def test_mistakes_in_a_table(table: Path, line: str, field: str, reason: str) -> None:
    kept, found = read(table, f"csi,ssi,features\n{line}\n+14155550123,{SSI},\n")
    assert [listing.line for listing in kept] == [3]
    [only] = found
    assert (only.line, only.field) == (2, field)
    assert only.reason.startswith(reason)


def test_a_table_has_no_blocks(table: Path) -> None:
    kept, found = read(table, f"block,ssi\n+44,{TEMPLATE}\n")
    assert (kept, [one.reason for one in found]) == ([], ["expected the header csi,ssi,features,recipient"])


def test_an_empty_table_is_no_mistake(table: Path) -> None:
    assert read(table, "") == ([], [])
    assert read(table, "csi,ssi\n") == ([], [])


# --- both --------------------------------------------------------------------------------------------------

_feature = st.text("abc019-._", min_size=1, max_size=32)
_person = st.tuples(
    st.integers(2_000_000, 9_999_999).map(lambda n: f"+1415{n}"),
    st.text("abc/,;'{}", min_size=1, max_size=9).map(f"mimi://{MSP}/u".__add__).filter(lambda s: s[-1] != "/"),
    st.lists(_feature, max_size=4),
)


@given(st.lists(_person, max_size=5))
def test_what_is_written_out_is_read_back_from_either_form(
    tmp_path_factory: pytest.TempPathFactory, people: list[tuple[str, str, list[str]]]
) -> None:
    place = tmp_path_factory.mktemp("forms")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["csi", "ssi", "features"])
    writer.writerows([csi, ssi, " ".join(features)] for csi, ssi, features in people)
    lines = "".join(json.dumps({"csi": c, "ssi": s, "features": f}) + "\n" for c, s, f in people)
    from_csv, wrong = read(place / "x.csv", text.getvalue())
    assert wrong == []
    from_json, wrong = read(place / "x.json", lines)
    assert wrong == []
    wanted = [(identifiers.node_from_text(c), s, tuple(sorted(set(f)))) for c, s, f in people]
    for kept in (from_csv, from_json):
        assert [(m.owner, m.ssi, m.features) for m in kept if isinstance(m, Listing)] == wanted


_scalar = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([SSI, TEMPLATE])
)
_values = st.recursive(_scalar, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
_field = st.sampled_from(["csi", "ssi", "features", "block", "lengths", "except"]) | st.text(max_size=5)


@given(st.lists(st.dictionaries(_field, _values, max_size=5).map(json.dumps) | st.text(max_size=40), max_size=5))
def test_any_lines_are_listings_or_faults(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    raw = "\n".join(lines).encode(errors="surrogateescape")
    place = tmp_path_factory.mktemp("any")
    for name in ("x.json", "x.csv"):
        kept, found = read(place / name, b"csi,ssi\n" * (name == "x.csv") + raw)
        assert len(kept) + len(found) <= raw.count(b"\n") + 2
        for one in found:
            one.to_text().encode()


def test_a_long_source_is_never_held_whole(ndjson: Path) -> None:
    lines, every = 300_000, 50  # mostly blank: tracing makes every allocation slow
    with ndjson.open("w") as file:
        for n in range(lines):
            file.write(f'{{{BLOCK}, "lengths": [{8 + n % 7}]}}\n' if n % every == 0 else " " * 75 + "\n")
    assert ndjson.stat().st_size > 20_000_000
    found: list[Fault] = []
    next(read_listings(ndjson, MSP, found.append))  # imports and caches are not what is measured
    tracemalloc.start()
    try:
        kept = sum(1 for _ in read_listings(ndjson, MSP, found.append))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (kept, found) == (lines // every, [])
    assert peak < 100_000
