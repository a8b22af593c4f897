"""Any stream is inflated and read, or is refused with a reason in ASCII.

An input that begins with an R is such a stream; any other is deflated first.
"""

import zlib
from collections.abc import Sequence

from tests import builders
from tests.fuzz import fuzz_instances, seeds
from tests.fuzz.mutate_elements import change_data_set, file_meta, read, write
from tests.fuzz.mutations import Chance, change_bytes

_DEFLATED = "1.2.840.10008.1.2.1.99"
_FILE = builders.part10(builders.data_set(PixelData=None), _DEFLATED)
_HEAD = _FILE.removesuffix(file_meta(_FILE)[1])
_DATA_SETS = tuple(file_meta(each)[1] for each in seeds.part10_files()[:12])


def _deflate(data: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(data) + deflating.flush()


SEEDS = (*_DATA_SETS, *(b"R" + _deflate(each) for each in _DATA_SETS))


def mutation(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change an element of the data set, or bytes of the stream."""
    if data.startswith(b"R"):
        return change_bytes(chance, data, others)
    elements, tail = read(data, implicit=False)
    return write(change_data_set(chance, elements)) + tail


def target(data: bytes) -> None:
    """Receive a deflated file."""
    stream = data[1:] if data.startswith(b"R") else _deflate(data)
    fuzz_instances.target(_HEAD + stream)
