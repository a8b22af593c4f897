"""PNG and GIF become pixels: every kind of PNG, animations, and what is too much."""

from io import BytesIO
from struct import pack
from zlib import compress, crc32

import pytest
from PIL import Image

from dicomweb.codestreams import Cine
from dicomweb.codestreams.gif import blocks
from dicomweb.codestreams.rendered import Limits, describe_gif, describe_png
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason
from tests.dicomweb.codestreams.bitstreams import described

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", crc32(kind + content))


def png(
    depth: int,
    colour_type: int,
    line: bytes,
    *more: bytes,
    size: tuple[int, int] = (1, 1),
) -> bytes:
    columns, rows = size
    header = pack(">IIBBBBB", columns, rows, depth, colour_type, 0, 0, 0)
    image = chunk(b"IHDR", header)
    palette = chunk(b"PLTE", bytes((*RED, *GREEN))) if colour_type == 3 else b""
    lines = chunk(b"IDAT", compress((b"\0" + line) * rows))
    return b"\x89PNG\r\n\x1a\n" + image + palette + b"".join(more) + lines + chunk(b"IEND", b"")


def gif(*colours: tuple[int, int, int], size: tuple[int, int] = (3, 2), **options: object) -> bytes:
    frames = [Image.new("RGB", size, colour) for colour in colours]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize(
    ("depth", "colour_type", "line", "pixels"),
    [
        (1, 0, b"\x80", b"\xff"),
        (2, 0, b"\x40", b"\x55"),
        (4, 0, b"\x10", b"\x11"),
        (8, 0, b"\x12", b"\x12"),
        (16, 0, b"\x12\x34", b"\x34\x12"),
        (8, 4, b"\x12\0", b"\x12"),
        (8, 2, b"\1\2\3", b"\1\2\3"),
        (8, 6, b"\1\2\3\0", b"\1\2\3"),
        (1, 3, b"\x80", bytes(GREEN)),
        (8, 3, b"\0", bytes(RED)),
    ],
)
def test_every_kind_of_png_becomes_pixels(
    depth: int, colour_type: int, line: bytes, pixels: bytes
) -> None:
    found = described(png(depth, colour_type, line))

    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert bytes(found.content) == pixels
    assert found.image is not None
    assert found.image.samples_per_pixel * found.image.bits_allocated // 8 == len(pixels)
    assert found.image.photometric_interpretation == ("MONOCHROME2" if len(pixels) < 3 else "RGB")
    assert (found.lossy_method, found.cine, found.silent) == (None, None, frozenset())


def test_rows_and_columns_are_in_their_order() -> None:
    found = described(png(8, 0, b"\1\2\3", size=(3, 2)))

    assert found.image is not None
    assert (found.image.rows, found.image.columns) == (2, 3)
    assert bytes(found.content) == b"\1\2\3\1\2\3"


@pytest.mark.parametrize(
    ("colour_type", "line", "transparency", "pixels"),
    [
        (0, b"\x12", b"\0\x12", b"\x12"),
        (2, b"\1\2\3", b"\0\1\0\2\0\3", b"\1\2\3"),
        (3, b"\1", b"\0\0", bytes(GREEN)),
        (3, b"\1", b"\x80\x40", bytes(GREEN)),
    ],
)
def test_transparency_is_discarded_and_what_is_under_it_stays(
    colour_type: int, line: bytes, transparency: bytes, pixels: bytes
) -> None:
    found = described(png(8, colour_type, line, chunk(b"tRNS", transparency)))

    assert bytes(found.content) == pixels


def test_a_gif_becomes_rgb() -> None:
    found = described(gif(RED))

    assert bytes(found.content) == bytes(RED) * 6
    assert (found.image is not None and found.image.rows, found.cine) == (2, None)


@pytest.mark.parametrize(
    ("duration", "cine"),
    [
        (70, Cine(number_of_frames=3, frame_time=70)),
        (0, Cine(number_of_frames=3)),
        ([50, 20, 90], Cine(number_of_frames=3, frame_time_vector=(0, 50, 20))),
    ],
)
def test_the_frames_of_an_animation_become_frames(duration: object, cine: Cine) -> None:
    found = described(gif(RED, GREEN, BLUE, duration=duration))

    assert bytes(found.content) == b"".join(bytes(colour) * 6 for colour in (RED, GREEN, BLUE))
    assert found.cine == cine


def test_an_animated_png_is_one_too() -> None:
    frames = [Image.new("RGB", (3, 2), colour) for colour in (RED, GREEN)]
    content = saved(frames[0], save_all=True, append_images=frames[1:], duration=40)

    found = described(content)

    assert bytes(found.content) == bytes(RED) * 6 + bytes(GREEN) * 6
    assert found.cine == Cine(number_of_frames=2, frame_time=40)


@pytest.mark.parametrize("colour_type", [2, 4, 6])
def test_16_bits_of_more_than_grey_are_refused_rather_than_halved(colour_type: int) -> None:
    with pytest.raises(InstanceRejected, match="16 bits") as refusal:
        described(png(16, colour_type, bytes(8)))

    assert refusal.value.reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


def test_what_unfolds_beyond_the_limits_is_out_of_resources() -> None:
    one = memoryview(png(8, 0, bytes(3), size=(3, 2)))
    three = memoryview(gif(RED, GREEN, BLUE))

    assert describe_png(one, Limits(pixels=6)).cine is None
    assert describe_gif(three, Limits(pixels=18, frames=3)).cine is not None
    for describe, content, limits in (
        (describe_png, one, Limits(pixels=5)),
        (describe_png, one, Limits(frames=0)),
        (describe_gif, three, Limits(pixels=17)),
        (describe_gif, three, Limits(frames=2)),
    ):
        with pytest.raises(InstanceRejected, match="too large when decoded") as refusal:
            describe(content, limits)
        assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES


@pytest.mark.parametrize("size", [(10_000, 10_000), (20_000, 20_000), (65_535, 65_535)])
def test_a_bomb_is_refused_before_it_unfolds(size: tuple[int, int]) -> None:
    content = png(1, 0, b"", size=size)[:-12]

    with pytest.raises(InstanceRejected, match="too large when decoded") as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.OUT_OF_RESOURCES


def test_a_frame_beyond_its_gif_is_not_understood() -> None:
    content = bytearray(gif(RED))
    content[6:10] = pack("<HH", 2, 2)

    with pytest.raises(InstanceRejected, match="larger than its image") as refusal:
        described(bytes(content))

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize(
    "content",
    [
        png(8, 0, b"\1")[:20],
        png(8, 0, b"\1")[:40],
        png(8, 0, b"\1").replace(b"IDAT", b"IDOT"),
        png(3, 0, b"\1"),
        png(8, 2, b"\1\2\3", chunk(b"tRNS", bytes(3))),
        gif(RED)[:-1],
        gif(RED)[:8],
        gif(RED)[:13] + b";",
    ],
)
def test_a_broken_image_is_not_understood(content: bytes) -> None:
    with pytest.raises(InstanceRejected) as refusal:
        described(content)

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


def test_a_padded_gif_is_read() -> None:
    assert bytes(described(gif(RED) + b"\0").content) == bytes(RED) * 6


def test_what_a_png_says_beside_its_pixels_is_not_read() -> None:
    profile = chunk(b"iCCP", b"a\0\0" + compress(bytes(1_000_000)))
    text = chunk(b"zTXt", b"a\0\0" + b"not compressed")
    content = png(8, 2, bytes((*RED, *GREEN)), size=(2, 1))
    around = content[:33] + profile * 100 + text + content[33:]

    assert described(around) == described(content)


def test_a_wide_image_is_converted_row_by_row() -> None:
    image = Image.new("P", (700, 800))
    image.putpalette((*RED, *GREEN))
    image.paste(1, (0, 400, 700, 800))

    found = described(saved(image))

    assert bytes(found.content) == bytes(RED) * 700 * 400 + bytes(GREEN) * 700 * 400


def test_an_animation_takes_what_pillow_holds_of_it_as_well() -> None:
    taken: list[int] = []
    content = gif(RED, GREEN, BLUE)
    described_gif = describe_gif(memoryview(content), Limits(take=taken.append))

    assert len(described_gif.content) == 3 * 18
    assert sum(taken[:-4]) == 256 * len(list(blocks(memoryview(content))))
    assert taken[-4:] == [18, 6 * 16, 8192 + 18, 8192 + 18]


def test_every_block_of_a_gif_image_takes_of_the_room_whatever_is_in_it() -> None:
    image, data = b"\x2c" + bytes(4) + b"\1\0\1\0", b"\2" + b"\2\x44\1" + b"\0"
    comment = b"\x21\xfe" + b"\1a\2bc" + b"\0"
    around = b"GIF89a\1\0\1\0\x80\0\0" + bytes(3) + b"\xff" * 3
    content = around + comment + b"?" + image + b"\0" + data + image + b"\x81" + bytes(12) + data
    taken: list[int] = []

    # A comment and its two sub-blocks, a byte that is nothing, two images with one each.
    assert [offset - len(around) for offset in blocks(memoryview(content + b";,"))] == [
        *(0, 2, 4),
        8,
        *(9, 20),
        *(24, 47),
    ]
    describe_gif(memoryview(content + b";"), Limits(take=taken.append))
    assert taken[:8] == [256] * 8


@pytest.mark.parametrize("size", range(len(gif(RED))))
def test_the_blocks_of_an_incomplete_gif_image_end_with_it(size: int) -> None:
    whole = list(blocks(memoryview(gif(RED))))

    assert list(blocks(memoryview(gif(RED)[:size]))) == [each for each in whole if each < size]


def test_a_chunk_of_a_png_image_takes_of_the_room_whatever_is_in_it() -> None:
    taken: list[int] = []
    describe_png(memoryview(png(8, 2, bytes(RED), size=(1, 1))), Limits(take=taken.append))

    assert taken == [256, 256, 256, 3]
