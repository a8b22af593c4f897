"""Synthetic instances. Their attributes say that they are a test, and of no patient."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from math import isqrt

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

ROOT = "1.2.826.0.1.3680043.8.498.76653"
"""The UIDs of all runs begin with this, and go on with the time of the run."""

PATIENT_ID = "STOWPORT-SMOKE-TEST"

_SIDE = 16
_LARGE_SIDE = 3200


@dataclass(frozen=True)
class Study:
    """The study of one run; each number is an instance of its own."""

    instance_uid: str

    @classmethod
    def new(cls) -> "Study":
        """Return a study that no other run has."""
        chance = random.SystemRandom().randrange(1, 10**6)
        return cls(f"{ROOT}.{datetime.now(UTC):%Y%m%d%H%M%S}.{chance}")

    @property
    def another(self) -> str:
        """Return the UID of a study that is never stored."""
        return f"{self.instance_uid}.404"

    def sop_instance_uid(self, number: int) -> str:
        """Return the UID of an instance."""
        return f"{self.instance_uid}.1.{number}"

    def path(self, number: int) -> str:
        """Return the path of an instance below the base URL."""
        instance = self.sop_instance_uid(number)
        return f"/studies/{self.instance_uid}/series/{self.instance_uid}.1/instances/{instance}"

    def instance(self, number: int, *, pixel: int = 0) -> bytes:
        """Return a Part 10 file whose pixel data has all values of a byte, the first ``pixel``."""
        return _part10(self._image(number, bytes((pixel + n) % 256 for n in range(_SIDE * _SIDE))))

    def large(self, number: int, size: int) -> bytes:
        """Return a Part 10 file with pixel data of about ``size`` bytes, 10 MB at most."""
        side = min(max(isqrt(size), _SIDE), _LARGE_SIDE) // _SIDE * _SIDE
        return _part10(self._image(number, self._pixels[: side * side]))

    def metadata(self, number: int, boundary: str) -> bytes:
        """Return the payload of an instance as metadata in JSON with its pixel data beside it."""
        pixels = bytes(range(256))
        image = self._image(number, pixels)
        del image.PixelData
        model = {
            **image.to_json_dict(),
            "7FE00010": {"vr": "OW", "BulkDataURI": "pixels"},
        }
        head = (
            f"--{boundary}\r\nContent-Type: application/dicom+json\r\n\r\n{json.dumps([model])}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n"
            "Content-Location: pixels\r\n\r\n"
        )
        return head.encode() + pixels + f"\r\n--{boundary}--\r\n".encode()

    @cached_property
    def _pixels(self) -> bytes:
        return bytes(range(256)) * (_LARGE_SIDE * _LARGE_SIDE // 256)

    def _image(self, number: int, pixels: bytes) -> Dataset:
        image = Dataset()
        for keyword, value in self._attributes(number):
            setattr(image, keyword, value)
        side = int(len(pixels) ** 0.5)
        image.Rows = image.Columns = side
        image.BitsAllocated = image.BitsStored = 8
        image.HighBit, image.PixelRepresentation = 7, 0
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.add_new("PixelData", "OW", pixels)
        return image

    def _attributes(self, number: int) -> Iterator[tuple[str, object]]:
        yield "SOPClassUID", SecondaryCaptureImageStorage
        yield "SOPInstanceUID", self.sop_instance_uid(number)
        yield "StudyDate", "20260101"
        yield "StudyTime", "000000"
        yield "Modality", "OT"
        yield "ConversionType", "WSD"
        yield "StudyDescription", "stowport smoke: synthetic, of no patient"
        yield "PatientName", "Smoke^Test"
        yield "PatientID", PATIENT_ID
        yield "StudyInstanceUID", self.instance_uid
        yield "SeriesInstanceUID", f"{self.instance_uid}.1"
        yield "SeriesNumber", 1
        yield "InstanceNumber", number


def _part10(image: Dataset) -> bytes:
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = BytesIO()
    dcmwrite(stream, image, enforce_file_format=True)
    return stream.getvalue()
