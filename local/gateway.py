"""Amazon API Gateway in front of the functions: an ASGI application that is one REST API.

A request goes through the same steps as on AWS. Each step has the gateway response with which it
ends if it fails: body (REQUEST_TOO_LARGE), Host (BAD_REQUEST_PARAMETERS), method and resource
(MISSING_AUTHENTICATION_TOKEN), authorizer (UNAUTHORIZED, ACCESS_DENIED, AUTHORIZER_FAILURE,
AUTHORIZER_CONFIGURATION_ERROR), integration (INTEGRATION_FAILURE, INTEGRATION_TIMEOUT,
REQUEST_TOO_LARGE, DEFAULT_5XX).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from local import authorizer, proxy_event, proxy_response
from local.hosts import is_answered
from local.lambda_service import (
    FunctionError,
    InvocationError,
    LambdaService,
    RequestTooLarge,
    in_daemon_thread,
)
from local.messages import Headers, Request, Response
from local.proxy_response import MalformedProxyResponse
from local.refusal import Refusal
from local.refusal import context as refusal_context
from local.refusal import response as gateway_response
from local.rest_api import Api, Route
from local.template import Function

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Log = Callable[[Request, Response, float], None]
AccessLog = Callable[[Mapping[str, str]], None]

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes of a request's body."""

INTEGRATION_TIMEOUT = 29.0
"""Seconds that a function has to answer."""

_NO_CONTENT = {204, 304}


class ClientDisconnect(Exception):
    """The client left before its request was complete."""


class Gateway:
    """The API in front of Lambda; ``log`` gets every response, with the seconds that it took.

    ``hosts`` are names of this machine to which it answers beside the loopback ones. ``access_log``
    gets the variables of ``$context`` for each request that the gateway itself answers.
    """

    def __init__(
        self,
        api: Api,
        functions: LambdaService,
        log: Log,
        hosts: frozenset[str] = frozenset(),
        access_log: AccessLog | None = None,
    ) -> None:
        self._api = api
        self._functions = functions
        self._log = log
        self._hosts = hosts
        self._access_log = access_log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        started = time.monotonic()
        request = _request(scope, b"")
        try:
            request = _request(scope, await _read_body(request, receive))
            response = await asyncio.wrap_future(in_daemon_thread(partial(self.answer, request)))
        except ClientDisconnect:
            return
        except Refusal as refusal:
            response = self._refuse(request, refusal)
        except asyncio.CancelledError:
            # The server is stopping, and has waited for this request long enough.
            response = self._refuse(request, Refusal("DEFAULT_5XX", "Internal server error"))
        # Logged first, so that the line is there when the client has its answer.
        self._log(request, response, time.monotonic() - started)
        await _send(request, response, send)

    def answer(self, request: Request) -> Response:
        """Return the answer to ``request``; whatever fails, it is a gateway response."""
        try:
            route, path_parameters = self._route(request)
            event = proxy_event.event(request, route, self._api, path_parameters)
            if route.authorizer is not None:
                context = self._authorize(route.authorizer, route.resource, request, event)
                event["requestContext"]["authorizer"] = context
            return self._integrate(request, route, event)
        except Refusal as refusal:
            return self._refuse(request, refusal)

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        if self._access_log:
            self._access_log(refusal_context(refusal, request))
        return gateway_response(refusal, self._api.gateway_responses, request)

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        if not is_answered(request.header("host"), self._hosts):
            raise Refusal("BAD_REQUEST_PARAMETERS", "Invalid Host")
        for route in self._api.routes:
            path_parameters = _match(route.resource, request.path)
            if route.method == request.method and path_parameters is not None:
                return route, path_parameters
        raise Refusal("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")

    def _authorize(
        self, function: Function, resource: str, request: Request, event: Mapping[str, Any]
    ) -> dict[str, Any]:
        known = {"resourcePath": resource}
        method_arn = proxy_event.method_arn(request, self._api)
        try:
            output = self._functions.invoke(function, authorizer.event(event, method_arn))
            context = authorizer.context(output)
            allowed = authorizer.allows(output, method_arn)
        except FunctionError as error:
            if str(error) == "Unauthorized":
                raise Refusal("UNAUTHORIZED", "Unauthorized", known) from error
            raise Refusal("AUTHORIZER_FAILURE", "", known) from error
        except InvocationError as error:
            raise Refusal("AUTHORIZER_FAILURE", "", known) from error
        except authorizer.InvalidPolicy as error:
            raise Refusal("AUTHORIZER_CONFIGURATION_ERROR", "", known) from error
        if not allowed:
            text = "User is not authorized to access this resource"
            known["authorizer.principalId"] = context["principalId"]
            raise Refusal("ACCESS_DENIED", text, known)
        return context

    def _integrate(self, request: Request, route: Route, event: dict[str, Any]) -> Response:
        invocation = in_daemon_thread(partial(self._functions.invoke, route.function, event))
        binary_media_types = self._api.binary_media_types
        try:
            result = invocation.result(INTEGRATION_TIMEOUT)
            return proxy_response.response(result, request.header("accept"), binary_media_types)
        except RequestTooLarge as error:
            raise Refusal("REQUEST_TOO_LARGE", "Request Too Long") from error
        except InvocationError as error:
            raise Refusal("INTEGRATION_FAILURE", "Internal server error") from error
        except (FunctionError, MalformedProxyResponse) as error:
            raise Refusal("DEFAULT_5XX", "Internal server error") from error
        except TimeoutError as error:
            raise Refusal("INTEGRATION_TIMEOUT", "Endpoint request timed out") from error


def _match(resource: str, path: str) -> dict[str, str] | None:
    """Return the path parameters if ``path`` is ``resource``; one trailing slash is ignored."""
    names = resource.strip("/").split("/")
    values = path.removeprefix("/").removesuffix("/").split("/")
    if len(names) != len(values) or not path.startswith("/"):
        return None
    parameters = {}
    for name, value in zip(names, values, strict=True):
        if name.startswith("{") and value:
            parameters[name.strip("{}")] = unquote(value)
        elif name != value:
            return None
    return parameters


def _request(scope: Message, body: bytes) -> Request:
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ],
        body=body,
        source_ip=scope["client"][0],
    )


async def _read_body(request: Request, receive: Receive) -> bytes:
    """Read the body, and no more than ``BODY_LIMIT`` of it."""
    too_large = Refusal("REQUEST_TOO_LARGE", "Request Too Long")
    if int(request.header("content-length", "0")) > BODY_LIMIT:
        raise too_large
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise too_large
        more = message.get("more_body", False)
    return bytes(body)


async def _send(request: Request, response: Response, send: Send) -> None:
    headers = [*response.headers, ("x-amzn-RequestId", request.request_id)]
    if response.status_code not in _NO_CONTENT:
        headers.append(("Content-Length", str(len(response.body))))
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": list(_encoded(headers)),
        }
    )
    await send({"type": "http.response.body", "body": response.body})


def _encoded(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    return ((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
