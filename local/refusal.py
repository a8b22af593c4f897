"""What API Gateway answers by itself: gateway responses, as the template words them."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.messages import Request, Response
from local.rest_api import GatewayResponse

STATUS_CODES = {
    "ACCESS_DENIED": 403,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_5XX": 502,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "REQUEST_TOO_LARGE": 413,
    "UNAUTHORIZED": 401,
}
"""The types of gateway response that the laptop gives, and the status of each by default."""

_CONTEXT = re.compile(r"\$context\.([A-Za-z.]+)")
_UNSET = GatewayResponse(status_code=None, headers={}, body=None)
_DEFAULT_BODY = '{"message":$context.error.messageString}'


@dataclass
class Refusal(Exception):
    """The gateway answers with the gateway response ``kind``; ``message`` is its default text.

    ``known`` is what the gateway had found out by then: variables of ``$context``.
    """

    kind: str
    message: str
    known: Mapping[str, str] = field(default_factory=dict)


def response(
    refusal: Refusal, gateway_responses: Mapping[str, GatewayResponse], request: Request
) -> Response:
    """Return the answer to ``request``: the type's own, or else that of its family."""
    default = STATUS_CODES[refusal.kind]
    family = f"DEFAULT_{default // 100}XX"
    template = gateway_responses.get(refusal.kind, gateway_responses.get(family, _UNSET))
    values = context(refusal, request)
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.kind}
    headers |= {
        name: _header(expression, values, request) for name, expression in template.headers.items()
    }
    body = _CONTEXT.sub(lambda match: values.get(match[1], ""), template.body or _DEFAULT_BODY)
    return Response(
        status_code=template.status_code or default,
        headers=list(headers.items()),
        body=body.encode(),
    )


def context(refusal: Refusal, request: Request) -> dict[str, str]:
    """Return the variables of ``$context`` for a request that was refused."""
    return {
        "error.message": refusal.message,
        "error.messageString": json.dumps(refusal.message),
        "error.responseType": refusal.kind,
        "httpMethod": request.method,
        "identity.sourceIp": request.source_ip,
        "path": request.path,
        "requestId": request.request_id,
        "requestTimeEpoch": str(int(time.time() * 1000)),
        "status": str(STATUS_CODES[refusal.kind]),
        **refusal.known,
    }


def _header(expression: str, values: Mapping[str, str], request: Request) -> str:
    """Return the value of a mapping expression: quoted text, a request header or context."""
    source, _, name = expression.partition(".")
    if expression.startswith("'"):
        return expression[1:-1]
    if source == "context":
        return values.get(name, "")
    return request.header(name.removeprefix("request.header.").lower())
