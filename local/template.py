"""What the laptop takes from ``template.yaml``: API, functions, bucket and table.

``Template`` evaluates the template for the given parameters and hands out what it says in the
nouns of AWS SAM. Nothing of it is repeated here: a route, a limit or a refusal that changes in
the template changes on the laptop.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import parameters
from local.intrinsics import Intrinsics, TemplateError, parse

ACCOUNT = "123456789012"
REGION = "us-east-1"
STACK = "stowport"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """An ``AWS::Serverless::Function``; ``timeout`` in seconds, ``memory_size`` in MiB.

    ``reserved_concurrency`` is ``None`` when nothing is reserved.
    """

    name: str
    arn: str
    code: Path
    handler: str
    environment: Mapping[str, str]
    timeout: float
    memory_size: int
    reserved_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method of a resource, the function behind it, and the one that authorizes."""

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
    """An ``AWS::Serverless::Api``, one stage of it."""

    stage: str
    binary_media_types: Sequence[str]
    gateway_responses: Mapping[str, GatewayResponse]
    routes: Sequence[Route]


class Template:
    """``template.yaml`` with values for its parameters.

    Parameters
    ----------
    path
        The template; code is found relative to it.
    overrides
        Values of parameters; the others have their defaults.

    Raises
    ------
    TemplateError
        A parameter or one of the template's Rules is violated, or the template holds what the
        laptop cannot do.
    """

    def __init__(self, path: Path, overrides: Mapping[str, str]) -> None:
        document = parse(path.read_text("utf-8"))
        self.parameters = parameters.values(document.get("Parameters", {}), overrides)
        self._directory = path.parent
        self._globals = document.get("Globals", {})
        self._resources: dict[str, dict[str, Any]] = document["Resources"]
        references = {**_PSEUDO_PARAMETERS, **self.parameters}
        references |= {name: self._physical_name(name) for name in self._resources}
        self._intrinsics = Intrinsics(document, references, self._attribute)
        self._check_rules(document.get("Rules", {}))

    @property
    def bucket(self) -> str:
        """The name of the ``AWS::S3::Bucket``."""
        return self._physical_name(self._only("AWS::S3::Bucket"))

    @property
    def table(self) -> str:
        """The name of the ``AWS::DynamoDB::Table``."""
        return self._physical_name(self._only("AWS::DynamoDB::Table"))

    @property
    def table_properties(self) -> dict[str, Any]:
        """The properties of the table, which are parameters of CreateTable."""
        return self._properties(self._only("AWS::DynamoDB::Table"))

    @property
    def functions(self) -> list[Function]:
        """All functions."""
        return [self._function(name) for name in self._of_type(_FUNCTION)]

    @property
    def api(self) -> Api:
        """The API."""
        name = self._only("AWS::Serverless::Api")
        properties = self._properties(name)
        return Api(
            stage=properties["StageName"],
            binary_media_types=[
                media_type.replace("~1", "/") for media_type in properties["BinaryMediaTypes"]
            ],
            gateway_responses={
                kind: _gateway_response(response)
                for kind, response in properties.get("GatewayResponses", {}).items()
            },
            routes=list(self._routes(name, properties.get("Auth", {}))),
        )

    def _routes(self, api: str, auth: dict[str, Any]) -> Iterator[Route]:
        for name in self._of_type(_FUNCTION):
            for event in self._properties(name).get("Events", {}).values():
                if event["Type"] != "Api" or event["Properties"]["RestApiId"] != api:
                    continue
                route = event["Properties"]
                authorizer = route.get("Auth", {}).get("Authorizer", auth.get("DefaultAuthorizer"))
                yield Route(
                    method=route["Method"].upper(),
                    resource=route["Path"],
                    function=self._function(name),
                    authorizer=self._authorizer(auth, authorizer),
                )

    def _authorizer(self, auth: dict[str, Any], name: str | None) -> Function | None:
        if name in {None, "NONE"}:
            return None
        authorizer = auth["Authorizers"][name]
        identity = authorizer.get("Identity")
        if authorizer["FunctionPayloadType"] != "REQUEST" or identity != {"ReauthorizeEvery": 0}:
            raise TemplateError(
                f"the laptop has REQUEST authorizers without identity source or cache; {name} is "
                "another kind"
            )
        return next(
            function for function in self.functions if function.arn == authorizer["FunctionArn"]
        )

    def _function(self, name: str) -> Function:
        properties = self._properties(name)
        reserved = properties.get("ReservedConcurrentExecutions")
        return Function(
            name=self._physical_name(name),
            arn=self._attribute(name, "Arn"),
            code=self._directory / properties["CodeUri"],
            handler=properties["Handler"],
            environment=properties.get("Environment", {}).get("Variables", {}),
            timeout=float(properties["Timeout"]),
            memory_size=int(properties["MemorySize"]),
            reserved_concurrency=None if reserved is None else int(reserved),
        )

    def _check_rules(self, rules: Mapping[str, Any]) -> None:
        for rule in rules.values():
            if not self._intrinsics.resolve(rule.get("RuleCondition", True)):
                continue
            for assertion in rule["Assertions"]:
                if not self._intrinsics.resolve(assertion["Assert"]):
                    raise TemplateError(assertion["AssertDescription"])

    def _of_type(self, kind: str) -> list[str]:
        return [
            name
            for name, resource in self._resources.items()
            if resource["Type"] == kind
            and ("Condition" not in resource or self._intrinsics.condition(resource["Condition"]))
        ]

    def _only(self, kind: str) -> str:
        names = self._of_type(kind)
        if len(names) != 1:
            raise TemplateError(f"the laptop has one {kind}; the template has {len(names)}")
        return names[0]

    def _properties(self, name: str) -> dict[str, Any]:
        resource = self._resources[name]
        shared = self._globals.get(resource["Type"].rpartition("::")[2], {})
        own = resource.get("Properties", {})
        resolved: dict[str, Any] = self._intrinsics.resolve(_merge(shared, own))
        return resolved

    def _physical_name(self, name: str) -> str:
        kind = self._resources[name]["Type"]
        if kind == "AWS::Serverless::Api":
            return name
        return f"{STACK}-{name}".lower() if kind == "AWS::S3::Bucket" else f"{STACK}-{name}"

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self._resources.get(name, {}).get("Type")
        if attribute != "Arn" or kind not in _ARNS:
            raise TemplateError(f"{name}.{attribute} is not known on the laptop")
        return _ARNS[kind].format(name=self._physical_name(name))


_FUNCTION = "AWS::Serverless::Function"
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    _FUNCTION: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
}
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}


def _merge(shared: object, own: object) -> object:
    """Return ``own`` over ``shared``, as SAM merges Globals: maps by key, lists one after other."""
    if isinstance(shared, dict) and isinstance(own, dict):
        return {**shared, **{key: _merge(shared.get(key), value) for key, value in own.items()}}
    if isinstance(shared, list) and isinstance(own, list):
        return [*shared, *own]
    return own


def _gateway_response(properties: Mapping[str, Any]) -> GatewayResponse:
    status = properties.get("StatusCode")
    return GatewayResponse(
        status_code=None if status is None else int(status),
        headers=properties.get("ResponseParameters", {}).get("Headers", {}),
        body=properties.get("ResponseTemplates", {}).get("application/json"),
    )
