import tracemalloc
from contextlib import suppress
from io import BytesIO

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicomweb import repertoires
from dicomweb.attributes import TAGS, IndexAttributes, index_attributes
from dicomweb.attributes import integer as integer_of
from dicomweb.part10.file import read_file_meta
from dicomweb.part10.walker import Element, walk
from dicomweb.returnattributes import INSTANCE, SERIES, STUDY
from tests import builders, sample_files
from tests.encoded import explicit, implicit, item, sequence

CHARACTER_SET = 0x00080005
STUDY_DATE = 0x00080020
PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
PATIENT_SEX = 0x00100040
STUDY_ID = 0x00200010
STUDY_DESCRIPTION = 0x00081030
SERIES_NUMBER = 0x00200011
ROWS = 0x00280010
REQUESTS = 0x00400275
STEP_ID = 0x00400009
PROCEDURE_ID = 0x00401001


def indexed(*elements: bytes, implicit_vr: bool = False) -> IndexAttributes:
    data = memoryview(b"".join(elements))
    return index_attributes(walk(data, start=0, implicit_vr=implicit_vr, wanted=TAGS).elements)


def text(tag: int, vr: str, value: bytes, character_set: bytes = b"") -> tuple[object, bool]:
    """Return how a value is indexed, None if it is not, and whether it is counted as left out."""
    attributes = indexed(explicit(CHARACTER_SET, "CS", character_set), explicit(tag, vr, value))
    every = {**attributes.study, **attributes.series, **attributes.instance}
    keyword = next(name for at, name, _ in (*STUDY, *SERIES, *INSTANCE) if at == tag)
    assert attributes.left_out <= {keyword}
    return every.get(keyword), bool(attributes.left_out)


def test_every_level_has_the_attributes_that_a_query_returns_under_their_keywords() -> None:
    image = builders.data_set(
        StudyDescription="Head", SeriesDescription="Axial", TimezoneOffsetFromUTC="+0100"
    )
    image.NumberOfFrames = 1
    image.PerformedProcedureStepStartDate = "20260102"
    image.PerformedProcedureStepStartTime = "101112.5"
    request = Dataset()
    request.ScheduledProcedureStepID = "STEP"
    request.RequestedProcedureID = "PROCEDURE"
    image.RequestAttributesSequence = [request, Dataset()]
    content = memoryview(builders.part10(image))
    start = read_file_meta(content).data_set_offset

    attributes = index_attributes(
        walk(content, start=start, implicit_vr=False, wanted=TAGS).elements
    )

    assert attributes == IndexAttributes(
        study={
            "SpecificCharacterSet": ["ISO_IR 192"],
            "StudyDate": "20260102",
            "StudyTime": "101112",
            "AccessionNumber": "A1",
            "ReferringPhysicianName": "Referrer^Rita",
            "TimezoneOffsetFromUTC": "+0100",
            "StudyDescription": "Head",
            "PatientName": "Planted^Name1",
            "PatientID": "PLANTED1",
            "PatientBirthDate": "19700101",
            "PatientSex": "O",
            "StudyID": "1",
        },
        series={
            "SpecificCharacterSet": ["ISO_IR 192"],
            "Modality": "CT",
            "TimezoneOffsetFromUTC": "+0100",
            "SeriesDescription": "Axial",
            "SeriesNumber": 1,
            "PerformedProcedureStepStartDate": "20260102",
            "PerformedProcedureStepStartTime": "101112.5",
            "RequestAttributesSequence": [
                {"ScheduledProcedureStepID": "STEP", "RequestedProcedureID": "PROCEDURE"}
            ],
        },
        instance={
            "SpecificCharacterSet": ["ISO_IR 192"],
            "TimezoneOffsetFromUTC": "+0100",
            "InstanceNumber": 1,
            "NumberOfFrames": 1,
            "Rows": 4,
            "Columns": 4,
            "BitsAllocated": 16,
        },
    )


def test_keywords_and_vrs_are_those_of_the_data_dictionary() -> None:
    for tag, keyword, vr in (*STUDY, *SERIES, *INSTANCE):
        assert pydicom.datadict.keyword_for_tag(tag) == keyword
        assert pydicom.datadict.dictionary_VR(tag) == vr


def test_absent_and_empty_attributes_are_neither_indexed_nor_left_out() -> None:
    assert indexed() == IndexAttributes()
    assert (
        indexed(explicit(PATIENT_NAME, "PN"), explicit(PATIENT_ID, "LO", b"  "), sequence(REQUESTS))
        == IndexAttributes()
    )


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", sample_files.CHARSET_FILES)
def test_text_of_every_character_set_is_the_text_that_pydicom_reads(name: str) -> None:
    content = memoryview(sample_files.CHARSET_FILES[name].read_bytes())
    read = pydicom.dcmread(BytesIO(content))
    file_meta = read_file_meta(content)
    implicit_vr = read.original_encoding[0] is True

    attributes = index_attributes(
        walk(
            content, start=file_meta.data_set_offset, implicit_vr=implicit_vr, wanted=TAGS
        ).elements
    )

    assert not attributes.left_out
    for tag, keyword, vr in STUDY:
        if vr in {"LO", "PN", "SH", "CS", "DA", "TM"} and tag != CHARACTER_SET and tag in read:
            expected = str(read[tag].value or "").rstrip("=")
            assert attributes.study.get(keyword, "") == expected


def test_the_same_bytes_are_another_text_in_another_character_set() -> None:
    value = b"\xd0\xd1^\xd2"
    for character_set, encoding in ((b"ISO_IR 100", "latin_1"), (b"ISO_IR 144", "iso8859_5")):
        assert text(PATIENT_NAME, "PN", value, character_set) == (value.decode(encoding), False)
    assert text(PATIENT_NAME, "PN", value) == (None, True)


def test_the_same_bytes_may_be_valid_in_one_vr_and_not_in_another() -> None:
    assert text(STUDY_DESCRIPTION, "LO", b"next week ") == ("next week", False)
    assert text(STUDY_DATE, "DA", b"next week ") == (None, True)


@pytest.mark.parametrize(
    ("character_set", "value", "name"),
    [
        (b"", b"Buc^J\xe9r\xf4me", None),
        (b"ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^J\u00e9r\u00f4me"),
        (b"ISO_IR 144", "\u041b\u044e\u043ace".encode("iso8859_5"), "\u041b\u044e\u043ace"),
        (b"ISO_IR 192", "\u738b^\u5c0f\u6771".encode(), "\u738b^\u5c0f\u6771"),
        (b"ISO_IR 192", b"Wang^\xff", None),
        (b"GB18030 ", "\u738b^\u5c0f\u6771".encode("gb18030"), "\u738b^\u5c0f\u6771"),
        (
            b"ISO_IR 13",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3",
            "\uff94\uff8f\uff80\uff9e^\uff80\uff9b\uff73",
        ),
        (b"ISO_IR 999", b"Ascii^Only", "Ascii^Only"),
        (b"ISO_IR 999", b"Caf\xe9", None),
        (
            b"\\ISO 2022 IR 87 ",
            b"Yamada^Taro=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=",
            "Yamada^Taro=\u5c71\u7530^\u592a\u90ce",
        ),
        (
            b"\\ISO 2022 IR 87 ",
            b"A^B=\x1b$B;3ED\x1b(B^\x1b$B=U;R\x1b(B",
            "A^B=\u5c71\u7530^\u6625\u5b50",
        ),
        (b"\\ISO 2022 IR 87 ", b"A^B=\x1b$B0^\x1b(B^\x1b$B0=\x1b(B", "A^B=\u7def^\u7dbe"),
        (
            b"\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9",
        ),
        (
            b"ISO 2022 IR 100\\ISO 2022 IR 149",
            b"\x1b$)C\xd1\xce^\xe9=\x1b$)C\xd1\xce=\xe9",
            "\u5409^\u00e9=\u5409=\u00e9",
        ),
        (b"ISO_IR 100", b"Buc^J\x1b$B;3\x1b(B", None),
        (b"\\ISO 2022 IR 87 ", b"Buc^J\x1bZ;3", None),
        (b"\\ISO 2022 IR 87 ", b"Buc^J\x1b$B\xff\xff", None),
        (b"ISO_IR 192", b"A^B\0", "A^B"),
        (b"", b"A=B=C=D", "A=B=C=D"),
        (b"", b"A" * 65, "A" * 65),
        (
            b"\\ISO 2022 IR 58",
            b"Zhang^San=\x1b$)A\xd5\xc5^\x1b$)A\xc8\xfd",
            "Zhang^San=\u5f20^\u4e09",
        ),
        (b"\\ISO 2022 IR 58", b"Zhang^San=\x1b$)A\xd5\xc5^\xc8\xfd=", "Zhang^San=\u5f20^\u4e09"),
        (b"\\ISO 2022 58", b"=\x1b$)A\xd5\xc5", "=\u5f20"),
        (b"ISO 2022 IR 58", b"\xd5\xc5", "\u5f20"),
        (b"ISO 2022 IR 100\\ISO 2022 IR 58", b"\xe9=\x1b$)A\xd5\xc5", "\u00e9=\u5f20"),
        (b"ISO_IR 203", b"\xbd^\xa4", "\u0153^\u20ac"),
        (b"iso ir-203", b"\xbd^\xa4", "\u0153^\u20ac"),
        (b"\\ISO 2022 IR 203", b"A^\x1b-b\xa4\x1b(B", "A^\u20ac"),
        (b"ISO_IR 100\\ISO 2022 IR 999", b"J\xe9r\xf4me", "J\u00e9r\u00f4me"),
        (b"ISO-2022-IR-100", b"J\xe9r\xf4me", "J\u00e9r\u00f4me"),
        (b"gb18030", "\u738b".encode("gb18030"), "\u738b"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_name_is_decoded_by_the_character_sets_or_left_out(
    character_set: bytes, value: bytes, name: str | None
) -> None:
    assert text(PATIENT_NAME, "PN", value, character_set) == (name, name is None)


def test_character_sets_that_are_no_text_are_left_out_and_ascii_is_read() -> None:
    attributes = indexed(
        explicit(CHARACTER_SET, "CS", b"\xff\xff"), explicit(PATIENT_ID, "LO", b"ID")
    )

    assert attributes == IndexAttributes(
        study={"PatientID": "ID"}, left_out=frozenset({"SpecificCharacterSet"})
    )


@pytest.mark.parametrize("character_set", ["gb18030", "gbk"])
def test_a_second_byte_that_is_a_backslash_separates_nothing(character_set: str) -> None:
    backslashed = next(
        sign
        for sign in map(chr, range(0x4E00, 0x9FFF))
        if sign.encode(character_set).endswith(b"\\")
    )

    found = text(
        STUDY_DESCRIPTION, "LO", backslashed.encode(character_set), character_set.upper().encode()
    )

    assert found == (backslashed, False)


@pytest.mark.parametrize(
    ("tag", "vr", "value", "indexed_as"),
    [
        (PATIENT_ID, "LO", b" AB 1 ", "AB 1"),
        (PATIENT_ID, "LO", b"A\\B", "A\\B"),
        (PATIENT_ID, "LO", b"A" * 66, "A" * 66),
        (STUDY_ID, "SH", b"A" * 17, "A" * 17),
        (PATIENT_ID, "UT", b"A" * 5000, None),
        (PATIENT_SEX, "CS", b"O ", "O"),
        (PATIENT_SEX, "CS", b"female", "FEMALE"),
        (PATIENT_SEX, "CS", b"a code far too long-", "A CODE FAR TOO LONG-"),
        (PATIENT_SEX, "CS", b"\xff\xff", None),
        (0x00080020, "DA", b"20260230", "20260230"),
        (0x00080020, "DA", b"2026.01.02", "20260102"),
        (0x00080020, "DA", b"2026-01-02", "20260102"),
        (0x00080020, "DA", b"2026/01/02 ", "20260102"),
        (0x00080020, "DA", b"202601", "202601"),
        (0x00080020, "DA", b"00000000", "00000000"),
        (0x00080020, "DA", b"        ", None),
        (0x00080020, "DA", b"2. 1.2026 ", None),
        (0x00080030, "TM", b"101112.123456 ", "101112.123456"),
        (0x00080030, "TM", b"10:11:12.5", "101112.5"),
        (0x00080030, "TM", b"10:11 ", "1011"),
        (0x00080030, "TM", b"25:00:00", "250000"),
        (0x00080030, "TM", b"noon", None),
        (SERIES_NUMBER, "IS", b" -12 ", -12),
        (SERIES_NUMBER, "IS", b"+7\0\0", 7),
        (SERIES_NUMBER, "IS", b"1.5 ", "1.5"),
        (SERIES_NUMBER, "IS", b"4.000000", "4.000000"),
        (SERIES_NUMBER, "IS", b"1,5 ", "1,5"),
        (SERIES_NUMBER, "IS", b"1 2 ", "1 2"),
        (SERIES_NUMBER, "IS", b"1\\2 ", "1\\2"),
        (SERIES_NUMBER, "IS", b"2147483648", "2147483648"),
        (SERIES_NUMBER, "IS", b"9" * 40, "9" * 40),
        (SERIES_NUMBER, "IS", b"1A", None),
        (SERIES_NUMBER, "IS", b"- ", None),
        (SERIES_NUMBER, "IS", b"-2147483648 ", -2147483648),
        (SERIES_NUMBER, "UT", b" " * 5000 + b"1", None),
        (SERIES_NUMBER, "IS", b"\xb2 ", None),
        (ROWS, "US", b"\0\2", 512),
        (ROWS, "US", b"\0\2\0\2", None),
        (ROWS, "UL", b"\0\2\0\0", None),
    ],
)
def test_a_value_is_indexed_as_a_reader_shows_it_and_else_left_out_and_counted(
    tag: int, vr: str, value: bytes, indexed_as: object
) -> None:
    assert text(tag, vr, value) == (indexed_as, indexed_as is None and bool(value.strip()))


def test_an_attribute_of_several_levels_is_counted_once_and_costs_no_other() -> None:
    attributes = indexed(explicit(0x00080201, "SH", b"\xff\xff"), explicit(PATIENT_ID, "LO", b"ID"))

    assert attributes == IndexAttributes(
        study={"PatientID": "ID"}, left_out=frozenset({"TimezoneOffsetFromUTC"})
    )


@pytest.mark.parametrize(
    ("character_set", "value", "shown"),
    [
        (b"ISO_IR 192", "\u7537".encode(), "\u7537"),
        (b"ISO_IR 100", b"m\xe4nnlich", "M\u00c4NNLICH"),
        (b"\\ISO 2022 IR 58", b"\x1b$)A\xc4\xd0", "\u7537"),
    ],
)
def test_a_code_string_beyond_the_default_repertoire_is_decoded_as_other_text(
    character_set: bytes, value: bytes, shown: str
) -> None:
    assert text(PATIENT_SEX, "CS", value, character_set) == (shown, False)


@pytest.mark.parametrize(
    ("value", "terms"),
    [
        (b"iso_ir 100", ["ISO_IR 100"]),
        (b"\\ISO-2022-IR-87", ["", "ISO 2022 IR 87"]),
        (b"ISO IR 192\0", ["ISO_IR 192"]),
        (b"GBK ", ["GBK"]),
    ],
)
def test_character_sets_are_indexed_by_their_defined_terms(value: bytes, terms: list[str]) -> None:
    attributes = indexed(explicit(CHARACTER_SET, "CS", value))

    assert attributes.instance == {"SpecificCharacterSet": terms}


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("implicit_vr", [False, True])
def test_requests_are_read_in_both_encodings(undefined: bool, implicit_vr: bool) -> None:
    content = (
        implicit(STEP_ID, b"STEP") + implicit(PROCEDURE_ID, b"ID")
        if implicit_vr
        else explicit(STEP_ID, "SH", b"STEP") + explicit(PROCEDURE_ID, "SH", b"ID")
    )
    data = sequence(
        REQUESTS,
        item(content, undefined=undefined),
        vr=None if implicit_vr else "SQ",
        undefined=undefined,
    )

    assert indexed(data, implicit_vr=implicit_vr).series == {
        "RequestAttributesSequence": [
            {"ScheduledProcedureStepID": "STEP", "RequestedProcedureID": "ID"}
        ]
    }


def test_requests_of_vr_un_are_read_in_implicit_vr() -> None:
    data = sequence(REQUESTS, item(implicit(STEP_ID, b"STEP")), vr="UN", undefined=True)

    assert indexed(data).series == {
        "RequestAttributesSequence": [{"ScheduledProcedureStepID": "STEP"}]
    }


def test_an_item_has_the_character_sets_of_the_data_set_unless_it_has_its_own() -> None:
    inherits = item(explicit(STEP_ID, "SH", b"\xe9 "))
    own = item(explicit(CHARACTER_SET, "CS", b"ISO_IR 192") + explicit(STEP_ID, "SH", b"\xc3\xa9"))
    attributes = indexed(
        explicit(CHARACTER_SET, "CS", b"ISO_IR 100"), sequence(REQUESTS, inherits, own, inherits)
    )

    assert (
        attributes.series["RequestAttributesSequence"]
        == [{"ScheduledProcedureStepID": "\u00e9"}] * 3
    )


@pytest.mark.parametrize(
    ("data", "left_out"),
    [
        (sequence(REQUESTS, *[item()] * 17), {"RequestAttributesSequence"}),
        (sequence(REQUESTS, *[item()] * 16), set()),
        (explicit(REQUESTS, "UN", b"garbage!"), {"RequestAttributesSequence"}),
        (explicit(REQUESTS, "LO", b"garbage"), {"RequestAttributesSequence"}),
        (
            explicit(REQUESTS, "UN", item(implicit(STEP_ID, b"", 99))),
            {"RequestAttributesSequence"},
        ),
        (
            sequence(REQUESTS, item(explicit(STEP_ID, "SH", b"\xff\xff"))),
            {"ScheduledProcedureStepID"},
        ),
    ],
)
def test_requests_that_are_too_many_or_garbled_are_left_out(
    data: bytes, left_out: set[str]
) -> None:
    assert indexed(data) == IndexAttributes(left_out=frozenset(left_out))


@pytest.mark.parametrize("value", [b"text", b"te", b"\xfe\xff\x00", b"more text, and longer "])
def test_text_in_the_place_of_requests_is_left_out(value: bytes) -> None:
    data = implicit(REQUESTS, value) + implicit(PROCEDURE_ID, b"ID")

    assert indexed(data, implicit_vr=True) == IndexAttributes(
        left_out=frozenset({"RequestAttributesSequence"})
    )


def test_text_in_the_place_of_a_sequence_inside_a_request_costs_nothing() -> None:
    inner = implicit(0x00400008, b"a code, once") + implicit(STEP_ID, b"STEP")
    data = sequence(REQUESTS, item(inner), vr=None)

    assert indexed(data, implicit_vr=True) == IndexAttributes(
        series={"RequestAttributesSequence": [{"ScheduledProcedureStepID": "STEP"}]}
    )


@pytest.mark.parametrize(
    "data",
    [
        explicit(CHARACTER_SET, "UT", b"\\" * (1 << 22)),
        explicit(CHARACTER_SET, "UT", b"\\" * (1 << 22)) + explicit(PATIENT_ID, "LO", b"ID"),
        explicit(PATIENT_NAME, "UT", b"\x1b" * (1 << 22)),
        explicit(SERIES_NUMBER, "UT", b"1" * (1 << 22)),
        explicit(REQUESTS, "UN", item() * (1 << 19)),
    ],
    ids=["character sets", "text", "name", "number", "items"],
)
def test_values_of_megabytes_are_left_out_in_little_memory(data: bytes) -> None:
    elements = walk(memoryview(data), start=0, implicit_vr=False, wanted=TAGS).elements
    tracemalloc.start()
    try:
        assert index_attributes(elements).left_out
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


character_sets = st.lists(st.sampled_from([*repertoires.ENCODINGS, "ISO_IR 999"]), max_size=3).map(
    lambda terms: "\\".join(terms).encode()
)
codes = st.sampled_from(
    [b"\x1b", b"\x1b$B", b"\x1b(B", b"\x1b$)C", b"\x1b-A", b"\x1b(J", b"\x1b$(D", b"=", b"^", b"\\"]
)
texts = st.lists(st.one_of(codes, st.binary(max_size=6)), max_size=12).map(b"".join)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@given(character_sets, texts)
def test_any_text_in_any_character_sets_is_indexed_or_left_out(
    character_set: bytes, value: bytes
) -> None:
    elements = {
        tag: Element(tag=tag, vr=None, value=memoryview(value))
        for tag in (PATIENT_NAME, STUDY_DESCRIPTION, PATIENT_SEX, SERIES_NUMBER, ROWS, REQUESTS)
    }
    elements[CHARACTER_SET] = Element(tag=CHARACTER_SET, vr=None, value=memoryview(character_set))

    attributes = index_attributes(elements)

    for name in (attributes.study.get("PatientName"), attributes.study.get("StudyDescription")):
        assert name is None or not {"\x1b", "\N{REPLACEMENT CHARACTER}"} & set(str(name))


@given(st.binary(max_size=30), st.sampled_from(["US", "IS"]))
def test_any_bytes_are_an_integer_or_none(value: bytes, vr: str) -> None:
    number = integer_of(Element(tag=ROWS, vr=vr, value=memoryview(value)), vr)

    assert number is None or -(2**31) <= number < 2**31
    assert integer_of(None, vr) is None
    with suppress(ValueError):
        assert vr == "US" or number in {None, int(float(value))}
