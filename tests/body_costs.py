"""What bodies cost that are made to cost as much as they can: ``python -m tests.body_costs``.

Each body goes the way of a request, from its parts to its answer, except that an archive which
keeps nothing takes its instances. Prints for each kind the size of the body, the seconds of
processor time, and the memory that the process took in addition, as JSON.
"""

import ctypes
import gc
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from math import inf
from pathlib import Path
from struct import pack
from time import process_time
from typing import Any

from PIL import Image
from pydicom import Dataset

from archive.entries import Kept
from dicomweb.answer import response
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM, DICOM_JSON
from dicomweb.errors import MalformedRequest
from dicomweb.outcomes import Failed
from dicomweb.part10.file import PreamblePolicy, read_file_meta
from dicomweb.payloads import read_parts
from dicomweb.reasons import FailureReason
from tests.builders import BOUNDARY, data_set, multipart, part, part10
from tests.dicomweb.codestreams.bitstreams import box, jpeg
from tests.dicomweb.codestreams.test_mpeg2 import elementary, pes, program
from tests.dicomweb.codestreams.videos import FTYP
from tests.encoded import explicit, item, nested, sequence
from tests.yardstick import pace, unhindered
from transaction.intake import Intake

MB = 1_000_000
PRIVATE, PIXEL_DATA = "00091010", "7FE00010"
JPEG_BASELINE, DEFLATED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1.99"
OCTETS = "application/octet-stream"
REPORT = "1.2.840.10008.5.1.4.1.1.88.33"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

Model = dict[str, Any]
Body = tuple[str, bytes]
"""The media type of the parts, and the parts."""


def metadata(models: Iterable[Model], bulk: Mapping[str, tuple[str, bytes]]) -> Body:
    """Return a body of metadata, and of bulk data by location, with media type and content."""
    document = part(json.dumps(list(models)).encode(), Content_Type=DICOM_JSON)
    parts = (
        part(content, Content_Type=media_type, Content_Location=location)
        for location, (media_type, content) in bulk.items()
    )
    return DICOM_JSON, multipart(document, *parts)


def files(*contents: bytes) -> Body:
    return DICOM, multipart(*map(part, contents))


def model(number: int, **attributes: Model) -> Model:
    """Return an instance; attributes by tag, with a letter before it."""
    uids = {
        "00080016": CAPTURE,
        "00080018": f"1.2.3.4.{number}",
        "0020000D": "1.2.3",
        "0020000E": "1.2.3.5",
    }
    made = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}
    return {**made, **{tag.removeprefix("x"): value for tag, value in attributes.items()}}


def sharing(instances: int, vr: str, tag: str = PRIVATE) -> list[Model]:
    """Return instances that refer to the same bulk data."""
    reference = {"vr": vr, "BulkDataURI": "p"}
    return [model(number, **{f"x{tag}": reference}) for number in range(instances)]


def referring(uris: Iterable[str], vr: str = "OB", character_sets: str = "") -> list[Model]:
    """Return an instance with an attribute for each URI."""
    tags = (
        f"x{group:04X}{number:04X}" for group in range(9, 99, 2) for number in range(4096, 65536)
    )
    references = ({"vr": vr, "BulkDataURI": uri} for uri in uris)
    sets = {"vr": "CS", "Value": character_sets.split("\\")}
    return [model(1, x00080005=sets, **dict(zip(tags, references, strict=False)))]


def picture(media_type: str, content: bytes, instances: int = 1) -> Body:
    """Return instances that refer to the same picture."""
    return metadata(sharing(instances, "OB", PIXEL_DATA), {"p": (media_type, content)})


def png(*before: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    stream = BytesIO()
    Image.new("RGB", size).save(stream, "PNG")
    return stream.getvalue()[:33] + b"".join(before) + stream.getvalue()[33:]


def chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))


def gif(frames: int, size: tuple[int, int]) -> bytes:
    stream = BytesIO()
    images = [Image.new("RGB", size, (number, 0, 0)) for number in range(frames)]
    images[0].save(stream, "GIF", save_all=True, append_images=images[1:])
    return stream.getvalue()


def tiny_gif(frames: bytes, before: bytes = b"") -> bytes:
    """Return an image of one pixel, with blocks before it or frames of its size after it."""
    head = b"GIF89a\1\0\1\0\x80\0\0" + bytes(3) + b"\xff" * 3
    return head + before + FRAME + frames + b";"


def mp4(times: bytes) -> bytes:
    """Return a file with a time table that another says it is complete."""
    table = box(b"stbl", box(b"stts", bytes(4), pack(">I", len(times) // 8), times))
    media = box(b"mdhd", bytes(12), pack(">2I", 1000, 0)) + box(b"hdlr", bytes(8), b"vide")
    return FTYP + box(b"moov", box(b"trak", box(b"mdia", media, box(b"minf", table))))


def report(content: bytes, number: int = 1) -> bytes:
    """Return a file whose data set ends with ``content``."""
    return part10(_report(number)) + content


def deflated(content: bytes) -> bytes:
    """Return a file whose deflated data set ends with ``content``."""
    whole = part10(_report(1), DEFLATED)
    start = read_file_meta(memoryview(whole)).data_set_offset
    inflated = zlib.decompress(whole[start:], wbits=-zlib.MAX_WBITS)
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return whole[:start] + stream.compress(inflated + content) + stream.flush()


def _report(number: int) -> Dataset:
    without = dict.fromkeys(("PixelData", "Rows", "Columns", "BitsAllocated"))
    return data_set(1, 1, number, SOPClassUID=REPORT, **without)


def texts(value: bytes, number: int) -> bytes:
    """Return a file with a name in several character sets, which are declared again and again."""
    whole = report(b"", number)
    sets = explicit(0x00080005, "CS", b"\\ISO 2022 IR 100\\ISO 2022 IR 144" * 100)
    name = explicit(0x00100010, "PN", value)
    start, end = whole.index(b"\x08\0\x05\0CS"), whole.index(b"\x08\0\x16\0UI")
    name_start, name_end = whole.index(b"\x10\0\x10\0PN"), whole.index(b"\x10\0\x20\0LO")
    return whole[:start] + sets + whole[end:name_start] + name + whole[name_end:]


FRAME = b"\x2c" + bytes(4) + b"\1\0\1\0\0\2\2\x44\1\0"
ELEMENT = explicit(0x00211010, "LO")
FRAMES = {f"p/frames/{number}": ("image/jpeg", b"") for number in range(1, 3901)}
SEGMENTS = b"\xff\xd8" + b"\xff\xfe\0\2" * 9000 + jpeg()[2:]

BODIES: dict[str, Callable[[], Body]] = {
    "instances that share a number string": lambda: metadata(
        sharing(20, "DS"), {"p": (OCTETS, b"1\\" * (MB // 2))}
    ),
    "instances that share a text": lambda: metadata(sharing(20, "UT"), {"p": (OCTETS, b"a" * MB)}),
    "attributes that share a text of large letters": lambda: metadata(
        referring(["p"] * 17, vr="UT", character_sets="ISO_IR 192"),
        {"p": (OCTETS, "\N{GRINNING FACE}".encode() + b"a" * MB)},
    ),
    "attributes that share escapes": lambda: metadata(
        referring(["p"] * 60, vr="UT", character_sets="\\ISO 2022 IR 100\\ISO 2022 IR 144"),
        {"p": (OCTETS, b"\x1b-A\x1b-L" * 25_000)},
    ),
    "instances that share numbers": lambda: metadata(
        sharing(20, "US"), {"p": (OCTETS, b"\1\2" * (MB // 2))}
    ),
    "instances that share many texts": lambda: metadata(
        sharing(20, "UC"), {"p": (OCTETS, b"a\\" * (MB // 2))}
    ),
    "instances that share bytes": lambda: metadata(sharing(20, "OB"), {"p": (OCTETS, bytes(MB))}),
    "references to frames": lambda: metadata(referring(["p"] * 20_000), FRAMES),
    "instances that share frames": lambda: metadata(
        sharing(1000, "OB", PIXEL_DATA), dict.fromkeys(FRAMES, ("image/jpeg", b"\xff"))
    ),
    "a URI of blanks": lambda: metadata(referring([" " * MB]), {"q": (OCTETS, b"")}),
    "URIs of blanks": lambda: metadata(
        referring(f"{' ' * 2000}{number}" for number in range(500)), {"q": (OCTETS, b"")}
    ),
    "locations of blanks": lambda: metadata(
        [model(1)], {f"{' ' * 8000}{number}": (OCTETS, b"") for number in range(125)}
    ),
    "profiles in a PNG image": lambda: picture(
        "image/png", png(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(MB), 9)) * 900)
    ),
    "a large PNG image": lambda: picture("image/png", png(size=(2300, 2300))),
    "a PNG image that is shared": lambda: picture("image/png", png(size=(1000, 1000)), 500),
    "an animation": lambda: picture("image/gif", gif(200, (100, 100))),
    "an animation of tiny frames that is shared": lambda: picture(
        "image/gif", tiny_gif(FRAME * 1990), 3999
    ),
    "comments of a GIF image that is shared": lambda: picture(
        "image/gif", tiny_gif(b"", b"\x21\xfe\0" * (MB // 6)), 2000
    ),
    "empty chunks of a PNG image that is shared": lambda: picture(
        "image/png", png(chunk(b"IDAT", b"") * (MB // 24)), 2000
    ),
    "instances of nothing": lambda: metadata([{}] * 3999, {}),
    "number strings for real numbers": lambda: metadata(
        [model(1, x00091010={"vr": "FD", "Value": ["1.5"] * (MB // 8)})], {}
    ),
    "a long header that is shared": lambda: picture("image/jpeg", SEGMENTS, 300),
    "stuffing in a video": lambda: picture(
        "video/mpeg2", program(pes(elementary()), *[pes(b"\xff" * 60_000, header=b"")] * 17)
    ),
    "packets of nothing in a video": lambda: picture(
        "video/mpeg2", program(pes(elementary()), pes(b"") * (MB // 9))
    ),
    "a time table": lambda: picture("video/mp4", mp4(b"\xff" * MB)),
    "deflated zeros": lambda: files(*[deflated(explicit(0x00420011, "OB", bytes(20 * MB)))] * 9),
    "deflated elements": lambda: files(*[deflated(ELEMENT * 300_000)] * 9),
    "what follows a deflated data set": lambda: files(deflated(b"") + bytes(MB)),
    "empty elements": lambda: files(report(ELEMENT * (MB // 8))),
    "empty items": lambda: files(
        report(sequence(0x00400275, item(undefined=True) * (MB // 16), undefined=True))
    ),
    "deep sequences": lambda: files(
        report(sequence(0x00211010, item(nested(60)) * (MB // len(nested(60)))))
    ),
    "empty fragments": lambda: files(
        report(sequence(0x00211010, item() * (MB // 8), vr="OB", undefined=True))
    ),
    "padding": lambda: files(report(bytes(MB) + b"x")),
    "escapes in texts": lambda: files(*(texts(b"\x1b" * 4096, number) for number in range(100))),
    "what begins like a delimiter": lambda: (
        DICOM,
        multipart(part(b"\r\n--" + BOUNDARY.encode() + b"x") * (MB // 14)),
    ),
    "header fields": lambda: (
        DICOM,
        multipart(*[part(b"", **{f"X{n}": "a" for n in range(1000)})] * 100),
    ),
    "parts of nothing": lambda: (DICOM, multipart(*[b"\r\n"] * 4000)),
}


def serve(root_type: str, body: bytes) -> None:
    """Store the instances of a body in an archive that keeps nothing, and answer."""
    intake = Intake(
        keep=lambda instances: [Kept() for _ in instances],
        seconds_left=lambda: inf,
        profile=StorageProfile.ANY_STORAGE,
        preamble_policy=PreamblePolicy.KEEP,
        study_instance_uid=None,
        url="https://host/studies",
    )
    content_type = f'multipart/related; type="{root_type}"; boundary={BOUNDARY}'
    with suppress(MalformedRequest):
        receipt = intake.store(*read_parts(content_type, body))
        assert not any(
            isinstance(outcome, Failed) and outcome.reason == FailureReason.PROCESSING_FAILURE
            for outcome in receipt.outcomes
        )
        response.report(receipt.outcomes, DICOM_JSON, "https://host")


def memory(field: str) -> int:
    """Return a field of this process's status, in bytes."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024


def cost(root_type: str, body: bytes) -> dict[str, float]:
    """Return what serving a body costs, over the idle process and without the body itself."""
    before = pace()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    idle = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # sets the peak to what is used now
    start = process_time()
    serve(root_type, body)
    seconds, taken = process_time() - start, memory("VmHWM") - idle
    return {
        "bytes": len(body),
        "seconds": unhindered(seconds, before, pace()),
        "memory": taken,
    }


def main() -> None:
    """Print what each of the bodies costs, in a process that has imported what it needs."""
    serve(*picture("image/png", png()))
    serve(*picture("image/gif", gif(2, (8, 8))))
    json.dump({kind: cost(*body()) for kind, body in BODIES.items()}, sys.stdout)


if __name__ == "__main__":
    main()
