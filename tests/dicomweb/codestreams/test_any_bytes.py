"""Whatever the bytes, they are described or refused, and nothing else, in bounded time."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.codestreams import MEDIA_TYPES, Codestream, describe
from dicomweb.errors import InstanceRejected
from tests.dicomweb.codestreams.bitstreams import NAMES, box, file, jpeg, jpeg_2000
from tests.dicomweb.codestreams.test_mpeg2 import elementary, pes, program, transport
from tests.dicomweb.codestreams.test_rendered import BLUE, GREEN, RED, gif, png
from tests.dicomweb.codestreams.test_rle import rle
from tests.dicomweb.codestreams.videos import FTYP, Avc, Hevc, Track

GOOD = [
    *(file(name) for name in NAMES),
    jpeg(),
    jpeg_2000(),
    rle(64, 70, 80),
    elementary(),
    program(pes(elementary())),
    transport((0x101, True, pes(elementary())[:180])),
    png(8, 3, b"\0"),
    png(16, 0, b"\0\1"),
    gif(RED, GREEN, BLUE, duration=[10, 20, 30]),
    FTYP + box(b"moov", Avc(matrix=True, order=1).track()),
    FTYP + box(b"moov", Hevc(layers=1).track()),
]
BEGINNINGS = sorted({content[:size] for content in GOOD for size in (2, 4, 8, 12, 32)})
MEGABYTES = 4_700_000


def outcome(content: bytes, media_type: str = "image/jpeg") -> Codestream | InstanceRejected:
    try:
        return describe(media_type, memoryview(content))
    except InstanceRejected as refusal:
        return refusal


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=400), st.sampled_from(sorted(MEDIA_TYPES)))
def test_any_bytes_are_described_or_refused(beginning: bytes, rest: bytes, media_type: str) -> None:
    assert isinstance(outcome(beginning + rest, media_type), Codestream | InstanceRejected)


@given(st.sampled_from(GOOD), st.data())
def test_any_changes_of_a_good_one_are_described_or_refused(
    good: bytes, data: st.DataObject
) -> None:
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.integers(0, 4))
        content[start:end] = data.draw(st.binary(max_size=4))

    assert isinstance(outcome(bytes(content)), Codestream | InstanceRejected)


@pytest.mark.parametrize("good", GOOD)
def test_every_beginning_of_a_good_one_is_described_or_refused(good: bytes) -> None:
    for size in {*range(min(len(good), 800)), *range(0, len(good), 97)}:
        assert isinstance(outcome(good[:size]), Codestream | InstanceRejected)


@pytest.mark.parametrize(
    "content",
    [
        bytes(MEGABYTES),
        b"\xff\xd8" + b"\xff" * MEGABYTES,
        b"\xff\xd8" + b"\xff\xd0" * (MEGABYTES // 2),
        b"\xff\xd8" + b"\xff\xe1\0\2" * (MEGABYTES // 4),
        b"\xff\x4f\xff\x51\0\2" + b"\xff\x64\0\2" * (MEGABYTES // 4),
        FTYP + box(b"free") * (MEGABYTES // 8),
        FTYP + box(b"moov", Track().box()[:-1] * (MEGABYTES // len(Track().box()))),
        elementary(pictures=b"\3" * (MEGABYTES // 23)),
        program(pes(b"\0") * (MEGABYTES // 10)),
        transport((0x101, True, pes(elementary()))) * (MEGABYTES // 188),
        png(8, 0, b"\1")[:-12] + bytes(MEGABYTES),
    ],
    ids=range(11),
)
def test_as_much_as_a_request_can_hold_takes_a_few_seconds_at_most(content: bytes) -> None:
    start = process_time()

    outcome(content)

    assert process_time() - start < 5
