from resolver.fpdig.words import MEANINGS, error_text, instant, rcode_text
from zonedata.standing import Standing


def test_every_standing_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) == set(Standing)
    assert len(set(MEANINGS.values())) == len(Standing)


def test_a_row_fits_eighty_columns_with_a_usual_name() -> None:
    assert max(len(f"; alpha.example  validator insufficient {text}") for text in MEANINGS.values()) <= 80


def test_instants() -> None:
    assert instant(0) == "1970-01-01T00:00:00Z"
    assert instant(1_800_000_000) == "2027-01-15T08:00:00Z"
    assert instant(253_402_300_799) == "9999-12-31T23:59:59Z"
    assert instant(2**40) == "9999-12-31T23:59:59Z"


def test_numbers_without_a_name_are_shown_as_numbers() -> None:
    assert [rcode_text(code) for code in (0, 5, 16, 11)] == ["NOERROR", "REFUSED", "BADVERS", "RCODE11"]
    assert error_text(22, "no proof") == "22 (No Reachable Authority): (no proof)"
    assert error_text(24, "") == "24 (Invalid Data)"
    assert error_text(25, "") == "25"
    assert error_text(4_242, "text") == "4242: (text)"
