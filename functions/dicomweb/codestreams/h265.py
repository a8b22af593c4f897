"""HEVC: ITU-T H.265 (ISO/IEC 23008-2), as an MP4 file holds it (ISO/IEC 14496-15).

The configuration record has arrays of parameter sets; the first sequence parameter set says
everything. PS3.5 8.2.10 and 8.2.11 allow the profiles Main and Main 10, up to level 5.1, in the
Main tier.
"""

from collections.abc import Iterator

from pydicom.uid import HEVCM10P51, HEVCMP51

from dicomweb.codestreams.bits import Bits
from dicomweb.codestreams.codestream import Cine, Codestream
from dicomweb.codestreams.fields import field, unreadable, unsigned, unsupported
from dicomweb.codestreams.video import CodedVideoSequence, no_transfer_syntax, video

_TRANSFER_SYNTAXES = {1: HEVCMP51, 2: HEVCM10P51}
_LEVEL_5_1 = 153
_SEQUENCE_PARAMETER_SET = 33
_UNIT_HEADER = 2
_SUB_LAYERS = 8


def describe(content: memoryview, record: memoryview, cine: Cine) -> Codestream:
    """Describe a video whose sequence parameter sets are in ``record``, as `read_sequence` does."""
    sequence = read_sequence(record)
    return video(
        content,
        sequence,
        transfer_syntax_uid=_TRANSFER_SYNTAXES[sequence.profile],
        lossy_method="ISO_23008_2",
        cine=cine,
    )


def read_sequence(record: memoryview) -> CodedVideoSequence:
    """Read an HEVCDecoderConfigurationRecord (14496-15 8.3.3.1).

    Raises InstanceRejected: C122 if no transfer syntax has the profile or samples, C000 otherwise.
    """
    for kind, unit in _parameter_sets(record):
        if kind == _SEQUENCE_PARAMETER_SET:
            return _sequence(Bits(unit[_UNIT_HEADER:]))
    raise unreadable(
        "found no sequence parameter set in the H.265 configuration record, expected one"
    )


def _parameter_sets(record: memoryview) -> Iterator[tuple[int, memoryview]]:
    offset = 23
    for _ in range(unsigned(record, 22, 1)):
        kind, count = unsigned(record, offset, 1) & 0x3F, unsigned(record, offset + 1, 2)
        offset += 3
        for _ in range(count):
            length = unsigned(record, offset, 2)
            yield kind, field(record, offset + 2, length)
            offset += 2 + length


def _sequence(bits: Bits) -> CodedVideoSequence:
    """Read seq_parameter_set_rbsp (H.265 7.3.2.2.1) up to the bit depth."""
    bits.unsigned(4)
    sub_layers = bits.unsigned(3)
    bits.flag()
    profile, level = _profile_and_level(bits)
    _skip_sub_layers(bits, sub_layers)
    bits.golomb()
    if bits.golomb() != 1:
        raise unsupported("found H.265 samples that are not 4:2:0, expected 4:2:0")
    columns, rows = bits.golomb(), bits.golomb()
    left, right, top, bottom = (bits.golomb() for _ in range(4)) if bits.flag() else (0,) * 4
    return CodedVideoSequence(
        profile=profile,
        level=level,
        columns=columns - 2 * (left + right),
        rows=rows - 2 * (top + bottom),
        bits_stored=8 + max(bits.golomb(), bits.golomb()),
    )


def _profile_and_level(bits: Bits) -> tuple[int, int]:
    bits.unsigned(2)
    high_tier, profile = bits.flag(), bits.unsigned(5)
    bits.unsigned(32 + 48)
    level = bits.unsigned(8)
    if high_tier or profile not in _TRANSFER_SYNTAXES or level > _LEVEL_5_1:
        raise no_transfer_syntax("H.265", profile, level)
    return profile, level


def _skip_sub_layers(bits: Bits, count: int) -> None:
    if not count:
        return
    present = [(bits.flag(), bits.flag()) for _ in range(_SUB_LAYERS)][:count]
    for profile, level in present:
        bits.unsigned((88 if profile else 0) + (8 if level else 0))
