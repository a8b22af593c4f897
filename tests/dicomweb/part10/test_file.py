import tracemalloc
import zlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import FileMeta, inflate, is_file, read_file_meta, uid_text
from dicomweb.reasons import FailureReason
from tests import builders
from tests.encoded import explicit

MIB = 1 << 20


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def test_the_uids_of_the_file_meta_are_read_and_where_the_data_set_begins() -> None:
    content = builders.instance()

    file_meta = read_file_meta(memoryview(content))

    assert file_meta == FileMeta(
        media_storage_sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        media_storage_sop_instance_uid=builders.sop_uid(),
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        data_set_offset=content.index(b"\x08\0\x05\0CS"),
    )


def test_uids_that_are_absent_are_empty() -> None:
    content = bytes(128) + b"DICM" + explicit(0x00020001, "OB", b"\0\1")

    file_meta = read_file_meta(memoryview(content))

    assert file_meta == FileMeta(
        media_storage_sop_class_uid="",
        media_storage_sop_instance_uid="",
        transfer_syntax_uid="",
        data_set_offset=len(content),
    )


def test_the_preamble_is_not_looked_at() -> None:
    content = builders.instance()

    assert read_file_meta(memoryview(b"II*\0" + content[4:])) == read_file_meta(memoryview(content))


@pytest.mark.parametrize("content", [b"", bytes(132), b"DICM" + bytes(200), bytes(128) + b"DIC"])
def test_what_has_no_prefix_is_no_file(content: bytes) -> None:
    assert not is_file(memoryview(content))
    with pytest.raises(InstanceRejected, match="no DICM prefix") as refused:
        read_file_meta(memoryview(content))
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"1.2.3\0", "1.2.3"),
        (b"1.2.3 ", "1.2.3"),
        (b"1.2.34", "1.2.34"),
        (b"", ""),
        (b"1.2\xff", "1.2\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_uid_is_read_without_its_padding(value: bytes, text: str) -> None:
    assert uid_text(memoryview(value)) == text


@given(st.binary(max_size=2000))
def test_what_was_deflated_is_inflated(data: bytes) -> None:
    stream = deflated(data)
    assert inflate(memoryview(stream)) == data
    for number in (1, 2, 8, 700):
        assert inflate(memoryview(stream + bytes(number))) == data


def test_the_trailer_of_dicom3tools_is_taken_if_it_is_right() -> None:
    data = b"data set"
    trailer = pack("<II", zlib.crc32(data), len(data))

    assert inflate(memoryview(deflated(data) + trailer)) == data
    assert inflate(memoryview(deflated(data) + trailer + b"\0")) == data
    assert inflate(memoryview(deflated(data) + trailer + bytes(500))) == data
    for wrong in (trailer[:7], trailer[::-1], bytes(8) + trailer, b"\xff"):
        with pytest.raises(InstanceRejected, match="does not end where the part ends"):
            inflate(memoryview(deflated(data) + wrong))


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_stream_that_is_cut_off_is_refused(data: bytes, draw: st.DataObject) -> None:
    stream = deflated(data)
    length = draw.draw(st.integers(0, len(stream) - 1))
    with pytest.raises(InstanceRejected, match="the deflated data set") as refused:
        inflate(memoryview(stream[:length]))
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("stream", [b"\xff" * 20, zlib.compress(b"data set")])
def test_what_is_no_raw_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(InstanceRejected, match="the deflated data set") as refused:
        inflate(memoryview(stream))
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


def test_a_bomb_is_refused_and_takes_no_more_memory_than_the_bound() -> None:
    bomb = memoryview(deflated(bytes(64 * MIB)))
    tracemalloc.start()
    try:
        with pytest.raises(InstanceRejected, match="more than 1048576 bytes") as refused:
            inflate(bomb, max_bytes=MIB)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert refused.value.reason is FailureReason.OUT_OF_RESOURCES
    assert len(inflate(bomb)) == 64 * MIB


def test_as_many_bytes_as_the_bound_are_inflated() -> None:
    assert len(inflate(memoryview(deflated(bytes(1000))), max_bytes=1000)) == 1000
    with pytest.raises(InstanceRejected, match="more than 999 bytes"):
        inflate(memoryview(deflated(bytes(1000))), max_bytes=999)
