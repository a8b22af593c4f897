import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template.parts import FUNCTIONS, PARAMETERS, TEMPLATE, metrics, of_type
from tests.template.transformed import deployed, run

pytestmark = pytest.mark.process

VERSIONED = ("StoreFunction", "AuthorizerFunction")
OIDC = {"OidcIssuer": "https://login.example.org", "OidcAudience": "stowport"}
LONGEST_DESCRIPTION = 256

Resources = dict[str, dict[str, Any]]


def with_snapshots(code: str = "code", layer: str = "1", **values: str) -> Resources:
    return deployed(code, layer, snapshots=True, **{**OIDC, **values})


def version(resources: Resources, function: str) -> tuple[str, str]:
    """The version of ``function``: what, when it changes, has CloudFormation publish another."""
    versions = of_type("AWS::Lambda::Version", resources)
    (found,) = (name for name, each in versions.items() if each["FunctionName"] == function)
    return found, versions[found]["Description"]


def invoked_by_the_gateway(resources: Resources) -> set[str]:
    """What the API's methods and authorizers invoke, as their URIs name it."""
    body = repr(resources["Api"]["Properties"]["Body"])
    return set(re.findall(r"functions/([\w.:]+)/invocations", body))


def invocable_by_the_gateway(resources: Resources) -> set[str]:
    permissions = of_type("AWS::Lambda::Permission", resources).values()
    assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    return {each["FunctionName"] for each in permissions}


class TestOn:
    def test_the_functions_of_a_post_start_from_snapshots_and_no_others(self) -> None:
        functions = of_type("AWS::Lambda::Function", with_snapshots())
        found = {name for name, each in functions.items() if "SnapStart" in each}
        assert found == set(VERSIONED)
        for name in VERSIONED:
            assert functions[name]["SnapStart"] == {"ApplyOn": "PublishedVersions"}

    def test_a_function_that_starts_from_snapshots_has_no_disk_beyond_what_they_allow(self) -> None:
        functions = of_type("AWS::Lambda::Function", with_snapshots())
        for name in VERSIONED:
            assert "EphemeralStorage" not in functions[name]

    @pytest.mark.parametrize("function", VERSIONED)
    def test_the_alias_is_the_published_version(self, function: str) -> None:
        resources = with_snapshots()
        alias = resources[f"{function}Aliaslive"]["Properties"]
        assert (alias["FunctionName"], alias["Name"]) == (function, "live")
        assert alias["FunctionVersion"] == f"{version(resources, function)[0]}.Version"

    def test_the_gateway_invokes_the_aliases_and_may(self) -> None:
        resources = with_snapshots()
        assert invoked_by_the_gateway(resources) == {
            "StoreFunctionAliaslive",
            "AuthorizerFunctionAliaslive",
            "CapabilitiesFunction.Arn",
            "UploadsFunction.Arn",
            "RetrieveFunction.Arn",
            "CommitmentFunction.Arn",
        }
        assert invocable_by_the_gateway(resources) == {
            "StoreFunctionAliaslive",
            "AuthorizerFunctionAliaslive",
            "CapabilitiesFunction",
            "UploadsFunction",
            "RetrieveFunction",
            "CommitmentFunction",
        }

    @pytest.mark.parametrize("function", VERSIONED)
    def test_the_version_before_goes_and_its_snapshot_with_it(self, function: str) -> None:
        resources = with_snapshots()
        resource = resources[version(resources, function)[0]]
        assert resource["DeletionPolicy"] == "Delete"
        assert "UpdateReplacePolicy" not in resource

    def test_the_reserved_concurrency_is_the_function_s_and_so_the_alias_s(self) -> None:
        functions = with_snapshots(MaxSimultaneousRequests="7")
        store = functions["StoreFunction"]["Properties"]
        assert store["ReservedConcurrentExecutions"] == "7"
        alias = functions["StoreFunctionAliaslive"]["Properties"]
        assert "ProvisionedConcurrencyConfig" not in alias

    def test_alarms_watch_the_functions_whatever_version_runs(self) -> None:
        alarms = of_type("AWS::CloudWatch::Alarm", with_snapshots()).values()
        watched = [each for alarm in alarms for each in metrics(alarm)]
        functions = [each["Dimensions"] for each in watched if each["Namespace"] == "AWS/Lambda"]
        assert len(functions) == 8
        for dimensions in functions:
            (dimension,) = dimensions
            assert dimension["Name"] == "FunctionName"
            assert dimension["Value"] in (*VERSIONED, "IngestFunction", "NotifyFunction")


class TestOff:
    def test_no_version_is_published_no_alias_made_and_nothing_starts_from_a_snapshot(self) -> None:
        resources = deployed(snapshots=False, **OIDC)
        assert not of_type("AWS::Lambda::Version", resources)
        assert not of_type("AWS::Lambda::Alias", resources)
        functions = of_type("AWS::Lambda::Function", resources)
        assert set(VERSIONED) < set(functions)
        assert not [name for name, each in functions.items() if "SnapStart" in each]

    def test_the_gateway_invokes_the_functions_themselves_and_may(self) -> None:
        resources = deployed(snapshots=False, **OIDC)
        assert invoked_by_the_gateway(resources) == {
            "StoreFunction.Arn",
            "AuthorizerFunction.Arn",
            "CapabilitiesFunction.Arn",
            "UploadsFunction.Arn",
            "RetrieveFunction.Arn",
            "CommitmentFunction.Arn",
        }
        assert invocable_by_the_gateway(resources) == {
            "StoreFunction",
            "AuthorizerFunction.Arn",
            "CapabilitiesFunction",
            "UploadsFunction",
            "RetrieveFunction",
            "CommitmentFunction",
        }

    def test_snapshots_change_nothing_but_how_the_two_functions_start_and_are_invoked(self) -> None:
        off, on = deployed(snapshots=False, **OIDC), with_snapshots()
        added = {name: each["Type"] for name, each in on.items() if name not in off}
        gone = {name: each["Type"] for name, each in off.items() if name not in on}
        # The deployment of the API is named by a digest of what it deploys.
        assert sorted(added.values()) == [
            "AWS::ApiGateway::Deployment",
            *["AWS::Lambda::Alias"] * 2,
            *["AWS::Lambda::Version"] * 2,
        ]
        assert list(gone.values()) == ["AWS::ApiGateway::Deployment"]
        changed = {name: off[name]["Type"] for name in off if off[name] != on.get(name, off[name])}
        permissions = set(changed) - {"Api", "ApiStage", *VERSIONED}
        assert {changed[name] for name in permissions} == {"AWS::Lambda::Permission"}
        for name in VERSIONED:
            assert on[name]["Properties"].pop("SnapStart") == {"ApplyOn": "PublishedVersions"}
            assert on[name] == off[name]

    def test_parameters_may_be_of_any_length(self) -> None:
        lengths = {name for name, each in PARAMETERS.items() if "MaxLength" in each}
        assert not lengths

    def test_a_parameter_cannot_leave_the_alias_out_which_is_why_there_is_another_template(
        self,
    ) -> None:
        refused = """
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform

class NoManagedPolicies:
    def load(self):
        return {}

function = {"CodeUri": "s3://bucket/code", "Handler": "a.b", "Runtime": "python3.13"}
template = {
    "Parameters": {"Alias": {"Type": "String", "Default": ""}},
    "Resources": {"Function": {"Type": "AWS::Serverless::Function", "Properties": function}},
}
for alias in ({"Ref": "Alias"}, {"Fn::If": ["Any", "live", {"Ref": "AWS::NoValue"}]}):
    function["AutoPublishAlias"] = alias
    try:
        transform(template, {}, NoManagedPolicies())
    except InvalidDocumentException as refusal:
        print(refusal.causes[0].message.removeprefix("Resource with id [Function] is invalid. "))
"""
        assert run("-c", refused).splitlines() == [
            "Alias name is required to create an alias",
            "'AutoPublishAlias' must be a string or a Ref to a template parameter",
        ]


CHANGES = {
    "Architecture": "x86_64",
    "StoreMemory": "3008",
    "StorageProfile": "any-storage",
    "PreamblePolicy": "refuse",
    "DuplicatePolicy": "replace",
    "ObjectLockMode": "COMPLIANCE",
    "ObjectLockDays": "365",
    "ExistingArchiveBucket": "kept",
    "ExistingIndexTable": "restored",
    "Retrieve": "off",
    "RetrieveBaseUrl": "https://pacs.example.org",
    "AllowedOrigins": "https://viewer.example.org",
    "Authentication": "none",
    "RequiredScope": "dicom:store",
    "ReadScope": "dicom:read",
    "OidcAudience": "other",
    "OidcIssuer": "https://other.example.org",
    "EndpointUrl": "http://127.0.0.1:5050",
    "MaxSimultaneousRequests": "7",
    "MaxIngestAttempts": "7",
    "LogRetentionDays": "7",
    "StageName": "other",
}


def parameters_of(node: object) -> Iterator[str]:
    """The parameters that ``node`` of the template depends on."""
    if isinstance(node, list):
        for each in node:
            yield from parameters_of(each)
    elif isinstance(node, dict):
        if node.get("Ref") in PARAMETERS:
            yield node["Ref"]
        if "Fn::If" in node:
            yield from parameters_of(TEMPLATE["Conditions"][node["Fn::If"][0]])
        yield from parameters_of(list(node.values()))


def configured_by(function: str) -> set[str]:
    """The parameters that a version of ``function`` holds the values of."""
    # The reserved concurrency is the function's, whatever the version.
    apart = ("VersionDescription", "ReservedConcurrentExecutions")
    own = {name: value for name, value in FUNCTIONS[function].items() if name not in apart}
    return {*parameters_of(own), *parameters_of(TEMPLATE["Globals"]["Function"])}


class TestVersions:
    @pytest.mark.parametrize("function", VERSIONED)
    @pytest.mark.parametrize("parameter", CHANGES)
    def test_another_is_published_when_a_parameter_of_the_function_changes_and_only_then(
        self, function: str, parameter: str
    ) -> None:
        # Of what leaves the function as it is there would be nothing to publish.
        configured = configured_by(function)
        assert configured <= set(CHANGES)
        before, after = with_snapshots(), with_snapshots(**{parameter: CHANGES[parameter]})
        changes = version(before, function) != version(after, function)
        assert changes == (parameter in configured)

    @pytest.mark.parametrize("function", VERSIONED)
    def test_another_is_published_when_the_code_or_the_layer_changes(self, function: str) -> None:
        now = version(with_snapshots(), function)
        assert version(with_snapshots(code="other"), function)[0] != now[0]
        assert version(with_snapshots(layer="2"), function)[1] != now[1]

    @pytest.mark.parametrize(
        ("function", "longest"),
        [
            (
                "StoreFunction",
                {
                    "RetrieveBaseUrl": "https://" + "r" * 43,
                    "AllowedOrigins": "https://" + "a" * 47,
                    "ExistingArchiveBucket": "b" * 40,
                    "ExistingIndexTable": "t" * 40,
                    "EndpointUrl": "",  # on AWS
                },
            ),
            (
                "AuthorizerFunction",
                {
                    "OidcIssuer": "https://" + "i" * 92,
                    "OidcAudience": "a" * 49,
                    "RequiredScope": "s" * 40,
                    "ReadScope": "r" * 40,
                },
            ),
        ],
    )
    def test_what_the_manual_allows_fits_into_the_description(
        self, function: str, longest: dict[str, str]
    ) -> None:
        allowed = sum(map(len, longest.values()))
        assert f"{allowed} characters together" in MANUAL
        others = {
            name: longest_choice(name) for name in configured_by(function) if name not in longest
        }
        resources = with_snapshots(layer="9999", **{**longest, **others})
        description = version(resources, function)[1]
        assert all(value in description for value in (*longest.values(), *others.values()))
        assert len(description) <= LONGEST_DESCRIPTION


MANUAL = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def longest_choice(name: str) -> str:
    parameter = PARAMETERS[name]
    choices = parameter.get("AllowedValues") or [parameter["MaxValue"]]
    return max(map(str, choices), key=len)
