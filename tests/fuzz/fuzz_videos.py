"""Any video is described or refused: MPEG-2 in its streams, H.264 and H.265 in MP4."""

from tests.dicomweb.codestreams.bitstreams import NAMES, box, file
from tests.dicomweb.codestreams.test_mpeg2 import elementary, pes, program, transport
from tests.dicomweb.codestreams.videos import FTYP, Avc, Hevc, Track
from tests.fuzz import fuzz_images
from tests.fuzz.mutations import change_bytes

_VIDEOS = (".mp4", ".mov", ".m1v", ".m2v", ".mpg", ".vob", ".ts", ".h264")

SEEDS = (
    *(file(name) for name in NAMES if name.endswith(_VIDEOS)),
    elementary(),
    program(pes(elementary())),
    transport((0x101, True, pes(elementary())[:180])),
    FTYP + box(b"moov", Avc(matrix=True, order=1).track()),
    FTYP + box(b"moov", Hevc(layers=1).track()),
    FTYP + box(b"moov", Track().box()),
)
mutation = change_bytes
target = fuzz_images.target
