"""The facts of the conformance statement for programs: docs/conformance.json.

What the code knows is taken from the code. Words, and what only AWS or a parameter decides, are
taken from the tables of docs/conformance.md, which the tests compare with the code.
"""

import re
from typing import Any

from authorizer import tokens
from dicomweb import codestreams, returnattributes
from dicomweb.answer import capabilities
from dicomweb.conformance import StorageProfile
from dicomweb.envelope import mediatypes
from dicomweb.metadata import writer
from local import rest_api
from local.template import Template
from tests.statement import syntaxsets
from tests.statement.pages import ROOT, table

_VALUE = re.compile(r"\b(\d+)\b(?: ([A-Za-z]+))?")
_CODE = re.compile(r"`([^`]+)`")
_ISSUER = {"OidcIssuer": "https://issuer.example", "OidcAudience": "stowport"}
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def facts(page: str) -> dict[str, Any]:
    """Return what docs/conformance.json holds; ``page`` is the text of docs/conformance.md."""
    return {
        "$schema": "conformance.schema.json",
        "product": {
            "name": "Stowport",
            "implementationClassUID": writer.IMPLEMENTATION_CLASS_UID,
            "implementationVersionName": writer.IMPLEMENTATION_VERSION_NAME,
        },
        "editions": _editions(page),
        "services": [
            {"service": row[0], "role": row[1], "supported": row[2].startswith("yes")}
            for row in table(page, "Service", "Role")
        ],
        "resources": resources(),
        "requestFields": _fields(table(page, "Field or parameter", "Use"), "use"),
        "responseFields": _fields(table(page, "Field", "When"), "when"),
        "mediaTypes": _media_types(),
        "statuses": [
            {"status": int(row[0]), "when": _plain(row[1])} for row in table(page, "Status", "When")
        ],
        "retrievalStatuses": [
            {"status": int(row[0]), "when": _plain(row[1])}
            for row in table(page, "Status code", "Condition")
        ],
        "failureReasons": _reasons(table(page, "Reason", "Keyword", "When")),
        "warningReasons": _reasons(table(page, "Warning", "Keyword", "When")),
        "limits": [_limit(*row) for row in table(page, "Limit", "Value", "Beyond it")],
        "parameters": _parameters(page),
        "security": {
            "authentication": "RFC 6750 bearer token, JWT",
            "algorithms": sorted(tokens.ALGORITHMS),
        },
        "profiles": [
            {"profile": profile, "transferSyntaxSets": found}
            for profile, found in syntaxsets.sets().items()
        ],
        "sopClasses": [_sop_class(row) for row in syntaxsets.SOP_CLASSES],
        "transferSyntaxes": [
            {"uid": row["uid"], "name": row["name"]} for row in syntaxsets.TRANSFER_SYNTAXES
        ],
        "indexedAttributes": {
            level: [keyword for _, keyword, _ in known]
            for level, known in (
                ("study", returnattributes.STUDY),
                ("series", returnattributes.SERIES),
                ("instance", returnattributes.INSTANCE),
                ("requestAttributesSequence", returnattributes.REQUEST),
            )
        },
    }


def _editions(page: str) -> dict[str, str]:
    found = re.search(r"edition (\w+) of the standard, and (\w+) of PS3\.18", page)
    form = re.search(r"the form of PS3\.2 Annex N \(Supplement 209\), edition (\w+)", page)
    if not (found and form):
        raise ValueError("found no editions, expected those of the standard and of the template")
    return {"standard": found[1], "webServices": found[2], "template": form[1]}


_VARIABLES = {
    "{study}": "{StudyInstanceUID}",
    "{series}": "{SeriesInstanceUID}",
    "{instance}": "{SOPInstanceUID}",
    "{transaction}": "{TransactionUID}",
}


def _standard(resource: str) -> str:
    """Return the path of a resource with the standard's names for its variables."""
    for variable, attribute in _VARIABLES.items():
        resource = resource.replace(variable, attribute)
    return resource


def resources() -> list[dict[str, Any]]:
    """Return methods and paths of the API that the template describes."""
    routes = rest_api.read(Template(ROOT / "template.yaml", _ISSUER)).routes
    return [
        {
            "method": route.method,
            "path": _standard(route.resource),
            "token": route.authorizer is not None,
        }
        for route in sorted(routes, key=lambda route: (route.resource, route.method))
    ]


def _media_types() -> dict[str, Any]:
    whole = (mediatypes.DICOM, mediatypes.DICOM_XML, mediatypes.DICOM_JSON)
    return {
        "request": {
            "multipart": [f'{mediatypes.MULTIPART_RELATED}; type="{each}"' for each in whole],
            "single": list(whole),
        },
        "bulkData": sorted({mediatypes.OCTET_STREAM, *codestreams.MEDIA_TYPES}),
        "accept": dict(sorted(mediatypes.ALIASES.items())),
        "answer": {"default": mediatypes.negotiate(None), "all": sorted(whole[1:])},
        "capabilities": [capabilities.WADL, capabilities.JSON],
    }


def _fields(rows: list[list[str]], what: str) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "in": "query" if "(query)" in row[0] else "header",
            what: _plain(row[1]),
        }
        for row in rows
        for name in _CODE.findall(row[0])
    ]


def _reasons(rows: list[list[str]]) -> list[dict[str, str]]:
    return [{"code": row[0], "keyword": row[1], "when": _plain(row[2])} for row in rows]


def _limit(name: str, value: str, beyond: str) -> dict[str, Any]:
    """Return a row of the table of limits; what a colon or semicolon begins is left to the text."""
    found = _VALUE.findall(re.split("[:;]", value)[0])
    reason = re.search(r"with ([0-9A-F]{4})\b", beyond)
    return {
        "limit": name,
        "values": [
            {"value": int(number), "unit": unit if unit.endswith("s") else "count"}
            for number, unit in found
        ],
        "text": _plain(value),
        "parameters": _CODE.findall(value),
        "beyond": {
            "text": _plain(beyond),
            **({"status": int(beyond)} if beyond.isdecimal() else {}),
            **({"reason": reason[1]} if reason else {}),
        },
    }


def _parameters(page: str) -> list[dict[str, str]]:
    return [
        {"parameter": parameter, "default": row[2].strip("`")}
        for row in table(page, "Parameter", "Configurable")
        for parameter in _CODE.findall(row[0])
    ]


def _sop_class(row: dict[str, str]) -> dict[str, Any]:
    found = {profile: syntaxsets.set_of(profile, row) for profile in StorageProfile}
    return {
        "uid": row["uid"],
        "name": row["name"],
        "transferSyntaxSet": {profile: name for profile, name in found.items() if name},
    }


def _plain(text: str) -> str:
    """Return the text of a cell without links and marks of code."""
    return _LINK.sub(r"\1", text).replace("`", "")
