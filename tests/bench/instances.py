"""The instances that are sent: synthetic, of the sizes the benchmark names, with UIDs to replace.

Every UID in a body has the same length, so a sender overwrites them in place and its own cost
stays small. Pixels are noise of 12 bits: nothing that compresses, or looks like a boundary.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from tests.builders import part10

ROOT = "1.2.826.0.1.3680043.8.498."
DIGITS = 26
STUDY, SERIES, SOP = (ROOT + digit * DIGITS for digit in "123")
BOUNDARY = "bench-7f3c1d5ae0b94c02"
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@dataclass(frozen=True, slots=True)
class Case:
    """``instances`` a request, each of ``rows`` by ``columns`` pixels of 16 bits."""

    name: str
    instances: int
    rows: int
    columns: int


CASES = {
    case.name: case
    for case in (
        Case("ct1", 1, 512, 512),
        Case("ct10", 10, 512, 512),
        Case("big1", 1, 2048, 1024),
        Case("tiny100", 100, 32, 32),
    )
}


def ct_image(rows: int, columns: int, *, private_elements: int = 0) -> bytes:
    """Return a CT with some 60 elements, and as many private ones as asked for."""
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 192"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, SOP
    image.StudyInstanceUID, image.SeriesInstanceUID = STUDY, SERIES
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(image, keyword, "20240131")
    for keyword in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(image, keyword, "101112.130000")
    image.AccessionNumber, image.StudyID = "ACC0001", "1"
    image.Modality, image.Manufacturer, image.ManufacturerModelName = "CT", "bench", "Model"
    image.InstitutionName, image.ReferringPhysicianName = "Hospital", "Ref^Phys"
    image.StationName, image.StudyDescription = "CT1", "CT THORAX"
    image.SeriesDescription, image.ProtocolName = "THORAX 1.0 B31f", "Thorax"
    image.PatientName, image.PatientID, image.PatientSex = "Load^Test", "LOAD0001", "O"
    image.PatientBirthDate, image.PatientAge, image.PatientPosition = "19700101", "054Y", "HFS"
    image.BodyPartExamined, image.SliceThickness, image.KVP = "CHEST", "1.0", "120"
    image.DataCollectionDiameter, image.ReconstructionDiameter = "500", "355"
    image.DistanceSourceToDetector, image.GantryDetectorTilt = "1040", "0"
    image.TableHeight, image.RotationDirection, image.ExposureTime = "150", "CW", "500"
    image.XRayTubeCurrent, image.Exposure, image.FilterType = "200", "100", "0"
    image.ConvolutionKernel, image.FrameOfReferenceUID = "B31f", ROOT + "4" * DIGITS
    image.SeriesNumber, image.AcquisitionNumber, image.InstanceNumber = "2", "1", "1"
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    image.SliceLocation, image.PositionReferenceIndicator = "0", ""
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns, image.PixelSpacing = rows, columns, [0.7, 0.7]
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation, image.RescaleIntercept, image.RescaleSlope = 0, "-1024", "1"
    image.WindowCenter, image.WindowWidth = "40", "400"
    image.PixelData = pixels(rows * columns)
    image["PixelData"].VR = "OW"
    for number in range(private_elements):
        image.add_new(0x00110000 + 2 * (number // 200) * 0x10000 + 0x1000 + number % 200, "LO", "V")
    return part10(image)


def pixels(number: int) -> bytes:
    noise = int.from_bytes(random.Random(1).randbytes(2 * number))
    mask = int.from_bytes(b"\xff\x0f" * number)
    return (noise & mask).to_bytes(2 * number)


class Body:
    """A multipart body of ``number`` times the ``instance`` of ``study``; UIDs can be replaced."""

    def __init__(self, instance: bytes, number: int) -> None:
        part = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self.content = bytearray(
            (part + instance + b"\r\n") * number + f"--{BOUNDARY}--\r\n".encode()
        )
        self._size = len(part) + len(instance) + 2
        self._number = number
        self.study = STUDY
        self._study = [offset + len(part) for offset in offsets(instance, STUDY)]
        self._series = [offset + len(part) for offset in offsets(instance, SERIES)]
        self._sop = [offset + len(part) for offset in offsets(instance, SOP)]

    def renew(self, uids: Iterator[str], study: str | None = None) -> Sequence[str]:
        """Give the body a new study or ``study``, new series and instances; return the latter."""
        self.study, series = study or next(uids), next(uids)
        sops = [next(uids) for _ in range(self._number)]
        for number, sop in enumerate(sops):
            base = number * self._size
            self._write(base, self._study, self.study)
            self._write(base, self._series, series)
            self._write(base, self._sop, sop)
        return sops

    def _write(self, base: int, places: Sequence[int], uid: str) -> None:
        for place in places:
            self.content[base + place : base + place + len(uid)] = uid.encode()


def offsets(content: bytes, uid: str) -> list[int]:
    found, position = [], content.find(uid.encode())
    while position >= 0:
        found.append(position)
        position = content.find(uid.encode(), position + 1)
    return found


def new_uids(seed: int) -> Iterator[str]:
    """Yield UIDs of the one length that nobody with another ``seed`` (to 10^12) yields."""
    for number in count():
        yield f"{ROOT}5{seed % 10**12:012d}{number:013d}"
