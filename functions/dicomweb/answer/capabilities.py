"""Describe the service to a client that asks for it (PS3.18 8.9, Annex H).

``OPTIONS`` on the base describes both resources; on a resource, only that one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from dicomweb.envelope import mediatypes
from dicomweb.envelope.mediatypes import DICOM, DICOM_JSON, DICOM_XML

WADL = "application/vnd.sun.wadl+xml"
JSON = "application/json"
_WADL_NAMESPACE = "http://wadl.dev.java.net/2009/02"
_REQUEST_TYPES = (
    *(f'multipart/related; type="{media_type}"' for media_type in (DICOM, DICOM_XML, DICOM_JSON)),
    DICOM,
)
_RESPONSE_TYPES = (DICOM_XML, DICOM_JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    path: str
    method_id: str
    statuses: Sequence[int] = (200, 202, 400, 401, 403, 409, 503)


_RESOURCES = (
    _Resource(path="studies", method_id="Store Instances"),
    _Resource(path="studies/{StudyInstanceUID}", method_id="Store Study Instances"),
)


def describe(resource: str, base_url: str, accept: str | None) -> tuple[str, str]:
    """Return media type and text of the capabilities of ``resource``, a path below the base.

    ``""`` is the base and stands for all resources. WADL is the default, JSON comes on request.
    """
    resources = [known for known in _RESOURCES if resource in ("", known.path)]
    if mediatypes.negotiate(accept) == DICOM_JSON:
        return JSON, _json(resources, base_url)
    return WADL, _wadl(resources, base_url)


def _wadl(resources: Sequence[_Resource], base_url: str) -> str:
    application = etree.Element("application", nsmap={None: _WADL_NAMESPACE})
    base = etree.SubElement(application, "resources", base=base_url)
    for known in resources:
        resource = etree.SubElement(base, "resource", path=known.path)
        if "{" in known.path:
            etree.SubElement(resource, "param", name="StudyInstanceUID", style="template")
        method = etree.SubElement(resource, "method", name="POST", id=known.method_id)
        request = etree.SubElement(method, "request")
        etree.SubElement(request, "param", name="Accept", style="header")
        for media_type in _REQUEST_TYPES:
            etree.SubElement(request, "representation", mediaType=media_type)
        response = etree.SubElement(
            method, "response", status=" ".join(str(status) for status in known.statuses)
        )
        for media_type in _RESPONSE_TYPES:
            etree.SubElement(response, "representation", mediaType=media_type)
    return '<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(
        application, encoding="unicode"
    )


def _json(resources: Sequence[_Resource], base_url: str) -> str:
    return json.dumps(
        {
            "base": base_url,
            "resources": [
                {
                    "path": known.path,
                    "methods": [
                        {
                            "name": "POST",
                            "id": known.method_id,
                            "request": list(_REQUEST_TYPES),
                            "response": list(_RESPONSE_TYPES),
                            "status": list(known.statuses),
                        }
                    ],
                }
                for known in resources
            ],
        }
    )
