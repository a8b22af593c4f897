"""MPEG-4 AVC: ITU-T H.264 (ISO/IEC 14496-10), as an MP4 file holds it (ISO/IEC 14496-15).

The configuration record has the sequence parameter sets; the first one says everything. PS3.5
8.2.7 and 8.2.8 allow only the High profile, PS3.5 8.2.9 only Stereo High. Main and Baseline are
other profiles and are refused, even though a High decoder reads them too.

Up to level 4.1 a stream in one of the Blu-ray formats is called BD-compatible, as in dcm4chee.
At level 4.2 it is called 2D: the parameter set does not say whether views are packed in a frame.
"""

from pydicom.uid import MPEG4HP41, MPEG4HP41BD, MPEG4HP42STEREO, MPEG4HP422D

from dicomweb.codestreams.bits import Bits
from dicomweb.codestreams.codestream import Cine, Codestream
from dicomweb.codestreams.fields import field, unreadable, unsigned, unsupported
from dicomweb.codestreams.video import CodedVideoSequence, no_transfer_syntax, video

_HIGH, _STEREO_HIGH = 100, 128
_LEVEL_4_1, _LEVEL_4_2 = 41, 42
_BLU_RAY = {
    (1080, 1920, True): (25.0, 29.97),
    (1080, 1920, False): (23.976, 24.0),
    (720, 1280, False): (23.976, 24.0, 50.0, 59.94),
}
"""Frame rates by rows, columns and whether interlaced (PS3.5 8.2.7)."""

_RATE_TOLERANCE = 0.01
_MACROBLOCK = 16
_LISTS = (16,) * 6 + (64,) * 2
_MAX_CYCLE = 255


def describe(content: memoryview, record: memoryview, cine: Cine) -> Codestream:
    """Describe a video whose sequence parameter sets are in ``record``.

    Raises InstanceRejected as `read_sequence`, and C122 for a level without a transfer syntax.
    """
    sequence = read_sequence(record)
    return video(
        content,
        sequence,
        transfer_syntax_uid=_transfer_syntax(sequence, cine),
        lossy_method="ISO_14496_10",
        cine=cine,
    )


def read_sequence(record: memoryview) -> CodedVideoSequence:
    """Read an AVCDecoderConfigurationRecord (14496-15 5.3.3.1).

    Raises InstanceRejected: C122 if no transfer syntax has the profile or samples, C000 otherwise.
    """
    if not unsigned(record, 5, 1) & 0x1F:
        raise unreadable(
            "found no sequence parameter set in the H.264 configuration record, expected one"
        )
    return _sequence(Bits(field(record, 9, unsigned(record, 6, 2) - 1)))


def _transfer_syntax(sequence: CodedVideoSequence, cine: Cine) -> str:
    """Return the transfer syntax; raises InstanceRejected (C122) if there is none."""
    if sequence.profile == _STEREO_HIGH and sequence.level <= _LEVEL_4_2:
        return MPEG4HP42STEREO
    if sequence.profile != _HIGH or sequence.level > _LEVEL_4_2:
        raise no_transfer_syntax("H.264", sequence.profile, sequence.level)
    if sequence.level == _LEVEL_4_2:
        return MPEG4HP422D
    formats = _BLU_RAY.get((sequence.rows, sequence.columns, sequence.interlaced), ())
    blu_ray = cine.frame_time and any(
        abs(1000 / cine.frame_time - rate) < _RATE_TOLERANCE for rate in formats
    )
    return MPEG4HP41BD if blu_ray else MPEG4HP41


def _sequence(bits: Bits) -> CodedVideoSequence:
    """Read seq_parameter_set_data (H.264 7.3.2.1.1) up to the cropping."""
    profile, _, level = bits.unsigned(8), bits.unsigned(8), bits.unsigned(8)
    bits.golomb()
    if profile not in (_HIGH, _STEREO_HIGH):
        raise no_transfer_syntax("H.264", profile, level)
    if (bits.golomb(), bits.golomb(), bits.golomb()) != (1, 0, 0):
        raise unsupported("found H.264 samples that are not 4:2:0 with 8 bits, expected these")
    bits.flag()
    _skip_scaling_matrix(bits)
    bits.golomb()
    _skip_picture_order_count(bits)
    bits.golomb()
    bits.flag()
    columns, map_rows = bits.golomb() + 1, bits.golomb() + 1
    interlaced = not bits.flag()
    fields = 2 if interlaced else 1
    bits.unsigned(fields)
    left, right, top, bottom = (bits.golomb() for _ in range(4)) if bits.flag() else (0,) * 4
    return CodedVideoSequence(
        profile=profile,
        level=level,
        columns=_MACROBLOCK * columns - 2 * (left + right),
        rows=fields * (_MACROBLOCK * map_rows - 2 * (top + bottom)),
        interlaced=interlaced,
    )


def _skip_scaling_matrix(bits: Bits) -> None:
    if not bits.flag():
        return
    for size in _LISTS:
        following = 8 if bits.flag() else 0
        for _ in range(size):
            if following:
                following = (following + bits.signed_golomb()) % 256


def _skip_picture_order_count(bits: Bits) -> None:
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.flag()
        bits.golomb()
        bits.golomb()
        for _ in range(min(bits.golomb(), _MAX_CYCLE)):
            bits.golomb()
