"""Answers of the service, read with parsers that are not its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse
from typing import Any
from xml.etree import ElementTree as ET

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"

Values = list[Any]
DataSet = dict[str, Values]
"""Values by tag; those of a sequence are data sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers["Content-Type"]

    @property
    def warnings(self) -> list[str]:
        return self.headers.get_all("Warning") or []

    @property
    def data_set(self) -> DataSet:
        if self.media_type == "application/dicom+json":
            return from_json(json.loads(self.body))
        assert self.media_type == "application/dicom+xml"
        return from_xml(ET.fromstring(self.body))

    @property
    def text(self) -> str:
        """What a refusal says in Text Value."""
        return str(self.data_set["0040A160"][0])

    @property
    def retrieve_url(self) -> Values:
        return self.data_set["00081190"]

    @property
    def stored(self) -> list[str]:
        """The SOP Instance UIDs in Referenced SOP Sequence."""
        items = self.data_set.get("00081199", [])
        return [item["00081155"][0] for item in items]

    @property
    def failed(self) -> list[tuple[str, int]]:
        """SOP Instance UID and Failure Reason of each item of Failed SOP Sequence."""
        items = self.data_set.get("00081198", [])
        return [(item["00081155"][0], int(item["00081197"][0])) for item in items]

    @property
    def other_failures(self) -> list[int]:
        """Failure Reason of each item of Other Failures Sequence, which names no instance."""
        items = self.data_set.get("0008119A", [])
        assert all(set(item) == {"00081197"} for item in items)
        return [int(item["00081197"][0]) for item in items]

    @property
    def sequences(self) -> set[str]:
        return set(self.data_set) & {"00081198", "00081199", "0008119A"}


def read(response: HTTPResponse) -> Answer:
    return Answer(status=response.status, headers=response.headers, body=response.read())


def from_json(model: Mapping[str, Mapping[str, Any]]) -> DataSet:
    return {
        tag: [
            from_json(value) if attribute["vr"] == "SQ" else value
            for value in attribute.get("Value", [])
        ]
        for tag, attribute in model.items()
    }


def from_xml(model: ET.Element) -> DataSet:
    data_set: DataSet = {}
    for attribute in model.findall(f"{NATIVE}DicomAttribute"):
        items = [from_xml(item) for item in attribute.findall(f"{NATIVE}Item")]
        values = [value.text for value in attribute.findall(f"{NATIVE}Value")]
        data_set[attribute.attrib["tag"]] = items or values
    return data_set
