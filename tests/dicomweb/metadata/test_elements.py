import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.metadata.dataelements import Element
from dicomweb.metadata.elements import (
    BINARY,
    VALUE_REPRESENTATIONS,
    binary_element,
    empty_element,
    person_name,
    tag_number,
    value_element,
)
from dicomweb.metadata.metadata import NotUnderstood
from tests import shown

TAG = 0x0F0E0001
INTEGERS = {
    "SL": (-(2**31), 2**31 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "SV": (-(2**63), 2**63 - 1),
    "UL": (0, 2**32 - 1),
    "US": (0, 2**16 - 1),
    "UV": (0, 2**64 - 1),
}
DEFAULT_REPERTOIRE = ("AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR")
TEXT = ("LO", "LT", "SH", "ST", "UC", "UT")


def held(vr: str, *values: object) -> object:
    return shown.held(value_element(TAG, vr, values))


def test_there_are_the_vrs_of_the_standard() -> None:
    assert " ".join(sorted(VALUE_REPRESENTATIONS)) == (
        "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN"
        " UR US UT UV"
    )


@pytest.mark.parametrize("vr", sorted(VALUE_REPRESENTATIONS))
def test_an_empty_element_has_no_value(vr: str) -> None:
    element = empty_element(vr)

    assert (element.vr, len(element.value)) == (vr, 0)


@pytest.mark.parametrize("vr", sorted(INTEGERS))
def test_integers_are_held_up_to_their_limits_and_refused_beyond(vr: str) -> None:
    low, high = INTEGERS[vr]

    assert held(vr, low, high) == [low, high]
    assert held(vr, str(low), f"+{high}", f" {high}\n") == [low, high, high]
    for beyond in (low - 1, high + 1, str(low - 1), str(high + 1)):
        with pytest.raises(NotUnderstood, match=f"out of range, expected {low} to {high}"):
            held(vr, beyond)


@pytest.mark.parametrize("vr", sorted(INTEGERS))
@pytest.mark.parametrize(
    "value",
    [0.5, "0.5", "1e3", "0x1", "1_0", "\N{ARABIC-INDIC DIGIT ONE}", "1" * 65, True, [], b"1"],
    ids=repr,
)
def test_what_is_no_integer_is_refused(vr: str, value: object) -> None:
    with pytest.raises(NotUnderstood, match="not an integer"):
        held(vr, value)


@pytest.mark.parametrize("vr", sorted(INTEGERS))
def test_an_integer_may_be_written_as_a_real_number(vr: str) -> None:
    assert held(vr, 3.0) == 3
    assert held(vr, "3.000") == 3


@pytest.mark.parametrize("vr", ["FD", "FL"])
@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (0.5, 0.5), ("-.5", -0.5), ("+5.", 5.0), ("1E2", 100.0), (" 1 ", 1.0)],
)
def test_real_numbers_may_be_numbers_or_text(vr: str, value: object, number: float) -> None:
    assert held(vr, value) == number


@pytest.mark.parametrize("vr", ["FD", "FL"])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("inf", math.inf),
        ("-inf", -math.inf),
        ("Infinity", math.inf),
        ("-INF", -math.inf),
    ],
)
def test_infinity_has_a_name(vr: str, text: str, number: float) -> None:
    assert held(vr, text) == number


@pytest.mark.parametrize("vr", ["FD", "FL"])
@pytest.mark.parametrize("text", ["NaN", "nan", "-NAN"])
def test_not_a_number_has_a_name(vr: str, text: str) -> None:
    number = held(vr, text)

    assert isinstance(number, float)
    assert math.isnan(number)


@pytest.mark.parametrize(
    ("vr", "value"),
    [("FL", 1e39), ("FL", "-1e39"), ("FL", 10**39), ("FD", "1e999"), ("FD", float("1e999"))],
)
def test_real_numbers_out_of_range_are_refused(vr: str, value: object) -> None:
    with pytest.raises(NotUnderstood, match="out of range"):
        held(vr, value)


@pytest.mark.parametrize("vr", ["FD", "FL"])
@pytest.mark.parametrize(
    "value", ["", "one", "1_0", "1,5", "0x1", "infinite", "1 2", True, [], {}], ids=repr
)
def test_what_is_no_real_number_is_refused_unless_it_is_empty(vr: str, value: object) -> None:
    if value == "":
        assert held(vr, value) is None
    else:
        with pytest.raises(NotUnderstood, match="not a number"):
            held(vr, value)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: x * 1.0000001))
def test_an_fl_is_what_its_four_bytes_hold(number: float) -> None:
    try:
        packed = struct.pack("<f", number)
    except OverflowError:
        with pytest.raises(NotUnderstood):
            held("FL", number)
    else:
        assert held("FL", number) == struct.unpack("<f", packed)[0]


@pytest.mark.parametrize("vr", ["AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"])
def test_a_binary_number_among_several_cannot_be_empty(vr: str) -> None:
    assert held(vr, None) is None
    assert held(vr, "") is None
    with pytest.raises(NotUnderstood, match="empty value among several"):
        held(vr, "00000001", None)


@pytest.mark.parametrize("first", [-1, 65535, "-1"], ids=repr)
def test_the_first_number_of_a_lut_descriptor_is_never_signed(first: object) -> None:
    assert value_element(0x00281101, "SS", [first, -5, 16]).value == struct.pack(
        "<Hhh", 65535, -5, 16
    )
    assert value_element(0x00281101, "US", [65535, 0, 16]).value == struct.pack("<3H", 65535, 0, 16)


@pytest.mark.parametrize("values", [[65536, 0, 16], [None, 0, 16], [0, 40000, 16], [0, None, 16]])
def test_a_lut_descriptor_of_other_numbers_is_refused(values: list[object]) -> None:
    with pytest.raises(NotUnderstood):
        value_element(0x00281101, "SS", values)


def test_a_lut_descriptor_of_one_number_is_as_any() -> None:
    with pytest.raises(NotUnderstood):
        value_element(0x00281101, "SS", [65535])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.500", "1.500"),
        ("  -.5 ", "-.5"),
        ("1" * 40, "1" * 40),
        (5, "5"),
        (-1.5, "-1.5"),
        (10**15, "1000000000000000"),
        (12 * 10**15, "1.2e+16"),
        (12345678901234567, "1.2345678901e+16"),
        (1 / 3, "0.33333333333333"),
        (-10000000000001.0, "-10000000000001"),
        (-0.12345678901234, "-.12345678901234"),
        (-1e-7 / 3, "-3.333333333e-08"),
        ("", ""),
        (" ", ""),
        (None, ""),
    ],
)
def test_a_ds_is_the_text_that_was_sent_or_a_number_in_16_characters(
    value: object, text: str
) -> None:
    found = held("DS", value)

    assert found == text
    assert held("DS", value, "0") == f"{text}\\0"


@pytest.mark.parametrize("vr", ["DS", "IS"])
@pytest.mark.parametrize(
    "text",
    ["1,5", "14.5", "4.000000", "1_0", "NaN", "one", "\u4e00", "1" * 40, "1\\2", "+05", "-0"],
)
def test_text_that_is_no_number_is_kept_where_numbers_are_text(vr: str, text: str) -> None:
    assert held(vr, f" {text} ") == text


@pytest.mark.parametrize("vr", ["DS", "IS"])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, True, [], {}], ids=repr)
def test_what_has_no_decimal_text_is_refused(vr: str, value: object) -> None:
    with pytest.raises(NotUnderstood, match="neither text nor a number"):
        held(vr, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (-5.0, "-5"), (14.5, "14.5"), (2**31, "2147483648"), (None, ""), ("", "")],
)
def test_a_number_in_an_is_is_its_digits(value: object, text: str) -> None:
    assert held("IS", value) == text
    assert held("IS", "1", value, None) == f"1\\{text}\\"


@pytest.mark.parametrize("vr", DEFAULT_REPERTOIRE)
def test_text_of_the_default_repertoire_is_trimmed_and_other_letters_are_kept(vr: str) -> None:
    assert held(vr, " \t\r\nA\0") == "A"
    assert held(vr, "\u4e2d\u6587") == "\u4e2d\u6587"


@pytest.mark.parametrize("vr", TEXT)
def test_text_is_kept_as_it_is(vr: str) -> None:
    assert held(vr, "  Ä\r\n" * 2000) == "  Ä\r\n" * 2000


@pytest.mark.parametrize("vr", [*DEFAULT_REPERTOIRE, *TEXT, "PN"])
@pytest.mark.parametrize("value", [True, [], {}, b"A", math.inf], ids=repr)
def test_text_that_is_none_is_refused(vr: str, value: object) -> None:
    with pytest.raises(NotUnderstood, match="neither text nor a number"):
        held(vr, value)


@pytest.mark.parametrize("vr", [*DEFAULT_REPERTOIRE, *TEXT, "PN"])
@pytest.mark.parametrize("value", [1, 1.5], ids=repr)
def test_a_number_where_text_belongs_is_its_digits(vr: str, value: float) -> None:
    assert held(vr, value) == str(value)


@pytest.mark.parametrize("vr", ["LT", "ST", "UT"])
def test_several_values_of_a_vr_of_one_are_the_text_that_was_taken_apart(vr: str) -> None:
    assert held(vr, "A", "B") == "A\\B"


@pytest.mark.parametrize("vr", ["LT", "ST", "UT"])
def test_a_backslash_is_a_letter_in_text_of_one_value(vr: str) -> None:
    assert held(vr, "A\\B") == "A\\B"


@pytest.mark.parametrize("vr", ["AE", "CS", "LO", "PN", "SH", "UC", "UI", "UR"])
def test_a_backslash_separates_values_in_text_of_several(vr: str) -> None:
    assert held(vr, "1\\2", None, "3") == ["1", "2", "", "3"]


def test_a_date_that_is_none_is_kept() -> None:
    assert held("DA", "2026-01-02") == "2026-01-02"


@pytest.mark.parametrize("vr", sorted({"SQ"} | BINARY))
def test_sequences_and_binary_vrs_have_no_values(vr: str) -> None:
    with pytest.raises(NotUnderstood, match=f"a form that VR {vr} does not allow"):
        held(vr, "A")


@pytest.mark.parametrize("vr", sorted(BINARY))
def test_binary_vrs_hold_bytes(vr: str) -> None:
    element = binary_element(vr, "AAEC\nAw==")

    assert (element.vr, element.value) == (vr, b"\0\1\2\3")


@pytest.mark.parametrize("vr", sorted(VALUE_REPRESENTATIONS - BINARY))
def test_other_vrs_do_not(vr: str) -> None:
    with pytest.raises(NotUnderstood, match="inline binary, which VR"):
        binary_element(vr, "AAEC")


@pytest.mark.parametrize("text", ["A", "AA", "AAA", "AA=A", "AAAA=", "AAAA====", "A-_A", "=", "Ä"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood, match="not base64"):
        binary_element("OB", text)


@pytest.mark.parametrize(
    ("groups", "name"),
    [
        (["A=B", "", ""], "A=B"),
        (["A^B", "", ""], "A^B"),
        (["", "", "C"], "==C"),
        (["", "", ""], ""),
        (["A", "B"], "A=B"),
    ],
)
def test_a_person_name_ends_with_its_last_group(groups: list[str], name: str) -> None:
    assert person_name(groups) == name


@pytest.mark.parametrize("text", ["0010002", "001000200", "PatientID", "0010 020", "", "0010002G"])
def test_a_tag_has_eight_hexadecimal_digits(text: str) -> None:
    assert tag_number("7fE00010") == 0x7FE00010
    with pytest.raises(NotUnderstood, match="8 hexadecimal digits"):
        tag_number(text)


@pytest.mark.parametrize("value", ["0008001", "(0008,0018)", 524312, "0008001G"], ids=repr)
def test_a_tag_as_a_value_has_them_too(value: object) -> None:
    assert held("AT", "0008001a", "FFFFFFFF") == [0x0008001A, 0xFFFFFFFF]
    with pytest.raises(NotUnderstood):
        held("AT", value)


def test_refusals_hold_no_value() -> None:
    refusals = []
    for vr in sorted(VALUE_REPRESENTATIONS):
        for value in ("Planted\\Ä", ["Planted"]):
            try:
                assert isinstance(value_element(TAG, vr, [value]), Element)
            except NotUnderstood as refusal:
                refusals.append(str(refusal))

    assert len(refusals) > len(VALUE_REPRESENTATIONS)
    assert "Planted" not in "".join(refusals)
