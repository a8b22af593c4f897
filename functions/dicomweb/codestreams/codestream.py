"""What a codestream says about itself: the Image Pixel Description Macro and how it was coded.

PS3.18 Section 10.5.2 allows a sender to leave the attributes out; they are then filled in from
here. ``consistency`` compares those that a sender states.
"""

from dataclasses import dataclass, fields

from dicomweb.codestreams.fields import unsupported

MAX_US = 0xFFFF
"""Rows and Columns are US (PS3.5 6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePixelDescription:
    """The Image Pixel Description Macro (PS3.3 Table C.7-11c), a field for each attribute."""

    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int | None
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int

    def attributes(self) -> dict[str, int | str]:
        """Return the attributes by keyword, without those that must be absent."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {_keyword(name): value for name, value in values if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cine:
    """The frames of a multi-frame part, and their times in ms.

    If the times differ, ``frame_time_vector`` has an increment for each frame, of which the first
    is 0; otherwise ``frame_time`` applies to all frames (PS3.3 C.7.6.5).
    """

    number_of_frames: int
    frame_time: float | None = None
    frame_time_vector: tuple[float, ...] = ()

    @property
    def cine_rate(self) -> int | None:
        """Frames per second, rounded: Cine Rate (0018,0040) is IS, and 0 would mean nothing."""
        return max(1, round(1000 / self.frame_time)) if self.frame_time else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """What the bits of one part are.

    ``content`` is what to encapsulate, or native pixels if the transfer syntax says so.
    ``image`` is None for RLE, which states only its number of ``segments``, that is, Samples per
    Pixel times the bytes of a sample. ``silent`` has the keywords of those attributes of ``image``
    that the bits leave open; for these, the sender's values are used. ``lossy_method`` is the
    Lossy Image Compression Method (0028,2114), None if the compression is lossless.
    """

    transfer_syntax_uid: str
    content: memoryview
    image: ImagePixelDescription | None
    silent: frozenset[str] = frozenset()
    lossy_method: str | None = None
    cine: Cine | None = None
    segments: int | None = None


def image_pixel_description(
    *,
    rows: int,
    columns: int,
    photometric_interpretation: str,
    bits_stored: int,
    signed: bool = False,
) -> ImagePixelDescription:
    """Return the macro for whole bytes per sample; InstanceRejected (C122) if US is too small."""
    if not (0 < rows <= MAX_US and 0 < columns <= MAX_US):
        raise unsupported(
            f"found {rows} rows and {columns} columns, expected 1 to {MAX_US} of each"
        )
    mono = photometric_interpretation == "MONOCHROME2"
    return ImagePixelDescription(
        samples_per_pixel=1 if mono else 3,
        photometric_interpretation=photometric_interpretation,
        planar_configuration=None if mono else 0,
        rows=rows,
        columns=columns,
        bits_allocated=(bits_stored + 7) // 8 * 8,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1,
        pixel_representation=int(signed),
    )


def _keyword(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
