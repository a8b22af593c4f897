"""The kill switch, and a rollout by CodeDeploy, as SAM translates them."""

import re
from typing import Any

import pytest

from tests.template.parts import API, PARAMETERS, of_type
from tests.template.transformed import deployed, template, transformed

pytestmark = pytest.mark.process

Resources = dict[str, dict[str, Any]]
VERSIONED = ("StoreFunction", "AuthorizerFunction")
CANARY = "Canary10Percent30Minutes"


def rolled(*, snapshots: bool = False, **values: str) -> Resources:
    return deployed(snapshots=snapshots, rollout=True, **values)


def groups(resources: Resources) -> Resources:
    found = of_type("AWS::CodeDeploy::DeploymentGroup", resources)
    return {name.removesuffix("DeploymentGroup"): each for name, each in found.items()}


class TestKillSwitch:
    """Lambda refuses every invocation of a function that has 0 reserved.

    configuration-concurrency of Lambda's developer guide: "set the reserved concurrency to zero".
    """

    @pytest.mark.parametrize("function", ["StoreFunction", "UploadsFunction"])
    def test_nothing_is_stored_or_offered_while_it_is_0(self, function: str) -> None:
        stopped = deployed(MaxSimultaneousRequests="0")[function]["Properties"]
        assert int(stopped["ReservedConcurrentExecutions"]) == 0

    def test_uploaded_bodies_wait_in_their_queue_and_no_attempt_of_theirs_is_used_up(self) -> None:
        def enabled(requests: str) -> Any:  # noqa: ANN401  JSON
            resources = deployed(MaxSimultaneousRequests=requests)
            (mapping,) = (
                each
                for each in of_type("AWS::Lambda::EventSourceMapping", resources).values()
                if each["FunctionName"] == "IngestFunction"
            )
            return mapping["Enabled"]

        assert (enabled("0"), enabled("unlimited"), enabled("1")) == (False, True, True)

    @pytest.mark.parametrize("requests", ["unlimited", "1"])
    def test_no_other_value_stops_uploads(self, requests: str) -> None:
        uploads = deployed(MaxSimultaneousRequests=requests)["UploadsFunction"]["Properties"]
        assert "ReservedConcurrentExecutions" not in uploads

    def test_what_the_gateway_answers_then_says_to_come_back(self) -> None:
        answer = API["GatewayResponses"]["INTEGRATION_FAILURE"]
        assert answer["StatusCode"] == "503"
        assert answer["ResponseParameters"]["Headers"]["Retry-After"] == "'5'"

    def test_capabilities_and_refusals_of_tokens_go_on(self) -> None:
        resources = deployed(MaxSimultaneousRequests="0")
        for function in ("CapabilitiesFunction", "AuthorizerFunction"):
            assert "ReservedConcurrentExecutions" not in resources[function]["Properties"]


class TestRollout:
    def test_without_it_nothing_of_codedeploy_is_deployed(self) -> None:
        assert not [
            name
            for name, each in deployed().items()
            if each["Type"].startswith("AWS::CodeDeploy::") or "UpdatePolicy" in each
        ]

    @pytest.mark.parametrize("snapshots", [False, True])
    def test_the_functions_of_a_post_move_to_a_new_version_through_their_alias(
        self, snapshots: bool
    ) -> None:
        resources = rolled(snapshots=snapshots, RolloutType=CANARY)
        assert set(groups(resources)) == set(VERSIONED)
        for name in VERSIONED:
            policy = resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
            assert policy["DeploymentGroupName"] == f"{name}DeploymentGroup"
        body = repr(resources["Api"]["Properties"]["Body"])
        invoked = set(re.findall(r"functions/([\w.:]+)/invocations", body))
        assert {f"{name}Aliaslive" for name in VERSIONED} < invoked

    @pytest.mark.parametrize("snapshots", [False, True])
    @pytest.mark.parametrize("kind", ["AllAtOnce", CANARY, "Linear10PercentEvery3Minutes"])
    def test_its_type_is_a_parameter(self, kind: str, snapshots: bool) -> None:
        for group in groups(rolled(snapshots=snapshots, RolloutType=kind)).values():
            assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{kind}"
            assert group["AutoRollbackConfiguration"]["Enabled"] is True
            assert group["ServiceRoleArn"] == "RolloutRole.Arn"

    def test_by_default_all_move_at_once_and_no_alarm_can_refuse_a_deployment(self) -> None:
        for group in groups(rolled()).values():
            assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
            assert not group["AlarmConfiguration"]

    def test_requests_go_back_when_an_alarm_rings(self) -> None:
        resources = rolled(RolloutType=CANARY)
        for group in groups(resources).values():
            watched = [each["Name"] for each in group["AlarmConfiguration"]["Alarms"]]
            assert group["AlarmConfiguration"]["Enabled"] is True
            assert watched == ["StoreErrorsAlarm", "UnavailableAlarm", "SlowStoresAlarm"]
            assert {resources[name]["Type"] for name in watched} == {"AWS::CloudWatch::Alarm"}
            assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]

    def test_no_rollout_ends_before_its_alarms_can_ring(self) -> None:
        document = transformed(template(snapshots=False, rollout=True), "code")
        kinds = document["Parameters"]["RolloutType"]["AllowedValues"]
        alarms = [
            document["Resources"][name]["Properties"]
            for name in ("StoreErrorsAlarm", "UnavailableAlarm", "SlowStoresAlarm")
        ]
        longest = max(300 * alarm["EvaluationPeriods"] // 60 for alarm in alarms)
        for kind in set(kinds) - {"AllAtOnce"}:
            steps, minutes = re.findall(r"\d+", kind)
            assert (10 if "Linear" in kind else 1) * int(minutes) > longest, steps

    def test_one_bad_answer_in_ten_requests_rings_the_alarm(self) -> None:
        threshold = deployed()["UnavailableAlarm"]["Properties"]["Threshold"]
        assert threshold < 0.1

    @pytest.mark.parametrize("snapshots", [False, True])
    def test_the_version_before_stays_so_that_people_can_go_back_to_it(
        self, snapshots: bool
    ) -> None:
        resources = rolled(snapshots=snapshots)
        versions = [each for each in resources.values() if each["Type"] == "AWS::Lambda::Version"]
        assert len(versions) == len(VERSIONED)
        for version in versions:
            assert version["DeletionPolicy"] == "Retain"

    def test_snapshots_are_kept_apart(self) -> None:
        for snapshots in (False, True):
            functions = rolled(snapshots=snapshots)
            for name in VERSIONED:
                assert ("SnapStart" in functions[name]["Properties"]) == snapshots

    def test_its_parameter_is_no_parameter_of_the_template_itself(self) -> None:
        assert "RolloutType" not in PARAMETERS
