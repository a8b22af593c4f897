"""The archive's four calls, without the pipeline that botocore has for every call there is.

botocore takes more than a millisecond of CPU for a call of which the socket takes a fortieth: it
validates, resolves the endpoint, serializes and parses by descriptions of the whole service. The
archive's calls have one form each, so their first attempt is made here. Success, or a condition
that does not hold, is the end of it. After anything else, from a throttle to a connection that
broke, botocore makes the call over with all that it knows: every call may be repeated.

Handlers of botocore's events before-call, before-send, before-parse and after-call are heard.
"""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPException
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.hooks import first_non_none_response
from botocore.signers import generate_presigned_url

from archive.connections import Answer, Connections

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.model import OperationModel
    from botocore.session import Session

Parameters = Mapping[str, Any]
Result = tuple["Answer | AWSResponse", dict[str, Any]]
"""An HTTP response, of which the status matters, and what it says."""

_CONDITIONS = frozenset(
    ("ConditionalCheckFailedException", "PreconditionFailed", "ConditionalRequestConflict")
)
_PUT_HEADERS = {
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ContentType": "Content-Type",
    "IfNoneMatch": "If-None-Match",
}
_S3_CODE = re.compile(rb"<Code>(\w+)</Code>")


def attach(session: "Session") -> None:
    """Let the clients of S3 and DynamoDB that ``session`` makes make the four calls so."""

    def derive(**event: Any) -> None:  # noqa: ANN401 - botocore's handlers are so
        class_attributes = event["class_attributes"]
        class_attributes["archive_credentials"] = staticmethod(session.get_credentials)
        class_attributes["archive_bases"] = {}
        class_attributes["archive_connections"] = {}
        event["base_classes"].insert(0, FirstAttempt)

    for service in ("s3", "dynamodb"):
        name = f"creating-client-class.{service}"
        session.register(name, derive, unique_id=f"archive-{service}")


class _Form(NamedTuple):
    """How an operation is asked for, and what its answer says."""

    method: str
    request: Callable[[Parameters], tuple[str, dict[str, str], "bytes | BytesIO"]]
    parse: Callable[[bytes], tuple[str, dict[str, Any]]]


def _put_object(parameters: Parameters) -> tuple[str, dict[str, str], BytesIO]:
    headers = {name: parameters[keyword] for keyword, name in _PUT_HEADERS.items()}
    # S3 verifies the checksum, which is signed: signing the payload as well adds nothing.
    headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    return f"/{parameters['Key']}", headers, parameters["Body"]


def _s3_answer(content: bytes) -> tuple[str, dict[str, Any]]:
    code = _S3_CODE.search(content)
    return code.group(1).decode("ascii") if code else "", {}


def _dynamodb_request(operation: str) -> Callable[[Parameters], tuple[str, dict[str, str], bytes]]:
    headers = {
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        "content-type": "application/x-amz-json-1.0",
    }
    return lambda parameters: ("/", dict(headers), json.dumps(parameters).encode("ascii"))


def _dynamodb_answer(content: bytes) -> tuple[str, dict[str, Any]]:
    said: dict[str, Any] = json.loads(content)
    return said.pop("__type", "").rpartition("#")[2], said


_FORMS = {"PutObject": _Form("PUT", _put_object, _s3_answer)} | {
    operation: _Form("POST", _dynamodb_request(operation), _dynamodb_answer)
    for operation in ("BatchGetItem", "UpdateItem", "PutItem")
}


class FirstAttempt(BaseClient):
    """A base of the clients' classes, between them and botocore's own."""

    archive_credentials: Callable[[], Any]
    archive_bases: dict[str, str]
    archive_connections: dict[str, Connections]

    def _make_api_call(self, operation_name: str, api_params: Parameters) -> Any:  # noqa: ANN401 - as botocore has it
        if operation_name not in _FORMS:
            return self._at_length(operation_name, api_params)
        model = self.meta.service_model.operation_model(operation_name)
        name = f"{self.meta.service_model.service_id.hyphenize()}.{operation_name}"
        emit = self.meta.events.emit
        path, headers, body = _FORMS[operation_name].request(api_params)
        params = {"url_path": path, "headers": headers, "body": body}
        answers = emit(f"before-call.{name}", model=model, params=params, context={})
        result = first_non_none_response(answers)
        if result is None:
            result = self._attempt(name, model, api_params, params)
        if result is None:
            return self._at_length(operation_name, api_params)
        http, parsed = result
        emit(f"after-call.{name}", http_response=http, parsed=parsed, model=model, context={})
        if http.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise ClientError(parsed, operation_name)
        return parsed

    def _at_length(self, operation_name: str, api_params: Parameters) -> Any:  # noqa: ANN401 - the same
        return super()._make_api_call(operation_name, api_params)  # type: ignore[misc] # not in the stubs

    def _attempt(
        self, name: str, model: "OperationModel", api_params: Parameters, params: dict[str, Any]
    ) -> Result | None:
        """Return the result, or None if the call is to be made over."""
        form = _FORMS[model.name]
        try:
            http = self._send(name, form.method, api_params.get("Bucket"), params)
        except (OSError, HTTPException, BotoCoreError):
            return None
        answer: dict[str, Any] = {
            "status_code": http.status_code,
            "headers": http.headers,
            "body": http.content,
        }
        self.meta.events.emit(
            f"before-parse.{name}",
            operation_model=model,
            response_dict=answer,
            customized_response_dict={},
        )
        http.status_code = status = answer["status_code"]
        code, parsed = form.parse(answer["body"])
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return http, parsed
        error = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return (http, parsed | error) if code in _CONDITIONS else None

    def _send(
        self, name: str, method: str, bucket: str | None, params: dict[str, Any]
    ) -> "Answer | AWSResponse":
        base = self._base(bucket)
        request = AWSRequest(method, base + params["url_path"], params["headers"], params["body"])
        del request.headers["Expect"]  # the body is sent at once
        credentials = self.archive_credentials().get_frozen_credentials()
        SigV4Auth(credentials, name.partition(".")[0], self.meta.region_name).add_auth(request)
        prepared = request.prepare()
        answers = self.meta.events.emit(f"before-send.{name}", request=prepared)
        http: Answer | AWSResponse | None = first_non_none_response(answers)
        body = params["body"]
        content = body.getbuffer() if isinstance(body, BytesIO) else body
        return http or self._connections(base).send(prepared, content)

    def _base(self, bucket: str | None) -> str:
        """Return the URL that a path is below: what the endpoint's rules say of the bucket."""
        if bucket is None:
            return self.meta.endpoint_url
        if bucket not in self.archive_bases:
            parameters = {"Bucket": bucket, "Key": "key"}
            presigned = generate_presigned_url(self, "put_object", parameters)
            url = urlsplit(presigned)
            self.archive_bases[bucket] = (
                f"{url.scheme}://{url.netloc}{url.path.removesuffix('/key')}"
            )
        return self.archive_bases[bucket]

    def _connections(self, base: str) -> Connections:
        if base not in self.archive_connections:
            config: Any = self.meta.config  # the stubs do not know its options
            self.archive_connections[base] = Connections(
                base, connect_timeout=config.connect_timeout, read_timeout=config.read_timeout
            )
        return self.archive_connections[base]
