"""Describe the service to a client that asks for it (PS3.18 8.9, Annex H).

``OPTIONS`` on the base describes all resources; on a resource, only that one.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from dicomweb.envelope import mediatypes
from dicomweb.envelope.mediatypes import DICOM, DICOM_JSON, DICOM_XML

WADL = "application/vnd.sun.wadl+xml"
JSON = "application/json"
_WADL_NAMESPACE = "http://wadl.dev.java.net/2009/02"
_MULTIPART_DICOM = f'multipart/related; type="{DICOM}"'
_REQUEST_TYPES = (
    *(f'multipart/related; type="{media_type}"' for media_type in (DICOM, DICOM_XML, DICOM_JSON)),
    DICOM,
)
_VARIABLE = re.compile(r"{(\w+)}")
_STUDY = "studies/{StudyInstanceUID}"
_SERIES = f"{_STUDY}/series/{{SeriesInstanceUID}}"
_INSTANCE = f"{_SERIES}/instances/{{SOPInstanceUID}}"

RETRIEVAL_STATUSES = (200, 303, 304, 400, 401, 403, 404, 406, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Method:
    id: str
    name: str = "GET"
    request_types: Sequence[str] = ()
    response_types: Sequence[str] = (DICOM_JSON,)
    statuses: Sequence[int] = RETRIEVAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    path: str
    methods: Sequence[_Method]


def _store(method_id: str) -> _Method:
    return _Method(
        id=method_id,
        name="POST",
        request_types=_REQUEST_TYPES,
        response_types=(DICOM_XML, DICOM_JSON),
        statuses=(200, 202, 400, 401, 403, 409, 503),
    )


def _retrieve(method_id: str, *response_types: str) -> _Method:
    return _Method(id=method_id, response_types=response_types)


_STORE = (
    _Resource(path="studies", methods=(_store("Store Instances"),)),
    _Resource(path=_STUDY, methods=(_store("Store Study Instances"),)),
)
_RETRIEVE = (
    _Resource(path=_STUDY, methods=(_retrieve("Retrieve Study", _MULTIPART_DICOM),)),
    _Resource(path=f"{_STUDY}/instances", methods=(_Method(id="Search For Study Instances"),)),
    _Resource(path=f"{_STUDY}/series", methods=(_Method(id="Search For Study Series"),)),
    _Resource(path=_SERIES, methods=(_retrieve("Retrieve Series", _MULTIPART_DICOM),)),
    _Resource(path=f"{_SERIES}/instances", methods=(_Method(id="Search For Series Instances"),)),
    _Resource(path=_INSTANCE, methods=(_retrieve("Retrieve Instance", DICOM, _MULTIPART_DICOM),)),
    _Resource(path=f"{_INSTANCE}/metadata", methods=(_Method(id="Retrieve Instance Metadata"),)),
)


def describe(
    resource: str, base_url: str, accept: str | None, *, retrieves: bool = False
) -> tuple[str, str]:
    """Return media type and text of the capabilities of ``resource``, a path below the base.

    ``""`` is the base and stands for all resources, of which some exist only if the service
    ``retrieves``. WADL is the default, JSON comes on request.
    """
    resources = [known for known in _resources(retrieves=retrieves) if resource in ("", known.path)]
    if mediatypes.negotiate(accept) == DICOM_JSON:
        return JSON, _json(resources, base_url)
    return WADL, _wadl(resources, base_url)


def methods(resource: str, *, retrieves: bool) -> list[str]:
    """Return the methods of ``resource`` beside OPTIONS; where there is GET, there is HEAD.

    A list cannot be asked for with HEAD.
    """
    names = [
        method.name
        for known in _resources(retrieves=retrieves)
        for method in known.methods
        if known.path == resource
    ]
    listed = resource.endswith(("/instances", "/series", "/metadata"))
    return [*names, "HEAD"] if "GET" in names and not listed else names


def _resources(*, retrieves: bool) -> list[_Resource]:
    """Return the resources, each once, with all of its methods."""
    found: dict[str, list[_Method]] = {}
    for known in (*_STORE, *(_RETRIEVE if retrieves else ())):
        found.setdefault(known.path, []).extend(known.methods)
    return [_Resource(path=path, methods=methods) for path, methods in found.items()]


def _wadl(resources: Sequence[_Resource], base_url: str) -> str:
    application = etree.Element("application", nsmap={None: _WADL_NAMESPACE})
    base = etree.SubElement(application, "resources", base=base_url)
    for known in resources:
        resource = etree.SubElement(base, "resource", path=known.path)
        for variable in _VARIABLE.findall(known.path):
            etree.SubElement(resource, "param", name=variable, style="template")
        for each in known.methods:
            _add_method(resource, each)
    return '<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(
        application, encoding="unicode"
    )


def _add_method(resource: etree._Element, known: _Method) -> None:
    method = etree.SubElement(resource, "method", name=known.name, id=known.id)
    request = etree.SubElement(method, "request")
    etree.SubElement(request, "param", name="Accept", style="header")
    for media_type in known.request_types:
        etree.SubElement(request, "representation", mediaType=media_type)
    response = etree.SubElement(
        method, "response", status=" ".join(str(status) for status in known.statuses)
    )
    for media_type in known.response_types:
        etree.SubElement(response, "representation", mediaType=media_type)


def _json(resources: Sequence[_Resource], base_url: str) -> str:
    return json.dumps(
        {
            "base": base_url,
            "resources": [
                {
                    "path": known.path,
                    "methods": [
                        {
                            "name": method.name,
                            "id": method.id,
                            "request": list(method.request_types),
                            "response": list(method.response_types),
                            "status": list(method.statuses),
                        }
                        for method in known.methods
                    ],
                }
                for known in resources
            ],
        }
    )
