"""What the laptop takes from ``template.yaml``: functions, and what they work with.

``Template`` evaluates the template for the given parameters, and returns its contents under the
names of AWS SAM. Nothing is repeated here: a route, a limit or a refusal that changes in the
template also changes on the laptop.
"""

from collections.abc import Mapping, Sequence
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

    ``reserved_concurrency`` is ``None`` when nothing is reserved. ``events`` is what invokes it.
    """

    name: str
    arn: str
    code: Path
    handler: str
    environment: Mapping[str, str]
    timeout: float
    memory_size: int
    reserved_concurrency: int | None
    events: Sequence[Mapping[str, Any]]


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
        self._outputs: dict[str, dict[str, Any]] = document.get("Outputs", {})
        references = {**_PSEUDO_PARAMETERS, **self.parameters}
        references |= {name: self._reference(name) for name in self._resources}
        self._intrinsics = Intrinsics(document, references, self._attribute)
        self._check_rules(document.get("Rules", {}))

    @property
    def bucket(self) -> str:
        """The name of the archive: the ``AWS::S3::Bucket`` that its output names."""
        name: str = self._intrinsics.resolve(self._outputs["ArchiveBucketName"]["Value"])
        return name

    @property
    def table(self) -> str:
        """The name of the index: the ``AWS::DynamoDB::Table`` that its output names."""
        name: str = self._intrinsics.resolve(self._outputs["IndexTableName"]["Value"])
        return name

    @property
    def audit_trail(self) -> str:
        """The name of the log group of the audit trail, or an empty one if there is none."""
        groups = (each.environment.get("AUDIT_TRAIL", "") for each in self.functions)
        return next(filter(None, groups), "")

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of the type ``kind``, by physical name."""
        return {self._physical_name(name): self.properties(name) for name in self._of_type(kind)}

    @property
    def functions(self) -> list[Function]:
        """All functions."""
        return [self._function(name) for name in self._of_type(_FUNCTION)]

    def _function(self, name: str) -> Function:
        properties = self.properties(name)
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
            events=list(properties.get("Events", {}).values()),
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

    def only(self, kind: str) -> str:
        """Return the logical ID of the one resource of the type ``kind``."""
        names = self._of_type(kind)
        if len(names) != 1:
            raise TemplateError(f"make run needs one {kind}; the template has {len(names)}")
        return names[0]

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of the resource ``name``, Globals among them, evaluated."""
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

    def _reference(self, name: str) -> str:
        """Return what ``!Ref`` of a resource is: the URL of a queue, the name of all else."""
        physical_name = self._physical_name(name)
        if self._resources[name]["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical_name}"
        return physical_name

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self._resources.get(name, {}).get("Type")
        if kind == "AWS::DynamoDB::Table" and attribute == "StreamArn":
            return f"{self._attribute(name, 'Arn')}/stream/{_LATEST}"
        if kind is None or attribute != "Arn":
            raise TemplateError(f"{name}.{attribute} is not supported by the local service")
        return _ARNS.get(kind, _OTHER_ARN).format(name=self._physical_name(name))


_FUNCTION = "AWS::Serverless::Function"
_LATEST = "latest"
"""In place of the time when the stream of a table was made, which only the emulator knows."""
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{name}}",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{name}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}",
    _FUNCTION: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
}
_OTHER_ARN = f"arn:aws:local:{REGION}:{ACCOUNT}:{{name}}"
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}


def _merge(shared: object, own: object) -> object:
    """Return ``own`` over ``shared``, as SAM merges Globals: maps by key, lists concatenated."""
    if isinstance(shared, dict) and isinstance(own, dict):
        return {**shared, **{key: _merge(shared.get(key), value) for key, value in own.items()}}
    if isinstance(shared, list) and isinstance(own, list):
        return [*shared, *own]
    return own
