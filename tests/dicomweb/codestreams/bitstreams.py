"""Codestreams built byte by byte, and the files beside them."""

from pathlib import Path
from struct import pack

from dicomweb.codestreams import Codestream, ImagePixelDescription, describe

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.name for path in FILES.iterdir() if path.suffix not in ("", ".md"))


def file(name: str) -> bytes:
    return (FILES / name).read_bytes()


def described(content: bytes, media_type: str = "application/x-unnamed") -> Codestream:
    return describe(media_type, memoryview(content))


def image(content: bytes) -> ImagePixelDescription:
    found = described(content).image
    assert found is not None
    return found


def segment(marker: int, payload: bytes) -> bytes:
    return pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg(
    *before_scan: bytes,
    process: int = 0xC0,
    bits: int = 8,
    size: tuple[int, int] = (3, 5),
    components: bytes = b"\1\x11\0",
    predictor: int = 1,
) -> bytes:
    frame = pack(">BHHB", bits, *size, len(components) // 3) + components
    ids = b"".join(bytes((number, 0)) for number in components[::3])
    scan = bytes((len(ids) // 2,)) + ids + bytes((predictor, 0, 0))
    headers = b"".join(before_scan) + segment(process, frame) + segment(0xDA, scan)
    return b"\xff\xd8" + headers + b"\x12\x34\xff\xd9"


def jpeg_2000(
    *more: bytes,
    rsiz: int = 0,
    area: tuple[int, int, int, int] = (7, 5, 0, 0),
    tiles: tuple[int, int, int, int] = (64, 64, 0, 0),
    components: bytes = b"\7\1\1",
    cod: bytes = bytes((0, 2, 0, 1, 0, 1, 4, 4, 0, 1)),
) -> bytes:
    siz = pack(">H8IH", rsiz, *area, *tiles, len(components) // 3) + components
    headers = segment(0x51, siz) + segment(0x52, cod) + b"".join(more)
    return b"\xff\x4f" + headers + b"\xff\x90\0\x0a"


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return pack(">I4s", 8 + len(content), kind) + content


class BitWriter:
    """Writes what a parameter set holds, as the reader under test reads it."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, count: int, value: int) -> "BitWriter":
        self.bits += f"{value:0{count}b}"
        return self

    def ue(self, *values: int) -> "BitWriter":
        for value in values:
            code = f"{value + 1:b}"
            self.bits += "0" * (len(code) - 1) + code
        return self

    def se(self, *values: int) -> "BitWriter":
        return self.ue(*(2 * value - 1 if value > 0 else -2 * value for value in values))

    def bytes(self) -> bytes:
        padded = self.bits + "1" + "0" * (-(len(self.bits) + 1) % 8)
        raw = int(padded, 2).to_bytes(len(padded) // 8, "big")
        escaped = bytearray()
        for byte in raw:
            if escaped[-2:] == b"\0\0" and byte <= 3:
                escaped.append(3)
            escaped.append(byte)
        return bytes(escaped)
