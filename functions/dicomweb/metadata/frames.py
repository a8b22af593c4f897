"""Describe the frames of pixel data: how many, when they are shown, and lossy compression.

Number of Frames, frame times and the Lossy Image Compression attributes are added if the metadata
lacks them. If the bits contradict the number of frames or the absence of loss, it is refused.
"""

from collections.abc import Sequence

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from dicomweb.codestreams import Cine, Codestream
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.datasets import put, sent
from dicomweb.metadata.metadata import NotUnderstood
from dicomweb.metadata.numbers import integer
from dicomweb.reasons import FailureReason

_LOSSY = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)

_NUMBER_OF_FRAMES = "NumberOfFrames"
_MAX_IS = 2**31 - 1
_BITS_A_BYTE = 8


def describe_frames(data_set: Dataset, streams: Sequence[Codestream]) -> None:
    """Add how many frames there are and, of a video or an animation, when each is shown.

    Raises InstanceRejected (A900) if the metadata has another number of frames.
    """
    frames = sum(stream.cine.number_of_frames if stream.cine else 1 for stream in streams)
    set_number_of_frames(data_set, frames)
    cine = streams[0].cine
    if cine and len(streams) == 1 and "FrameIncrementPointer" not in data_set:
        _set_frame_times(data_set, cine)


def set_number_of_frames(data_set: Dataset, frames: int) -> None:
    """Add Number of Frames (0028,0008) if there are several; raises InstanceRejected (A900)."""
    said = sent(data_set, _NUMBER_OF_FRAMES).get(_NUMBER_OF_FRAMES)
    if said is None and frames > 1:
        put(data_set, _NUMBER_OF_FRAMES, frames)
    elif said is not None and _number_of_frames(said) != frames:
        raise mismatch(f"found {frames} frames of pixel data, expected as many as Number of Frames")


def _number_of_frames(said: object) -> int | None:
    """Return the number in an IS, or None if there is none."""
    try:
        return integer(1, _MAX_IS, said)
    except NotUnderstood:
        return None


def _set_frame_times(data_set: Dataset, cine: Cine) -> None:
    """Set when each frame is to be shown (PS3.3 C.7.6.5, C.7.6.6)."""
    if cine.frame_time_vector:
        put(data_set, "FrameTimeVector", [f"{time:.8g}" for time in cine.frame_time_vector])
        put(data_set, "FrameIncrementPointer", tag_for_keyword("FrameTimeVector"))
    elif cine.frame_time:
        put(data_set, "FrameTime", f"{cine.frame_time:.8g}")
        put(data_set, "FrameIncrementPointer", tag_for_keyword("FrameTime"))
        if "CineRate" not in data_set:
            put(data_set, "CineRate", cine.cine_rate)


def set_lossy(data_set: Dataset, method: str, compressed: int) -> None:
    """Set that the image was lossily compressed, how and how much (PS3.3 C.7.6.1.1.5)."""
    said = sent(data_set, *_LOSSY)
    if said.get("LossyImageCompression") == "00":
        raise mismatch(
            "found lossily compressed pixel data with Lossy Image Compression 00, expected 01"
        )
    frames = _number_of_frames(data_set.get(_NUMBER_OF_FRAMES)) or 1
    samples = data_set.Rows * data_set.Columns * data_set.SamplesPerPixel
    bits = samples * data_set.BitsAllocated * frames
    found = ("01", f"{bits / _BITS_A_BYTE / compressed:.2f}", method)
    for keyword, value in zip(_LOSSY, found, strict=True):
        if keyword not in said:
            put(data_set, keyword, value)


def mismatch(text: str) -> InstanceRejected:
    """Return the refusal (A900) of metadata that contradicts its pixel data."""
    return InstanceRejected(FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, text)
