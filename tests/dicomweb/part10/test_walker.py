import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from dicomweb import conformance
from dicomweb.errors import InstanceRejected
from dicomweb.part10 import headers
from dicomweb.part10.file import read_file_meta
from dicomweb.part10.inflation import Inflation
from dicomweb.part10.walker import (
    DOUBLE_FLOAT_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    MAX_DEPTH,
    PIXEL_DATA,
    DataSet,
    PixelData,
    items,
    walk,
    walk_file_meta,
)
from dicomweb.reasons import FailureReason
from tests import sample_files, strategies
from tests.encoded import (
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    UNDEFINED,
    explicit,
    implicit,
    item,
    nested,
    sequence,
)
from tests.processor_time import GENEROUS, growth

ROWS = 0x00280010
REQUESTS = 0x00400275
PRIVATE = 0x00091001


def walked(data: bytes, *wanted: int, implicit_vr: bool = False) -> DataSet:
    return walk(memoryview(data), start=0, implicit_vr=implicit_vr, wanted=wanted)


def refusal(data: bytes, *wanted: int, implicit_vr: bool = False) -> str:
    with pytest.raises(InstanceRejected) as refused:
        walked(data, *wanted, implicit_vr=implicit_vr)
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND
    return str(refused.value)


def assert_equals_pydicom(
    data: memoryview, read: Dataset, *, start: int, implicit_vr: bool
) -> None:
    """Compare a walk with what pydicom read of the same bytes, into undefined lengths as well."""
    found = walk(data, start=start, implicit_vr=implicit_vr, wanted=list(read.keys())).elements
    assert sorted(found) == sorted(read.keys())
    for tag, theirs in read._dict.items():
        ours = found[tag]
        if isinstance(theirs, RawDataElement):
            assert ours.vr == (None if implicit_vr else theirs.VR)
            value = ours.value[:-8] if theirs.length == UNDEFINED else ours.value
            assert bytes(value) == (theirs.value or b"")
            if theirs.length != UNDEFINED:
                assert len(ours.value) == theirs.length
            continue
        assert isinstance(theirs, DataElement)
        if theirs.VR == "CS":  # Specific Character Set, which pydicom has to decode at once
            terms = theirs.value if theirs.VM > 1 else [theirs.value or ""]
            assert bytes(ours.value).rstrip(b" ").split(b"\\") == [one.encode() for one in terms]
            continue
        assert (theirs.VR, ours.vr) in {("SQ", "SQ"), ("SQ", "UN"), ("SQ", None)}
        data_sets = list(items(ours))
        assert len(data_sets) == len(theirs.value)
        for one, its in zip(data_sets, theirs.value, strict=True):
            assert_equals_pydicom(one, its, start=0, implicit_vr=ours.vr != "SQ")


BROKEN = {
    "palettes/winter.dcm": "(0008,0018) twice",
    "test_files/ExplVR_BigEnd.dcm": "",
    "test_files/MR_small_bigendian.dcm": "",
    "test_files/MR_small_expb.dcm": "",
    "test_files/MR_truncated.dcm": "(7FE0,0010) declares 8192 bytes, 8130 are left",
    "test_files/SC_rgb_jpeg.dcm": "(0008,0008) without a VR, expected two capital letters",
    "test_files/SC_rgb_small_odd_big_endian.dcm": "",
    "test_files/dicomdirtests/DICOMDIR-bigEnd": "",
    "test_files/dicomdirtests/DICOMDIR-nooffset": "an item declares 248 bytes, 224 are left",
    "test_files/liver_expb_1frame.dcm": "",
    "test_files/rtdose_expb.dcm": "",
    "test_files/rtdose_expb_1frame.dcm": "",
    "test_files/rtplan_truncated.dcm": "(300A,00B0) declares 976 bytes, 711 are left",
}
"""What pydicom reads on with or guesses at: cut off, ambiguous, or in Big Endian (no text)."""


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", sample_files.FILES)
def test_every_element_of_a_real_file_is_the_one_that_pydicom_reads(name: str) -> None:
    content = memoryview(sample_files.FILES[name].read_bytes())
    read = pydicom.dcmread(BytesIO(content))
    file_meta = read_file_meta(content)
    syntax, start = file_meta.transfer_syntax_uid, file_meta.data_set_offset
    if conformance.is_deflated(syntax):
        content, start = Inflation(0).inflate(content[start:]), 0
    implicit_vr = read.original_encoding[0] is True

    if name in BROKEN:
        with pytest.raises(InstanceRejected) as refused:
            walk(
                content,
                start=start,
                implicit_vr=conformance.is_implicit_vr(syntax),
                wanted=list(read.keys()),
            )
        assert BROKEN[name] in str(refused.value)
    else:
        assert_equals_pydicom(content, read, start=start, implicit_vr=implicit_vr)


@given(strategies.data_sets, st.booleans())
def test_every_element_of_a_random_data_set_is_the_one_that_pydicom_reads(
    data_set: Dataset, implicit_vr: bool
) -> None:
    data = strategies.written(data_set, implicit_vr=implicit_vr)
    read = read_dataset(BytesIO(data), is_implicit_VR=implicit_vr, is_little_endian=True)

    assert_equals_pydicom(memoryview(data), read, start=0, implicit_vr=implicit_vr)


def test_random_data_sets_are_of_every_value_representation() -> None:
    assert set(pydicom.valuerep.VR) - strategies.VALUE_REPRESENTATIONS <= {
        pydicom.valuerep.VR.OB_OW,
        pydicom.valuerep.VR.US_OW,
        pydicom.valuerep.VR.US_SS,
        pydicom.valuerep.VR.US_SS_OW,
    }


@given(strategies.data_sets, st.booleans())
def test_a_data_set_that_is_cut_off_is_refused_unless_cut_between_elements(
    data_set: Dataset, implicit_vr: bool
) -> None:
    data = strategies.written(data_set, implicit_vr=implicit_vr)
    tags = list(data_set.keys())
    whole = {
        len(strategies.written(data_set[: tags[count]], implicit_vr=implicit_vr))
        for count in range(len(tags))
    }

    for length in range(len(data)):
        begun = data[max(end for end in whole if end <= length) : length]
        if not begun.strip(b"\0"):  # the first byte of a tag may be NUL, as padding is
            walked(data[:length], implicit_vr=implicit_vr)
        else:
            refusal(data[:length], implicit_vr=implicit_vr)


@given(strategies.data_sets, st.booleans(), st.data())
def test_any_garbled_byte_is_read_or_refused_and_nothing_else(
    data_set: Dataset, implicit_vr: bool, draw: st.DataObject
) -> None:
    data = bytearray(strategies.written(data_set, implicit_vr=implicit_vr) or b"\0")
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    tags = [REQUESTS, *data_set.keys()]
    with suppress(InstanceRejected):
        found = walk(memoryview(data), start=0, implicit_vr=implicit_vr, wanted=tags).elements
        for element in found.values():
            list(items(element))


@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_a_data_set_or_refused(data: bytes, implicit_vr: bool) -> None:
    with suppress(InstanceRejected):
        walked(data, implicit_vr=implicit_vr)


def test_wanted_elements_are_slices_and_the_others_are_stepped_over() -> None:
    data = explicit(ROWS, "US", b"\4\0") + explicit(ROWS + 1, "US", b"\5\0")

    found = walked(data, ROWS).elements

    assert set(found) == {ROWS}
    assert found[ROWS].value.obj is data
    assert bytes(found[ROWS].value) == b"\4\0"


def test_elements_of_items_are_not_those_of_the_data_set() -> None:
    inner = item(explicit(ROWS, "US", b"\1\0"))
    data = sequence(0x00081140, inner) + explicit(ROWS, "US", b"\2\0")

    assert bytes(walked(data, ROWS).elements[ROWS].value) == b"\2\0"


def test_a_vr_of_the_future_has_a_length_of_32_bits() -> None:
    data = PRIVATE.to_bytes(4, "little") + b"ZZ\0\0\2\0\0\0xx" + explicit(ROWS, "US", b"\4\0")

    assert ROWS in walked(data, ROWS).elements


@pytest.mark.parametrize("length", [0x5153, 0x4E55, 0x534C, 0x424F])
def test_an_item_length_that_looks_like_a_vr_is_a_length(length: int) -> None:
    content = explicit(0x00090010, "UT", bytes(length - 12))
    data = sequence(REQUESTS, item(content)) + explicit(ROWS + 0x10000, "US", b"\4\0")

    assert [bytes(one) for one in items(walked(data, REQUESTS).elements[REQUESTS])] == [content]


@pytest.mark.parametrize("undefined_item", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("vr", ["SQ", None])
def test_items_of_both_kinds_of_length_are_found(
    vr: str | None, undefined: bool, undefined_item: bool
) -> None:
    content = implicit(ROWS, b"\4\0") if vr is None else explicit(ROWS, "US", b"\4\0")
    one = item(content, undefined=undefined_item)
    data = sequence(REQUESTS, one, item(), one, vr=vr, undefined=undefined)

    found = items(walked(data, REQUESTS, implicit_vr=vr is None).elements[REQUESTS])

    assert [bytes(data_set) for data_set in found] == [content, b"", content]


def test_a_sequence_of_vr_un_is_in_implicit_vr_in_any_transfer_syntax() -> None:
    content = implicit(ROWS, b"\4\0")
    data = sequence(REQUESTS, item(content, undefined=True), vr="UN", undefined=True)

    assert [bytes(one) for one in items(walked(data, REQUESTS).elements[REQUESTS])] == [content]


def test_a_private_sequence_in_implicit_vr_is_walked_if_its_length_is_undefined() -> None:
    assert "expected an item" in refusal(
        sequence(PRIVATE, b"garbage!", vr=None, undefined=True), implicit_vr=True
    )
    walked(sequence(PRIVATE, b"garbage!", vr=None), implicit_vr=True)


TEXTS = [b"C-100 ", b"te", b"text", b"odd", b"\xfe\xff\x00", b"\xfe\xff\x0d\xe0\0\0\0\0", bytes(8)]


@pytest.mark.parametrize("tag", [0x0040A170, 0x00120064, REQUESTS])
@pytest.mark.parametrize("value", TEXTS)
def test_text_in_the_place_of_a_sequence_in_implicit_vr_is_stepped_over(
    tag: int, value: bytes
) -> None:
    data = implicit(tag, value) + implicit(PRIVATE, b"next")

    found = walked(data, tag, PRIVATE, implicit_vr=True).elements

    assert {at: bytes(element.value) for at, element in found.items()} == {
        tag: value,
        PRIVATE: b"next",
    }


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("value", TEXTS)
def test_text_in_the_place_of_a_sequence_is_stepped_over_at_any_depth(
    value: bytes, undefined: bool
) -> None:
    made = implicit(0x0040A170, value)
    for _ in range(3):
        made = sequence(REQUESTS, item(made, undefined=undefined), vr=None, undefined=undefined)

    walked(made, implicit_vr=True)
    if undefined:
        walked(sequence(PRIVATE, item(made, undefined=True), vr="UN", undefined=True))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (implicit(0x0040A170, b"\xfe\xff\x00\xe0"), "found a sequence or item that does not end"),
        (implicit(0x0040A170, implicit(ITEM, b"", 9)), "an item declares 9 bytes, 0 are left"),
        (implicit(0x0040A170, item() + b"text, which no item is"), "expected an item"),
        (implicit(0x0040A170, b"text", UNDEFINED), "found a sequence or item that does not end"),
        (implicit(0x0040A170, b"text and more", UNDEFINED), "expected an item"),
        (implicit(0x0040A170, b"text", 5), "declares 5 bytes, 4 are left"),
    ],
)
def test_a_sequence_in_implicit_vr_that_begins_as_one_is_walked(data: bytes, text: str) -> None:
    assert text in refusal(data, implicit_vr=True)


def test_what_says_that_it_is_a_sequence_is_walked() -> None:
    assert "expected an item" in refusal(explicit(REQUESTS, "SQ", b"more text"))


@pytest.mark.parametrize("implicit_vr", [False, True])
@pytest.mark.parametrize("number", [1, 7, 8, 12, 1 << 16, (1 << 16) + 9, 3 << 16])
def test_nuls_to_the_end_of_the_data_set_are_padding(number: int, implicit_vr: bool) -> None:
    made = implicit(ROWS, b"\4\0") if implicit_vr else explicit(ROWS, "US", b"\4\0")

    assert walked(made + bytes(number), ROWS, implicit_vr=implicit_vr) == walked(
        made, ROWS, implicit_vr=implicit_vr
    )


def test_padding_is_read_in_little_memory() -> None:
    data = memoryview(bytes(16 << 20))
    tracemalloc.start()
    try:
        assert headers.is_padding(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_items_of_what_is_no_sequence_are_refused() -> None:
    element = walked(explicit(REQUESTS, "UN", b"garbage!"), REQUESTS).elements[REQUESTS]

    with pytest.raises(InstanceRejected, match="expected an item"):
        list(items(element))


def test_native_pixel_data_is_found_with_its_length() -> None:
    for tag in (PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA):
        pixel_data = walked(explicit(tag, "OW", bytes(6))).pixel_data
        assert pixel_data == PixelData(tag=tag, length=6, fragments=None)
    assert walked(implicit(PIXEL_DATA, bytes(4)), implicit_vr=True).pixel_data == PixelData(
        tag=PIXEL_DATA, length=4, fragments=None
    )
    assert walked(explicit(PIXEL_DATA, "OW")).pixel_data is None


@pytest.mark.parametrize(
    ("fragments", "count", "length"),
    [((), 0, 0), ((b"",), 0, 0), ((b"",) + (b"x" * 4,) * 3, 3, 12), ((bytes(8), b"xx"), 1, 2)],
)
def test_fragments_are_counted_without_the_offset_table(
    fragments: tuple[bytes, ...], count: int, length: int
) -> None:
    data = sequence(PIXEL_DATA, *map(item, fragments), vr="OB", undefined=True)

    assert walked(data).pixel_data == PixelData(tag=PIXEL_DATA, length=length, fragments=count)


def test_pixel_data_of_an_icon_and_private_fragments_are_not_the_pixel_data() -> None:
    icon = sequence(PIXEL_DATA, item(), item(b"xx"), vr="OB", undefined=True)
    private = sequence(PRIVATE, item(), item(b"xx"), vr="OB", undefined=True)

    assert walked(private + sequence(0x00880200, item(icon))).pixel_data is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x28\0", "found 2 bytes, expected an element header of 8"),
        (explicit(ROWS, "US", b"\4\0") + b"trailing", "without a VR, expected two capital letters"),
        (explicit(ROWS, "US", b"\4\0") + b"\xff", "found 1 bytes, expected an element header of 8"),
        (explicit(ROWS, "US", b"\4\0") + b"\xff" * 8, "without a VR, expected two capital letters"),
        (explicit(ROWS, "US", b"\4\0") + bytes(8) + b"x", "without a VR, expected two capital"),
        (explicit(ROWS, "US", b"\4\0") + bytes(70_000) + b"x", "without a VR, expected two"),
        (sequence(REQUESTS, item(bytes(8))), "without a VR, expected two capital letters"),
        (explicit(ROWS, "us", b"\4\0"), "(0028,0010) without a VR, expected two capital letters"),
        (explicit(PRIVATE, "UT")[:10], "in (0009,1001), expected a header of 12 bytes"),
        (explicit(ROWS, "US", b"\4\0", 4), "(0028,0010) declares 4 bytes, 2 are left"),
        (explicit(PRIVATE, "UT", b"", 0xFFFFFFF0), "declares 4294967280 bytes, 0 are left"),
        (explicit(0x00000000, "UL", bytes(4)), "(0000,0000), which cannot be in a data set"),
        (explicit(0x00020010, "UI", b"1.2."), "(0002,0010), which cannot be in a data set"),
        (item(), "(FFFE,E000), which cannot be in a data set"),
        (
            explicit(PRIVATE, "UT", b"", UNDEFINED),
            "with undefined length, which its VR does not allow",
        ),
        (sequence(REQUESTS, implicit(ITEM, b"", 8)), "an item declares 8 bytes, 0 are left"),
        (sequence(REQUESTS, implicit(ITEM, b"", 9), undefined=True), "9 bytes, 8 are left"),
        (sequence(REQUESTS, explicit(ROWS, "US")), "found (0028,0010), expected an item"),
        (sequence(REQUESTS, implicit(SEQUENCE_DELIMITATION)), "expected an item"),
        (sequence(REQUESTS, item(item())), "found (FFFE,E000), expected an element"),
        (sequence(REQUESTS, item(implicit(ITEM_DELIMITATION))), "expected an element"),
        (explicit(REQUESTS, "SQ", item(), UNDEFINED), "a sequence or item that does not end"),
        (
            explicit(REQUESTS, "SQ", implicit(ITEM, b"", UNDEFINED), UNDEFINED),
            "expected an element header of 8",
        ),
        (
            explicit(PIXEL_DATA, "OB", item(b"xx"), UNDEFINED),
            "a sequence or item that does not end",
        ),
        (explicit(PIXEL_DATA, "OB", implicit(ITEM, b"xx", 4), UNDEFINED), "does not fit"),
        (sequence(PIXEL_DATA, implicit(ITEM, b"", UNDEFINED), vr="OB", undefined=True), "not fit"),
        (sequence(PIXEL_DATA, explicit(ROWS, "US"), vr="OB", undefined=True), "does not fit"),
        (explicit(ROWS, "US", b"\4\0") * 2, "(0028,0010) twice"),
        (explicit(PIXEL_DATA, "OB", b"xx") * 2, "(7FE0,0010) twice"),
    ],
)
def test_whatever_does_not_add_up_is_refused(data: bytes, text: str) -> None:
    assert text in refusal(data, ROWS)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("vr", ["SQ", "UN", None])
def test_sequences_may_be_nested_but_not_without_end(vr: str | None, undefined: bool) -> None:
    implicit_vr = vr is None
    for depth in (1, 60, MAX_DEPTH):
        walked(nested(depth, vr=vr, undefined=undefined), implicit_vr=implicit_vr)
    if vr == "UN" and not undefined:  # a value of defined length and unknown VR is just bytes
        return
    for depth in (MAX_DEPTH + 1, 500, 5000):
        text = refusal(nested(depth, vr=vr, undefined=undefined), implicit_vr=implicit_vr)
        assert "nested deeper than 64" in text


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (explicit(PRIVATE, "US") * 5, 5),
        (sequence(REQUESTS, item(), item()), 3),
        (sequence(REQUESTS, item(explicit(PRIVATE, "US"), undefined=True), undefined=True), 5),
        (sequence(PIXEL_DATA, item(), item(b"xx"), vr="OB", undefined=True), 4),
    ],
)
def test_elements_items_and_fragments_are_limited(
    monkeypatch: pytest.MonkeyPatch, data: bytes, count: int
) -> None:
    monkeypatch.setattr(headers, "MAX_ELEMENTS", count)
    walked(data)
    monkeypatch.setattr(headers, "MAX_ELEMENTS", count - 1)
    assert f"more than {count - 1} elements and items" in refusal(data)


def test_several_data_sets_share_what_a_limit_has_left() -> None:
    limit = headers.ElementLimit(3, FailureReason.OUT_OF_RESOURCES)
    two = memoryview(explicit(PRIVATE, "US") * 2)
    walk(two, start=0, implicit_vr=False, wanted=(), limit=limit)
    for left in (1, 0, 0):
        with pytest.raises(InstanceRejected, match=f"more than {left} elements") as refused:
            walk(two, start=0, implicit_vr=False, wanted=(), limit=limit)
        assert refused.value.reason is FailureReason.OUT_OF_RESOURCES


@pytest.mark.parametrize(
    "data",
    [
        explicit(PIXEL_DATA, "OW", bytes(1000), 0xFFFFFFF0),
        explicit(PRIVATE, "UN", bytes(1000), 0xFFFFFFF0),
        explicit(REQUESTS, "SQ", bytes(1000), 0xFFFFFFF0),
        sequence(REQUESTS, implicit(ITEM, bytes(1000), 0xFFFFFFF0), undefined=True),
        sequence(PIXEL_DATA, implicit(ITEM, bytes(1000), 0xFFFFFFF0), vr="OB", undefined=True),
    ],
)
def test_nothing_is_allocated_because_a_length_says_so(data: bytes) -> None:
    refusal(data)  # whatever is made once, such as the frames of the stack, is made now
    tracemalloc.start()
    try:
        assert refusal(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "piece",
    [
        explicit(PRIVATE, "US"),
        explicit(PRIVATE, "OB", b"", 0),
        sequence(REQUESTS, item(), undefined=True),
        sequence(PRIVATE, item(b""), vr="OB", undefined=True),
        nested(MAX_DEPTH),
        nested(MAX_DEPTH, undefined=False),
        explicit(0x60000022, "LO"),
    ],
    ids=[
        "empty",
        "empty long",
        "sequences",
        "fragments",
        "nested",
        "nested with lengths",
        "overlays",
    ],
)
def test_time_is_linear_in_the_number_of_elements(piece: bytes) -> None:
    def act(size: int) -> Callable[[], object]:
        data = piece * (size // len(piece))
        return lambda: walked(data)

    assert growth(act, 1 << 17) < GENEROUS


def meta(*elements: bytes, group_length: int | None = None) -> bytes:
    group = b"".join(elements)
    declared = len(group) if group_length is None else group_length
    return explicit(0x00020000, "UL", declared.to_bytes(4, "little")) + group


def end_of_meta(data: bytes) -> int:
    return walk_file_meta(memoryview(data), start=0, wanted=[0x00020010])[1]


def test_the_file_meta_ends_at_the_first_other_group_whatever_its_group_length_says() -> None:
    elements = [
        explicit(0x00020001, "OB", b"\0\1"),
        explicit(0x00020010, "UI", b"1.2."),
        explicit(0x00020012, "UI", b"1.2.3."),
    ]
    right = meta(*elements)
    rest = explicit(0x00080016, "UI", b"1.2.")

    for group_length in (*range(len(right) + len(rest) + 8), 0xFFFFFFFF):
        wrong = meta(*elements, group_length=group_length)
        assert end_of_meta(wrong + rest) == len(right), group_length
    assert end_of_meta(b"".join(elements) + rest) == len(right) - 12


def test_the_file_meta_ends_where_its_group_length_says_if_no_element_follows() -> None:
    right = meta(explicit(0x00020010, "UI", b"1.2."))
    deflated = b"\2\0\xff\xff\0\0"  # an empty block, as a flushed stream begins

    assert end_of_meta(right + deflated) == len(right)


def test_a_group_length_of_another_length_is_not_looked_at() -> None:
    data = explicit(0x00020000, "US", b"\0\0") + explicit(0x00020010, "UI", b"1.2.")

    assert end_of_meta(data) == len(data)


def test_a_sequence_in_the_file_meta_is_refused() -> None:
    with pytest.raises(InstanceRejected, match="nested deeper than 0"):
        end_of_meta(sequence(0x00020100, item(), undefined=True))
