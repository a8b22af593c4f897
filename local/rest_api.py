"""The REST API that the template describes: routes, authorizer, binary types, own answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.intrinsics import TemplateError
from local.template import Function, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method of a resource, the function that serves it, and the authorizer function."""

    method: str
    resource: str
    function: Function
    authorizer: Function | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """What the gateway itself answers, before substitution; absent parts are the defaults."""

    status_code: int | None
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An ``AWS::Serverless::Api``, one stage of it; ``access_log`` is the format of a line."""

    stage: str
    binary_media_types: Sequence[str]
    gateway_responses: Mapping[str, GatewayResponse]
    routes: Sequence[Route]
    access_log: str


def read(template: Template) -> Api:
    """Return the template's one API.

    Raises
    ------
    TemplateError
        There is no API, or more than one, or one that the local gateway cannot serve.
    """
    name = template.only("AWS::Serverless::Api")
    properties = template.properties(name)
    return Api(
        stage=properties["StageName"],
        binary_media_types=[
            media_type.replace("~1", "/") for media_type in properties["BinaryMediaTypes"]
        ],
        gateway_responses={
            kind: _gateway_response(response)
            for kind, response in properties.get("GatewayResponses", {}).items()
        },
        routes=list(_routes(template, name, properties.get("Auth", {}))),
        access_log=properties.get("AccessLogSetting", {}).get("Format", "{}"),
    )


def _routes(template: Template, api: str, auth: Mapping[str, Any]) -> Iterator[Route]:
    for function in template.functions:
        for event in function.events:
            route = event["Properties"]
            if event["Type"] == "Api" and route["RestApiId"] == api:
                name = route.get("Auth", {}).get("Authorizer", auth.get("DefaultAuthorizer"))
                yield Route(
                    method=route["Method"].upper(),
                    resource=route["Path"],
                    function=function,
                    authorizer=_authorizer(template, auth, name),
                )


def _authorizer(template: Template, auth: Mapping[str, Any], name: str | None) -> Function | None:
    if name in {None, "NONE"}:
        return None
    authorizer = auth["Authorizers"][name]
    identity = authorizer.get("Identity")
    if authorizer["FunctionPayloadType"] != "REQUEST" or identity != {"ReauthorizeEvery": 0}:
        raise TemplateError(
            f"the local service supports only REQUEST authorizers without identity source and "
            f"cache; {name} is another kind"
        )
    arn = authorizer["FunctionArn"]
    return next(function for function in template.functions if function.arn == arn)


def _gateway_response(properties: Mapping[str, Any]) -> GatewayResponse:
    status = properties.get("StatusCode")
    return GatewayResponse(
        status_code=None if status is None else int(status),
        headers=properties.get("ResponseParameters", {}).get("Headers", {}),
        body=properties.get("ResponseTemplates", {}).get("application/json"),
    )
