"""MP4: ISO/IEC 14496-12 and -14, and QuickTime, which has the same boxes.

PS3.5 8.2.7 allows MP4 around H.264 and H.265. The movie box is read: the one video track, its
sample entry and its times. A file in fragments (14496-12 8.8) is refused, because it has the times
of its frames all over the file and nowhere says how many there are. Raw streams are refused too.
"""

from collections.abc import Callable, Mapping
from struct import iter_unpack

from dicomweb.codestreams import h264, h265
from dicomweb.codestreams.boxes import boxes, child
from dicomweb.codestreams.codestream import Cine, Codestream
from dicomweb.codestreams.fields import field, unreadable, unsigned, unsupported

_ENTRY_FIELDS = 78
"""The bytes of a VisualSampleEntry before its boxes (14496-12 12.1.3)."""

_MAX_IS = 2**31 - 1
"""Number of Frames is IS (PS3.5 6.2)."""

_CODINGS: Mapping[bytes, tuple[bytes, Callable[[memoryview, memoryview, Cine], Codestream]]] = {
    b"avc1": (b"avcC", h264.describe),
    b"avc3": (b"avcC", h264.describe),
    b"hvc1": (b"hvcC", h265.describe),
    b"hev1": (b"hvcC", h265.describe),
}


def describe(content: memoryview) -> Codestream:
    """Describe a video in an MP4 or QuickTime file.

    Raises InstanceRejected: C122 for other codings, profiles, levels, tracks and for fragments,
    C000 for bits that violate 14496-12.
    """
    movie = child(content, b"moov")
    if any(kind == b"mvex" for kind, _ in boxes(movie)):
        raise unsupported(
            "found a fragmented MP4 file, which does not state its number of frames, expected one"
            " without fragments"
        )
    media = _video_track(movie)
    cine = _cine(media)
    kind, entry = _sample_entry(child(media, b"minf", b"stbl", b"stsd"))
    if kind not in _CODINGS:
        raise unsupported(
            "found a video in MP4 that is neither H.264 nor H.265, expected one of these"
        )
    box, describe_coding = _CODINGS[kind]
    return describe_coding(content, child(entry[_ENTRY_FIELDS:], box), cine)


def _video_track(movie: memoryview) -> memoryview:
    """Return the media box of the only video track; there may be sound and data tracks as well."""
    media = [child(track, b"mdia") for kind, track in boxes(movie) if kind == b"trak"]
    videos = [box for box in media if bytes(field(child(box, b"hdlr"), 8, 4)) == b"vide"]
    if len(videos) != 1:
        raise unsupported(f"found {len(videos)} video tracks, expected 1")
    return videos[0]


def _cine(media: memoryview) -> Cine:
    """Return the number of frames and their mean time (14496-12 8.4.2 and 8.6.1.2)."""
    header = child(media, b"mdhd")
    timescale = unsigned(header, 20 if unsigned(header, 0, 1) else 12, 4)
    table = child(media, b"minf", b"stbl", b"stts")
    runs = field(table, 8, 8 * unsigned(table, 4, 4))
    frames = sum(count for count, _ in iter_unpack(">II", runs))
    duration = sum(count * delta for count, delta in iter_unpack(">II", runs))
    if not (timescale and duration and frames <= _MAX_IS):
        raise unreadable("found an MP4 video track with too many frames, or frames without a time")
    frame_time = round(1000 * duration / timescale / frames, 6)
    return Cine(number_of_frames=frames, frame_time=frame_time)


def _sample_entry(descriptions: memoryview) -> tuple[bytes, memoryview]:
    entries = list(boxes(descriptions[8:]))
    if len(entries) != 1:
        raise unsupported(f"found {len(entries)} sample descriptions of the video, expected 1")
    return entries[0]
