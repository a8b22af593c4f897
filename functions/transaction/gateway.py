"""API Gateway's proxy event in, its proxy response out (REST API, Lambda proxy integration).

Only this module knows what they look like. An answer is text if it can be: the gateway decodes
base64 only for some Accept values, but passes text through for all of them.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pybase64 import b64decode, b64encode

from dicomweb.answer import response
from dicomweb.answer.response import StoreResponse, warning_values
from dicomweb.envelope.mediatypes import DICOM_XML, refuse_forms
from dicomweb.errors import MalformedRequest
from dicomweb.uids import is_uid

Event = MutableMapping[str, Any]

RETRY_AFTER_SECONDS = "5"

_UNKNOWN_HOST = "stowport"
_REPLACEMENT_CHARACTER = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRequest:
    """Everything in a request except its payload. Field names are in lower case.

    ``upload`` and ``transaction`` are the id and the Transaction UID in the path, and ``principal``
    is the sender that the authorizer found. ``in_path`` has the variable parts of the path,
    ``query`` the values of each parameter, and ``source_ip`` is where the request came from.
    """

    method: str
    resource: str
    target: str | None
    headers: Mapping[str, str]
    accept_parameter: str | None
    host: str
    base_url: str
    request_id: str
    upload: str = ""
    transaction: str = ""
    principal: str = ""
    in_path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    source_ip: str = ""

    @property
    def study_instance_uid(self) -> str | None:
        """The study of the target resource, None for all studies; MalformedRequest if invalid."""
        if self.target is not None and not is_uid(self.target):
            raise MalformedRequest(
                "found a study in the URL that is not a UID, expected /studies or"
                " /studies/{StudyInstanceUID}"
            )
        return self.target

    @property
    def url(self) -> str:
        """The URL that the request was sent to, against which references are resolved."""
        return f"{self.base_url}/{self.resource}".replace("{study}", self.target or "")


def read_request(event: Event) -> StoreRequest:
    """Read everything except the payload, which may be unreadable."""
    context = event["requestContext"]
    parameters = event.get("queryStringParameters") or {}
    in_path = event.get("pathParameters") or {}
    headers = _headers(event)
    host = context.get("domainName") or _UNKNOWN_HOST
    return StoreRequest(
        method=event["httpMethod"],
        resource=event["resource"].strip("/"),
        target=in_path.get("study"),
        headers=headers,
        accept_parameter=parameters.get("accept"),
        host=host,
        base_url=(
            f"{headers.get('x-forwarded-proto', 'https')}://{headers.get('host', host)}"
            + _before(event["resource"], context.get("path", ""))
        ),
        request_id=context.get("requestId", ""),
        upload=in_path.get("id", ""),
        transaction=in_path.get("transaction", ""),
        principal=(context.get("authorizer") or {}).get("principalId", ""),
        in_path=in_path,
        query=event.get("multiValueQueryStringParameters")
        or {name: [value] for name, value in parameters.items()},
        source_ip=context.get("identity", {}).get("sourceIp", ""),
    )


def retrieve_base_url(request: StoreRequest, configured: str, *, retrieves: bool) -> str:
    """Return the base of the Retrieve URLs in an answer: as configured, or else of this API.

    It is empty if the API does not retrieve either.
    """
    return configured or (request.base_url if retrieves else "")


def _before(resource: str, path: str) -> str:
    """Return what stands before ``resource`` in ``path``: the stage, or the path of a domain.

    The event's own path does not tell: it lacks the stage, but has the path of a domain.
    """
    segments = [each for each in path.split("/") if each]
    own = sum(1 for each in resource.split("/") if each)
    return "".join(f"/{each}" for each in segments[: len(segments) - own])


def _headers(event: Event) -> dict[str, str]:
    fields: Mapping[str, Sequence[str]] = event.get("multiValueHeaders") or {
        name: [value] for name, value in (event.get("headers") or {}).items()
    }
    return {name.lower(): ", ".join(values) for name, values in fields.items()}


def take_payload(event: Event, request: StoreRequest) -> bytes:
    """Return the payload as it was sent, and release the event's body, which is larger.

    Raises MalformedRequest if it is compressed, or if the gateway treated it as text because its
    media type is not one of the API's binary types: then the bytes are lost.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        raise MalformedRequest("found a Content-Encoding, expected an uncompressed payload")
    body: str = event.pop("body", None) or ""
    if not event.get("isBase64Encoded"):
        refuse_forms(request.headers.get("content-type", ""))
        if _REPLACEMENT_CHARACTER in body:
            raise MalformedRequest(
                "found a payload of a media type that is not supported, expected"
                " multipart/related or application/dicom"
            )
        return body.encode("utf-8")
    try:
        return b64decode(body, validate=True)
    except ValueError as error:
        raise MalformedRequest("found a payload that is not valid base64") from error


def proxy_response(
    answer: StoreResponse, request: StoreRequest, allowed_origins: frozenset[str]
) -> dict[str, Any]:
    """Return what API Gateway turns into the HTTP answer."""
    cors = cors_headers(request.headers.get("origin"), allowed_origins)
    return _dressed(answer, cors, request.host)


def last_resort() -> dict[str, Any]:
    """Return the response if even reading a request, or giving its answer, failed.

    It uses nothing of the request, so that it cannot fail for the same reason.
    """
    found = response.refusal_of(Exception())
    return _dressed(response.refusal(*found, DICOM_XML), {}, _UNKNOWN_HOST)


def _dressed(answer: StoreResponse, cors: Mapping[str, str], host: str) -> dict[str, Any]:
    headers = {"Content-Type": answer.media_type, **answer.headers, **cors}
    if "Vary" in answer.headers and "Vary" in cors:
        headers["Vary"] = f"{answer.headers['Vary']}, {cors['Vary']}"
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and not answer.given_up:
        headers.setdefault("Retry-After", RETRY_AFTER_SECONDS)
    proxied = {
        "statusCode": int(answer.status),
        "headers": headers,
        "body": answer.body if answer.content is None else b64encode(answer.content).decode(),
        "isBase64Encoded": answer.content is not None,
    }
    if warnings := list(warning_values(answer.warnings, host)):
        proxied["multiValueHeaders"] = {"Warning": warnings}
    return proxied


def read_origins(setting: str) -> frozenset[str]:
    """Return the origins that the template's parameter AllowedOrigins separates by commas."""
    return frozenset(origin.strip() for origin in setting.split(",") if origin.strip())


def cors_headers(origin: str | None, allowed_origins: frozenset[str]) -> dict[str, str]:
    """Return the fields that allow a page of ``origin`` to read the answer (Fetch, CORS)."""
    if not allowed_origins:
        return {}
    if "*" in allowed_origins:
        allowed = {"Access-Control-Allow-Origin": "*"}
    elif origin in allowed_origins:
        allowed = {"Access-Control-Allow-Origin": str(origin), "Vary": "Origin"}
    else:
        return {"Vary": "Origin"}
    exposed = (
        "Content-Location, ETag, Location, Repr-Digest, Retry-After, Warning, WWW-Authenticate"
    )
    return {**allowed, "Access-Control-Expose-Headers": exposed}


def preflight_headers(
    request: StoreRequest, allowed_origins: frozenset[str], methods: str
) -> dict[str, str]:
    """Return what a CORS preflight asks for; nothing for other requests or if CORS is off."""
    if not allowed_origins or "access-control-request-method" not in request.headers:
        return {}
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": (
            "Accept, Authorization, Content-Type, If-None-Match, X-Requested-With"
        ),
        "Access-Control-Max-Age": "600",
    }
