"""The template of the hosted relay."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from local.intrinsics import parse
from stowport.arguments import parser
from tests.emulated.hosted import TEMPLATE, parameters
from tests.service import ROOT

DOCUMENT: dict[str, Any] = parse(TEMPLATE.read_text("utf-8"))
RESOURCES: dict[str, dict[str, Any]] = DOCUMENT["Resources"]
CONTAINER: dict[str, Any] = RESOURCES["Task"]["Properties"]["ContainerDefinitions"][0]
SPOOL = "/spool"
GIVEN = parameters("vpc-1", "subnet-1,subnet-2")


def value(node: object, given: dict[str, str]) -> str | None:
    """Evaluate what the command is made of."""
    match node:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": str(name)}:
            return str(given.get(name, DOCUMENT["Parameters"][name].get("Default")))
        case {"Fn::If": [str(condition), then, other]}:
            assert condition in ("GetsTokens", "AsksForScope")
            return value(then if given["TokenUrl"] else other, given)
        case _:
            return str(node)


def command(**given: str) -> list[str]:
    values = [value(each, {**GIVEN, **given}) for each in CONTAINER["Command"]]
    return [each for each in values if each is not None]


def relay(folder: Path, **given: str) -> argparse.Namespace:
    """Read the command as the relay does, on a machine where ``folder`` is the spool."""
    spool = str(folder)
    return parser().parse_args([spool if each == SPOOL else each for each in command(**given)])


def attributes(resource: str, kind: str) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in RESOURCES[resource]["Properties"][kind]}


@pytest.mark.parametrize("token_url", ["", "https://login.example.org/token"])
def test_the_command_is_one_that_the_relay_takes(token_url: str, tmp_path: Path) -> None:
    chosen = relay(tmp_path, TokenUrl=token_url)
    assert chosen.url == GIVEN["ServiceUrl"]
    assert chosen.listen == ("0.0.0.0", 8104)
    assert list(chosen.host) == ["relay.example.org"]
    assert (chosen.token_url, chosen.client_id) == (
        (token_url, "relay") if token_url else (None, None)
    )


def test_connections_last_longer_than_the_load_balancer_keeps_them(tmp_path: Path) -> None:
    idle = attributes("LoadBalancer", "LoadBalancerAttributes")["idle_timeout.timeout_seconds"]
    assert relay(tmp_path).keep_alive > int(idle)


def test_the_host_that_a_sender_names_reaches_the_relay() -> None:
    kept = attributes("LoadBalancer", "LoadBalancerAttributes")
    assert kept["routing.http.preserve_host_header.enabled"] == "true"


def test_the_secret_is_in_no_environment_of_the_template() -> None:
    assert "Environment" not in CONTAINER
    assert "ClientSecretArn" not in json.dumps(CONTAINER["Command"])
    assert "STOWPORT_CLIENT_SECRET" in json.dumps(CONTAINER["Secrets"])


def test_the_tasks_may_do_nothing_on_aws() -> None:
    assert not {"Policies", "ManagedPolicyArns"} & set(RESOURCES["TaskRole"]["Properties"])


def test_the_spool_is_the_only_place_to_write_to() -> None:
    assert CONTAINER["ReadonlyRootFilesystem"] is True
    [mount] = CONTAINER["MountPoints"]
    assert mount["ContainerPath"] == SPOOL
    assert command()[command().index("--spool") + 1] == SPOOL
    assert f'VOLUME ["{SPOOL}"]' in (ROOT / "client" / "Containerfile").read_text("utf-8")


def test_it_is_internal_unless_told_otherwise_and_has_no_default_for_who_reaches_it() -> None:
    assert DOCUMENT["Parameters"]["Scheme"]["Default"] == "internal"
    assert "Default" not in DOCUMENT["Parameters"]["AllowedRange"]


def test_each_parameter_has_a_description_and_a_group() -> None:
    groups = DOCUMENT["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(DOCUMENT["Parameters"])
    assert all(each["Description"] for each in DOCUMENT["Parameters"].values())
