"""A video as DICOM describes it: PS3.5 Sections 8.2.5 to 8.2.11.

MPEG-2, H.264 and H.265 have this in common: profile and level give the transfer syntax, samples
are YBR_PARTIAL_420, and the whole stream with its container is one part.
"""

from dataclasses import dataclass

from dicomweb.codestreams.codestream import Cine, Codestream, image_pixel_description
from dicomweb.codestreams.fields import unsupported


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedVideoSequence:
    """What a sequence header or parameter set says about all pictures after it."""

    profile: int
    level: int
    rows: int
    columns: int
    bits_stored: int = 8
    interlaced: bool = False


def video(
    content: memoryview,
    sequence: CodedVideoSequence,
    *,
    transfer_syntax_uid: str,
    lossy_method: str,
    cine: Cine,
) -> Codestream:
    """Return the description of a video, whose whole ``content`` is kept, with its container."""
    return Codestream(
        transfer_syntax_uid=transfer_syntax_uid,
        content=content,
        image=image_pixel_description(
            rows=sequence.rows,
            columns=sequence.columns,
            photometric_interpretation="YBR_PARTIAL_420",
            bits_stored=sequence.bits_stored,
        ),
        silent=frozenset({"PlanarConfiguration"}),
        lossy_method=lossy_method,
        cine=cine,
    )


def no_transfer_syntax(coding: str, profile: int, level: int) -> Exception:
    """Return the refusal (C122) of a profile and level that DICOM has no transfer syntax for."""
    return unsupported(
        f"found {coding} profile {profile} level {level}, for which there is no transfer syntax"
    )
