"""Retrieve an instance, or those of a series or a study, as they were sent (PS3.18 10.4)."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from itertools import islice

from archive.retrieval import Retrieval
from archive.storedinstances import StoredInstance
from dicomweb.answer.response import StoreResponse
from dicomweb.envelope.mediatypes import DICOM_JSON
from dicomweb.retrieval import acceptable, body
from dicomweb.retrieval.acceptable import Form
from dicomweb.retrieval.body import Part
from dicomweb.retrieval.refusals import NotAcceptable, Unknown
from retrieve import audit
from retrieve.settings import Settings
from transaction.gateway import StoreRequest

_REVALIDATE = "private, no-cache"
_NOT_KEPT = "no-store"
"""The URL that a redirect leads to expires."""

_MOST_URLS = 15_000
"""More than an answer holds instances, so that those that it lists are all that need be known."""


def retrieve_instance(
    request: StoreRequest, retrieval: Retrieval, chosen: Settings
) -> StoreResponse:
    """Return one instance: redirect to its bytes, or wrap them as the only part of a body.

    Raises Unknown and NotAcceptable, and errors of ``archive.retrieval``.
    """
    stored = _find(request, retrieval)
    form = _form(request, stored)
    fields = _fields(request, stored, form)
    if _is_known(request.headers.get("if-none-match"), stored.sha256):
        return _without_body(HTTPStatus.NOT_MODIFIED, stored.media_type, fields)
    if form is Form.SINGLE_PART:
        audit.write(request, [stored], retrieval, chosen)
        fields |= {
            "Location": retrieval.presign(stored, request.method),
            "Repr-Digest": _digest(bytes.fromhex(stored.sha256)),
            "Cache-Control": _NOT_KEPT,
        }
        return _without_body(HTTPStatus.SEE_OTHER, stored.media_type, fields)
    return _wrapped(request, retrieval, chosen, [stored], fields)


def retrieve_instances(
    request: StoreRequest, retrieval: Retrieval, chosen: Settings
) -> StoreResponse:
    """Return the instances of a series or study in one body, or the list of their URLs with 406.

    Raises Unknown, and errors of ``archive.retrieval``.
    """
    in_path = request.in_path
    found = list(
        islice(retrieval.instances(in_path["study"], in_path.get("series", "")), _MOST_URLS)
    )
    if not found:
        raise Unknown("found no stored instance in the study or series of the URL")
    accept = request.headers.get("accept")
    syntaxes = {stored.transfer_syntax_uid for stored in found}
    if not body.fits([stored.size for stored in found]):
        return _listed(request, found, "the instances do not fit into one answer")
    try:
        offered = acceptable.forms(accept, request.accept_parameter, syntaxes)
    except NotAcceptable as refusal:
        return _listed(request, found, str(refusal))
    if Form.MULTIPART not in offered or not acceptable.bytes_arrive(accept):
        return _listed(request, found, _EXPECTED_FIRST)
    fields = {"Content-Location": _url(request), "Vary": "Accept", "Cache-Control": _REVALIDATE}
    return _wrapped(request, retrieval, chosen, found, fields)


def retrieve_metadata(
    request: StoreRequest, retrieval: Retrieval, chosen: Settings
) -> StoreResponse:
    """Return the attributes of an instance; its bulk data is at the URL of the instance.

    Raises Unknown and NotAcceptable, and errors of ``archive.retrieval``.
    """
    acceptable.check_json(request.headers.get("accept"), request.accept_parameter)
    stored = _find(request, retrieval)
    fields = {
        "ETag": f'W/"{stored.sha256}"',
        "Content-Location": _url(request),
        "Vary": "Accept",
        "Cache-Control": _REVALIDATE,
    }
    if _is_known(request.headers.get("if-none-match"), stored.sha256):
        return _without_body(HTTPStatus.NOT_MODIFIED, DICOM_JSON, fields)
    # Its import takes longer than everything else here.
    from dicomweb.retrieval import metadata  # noqa: PLC0415 - only this needs pydicom

    base_url = chosen.retrieve_base_url or request.base_url
    audit.write(request, [stored], retrieval, chosen)
    text = metadata.encode(
        partial(retrieval.read_range, stored),
        stored.size,
        stored.transfer_syntax_uid,
        f"{base_url}{stored.path}",
    )
    return StoreResponse(status=HTTPStatus.OK, media_type=DICOM_JSON, body=text, headers=fields)


def _find(request: StoreRequest, retrieval: Retrieval) -> StoredInstance:
    in_path = request.in_path
    stored = retrieval.find(in_path["study"], in_path["series"], in_path["instance"])
    if stored is None:
        raise Unknown("found no stored instance with the UIDs of the URL")
    return stored


_EXPECTED_FIRST = (
    'expected multipart/related; type="application/dicom" as the first media type in Accept,'
    " because the gateway passes on a body of several instances only then"
)


def _form(request: StoreRequest, stored: StoredInstance) -> Form:
    """Return the form that is best for the client and that can be returned."""
    accept = request.headers.get("accept")
    forms = acceptable.forms(accept, request.accept_parameter, {stored.transfer_syntax_uid})
    fits, arrives = body.fits([stored.size]), acceptable.bytes_arrive(accept)
    for form in forms:
        if form is Form.SINGLE_PART or (fits and arrives):
            return form
    if fits:
        raise NotAcceptable(_EXPECTED_FIRST)
    raise NotAcceptable(
        f"found an instance of {stored.size} bytes, and a multipart answer holds about"
        f" {body.MAX_BODY_BYTES}: ask with Accept: application/dicom, and follow the redirect"
    )


def _fields(request: StoreRequest, stored: StoredInstance, form: Form) -> dict[str, str]:
    """Return the fields of every answer about an instance.

    The tag of the wrapped instance is weak, because it is not the tag of these bytes (RFC 9110
    8.8.3); both are equal to it if they are compared as If-None-Match compares.
    """
    weak = "W/" if form is Form.MULTIPART else ""
    return {
        "ETag": f'{weak}"{stored.sha256}"',
        "Content-Location": f"{request.base_url}{stored.path}",
        "Vary": "Accept",
        "Cache-Control": _REVALIDATE,
    }


def _is_known(if_none_match: str | None, sha256: str) -> bool:
    """Tell whether the client has the instance already (RFC 9110 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or f'"{sha256}"' in tags


def _wrapped(
    request: StoreRequest,
    retrieval: Retrieval,
    chosen: Settings,
    found: Sequence[StoredInstance],
    fields: Mapping[str, str],
) -> StoreResponse:
    parts = [
        Part(
            media_type=stored.media_type,
            location=f"{request.base_url}{stored.path}",
            sha256=stored.sha256,
            content=content,
        )
        for stored, content in zip(found, retrieval.read_all(found), strict=True)
    ]
    audit.write(request, found, retrieval, chosen)
    media_type, content = body.encode(parts)
    digest = _digest(sha256(content).digest())
    return StoreResponse(
        status=HTTPStatus.OK,
        media_type=media_type,
        body="",
        content=b"" if request.method == "HEAD" else content,
        headers={**fields, "Repr-Digest": digest},
    )


def _listed(request: StoreRequest, found: Sequence[StoredInstance], why: str) -> StoreResponse:
    """Answer 406 with the URLs at which the instances can be retrieved one by one.

    An answer holds that many; for more, a search has ``offset``.
    """
    return StoreResponse(
        status=HTTPStatus.NOT_ACCEPTABLE,
        media_type="application/json",
        body=json.dumps([f"{request.base_url}{stored.path}" for stored in found]),
        warnings=[(None, f"{why}: retrieve the instances one by one, at the URLs in the body")],
    )


def _without_body(status: HTTPStatus, media_type: str, fields: Mapping[str, str]) -> StoreResponse:
    return StoreResponse(status=status, media_type=media_type, body="", headers=fields)


def _digest(sha256: bytes) -> str:
    """Return the value of Repr-Digest (RFC 9530)."""
    return f"sha-256=:{b64encode(sha256).decode()}:"


def _url(request: StoreRequest) -> str:
    path = "/".join(
        request.in_path[each.strip("{}")] if each.startswith("{") else each
        for each in request.resource.split("/")
    )
    return f"{request.base_url}/{path}"
