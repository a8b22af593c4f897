"""What `make deploy-local` changes in the template for the emulator."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.emulated.groups import GROUPS
from tests.service import ROOT
from tests.template.parts import PARAMETERS

_OF_EACH_DEPLOYMENT = {"Architecture", "Authentication"}
_FOR_SAM_LOCAL = {"EndpointUrl"}


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script of `deploy/`, without SAM's parser, which is in an environment of its own."""
    monkeypatch.setitem(sys.modules, "samtranslator", ModuleType("samtranslator"))
    not_called = SimpleNamespace(yaml_parse=None)
    monkeypatch.setitem(sys.modules, "samtranslator.yaml_helper", not_called)
    spec = importlib.util.spec_from_file_location("emulated", ROOT / "deploy" / "emulated.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_alarms_of_metric_math_are_left_out_and_named(emulated: ModuleType) -> None:
    document: dict[str, Any] = {
        "Parameters": {},
        "Resources": {
            "Api": {"Type": "AWS::Serverless::Api", "Properties": {"GatewayResponses": {}}},
            "Plain": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
            "Shares": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}},
        },
    }
    assert emulated.without(document) == ["Shares is left out: the emulator has no metric math"]
    assert set(document["Resources"]) == {"Api", "Plain"}


def test_the_association_of_a_firewall_is_left_out_and_named(emulated: ModuleType) -> None:
    document: dict[str, Any] = {
        "Parameters": {},
        "Resources": {
            "Api": {"Type": "AWS::Serverless::Api", "Properties": {"GatewayResponses": {}}},
            "Wall": {"Type": "AWS::WAFv2::WebACL", "Properties": {}},
            "Wired": {"Type": "AWS::WAFv2::WebACLAssociation", "Properties": {}},
        },
    }
    assert emulated.without(document) == ["Wired is left out: the emulator has no such resource"]
    assert set(document["Resources"]) == {"Api", "Wall"}


def test_each_parameter_of_the_template_is_deployed_into_the_emulator() -> None:
    in_groups = {parameter for group in GROUPS.values() for parameter in group}
    parameters = set(PARAMETERS)
    assert in_groups | _OF_EACH_DEPLOYMENT | _FOR_SAM_LOCAL == parameters


def test_numbers_have_their_defaults_and_gateway_responses_are_resources(
    emulated: ModuleType,
) -> None:
    response = {
        "StatusCode": "503",
        "ResponseParameters": {"Headers": {"Retry-After": "'5'"}},
        "ResponseTemplates": {"application/json": "<a/>"},
    }
    redrive: dict[str, Any] = {"maxReceiveCount": {"Ref": "Attempts"}}
    document: dict[str, Any] = {
        "Parameters": {"Attempts": {"Default": 5}},
        "Resources": {
            "Api": {"Type": "A", "Properties": {"GatewayResponses": {"DEFAULT_5XX": response}}},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": redrive}},
        },
    }
    assert emulated.without(document) == [
        "Attempts has its default: the emulator takes text for text"
    ]
    assert redrive == {"maxReceiveCount": 5}
    assert document["Resources"]["ApiAnswerDefault5Xx"]["Properties"] == {
        "RestApiId": {"Ref": "Api"},
        "ResponseType": "DEFAULT_5XX",
        "StatusCode": "503",
        "ResponseParameters": {"gatewayresponse.header.Retry-After": "'5'"},
        "ResponseTemplates": {"application/json": "<a/>"},
    }
