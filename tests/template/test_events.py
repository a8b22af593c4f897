"""What tells of what was stored: the stream, the function, its queues and its alarms."""

import json

import pytest

from tests.template.parts import FUNCTIONS, PARAMETERS, RESOURCES
from tests.template.transformed import deployed

STREAM = RESOURCES["IndexStream"]["Properties"]
QUEUE = RESOURCES["QuietQueue"]["Properties"]
HOUR = 3600
GIVEN = "arn:aws:dynamodb:eu-west-1:123456789012:table/index/stream/1"


def test_the_stream_has_old_images_that_tell_a_commit_from_another_change() -> None:
    table = RESOURCES["IndexTable"]["Properties"]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_a_batch_comes_again_until_its_records_are_about_to_expire() -> None:
    assert STREAM["StartingPosition"] == "TRIM_HORIZON"
    assert STREAM["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert STREAM["BisectBatchOnFunctionError"] is True
    assert STREAM["MaximumRetryAttempts"] == -1
    # DynamoDB keeps them for 24 hours.
    assert 12 * HOUR < STREAM["MaximumRecordAgeInSeconds"] < 24 * HOUR
    (age,) = (RESOURCES["LateEventsAlarm"]["Properties"]["Threshold"],)
    assert age / 1000 < STREAM["MaximumRecordAgeInSeconds"] / 2


def test_what_is_given_up_goes_where_an_alarm_watches() -> None:
    untold = {"Fn::GetAtt": "UntoldQueue.Arn"}
    assert STREAM["DestinationConfig"] == {"OnFailure": {"Destination": untold}}
    assert QUEUE["RedrivePolicy"]["deadLetterTargetArn"] == untold
    watched = RESOURCES["UntoldEventsAlarm"]["Properties"]["Dimensions"]
    assert watched == [{"Name": "QueueName", "Value": {"Fn::GetAtt": "UntoldQueue.QueueName"}}]
    variables = FUNCTIONS["NotifyFunction"]["Environment"]["Variables"]
    assert variables["UNTOLD_QUEUE"] == {"Ref": "UntoldQueue"}


def test_only_instances_that_were_written_reach_the_function() -> None:
    (filtered,) = STREAM["FilterCriteria"]["Filters"]
    assert json.loads(filtered["Pattern"]) == {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"Keys": {"Resource": {"S": [{"prefix": "instances/"}]}}},
    }


def test_a_message_is_hidden_for_as_long_as_its_function_may_need() -> None:
    """AWS advises six times: services-sqs-configure.html of Lambda's developer guide."""
    assert QUEUE["VisibilityTimeout"] >= 6 * FUNCTIONS["NotifyFunction"]["Timeout"]


def test_a_message_can_be_delayed_for_as_long_as_the_parameter_allows() -> None:
    """At most 15 minutes: sqs-delay-queues.html of SQS's developer guide."""
    quiet = PARAMETERS["StudyQuietSeconds"]
    assert (quiet["Default"], quiet["MinValue"], quiet["MaxValue"]) == (0, 0, 900)


@pytest.mark.process
def test_nobody_waits_for_quiet_studies_unless_they_are_told_of() -> None:
    def enabled(seconds: str) -> object:
        mapping = deployed(Authentication="none", StudyQuietSeconds=seconds)
        return mapping["NotifyFunctionStudyMayBeQuiet"]["Properties"]["Enabled"]

    assert (enabled("0"), enabled("60")) == (False, True)


@pytest.mark.process
@pytest.mark.parametrize(
    ("parameters", "source"),
    [
        ({}, "IndexTable.StreamArn"),
        ({"ExistingIndexTable": "index"}, None),
        (
            {
                "ExistingIndexTable": "index",
                "ExistingIndexStreamArn": GIVEN,
            },
            GIVEN,
        ),
    ],
)
def test_a_table_without_a_stream_has_no_events(
    parameters: dict[str, str], source: str | None
) -> None:
    resources = deployed(Authentication="none", **parameters)
    found = resources.get("IndexStream", {}).get("Properties", {})
    assert found.get("EventSourceArn") == source
    role = resources["NotifyRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    reads = [each["Resource"] for each in role if "dynamodb:GetRecords" in each["Action"]]
    assert reads == ([source] if source else [])
