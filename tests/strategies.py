"""What property tests draw from: text, payloads, data sets."""

from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

BOUNDARY = "b0undary"

look_alikes = st.sampled_from(
    [
        b"--",
        b"\r\n",
        b"\r\n\r\n",
        b"\r\n--b0undar",
        b"\r\n--b0undaryx",
        b"\r\n--b0undary x\r\n",
        b"--b0undary\r\n",
        b"--b0undary--",
        b"\n--b0undary--\n",
        b"\r",
        b"\n",
        b" ",
        b"\t",
        b"\0",
    ]
)
"""What a parser that looks for less than a whole delimiter line takes for one."""

fragments = st.one_of(look_alikes, st.binary(max_size=8), st.just(b"\r\n--b0undary\r\n"))
soups = st.lists(fragments, max_size=24).map(b"".join)
"""Bytes made of pieces of a multipart payload in any order."""


def _holds_no_delimiter(content: bytes) -> bool:
    framed = b"\r\n" + content + b"\r\n"
    ends = (b"\r\n", b" ", b"\t", b"--")
    return not any(b"\r\n--" + BOUNDARY.encode() + end in framed for end in ends)


contents = st.lists(st.one_of(look_alikes, st.binary(max_size=16)), max_size=12).map(b"".join)
part_contents = contents.filter(_holds_no_delimiter)
"""What a sender may put into a part: anything without a delimiter line (RFC 2046 5.1.1)."""

header_text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)
media_type_soup = st.lists(
    st.one_of(
        st.sampled_from(
            [*'/;,="\\* \t\r\n', "q=", "0.5", "type=", "boundary=", "application/dicom", "+json"]
        ),
        st.sampled_from(["multipart/related", "application/dicom+xml", "*/*", "application/*"]),
        st.text(max_size=3),
    ),
    max_size=20,
).map("".join)

_SHORT_TEXT = st.text("ABC xyz", max_size=8)
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "AE": st.text("ABC", max_size=16),
    "AS": st.just("012Y"),
    "AT": st.integers(0, 0xFFFFFFFF).map(Tag),
    "CS": st.text("ABC_1", max_size=16),
    "DA": st.just("20260102"),
    "DS": st.just("1.5"),
    "DT": st.just("20260102101112"),
    "FD": st.floats(allow_nan=False),
    "FL": st.floats(width=32, allow_nan=False),
    "IS": st.integers(-(2**31), 2**31 - 1),
    "LO": st.text("ABC xyz", max_size=64),
    "LT": _SHORT_TEXT,
    "OB": st.binary(max_size=40),
    "OD": st.binary(max_size=5).map(lambda value: value * 8),
    "OF": st.binary(max_size=5).map(lambda value: value * 4),
    "OL": st.binary(max_size=5).map(lambda value: value * 4),
    "OV": st.binary(max_size=5).map(lambda value: value * 8),
    "OW": st.binary(max_size=5).map(lambda value: value * 2),
    "PN": st.text("ABC ^", max_size=8),
    "SH": st.text("ABC", max_size=16),
    "SL": st.integers(-(2**31), 2**31 - 1),
    "SS": st.integers(-(2**15), 2**15 - 1),
    "ST": _SHORT_TEXT,
    "SV": st.integers(-(2**63), 2**63 - 1),
    "TM": st.just("101112"),
    "UC": _SHORT_TEXT,
    "UI": st.just("1.2.3.4"),
    "UL": st.integers(0, 2**32 - 1),
    "UN": st.binary(max_size=40),
    "UR": st.just("http://127.0.0.1/x"),
    "US": st.integers(0, 2**16 - 1),
    "UT": st.text("ABC\r\n", max_size=80),
    "UV": st.integers(0, 2**64 - 1),
}
VALUE_REPRESENTATIONS = frozenset(_VALUES) | {"SQ"}

# Public tags are of a group that the data dictionary does not know: in implicit VR, where the
# dictionary gives the VR, any value can then stand there.
_tags = st.one_of(
    st.integers(0, 0xFFFF).map(lambda number: 0x0F0E0000 | number),
    st.integers(0x1000, 0x10FF).map(lambda number: 0x00090000 | number),
)
_elements = st.sampled_from(sorted(_VALUES)).flatmap(
    lambda vr: st.tuples(_tags, st.just(vr), _VALUES[vr])
)


def _data_set(elements: list[tuple[int, str, object]]) -> Dataset:
    made = Dataset()
    for tag, vr, value in elements:
        made[tag] = DataElement(tag, vr, value)
    return made


def _with_sequences(children: st.SearchStrategy[Dataset]) -> st.SearchStrategy[Dataset]:
    return st.builds(_nest, children, st.lists(children, max_size=3), _tags, st.booleans())


def _nest(data_set: Dataset, items: list[Dataset], tag: int, undefined: bool) -> Dataset:
    made = _data_set([(element.tag, element.VR, element.value) for element in data_set])
    made[tag] = DataElement(tag, "SQ", Sequence(items))
    made[tag].is_undefined_length = undefined
    for item in items:
        item.is_undefined_length_sequence_item = undefined
    return made


data_sets = st.recursive(
    st.lists(_elements, max_size=8).map(_data_set), _with_sequences, max_leaves=8
)
"""Data sets of all VRs, private and unknown elements, sequences of both kinds of length."""


def written(data_set: Dataset, *, implicit_vr: bool) -> bytes:
    """Write a data set with pydicom, in Little Endian."""
    stream = DicomBytesIO()
    stream.is_implicit_VR = implicit_vr
    stream.is_little_endian = True
    write_dataset(stream, data_set)
    return stream.getvalue()
