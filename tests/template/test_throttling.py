"""Ingest under throttling, as SAM translates it: what AWS advises for queues and their functions.

The pages are services-sqs-configure and services-sqs-scaling of Lambda's developer guide.
"""

from typing import Any

import pytest

from archive.staging import STAGING
from tests.template.parts import of_type
from tests.template.transformed import deployed

pytestmark = pytest.mark.process

IN_A_NEW_ACCOUNT = 10
"""What Lambda's concurrency may be until it is raised."""


def properties(name: str, **values: str) -> dict[str, Any]:
    found: dict[str, Any] = deployed(**values)[name]["Properties"]
    return found


def mapping(function: str, **values: str) -> dict[str, Any]:
    """The event source mapping of ``function``."""
    found: dict[str, Any]
    (found,) = (
        each
        for each in of_type("AWS::Lambda::EventSourceMapping", deployed(**values)).values()
        if each["FunctionName"] == function
    )
    return found


def most(function: str, **values: str) -> int:
    return int(mapping(function, **values)["ScalingConfig"]["MaximumConcurrency"])


def test_ingest_leaves_most_of_a_new_account_to_the_api() -> None:
    assert most("IngestFunction") < IN_A_NEW_ACCOUNT / 2
    assert "ReservedConcurrentExecutions" not in properties("IngestFunction")


@pytest.mark.parametrize("ingests", ["2", "40"])
def test_what_is_reserved_for_ingest_is_what_its_queue_may_ask_for(ingests: str) -> None:
    chosen = {"IngestConcurrency": "reserved", "MaxSimultaneousIngests": ingests}
    reserved = properties("IngestFunction", **chosen)["ReservedConcurrentExecutions"]
    assert int(reserved) == most("IngestFunction", **chosen) == int(ingests)


@pytest.mark.parametrize("function", ["IngestFunction", "DeadLetterFunction"])
def test_a_message_is_hidden_for_six_timeouts_of_its_function(function: str) -> None:
    queue = properties(mapping(function)["EventSourceArn"].removesuffix(".Arn"))
    assert queue["VisibilityTimeout"] == 6 * properties(function)["Timeout"]
    assert most(function) >= 2
    assert mapping(function)["BatchSize"] == 1
    assert "MaximumBatchingWindowInSeconds" not in mapping(function)


def test_a_message_is_received_five_times_before_it_is_given_up() -> None:
    redrive = properties("IngestQueue")["RedrivePolicy"]
    attempts = int(redrive["maxReceiveCount"])
    assert attempts >= 5
    variables = properties("IngestFunction")["Environment"]["Variables"]
    assert int(variables["MAX_INGEST_ATTEMPTS"]) == attempts
    hidden = int(variables["VISIBILITY_TIMEOUT"])
    queue = properties("IngestQueue")
    assert hidden == queue["VisibilityTimeout"]
    assert queue["MessageRetentionPeriod"] > attempts * hidden
    # SQS counts a message's age from when it was first sent, also in the dead-letter queue.
    dead_letters = properties("IngestDeadLetterQueue")
    assert dead_letters["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]


def test_an_alarm_rings_before_a_message_or_its_body_expires() -> None:
    alarm = properties("ExpiringUploadsAlarm")
    oldest, *ages = alarm["Metrics"]
    assert oldest["Expression"] == "MAX([FILL(waiting, 0), FILL(failed, 0)])"
    watched = {each["Id"]: each["MetricStat"]["Metric"] for each in ages}
    assert {name: each["Dimensions"][0]["Value"] for name, each in watched.items()} == {
        "waiting": "IngestQueue.QueueName",
        "failed": "FailedUploadsQueue.QueueName",
    }
    assert {each["MetricName"] for each in watched.values()} == {"ApproximateAgeOfOldestMessage"}
    queues = ("IngestQueue", "FailedUploadsQueue")
    retained = [properties(name)["MessageRetentionPeriod"] for name in queues]
    rules = properties("ArchiveBucket")["LifecycleConfiguration"]["Rules"]
    (staged,) = (
        rule["ExpirationInDays"] * 24 * 3600 for rule in rules if rule.get("Prefix") == STAGING
    )
    waiting = properties("WaitingUploadsAlarm")
    assert waiting["Threshold"] < alarm["Threshold"] < min(staged, *retained)


def test_an_attempt_that_fails_is_told() -> None:
    alarm = properties("IngestErrorsAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "IngestFunction"}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)


def test_the_number_of_pending_uploads_is_the_function_s_to_keep() -> None:
    variables = properties("UploadsFunction", MaxPendingUploads="7")["Environment"]["Variables"]
    assert variables["MAX_PENDING_UPLOADS"] in (7, "7")
