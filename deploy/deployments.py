"""Lint what CloudFormation is given, for combinations of the templates' conditions.

``python deployments.py TEMPLATE ...``, where the SAM CLI is. A linter reads the template as it is
written, with all of its conditions at once: what SAM makes of it, and what of that is left when a
condition is false, is seen by CloudFormation alone, in the middle of a deployment.

Parameters that decide conditions are combined so that any two of them have all of their values
together; all combinations of twenty would be a million. Not every deployment that is transformed is
linted: those are that together have each resource and output, in each of its versions, beside each
version and each absence of another that it names. What a rule finds wrong with one resource, or
with what it names, it finds in one of them.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from itertools import combinations as subsets
from itertools import product
from multiprocessing import Pool
from pathlib import Path
from random import Random
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner, run_template_by_data
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from local.intrinsics import Intrinsics

REGION = "us-east-1"

VALUES = {
    "AllowedAddresses": ["", "192.0.2.0/24,198.51.100.7"],
    "AlarmTopicArn": ["", "arn:aws:sns:us-east-1:123456789012:alarms"],
    "AllowedOrigins": ["", "https://viewer.example.org"],
    "CertificateArn": ["arn:aws:acm:us-east-1:123456789012:certificate/1234abcd"],
    "DomainName": ["", "dicom.example.org"],
    "AuditRetentionDays": ["off", "2557"],
    "BackupTag": ["", "backup=daily"],
    "EndpointUrl": ["", "http://127.0.0.1:5050"],
    "ExistingArchiveBucket": ["", "archive"],
    "ExistingIndexStreamArn": [
        "",
        "arn:aws:dynamodb:us-east-1:123456789012:table/index/stream/2026-01-01T00:00:00.000",
    ],
    "ExistingIndexTable": ["", "index"],
    "KmsKeyArn": ["", "arn:aws:kms:us-east-1:123456789012:key/1234abcd"],
    "MaxSimultaneousRequests": ["unlimited", "5", "0"],
    "ObjectLockMode": ["none", "GOVERNANCE"],
    "OidcAudience": ["stowport"],
    "OidcIssuer": ["https://login.example.org"],
    "PermissionsBoundaryArn": ["", "arn:aws:iam::123456789012:policy/boundary"],
    "StudyQuietSeconds": ["0", "60"],
    "RolloutType": ["AllAtOnce", "Canary10Percent30Minutes"],
    "TruststoreUri": ["", "s3://trust/store.pem"],
    "TruststoreVersion": ["", "version"],
    "VpcEndpointIds": ["vpce-0123456789abcdef0"],
    "WebAcl": [
        "none",
        "create",
        "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/one/1234abcd-12ab-34cd-56ef-1234567890ab",
    ],
    "TransitionStorageClass": ["none", "STANDARD_IA"],
}
"""What to try for the parameters that conditions and rules name, instead of all that is allowed."""

_TOGETHER = 2
_CANDIDATES = 20

_WORD = re.compile(r"\w+")
_NOTHING = {"Ref": "AWS::NoValue"}


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def transformed(template: str, values: Mapping[str, str], code: str) -> dict[str, Any]:
    """Return what SAM makes of ``template`` with these parameters and with its code in S3."""
    document = deepcopy(_parsed(template))
    if "Globals" in document:
        document["Globals"]["Function"]["CodeUri"] = code
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = "s3://bucket/layer"
    made: dict[str, Any] = transform(document, values, _NoManagedPolicies())
    return made


def combinations(template: str) -> Iterator[dict[str, str]]:
    """Yield parameters that decide conditions and rules: any two have all values together."""
    document = _parsed(template)
    names = sorted(_named({key: document.get(key) for key in ("Conditions", "Rules")}))
    choices = [VALUES.get(each) or document["Parameters"][each]["AllowedValues"] for each in names]
    together = min(_TOGETHER, len(names))
    uncovered = {
        tuple(zip(places, values, strict=True))
        for places in subsets(range(len(names)), together)
        for values in product(*(choices[place] for place in places))
    }
    random = Random(0)  # noqa: S311 - the same combinations each time
    while uncovered:
        first = min(uncovered)
        candidates = [_completed(first, choices, uncovered, random) for _ in range(_CANDIDATES)]
        covered = [
            uncovered.intersection(subsets(enumerate(each), together)) for each in candidates
        ]
        best = max(range(_CANDIDATES), key=lambda index: len(covered[index]))
        uncovered -= covered[best]
        yield dict(zip(names, candidates[best], strict=True))


def _completed(
    given: tuple[tuple[int, str], ...],
    choices: Sequence[Sequence[str]],
    uncovered: Collection[tuple[tuple[int, str], ...]],
    random: Random,
) -> list[str]:
    """Return a value of each of ``choices``, at the places that are ``given`` the given one.

    The others are chosen one by one, in any order: the value that covers the most beside those that
    are chosen already.
    """
    chosen = dict(given)
    others = [place for place in range(len(choices)) if place not in chosen]
    random.shuffle(others)
    for place in others:
        covered = {
            value: sum(
                tuple(sorted(((place, value), each))) in uncovered for each in chosen.items()
            )
            for value in random.sample(choices[place], len(choices[place]))
        }
        chosen[place] = max(covered, key=covered.__getitem__)
    return [chosen[place] for place in range(len(choices))]


def deployed(template: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Return what is left of the template, as SAM has made it, once conditions are decided."""
    document = transformed(template, values, "s3://bucket/code")
    for name, parameter in document["Parameters"].items():
        parameter["Default"] = values.get(name, parameter.get("Default"))
        parameter.pop("AllowedValues", None)  # of which one is decided
    references = {name: each["Default"] for name, each in document["Parameters"].items()}
    intrinsics = Intrinsics(document, references, lambda name, attribute: f"{name}.{attribute}")
    holds = {name: intrinsics.condition(name) for name in document.pop("Conditions", {})}
    for section in ("Resources", "Outputs"):
        document[section] = {
            name: each
            for name, each in document.get(section, {}).items()
            if holds.get(each.pop("Condition", ""), True)
        }
    left: dict[str, Any] = _decided(document, holds)
    return left


def findings(document: str) -> list[str]:
    """Return what cfn-lint finds in a template, errors and warnings."""
    template, undecoded = decode_str(document)
    found = undecoded or run_template_by_data(template, *_linter())
    return sorted({f"{match.rule.id} {match.message}" for match in found})


def covering(documents: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the indices of ``documents`` that together have all parts that any has.

    A part is a resource or an output, as it stands in a document or as it is missing there, by
    itself and beside each resource that it names anywhere.
    """
    sections = ("Resources", "Outputs")
    names = {(each, name) for document in documents for each in sections for name in document[each]}
    resources = {name for each, name in names if each == "Resources"}
    written = [
        {name: json.dumps(document[each].get(name)) for each, name in names}
        for document in documents
    ]
    beside = {
        name: {name}.union(*(_names(parts[name], resources) for parts in written))
        for _, name in names
    }
    uncovered = {
        index: {
            (name, parts[name], other, parts[other]) for name in beside for other in beside[name]
        }
        for index, parts in enumerate(written)
    }
    chosen: list[int] = []
    while most := max(uncovered.values(), key=len, default=None):
        index = next(each for each, left in uncovered.items() if left is most)
        chosen.append(index)
        covered = uncovered.pop(index)
        for left in uncovered.values():
            left.difference_update(covered)
    return sorted(chosen)


def _names(part: str, resources: Collection[str]) -> set[str]:
    """Return the ``resources`` that a part names: in Ref, GetAtt, Sub or DependsOn."""
    return set(resources).intersection(_WORD.findall(part))


@cache
def _parsed(template: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse(template)
    return parsed


@cache
def _linter() -> tuple[Any, Any]:
    """Return the configuration and the rules: to read them takes a third of a deployment's time."""
    # A parameter that has decided a condition is not used any more.
    config = ConfigMixIn(regions=[REGION], ignore_checks=["W2001"])
    return config, Runner(config).rules


def _named(node: object) -> set[str]:
    """Return the names of the parameters that ``node`` refers to."""
    if isinstance(node, dict):
        return {node["Ref"]} if set(node) == {"Ref"} else _named(list(node.values()))
    return set().union(*map(_named, node)) if isinstance(node, list) else set()


def _decided(node: Any, holds: Mapping[str, bool]) -> Any:  # noqa: ANN401  of any type in a template
    if isinstance(node, list):
        return [each for each in (_decided(item, holds) for item in node) if each != _NOTHING]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::If"}:
        condition, one, other = node["Fn::If"]
        return _decided(one if holds[condition] else other, holds)
    decided = {key: _decided(value, holds) for key, value in node.items()}
    return {key: value for key, value in decided.items() if value != _NOTHING}


def main(paths: list[str]) -> int:
    """Lint the templates in ``paths``, print what is found, and return the exit code."""
    logging.disable()  # SAM warns of its own metrics
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    templates = {path: Path(path).read_text("utf-8") for path in paths}
    tried = [(path, values) for path in paths for values in combinations(templates[path])]
    _linter()  # once, for all processes of the pool
    with Pool() as pool:
        documents = pool.starmap(deployed, [(templates[path], values) for path, values in tried])
        chosen = covering(documents)
        found = pool.map(findings, [json.dumps(documents[each]) for each in chosen], chunksize=1)
    for index, lines in zip(chosen, found, strict=True):
        path, values = tried[index]
        where = " ".join([path, *(f"{name}={value}" for name, value in values.items())])
        sys.stdout.writelines(f"{where}: {line}\n" for line in lines)
    sys.stdout.write(
        f"{len(tried)} combinations, {len(chosen)} deployments linted:"
        f" {sum(map(len, found))} findings\n"
    )
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
