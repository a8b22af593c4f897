"""Instances, payloads and requests made for the tests, all of them synthetic.

UIDs are numbered: the same patient, study, series and number give the same instance, byte for
byte, and other numbers give another.
"""

from collections.abc import Mapping
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.20"
BOUNDARY = "b0undary"


def study_uid(study: int = 1) -> str:
    return f"{ROOT}.1.{study}"


def series_uid(study: int = 1, series: int = 1) -> str:
    return f"{ROOT}.2.{study}.{series}"


def sop_uid(study: int = 1, series: int = 1, number: int = 1) -> str:
    return f"{ROOT}.3.{study}.{series}.{number}"


def data_set(study: int = 1, series: int = 1, number: int = 1, **attributes: object) -> Dataset:
    """Return a small CT image; ``attributes`` by keyword replace its own, None removes one."""
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = sop_uid(study, series, number)
    image.StudyDate = "20260102"
    image.StudyTime = "101112"
    image.AccessionNumber = f"A{study}"
    image.Modality = "CT"
    image.ReferringPhysicianName = "Referrer^Rita"
    image.PatientName = f"Planted^Name{study}"
    image.PatientID = f"PLANTED{study}"
    image.PatientBirthDate = "19700101"
    image.PatientSex = "O"
    image.StudyInstanceUID = study_uid(study)
    image.SeriesInstanceUID = series_uid(study, series)
    image.StudyID = str(study)
    image.SeriesNumber = series
    image.InstanceNumber = number
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows = image.Columns = 4
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit = 15
    image.PixelRepresentation = 0
    image.PixelData = bytes(range(32))
    image["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    return image


def part10(
    image: Dataset,
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    *,
    file_meta: Mapping[str, object] | None = None,
) -> bytes:
    """Write a data set as a file of PS3.10; ``file_meta`` by keyword goes before its own."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(image.get("SOPClassUID", ""))
    meta.MediaStorageSOPInstanceUID = UID(image.get("SOPInstanceUID", ""))
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(f"{ROOT}.9")
    for keyword, value in (file_meta or {}).items():
        if value is None:
            delattr(meta, keyword)
        else:
            setattr(meta, keyword, value)
    image.file_meta = meta
    stream = BytesIO()
    dcmwrite(
        stream,
        image,
        enforce_file_format=False,
        implicit_vr=transfer_syntax_uid == ImplicitVRLittleEndian,
        little_endian=True,
    )
    written = stream.getvalue()
    return written if written[128:132] == b"DICM" else bytes(128) + b"DICM" + written


def instance(study: int = 1, series: int = 1, number: int = 1, **attributes: object) -> bytes:
    """Return a small CT image as a Part 10 file in Explicit VR Little Endian."""
    return part10(data_set(study, series, number, **attributes))


def part(content: bytes, **headers: str) -> bytes:
    """Return a body part; header fields by name with underscores for hyphens."""
    fields = {"Content_Type": "application/dicom"} | headers
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value]
    return "".join(lines).encode() + b"\r\n" + content


def multipart(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    """Join body parts into a multipart/related payload."""
    delimiter = b"--" + boundary.encode()
    return b"".join(delimiter + b"\r\n" + one + b"\r\n" for one in parts) + delimiter + b"--\r\n"


def content_type(boundary: str = BOUNDARY) -> str:
    """Return the Content-Type of a multipart payload of Part 10 files."""
    return f'multipart/related; type="application/dicom"; boundary={boundary}'
