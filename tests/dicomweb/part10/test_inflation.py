import tracemalloc
import zlib
from collections.abc import Callable
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.errors import InstanceRejected
from dicomweb.part10 import inflation
from dicomweb.part10.inflation import Inflation
from dicomweb.reasons import FailureReason
from tests.processor_time import GENEROUS, growth

MIB = 1 << 20


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def inflate(stream: bytes, request: int = 0) -> memoryview:
    return Inflation(request).inflate(memoryview(stream))


@given(st.binary(max_size=2000))
def test_what_was_deflated_is_inflated(data: bytes) -> None:
    stream = deflated(data)
    assert inflate(stream) == data
    for number in (1, 2, 8, 700):
        assert inflate(stream + bytes(number)) == data


def test_the_trailer_of_dicom3tools_is_taken_if_it_is_right() -> None:
    data = b"data set"
    trailer = pack("<II", zlib.crc32(data), len(data))

    assert inflate(deflated(data) + trailer) == data
    assert inflate(deflated(data) + trailer + b"\0") == data
    assert inflate(deflated(data) + trailer + bytes(500)) == data
    for wrong in (trailer[:7], trailer[::-1], bytes(8) + trailer, b"\xff"):
        with pytest.raises(InstanceRejected, match="does not end where the part ends"):
            inflate(deflated(data) + wrong)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_stream_that_is_cut_off_is_refused(data: bytes, draw: st.DataObject) -> None:
    stream = deflated(data)
    length = draw.draw(st.integers(0, len(stream) - 1))
    with pytest.raises(InstanceRejected, match="the deflated data set") as refused:
        inflate(stream[:length])
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("stream", [b"\xff" * 20, zlib.compress(b"data set")])
def test_what_is_no_raw_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(InstanceRejected, match="the deflated data set") as refused:
        inflate(stream)
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("size", [1 << 18, 1 << 19, (1 << 19) - 1, (1 << 19) + 1])
def test_a_stream_that_fills_its_pieces_is_inflated_to_its_end(size: int) -> None:
    data = bytes(range(256)) * (size >> 8) + bytes(size & 0xFF)
    for level in (0, 1, 9):
        stream = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
        deflated = stream.compress(data) + stream.flush()
        assert inflate(deflated + bytes(3)) == data


def test_a_bomb_is_refused_and_takes_no_more_memory_than_the_bound() -> None:
    bomb = deflated(bytes(256 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(InstanceRejected, match="at most 33554432 for a request") as refused:
            inflate(bomb)
        # An eighth of what it may inflate to: threads of other tests may allocate as well.
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert refused.value.reason is FailureReason.OUT_OF_RESOURCES


def test_a_data_set_may_inflate_to_four_times_the_request_and_32_mib() -> None:
    assert len(inflate(deflated(bytes(32 * MIB)))) == 32 * MIB
    assert len(inflate(deflated(bytes(32 * MIB + 4)), 1)) == 32 * MIB + 4
    with pytest.raises(InstanceRejected, match=r"at most 33554436 for a request of this size\Z"):
        inflate(deflated(bytes(32 * MIB + 5)), 1)
    assert Inflation(1 << 40).most == inflation.MAX_INFLATED_BYTES


def test_the_parts_of_a_request_share_what_it_may_inflate_to() -> None:
    shared = Inflation(0)
    quarter = memoryview(deflated(bytes(32 * MIB)))
    for _ in range(4):
        shared.inflate(quarter)
    for _ in range(2):
        with pytest.raises(InstanceRejected, match="and 134217728 in the request"):
            shared.inflate(memoryview(deflated(b"1")))


def test_a_broken_stream_takes_of_it_too() -> None:
    shared = Inflation(0)
    with pytest.raises(InstanceRejected, match="the deflated data set"):
        shared.inflate(memoryview(deflated(bytes(16 * MIB))[:-4]))
    assert shared.left < 113 * MIB


def test_what_follows_the_stream_is_not_copied() -> None:
    content = memoryview(deflated(bytes(10)) + bytes(8 * MIB))
    tracemalloc.start()
    try:
        Inflation(len(content)).inflate(content)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        lambda size: deflated(b"") + bytes(size),
        lambda size: b"\0\0\0\xff\xff" * (size // 5) + deflated(b""),
        lambda size: deflated(bytes(range(256)) * (size // 256)),
    ],
    ids=["padding", "empty blocks", "data"],
)
def test_time_is_linear_in_the_size(content: Callable[[int], bytes]) -> None:
    def act(size: int) -> Callable[[], object]:
        stream = content(size)
        return lambda: inflate(stream, size)

    assert growth(act, 1 << 20) < GENEROUS
