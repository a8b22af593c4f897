"""Requests of metadata and bulk data, made from data sets by others than the code under test.

pydicom writes the JSON, DCMTK's dcm2xml the XML, and compressed frames are taken apart by pydicom.
"""

import json
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree
from pydicom import dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from tests.builders import BOUNDARY, multipart, part

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
PIXEL_DATA = 0x7FE00010
XML, JSON = "application/dicom+xml", "application/dicom+json"

_MEDIA_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""PS3.18 Table 8.7.3-5."""


def content_type(media_type: str, boundary: str = BOUNDARY) -> str:
    return f'multipart/related; type="{media_type}"; boundary={boundary}'


def metadata(model: object, media_type: str = JSON) -> bytes:
    """Return a part of metadata: JSON of a list or an object, or text as it stands."""
    text = model if isinstance(model, str) else json.dumps(model)
    return part(text.encode(), Content_Type=media_type)


def bulk(content: bytes, location: str, media_type: str = "application/octet-stream") -> bytes:
    return part(content, Content_Type=media_type, Content_Location=location)


class Split:
    """The bulk data of one instance, as parts, in the order in which it is split off."""

    def __init__(self, data_set: Dataset, transfer_syntax_uid: str) -> None:
        self.syntax = UID(transfer_syntax_uid)
        self.frames = int(data_set.get("NumberOfFrames") or 1)
        self.parts: list[bytes] = []

    def element(self, element: DataElement | RawDataElement) -> str:
        """Add the parts of an element, and return the URI that they have."""
        uri = f"bulk/{len(self.parts)}"
        value = element.value or b""
        assert isinstance(value, bytes)
        if element.tag == PIXEL_DATA and self.syntax.is_compressed:
            frames = generate_frames(value, number_of_frames=self.frames)
            media_type = f"{_MEDIA_TYPES[self.syntax]}; transfer-syntax={self.syntax}"
            self.parts += [bulk(frame, uri, media_type) for frame in frames]
        else:
            self.parts.append(bulk(value, uri))
        return uri


def as_json(data_set: Dataset, transfer_syntax_uid: str) -> tuple[object, list[bytes]]:
    """Return pydicom's JSON of a data set, and its bulk data."""
    split = Split(data_set, transfer_syntax_uid)
    with warnings.catch_warnings(action="ignore"):
        model = data_set.to_json_dict(0, split.element)
    return model, split.parts


def dcm2xml(path: Path) -> bytes:
    """Return the document that DCMTK writes of a file."""
    program = shutil.which("dcm2xml")
    assert program, "dcm2xml of DCMTK is needed for this test: apt-get install dcmtk"
    written = subprocess.run([program, "-nat", "+Xn", path], capture_output=True, check=True)
    return written.stdout


def as_xml(path: Path, transfer_syntax_uid: str) -> tuple[str, list[bytes]]:
    """Return dcm2xml's document of a file, with URIs for its UUIDs, and its bulk data."""
    with warnings.catch_warnings(action="ignore"):
        data_set = dcmread(path)
        split = Split(data_set, transfer_syntax_uid)
        root = etree.fromstring(dcm2xml(path))
        for holder, attribute in _attributes(root, data_set):
            reference = attribute.find(f"{NATIVE}BulkData")
            if reference is not None:
                del reference.attrib["uuid"]
                reference.set("uri", split.element(holder.get_item(_tag(holder, attribute))))
    return etree.tostring(root, encoding="unicode"), split.parts


def _attributes(
    model: etree._Element, data_set: Dataset
) -> Iterator[tuple[Dataset, etree._Element]]:
    for attribute in model.findall(f"{NATIVE}DicomAttribute"):
        yield data_set, attribute
        for number, item in enumerate(attribute.findall(f"{NATIVE}Item")):
            yield from _attributes(item, data_set[_tag(data_set, attribute)].value[number])


def _tag(data_set: Dataset, attribute: etree._Element) -> int:
    tag = int(attribute.attrib["tag"], 16)
    creator = attribute.get("privateCreator")
    if creator is None:
        return tag
    return data_set.private_block(tag >> 16, creator).get_tag(tag & 0xFF)


def post(
    running: "RunningService", media_type: str, *parts: bytes, path: str = "/studies"
) -> "Answer":
    """Send parts of metadata of this media type, and of bulk data."""
    return running.post(multipart(*parts), path, content_type(media_type))
