"""Puts a FHIR R4 ImagingStudy for a study that is complete.

It is a conditional update (hl7.org/fhir/R4/http.html#cond-update) by the Study Instance UID: an
event that comes twice, and a study to which more came later, lead to one resource.
"""

import json
import os
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SECONDS = 20


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    """Take one ``Study Quiet``; it comes again after an answer of 400 or more."""
    detail = event["detail"]
    identifier = quote(f"urn:dicom:uid|urn:oid:{detail['studyInstanceUID']}", safe="")
    headers = {"Content-Type": "application/fhir+json"}
    if token := os.environ.get("FHIR_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = Request(  # noqa: S310  the operator's URL
        f"{os.environ['FHIR_URL'].rstrip('/')}/ImagingStudy?identifier={identifier}",
        json.dumps(imaging_study(detail)).encode(),
        headers,
        method="PUT",
    )
    urlopen(request, timeout=_SECONDS).close()  # noqa: S310  the same


def imaging_study(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the resource (hl7.org/fhir/R4/imagingstudy.html)."""
    attributes = detail.get("attributes", {})
    series = detail.get("series", [])
    modalities = sorted({each["modality"] for each in series if "modality" in each})
    resource = {
        "resourceType": "ImagingStudy",
        "identifier": _identifiers(detail["studyInstanceUID"], attributes),
        "status": "available",
        "modality": [_coding(modality) for modality in modalities],
        "subject": _subject(attributes),
        "started": _date(attributes.get("StudyDate", "")),
        "description": attributes.get("StudyDescription"),
        "numberOfSeries": detail["numberOfSeries"],
        "numberOfInstances": detail["numberOfInstances"],
        # A series has to have a modality; OT is DICOM's code for another one.
        "series": [
            {
                "uid": each["seriesInstanceUID"],
                "modality": _coding(each.get("modality", "OT")),
                "numberOfInstances": each["numberOfInstances"],
            }
            for each in series
        ],
    }
    return {name: value for name, value in resource.items() if value not in (None, "", [])}


def _identifiers(study: str, attributes: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}]
    if number := attributes.get("AccessionNumber"):
        accession = {"coding": [{"system": _TYPES, "code": "ACSN"}]}
        found.append({"type": accession, "value": number})
    return found


def _subject(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a logical reference to the patient, which a resource has to have."""
    if patient := attributes.get("PatientID"):
        return {"type": "Patient", "identifier": {"value": patient}}
    return {"type": "Patient", "display": "unknown"}


def _coding(modality: str) -> dict[str, str]:
    return {"system": _DCM, "code": modality}


def _date(text: str) -> str:
    """Return a DICOM date as FHIR writes it. A time would need a time zone."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == len("20261128") else ""
