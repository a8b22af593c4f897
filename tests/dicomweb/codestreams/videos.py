"""Parameter sets of H.264 and H.265, and an MP4 track around them, built field by field."""

from dataclasses import dataclass
from struct import pack

from tests.dicomweb.codestreams.bitstreams import BitWriter, box

FTYP = box(b"ftyp", b"isom\0\0\0\0")


@dataclass(frozen=True, kw_only=True)
class Avc:
    profile: int = 100
    level: int = 41
    chroma: int = 1
    depth: int = 0
    order: int = 2
    map_rows: int = 3
    macroblocks: int = 4
    interlaced: bool = False
    crop: tuple[int, ...] = ()
    matrix: bool = False

    def record(self) -> bytes:
        bits = BitWriter().u(8, self.profile).u(8, 0).u(8, self.level)
        bits.ue(0, self.chroma, self.depth, self.depth).u(1, 0).u(1, self.matrix)
        if self.matrix:
            bits.u(1, 1).se(2, *(0,) * 15)
            bits.u(1, 1).se(-8)
            bits.u(1, 1).se(127, 121)
            bits.u(5, 0)
        bits.ue(0, self.order)
        if self.order == 0:
            bits.ue(4)
        if self.order == 1:
            bits.u(1, 0).se(-1, 1).ue(2).se(3, -3)
        bits.ue(1).u(1, 0).ue(self.macroblocks - 1, self.map_rows - 1)
        bits.u(1, not self.interlaced).u(2 if self.interlaced else 1, 1)
        bits.u(1, bool(self.crop)).ue(*self.crop)
        unit = b"\x67" + bits.u(1, 0).bytes()
        return b"\1\x64\0\x29\xff\xe1" + pack(">H", len(unit)) + unit

    def track(self) -> bytes:
        return Track(record=self.record()).box()


@dataclass(frozen=True, kw_only=True)
class Hevc:
    tier: int = 0
    profile: int = 1
    level: int = 153
    chroma: int = 1
    layers: int = 0
    crop: tuple[int, ...] = ()
    depths: tuple[int, int] = (0, 0)

    def record(self) -> bytes:
        bits = BitWriter().u(4, 0).u(3, self.layers).u(1, 1)
        bits.u(2, 0).u(1, self.tier).u(5, self.profile).u(32, 0).u(48, 0).u(8, self.level)
        if self.layers:
            bits.u(2, 0b11).u(14, 0).u(88, 0).u(8, 90)
        bits.ue(0, self.chroma, 64, 48).u(1, bool(self.crop)).ue(*self.crop, *self.depths)
        unit = b"\x42\1" + bits.bytes()
        other = b"\x20\0\1\0\3\x40\1\1"
        return bytes(22) + b"\2" + other + b"\x21\0\1" + pack(">H", len(unit)) + unit

    def track(self) -> bytes:
        return Track(record=self.record(), coding=b"hev1", configuration=b"hvcC").box()


@dataclass(frozen=True, kw_only=True)
class Track:
    record: bytes = Avc().record()
    coding: bytes = b"avc1"
    configuration: bytes = b"avcC"
    handler: bytes = b"vide"
    frames: int = 50
    delta: int = 20
    timescale: int = 1000
    version: int = 0
    entries: int = 1

    def box(self) -> bytes:
        dates = bytes(19 if self.version else 11)
        header = bytes((self.version,)) + dates + pack(">II", self.timescale, 0)
        entry = box(self.coding, bytes(78), box(self.configuration, self.record))
        times = pack(">6I", 0, 2, self.frames - 1, self.delta, 1, self.delta)
        descriptions = box(b"stsd", bytes(8), entry * self.entries)
        table = box(b"stbl", descriptions, box(b"stts", times))
        kind = box(b"hdlr", bytes(8), self.handler)
        return box(b"trak", box(b"mdia", box(b"mdhd", header), kind, box(b"minf", table)))
