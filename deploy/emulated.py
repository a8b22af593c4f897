"""Write the built template without what the emulator of AWS cannot take, and name that.

``python deploy/emulated.py BUILT RESULT``, where the SAM CLI is.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

_NUMBERS = ("maxReceiveCount", "MaximumConcurrency")


def without(document: dict[str, Any]) -> list[str]:
    """Change in ``document`` what MiniStack cannot take; return what was changed, in words."""
    resources = document["Resources"]
    alarms = [
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    ]
    associations = [
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::WAFv2::WebACLAssociation"
    ]
    for name in alarms + associations:
        del resources[name]
    _make_gateway_responses(resources)
    numbers = sorted(set(_with_numbers(resources, document["Parameters"])))
    return [
        *(f"{name} is left out: the emulator has no metric math" for name in alarms),
        *(f"{name} is left out: the emulator has no such resource" for name in associations),
        *(f"{name} has its default: the emulator takes text for text" for name in numbers),
    ]


def _with_numbers(node: Any, parameters: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401 - YAML
    """Put the default in place of a parameter where a number is wanted; yield its name."""
    if isinstance(node, dict):
        for name in _NUMBERS:
            if isinstance(node.get(name), dict):
                parameter = node[name]["Ref"]
                node[name] = parameters[parameter]["Default"]
                yield parameter
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _with_numbers(child, parameters)


def _make_gateway_responses(resources: dict[str, Any]) -> None:
    """Make resources of the API's gateway responses: the emulator does not read them in OpenAPI.

    Their names come before that of the deployment, which takes what is there when it is made.
    """
    for kind, given in resources["Api"]["Properties"].pop("GatewayResponses").items():
        headers = given["ResponseParameters"]["Headers"]
        resources[f"ApiAnswer{kind.title().replace('_', '')}"] = {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResponseType": kind,
                "StatusCode": given["StatusCode"],
                "ResponseParameters": {
                    f"gatewayresponse.header.{name}": value for name, value in headers.items()
                },
                "ResponseTemplates": given["ResponseTemplates"],
            },
        }


def main(built: str, result: str) -> None:
    """Write the template, and print a line for each change."""
    document = yaml_parse(Path(built).read_text("utf-8"))
    for line in without(document):
        sys.stdout.write(f"emulator: {line}\n")
    Path(result).write_text(json.dumps(document, indent=1), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
