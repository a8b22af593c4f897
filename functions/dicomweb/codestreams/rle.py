"""RLE: DICOM's own coding, PS3.5 Annex G.

A frame is a header of 64 bytes, little endian, with the number of segments and where each
begins, followed by the segments. It does not state rows, columns or samples, so these must be in
the metadata; only the number of segments can be compared with them (PS3.5 G.2).
"""

from itertools import pairwise
from struct import Struct

from pydicom.uid import RLELossless

from dicomweb.codestreams.codestream import Codestream
from dicomweb.codestreams.fields import field, unreadable

_HEADER = Struct("<16I")


def is_rle(content: memoryview) -> bool:
    """Tell whether this may be a header of 1 to 15 segments, of which the first follows it."""
    return bytes(content[1:8]) == b"\0\0\0\x40\0\0\0" and 0 < content[0] < _HEADER.size // 4


def describe(content: memoryview) -> Codestream:
    """Describe one frame; raises InstanceRejected (C000) if an offset is wrong."""
    count, *offsets = _HEADER.unpack(field(content, 0, _HEADER.size))
    starts = [*offsets[:count], len(content)]
    if any(end <= start for start, end in pairwise(starts)):
        raise unreadable("found RLE segments out of order, expected them in order up to the end")
    if any(offsets[count:]):
        raise unreadable(f"found more RLE offsets than segments, expected {count}")
    return Codestream(transfer_syntax_uid=RLELossless, content=content, image=None, segments=count)
