"""Synthetic CT images and the payloads that carry them: the same numbers give the same bytes."""

import json
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.7"
BOUNDARY = "stowport-example"

PERSONAL = {
    "PatientName": "Example^Erika",
    "PatientID": "EX-PATIENT-4711",
    "PatientBirthDate": "19640812",
    "ReferringPhysicianName": "Referrer^Example",
    "AccessionNumber": "EX-ACC-0815",
}
"""What must never be seen outside the archive, by keyword."""

_ROWS = _COLUMNS = 16


def study_instance_uid(study: int) -> str:
    """Return the UID of a study."""
    return f"{ROOT}.1.{study}"


def ct(study: int = 1, series: int = 1, number: int = 1, *, window_center: int = 40) -> bytes:
    """Return a CT image as a Part 10 file; its UIDs follow from the numbers alone."""
    return _part10(_image(study, series, number, window_center))


def metadata(study: int = 1, series: int = 1, number: int = 1) -> bytes:
    """Return the payload for a CT image as metadata in JSON and pixel data as bulk data."""
    image = _image(study, series, number, 40)
    model = image.to_json_dict(256, lambda _: "pixels")
    parts = (
        b"Content-Type: application/dicom+json\r\n\r\n" + json.dumps([model]).encode(),
        b"Content-Type: application/octet-stream\r\nContent-Location: pixels\r\n\r\n"
        + image.PixelData,
    )
    return b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts) + (
        b"--%s--\r\n" % BOUNDARY.encode()
    )


def _image(study: int, series: int, number: int, window_center: int) -> Dataset:
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 192"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = f"{ROOT}.3.{study}.{series}.{number}"
    image.StudyDate, image.StudyTime = "20260102", "101112"
    image.Modality = "CT"
    image.StudyInstanceUID = study_instance_uid(study)
    image.SeriesInstanceUID = f"{ROOT}.2.{study}.{series}"
    image.StudyID, image.SeriesNumber, image.InstanceNumber = str(study), series, number
    image.WindowCenter, image.WindowWidth = window_center, 400
    for keyword, value in PERSONAL.items():
        setattr(image, keyword, value)
    _add_pixels(image, number)
    return image


def _add_pixels(image: Dataset, number: int) -> None:
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = _ROWS, _COLUMNS
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0
    image.add_new("PixelData", "OW", bytes([number % 256, 0]) * (_ROWS * _COLUMNS))


def _part10(image: Dataset) -> bytes:
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Stated, or the version of pydicom would decide the bytes.
    image.file_meta.ImplementationClassUID = UID(f"{ROOT}.9")
    image.file_meta.ImplementationVersionName = "STOWPORT_EVENTS"
    stream = BytesIO()
    dcmwrite(stream, image, enforce_file_format=True)
    return stream.getvalue()


def multipart(*contents: bytes, media_type: str = "application/dicom") -> bytes:
    """Join the contents into a multipart/related payload (RFC 2387), a part each."""
    head = f"--{BOUNDARY}\r\nContent-Type: {media_type}\r\n\r\n".encode()
    parts = b"".join(head + content + b"\r\n" for content in contents)
    return parts + f"--{BOUNDARY}--\r\n".encode()
