import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.parts import FUNCTIONS, PARAMETERS, TEMPLATE
from tests.template.transformed import deployed

VERSIONED = ("StoreFunction", "AuthorizerFunction")
OIDC = {"OidcIssuer": "https://login.example.org", "OidcAudience": "stowport"}
ON = {"SnapStart": "on", **OIDC}
LONGEST_DESCRIPTION = 256

Resources = dict[str, dict[str, Any]]


def of_type(resources: Resources, kind: str) -> Resources:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def version(resources: Resources, function: str) -> tuple[str, str]:
    """The version of ``function``: what, when it changes, has CloudFormation publish another."""
    versions = of_type(resources, "AWS::Lambda::Version")
    (found,) = (name for name, each in versions.items() if each["FunctionName"] == function)
    return found, versions[found]["Description"]


def invoked_by_the_gateway(resources: Resources) -> set[str]:
    """What the API's methods and authorizers invoke, as their URIs name it."""
    body = repr(resources["Api"]["Properties"]["Body"])
    return set(re.findall(r"functions/([\w.:]+)/invocations", body))


def invocable_by_the_gateway(resources: Resources) -> set[str]:
    permissions = of_type(resources, "AWS::Lambda::Permission").values()
    assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    return {each["FunctionName"] for each in permissions}


class TestOn:
    def test_the_functions_of_a_post_start_from_snapshots_and_no_others(self) -> None:
        functions = of_type(deployed(**ON), "AWS::Lambda::Function")
        found = {name for name, each in functions.items() if "SnapStart" in each}
        assert found == set(VERSIONED)
        for name in VERSIONED:
            assert functions[name]["SnapStart"] == {"ApplyOn": "PublishedVersions"}

    def test_a_function_that_starts_from_snapshots_has_no_disk_beyond_what_they_allow(self) -> None:
        functions = of_type(deployed(**ON), "AWS::Lambda::Function")
        for name in VERSIONED:
            assert "EphemeralStorage" not in functions[name]

    @pytest.mark.parametrize("function", VERSIONED)
    def test_the_alias_is_the_published_version(self, function: str) -> None:
        resources = deployed(**ON)
        alias = resources[f"{function}Aliaslive"]["Properties"]
        assert (alias["FunctionName"], alias["Name"]) == (function, "live")
        assert alias["FunctionVersion"] == f"{version(resources, function)[0]}.Version"

    def test_the_gateway_invokes_the_aliases_and_may(self) -> None:
        resources = deployed(**ON)
        assert invoked_by_the_gateway(resources) == {
            "StoreFunctionAliaslive",
            "AuthorizerFunction.Arn:live",
            "UploadsFunction.Arn",
        }
        assert invocable_by_the_gateway(resources) == {
            "StoreFunctionAliaslive",
            "AuthorizerFunctionAliaslive",
            "UploadsFunction",
        }

    @pytest.mark.parametrize("function", VERSIONED)
    def test_the_version_before_goes_and_its_snapshot_with_it(self, function: str) -> None:
        resources = deployed(**ON)
        resource = resources[version(resources, function)[0]]
        assert resource["DeletionPolicy"] == "Delete"
        assert "UpdateReplacePolicy" not in resource

    def test_the_reserved_concurrency_is_the_function_s_and_so_the_alias_s(self) -> None:
        functions = deployed(**ON, MaxSimultaneousRequests="7")
        store = functions["StoreFunction"]["Properties"]
        assert store["ReservedConcurrentExecutions"] == "7"
        alias = functions["StoreFunctionAliaslive"]["Properties"]
        assert "ProvisionedConcurrencyConfig" not in alias

    def test_alarms_watch_the_functions_whatever_version_runs(self) -> None:
        alarms = of_type(deployed(**ON), "AWS::CloudWatch::Alarm").values()
        watched = [each["Dimensions"] for each in alarms if each["Namespace"] == "AWS/Lambda"]
        assert watched == [[{"Name": "FunctionName", "Value": "StoreFunction"}]] * 2


class TestOff:
    def test_nothing_starts_from_a_snapshot(self) -> None:
        functions = of_type(deployed(**OIDC), "AWS::Lambda::Function")
        applied = [
            each["SnapStart"]["ApplyOn"] for each in functions.values() if "SnapStart" in each
        ]
        assert applied == ["None"] * len(VERSIONED)

    def test_the_gateway_invokes_the_store_function_s_alias_and_the_authorizer_itself(self) -> None:
        resources = deployed(**OIDC)
        assert invoked_by_the_gateway(resources) == {
            "StoreFunctionAliaslive",
            "AuthorizerFunction.Arn",
            "UploadsFunction.Arn",
        }
        assert invocable_by_the_gateway(resources) == {
            "StoreFunctionAliaslive",
            "AuthorizerFunction",
            "UploadsFunction",
        }

    def test_issuer_audience_and_scope_may_be_of_any_length(self) -> None:
        resources = deployed(OidcIssuer="https://" + "i" * 300, OidcAudience="a" * 300)
        assert version(resources, "AuthorizerFunction")[1] == "off"


CHANGES = {
    "SnapStart": "off",
    "Architecture": "x86_64",
    "StoreMemory": "3008",
    "StorageProfile": "any-storage",
    "DuplicatePolicy": "replace",
    "RetrieveBaseUrl": "https://pacs.example.org",
    "AllowedOrigins": "https://viewer.example.org",
    "Authentication": "none",
    "RequiredScope": "dicom:store",
    "OidcAudience": "other",
    "OidcIssuer": "https://other.example.org",
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
        # What leaves the function as it is must not: Lambda refuses a version equal to the last.
        configured = configured_by(function)
        assert configured <= set(CHANGES)
        before, after = deployed(**ON), deployed(**{**ON, parameter: CHANGES[parameter]})
        changes = version(before, function) != version(after, function)
        assert changes == (parameter in configured)

    @pytest.mark.parametrize("function", VERSIONED)
    def test_another_is_published_when_the_code_or_the_layer_changes(self, function: str) -> None:
        now = version(deployed(**ON), function)
        assert version(deployed(code="other", **ON), function)[0] != now[0]
        assert version(deployed(layer="2", **ON), function)[1] != now[1]

    def test_the_longest_values_fit_into_the_description_of_the_store_function_s(self) -> None:
        longest = {name: longest_value(name) for name in configured_by("StoreFunction")}
        resources = deployed(layer="9999", **ON)
        description = version(resources, "StoreFunction")[1]
        now = {name: {**DEFAULTS, **ON}[name] for name in longest}
        assert all(value in description for value in now.values())
        grown = sum(len(longest[name]) - len(now[name]) for name in longest)
        assert len(description) + grown <= LONGEST_DESCRIPTION

    def test_230_characters_of_issuer_audience_and_scope_fit_into_the_authorizer_s(self) -> None:
        values = {"OidcIssuer": "https://" + "i" * 92, "OidcAudience": "a" * 65}
        values |= {"RequiredScope": "s" * 65, "Architecture": "x86_64", "SnapStart": "on"}
        assert (
            sum(len(values[name]) for name in ("OidcIssuer", "OidcAudience", "RequiredScope"))
            == 230
        )
        description = version(deployed(layer="9999", **values), "AuthorizerFunction")[1]
        assert len(description) <= LONGEST_DESCRIPTION


DEFAULTS = {name: str(each["Default"]) for name, each in PARAMETERS.items()}


def longest_value(name: str) -> str:
    parameter = PARAMETERS[name]
    if "AllowedValues" in parameter:
        return max(map(str, parameter["AllowedValues"]), key=len)
    return "9" * int(parameter.get("MaxLength", len(str(parameter.get("MaxValue")))))
