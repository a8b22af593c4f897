"""Any image is described or refused, and unfolds to no more than its request may.

JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL, RLE, PNG and GIF; the bits decide which it is.
"""

from dicomweb.codestreams import Codestream, describe
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.budget import Budget, bytes_for
from tests.dicomweb.codestreams.bitstreams import NAMES, file, jpeg, jpeg_2000
from tests.dicomweb.codestreams.test_rendered import BLUE, GREEN, RED, gif, png
from tests.dicomweb.codestreams.test_rle import rle
from tests.fuzz.invariants import check_text
from tests.fuzz.mutations import change_bytes

_IMAGES = (".jpg", ".jls", ".jxl", ".j2k", ".jhc", ".jp2")

SEEDS = (
    *(file(name) for name in NAMES if name.endswith(_IMAGES)),
    jpeg(),
    jpeg_2000(),
    rle(64, 70, 80),
    png(8, 3, b"\0"),
    png(16, 0, b"\0\1"),
    gif(RED, GREEN, BLUE, duration=[10, 20, 30]),
)
mutation = change_bytes


def target(content: bytes) -> None:
    """Describe the bytes as one part of pixel data."""
    most = bytes_for(len(content))
    try:
        described = describe("image/jpeg", memoryview(content), take=Budget(most).take)
    except InstanceRejected as refusal:
        check_text(str(refusal))
    else:
        assert isinstance(described, Codestream)
        assert len(described.content) <= most
