import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from archive.items import INSTANCE_INDEX
from archive.staging import STAGING
from archive.uploads import SECONDS_KNOWN, SECONDS_UNSEEN
from tests.template.parts import (
    API,
    FUNCTIONS,
    NAMESPACE,
    PARAMETERS,
    RESOURCES,
    metrics,
    of_type,
)


class TestArchive:
    @pytest.mark.parametrize("name", ["ArchiveBucket", "ArchiveBucketPolicy", "IndexTable"])
    def test_it_outlives_the_stack(self, name: str) -> None:
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"

    def test_there_is_one_bucket_private_and_announced(self) -> None:
        (bucket,) = of_type("AWS::S3::Bucket").values()
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["NotificationConfiguration"] == {
            "EventBridgeConfiguration": {"EventBridgeEnabled": True}
        }

    def test_the_bucket_speaks_tls_only(self) -> None:
        (policy,) = of_type("AWS::S3::BucketPolicy").values()
        statement, _ = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] == "*"
        assert statement["Action"] == "s3:*"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
        assert statement["Resource"] == [
            {"Fn::GetAtt": "ArchiveBucket.Arn"},
            {"Fn::Sub": "${ArchiveBucket.Arn}/*"},
        ]

    def test_no_lifecycle_rule_removes_an_instance(self) -> None:
        *rules, moves = RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        assert moves["Fn::If"][1].keys() == {"Id", "Status", "Prefix", "Transitions"}
        for rule in rules:
            removes = set(rule) - {"Id", "Status", "Prefix", "AbortIncompleteMultipartUpload"}
            assert not removes or rule["Prefix"] in ("staging/", "answers/")
        assert {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules[1:]} == {
            "staging/": 2,
            "answers/": 8,
        }
        assert SECONDS_KNOWN < 8 * 24 * 3600

    def test_the_index_is_on_demand_and_hard_to_lose(self) -> None:
        table = RESOURCES["IndexTable"]["Properties"]
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["SSESpecification"]["SSEEnabled"] is True
        assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
        assert [each["AttributeName"] for each in table["KeySchema"]] == [
            "StudyInstanceUID",
            "Resource",
        ]

    def test_instances_are_found_by_their_own_uid_in_an_index_of_keys_alone(self) -> None:
        (index,) = RESOURCES["IndexTable"]["Properties"]["GlobalSecondaryIndexes"]
        assert index == {
            "IndexName": INSTANCE_INDEX,
            "KeySchema": [{"AttributeName": "SOPInstanceUID", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }


class TestLargeRequests:
    def test_the_rule_tells_the_queue_of_staged_bodies_alone(self) -> None:
        rule = RESOURCES["BodyIsStagedRule"]["Properties"]
        assert rule["EventPattern"] == {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {
                    "name": [
                        {
                            "Fn::If": [
                                "MakesArchiveBucket",
                                {"Ref": "ArchiveBucket"},
                                {"Ref": "ExistingArchiveBucket"},
                            ]
                        }
                    ]
                },
                "object": {"key": [{"prefix": STAGING}]},
            },
        }
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": "IngestQueue.Arn"}

    def test_nothing_but_the_rule_may_send_to_the_queues(self) -> None:
        policy = RESOURCES["IngestQueuePolicy"]["Properties"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        rule = {"Fn::GetAtt": "BodyIsStagedRule.Arn"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}

    def test_a_message_that_no_attempt_gets_through_ends_in_the_dead_letter_queue(self) -> None:
        redrive = RESOURCES["IngestQueue"]["Properties"]["RedrivePolicy"]
        assert redrive == {
            "deadLetterTargetArn": {"Fn::GetAtt": "IngestDeadLetterQueue.Arn"},
            "maxReceiveCount": {"Ref": "MaxIngestAttempts"},
        }
        variables = FUNCTIONS["IngestFunction"]["Environment"]["Variables"]
        assert variables["MAX_INGEST_ATTEMPTS"] == redrive["maxReceiveCount"]
        visible = FUNCTIONS["IngestFunction"]["Environment"]["Variables"]["VISIBILITY_TIMEOUT"]
        assert int(visible) == RESOURCES["IngestQueue"]["Properties"]["VisibilityTimeout"]

    def test_throttled_invocations_alone_do_not_use_up_its_attempts(self) -> None:
        """AWS advises at least five: services-sqs-configure.html of Lambda's developer guide."""
        attempts = PARAMETERS["MaxIngestAttempts"]
        assert attempts["Default"] >= attempts["MinValue"] >= 5

    def test_an_event_that_cannot_be_delivered_ends_there_too(self) -> None:
        (target,) = RESOURCES["BodyIsStagedRule"]["Properties"]["Targets"]
        dead_letters = {"Fn::GetAtt": "IngestDeadLetterQueue.Arn"}
        assert target["DeadLetterConfig"] == {"Arn": dead_letters}

    def test_what_is_in_the_dead_letter_queue_is_marked_failed_and_kept_for_people(self) -> None:
        function = FUNCTIONS["DeadLetterFunction"]
        (event,) = function["Events"].values()
        assert event["Properties"]["Queue"] == {"Fn::GetAtt": "IngestDeadLetterQueue.Arn"}
        variables = function["Environment"]["Variables"]
        assert variables["FAILED_UPLOADS_QUEUE"] == {"Ref": "FailedUploadsQueue"}
        dead_letters = RESOURCES["IngestDeadLetterQueue"]["Properties"]
        assert dead_letters["VisibilityTimeout"] >= 2 * function["Timeout"]
        assert not [
            each["Properties"]
            for one in FUNCTIONS.values()
            for each in one.get("Events", {}).values()
            if each["Properties"].get("Queue") == {"Fn::GetAtt": "FailedUploadsQueue.Arn"}
        ]

    def test_what_cannot_be_marked_is_kept_for_people_too(self) -> None:
        redrive = RESOURCES["IngestDeadLetterQueue"]["Properties"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": "FailedUploadsQueue.Arn"}
        # Where receives are counted over all queues, its consumer must have its turns.
        assert redrive["maxReceiveCount"] > 2 * PARAMETERS["MaxIngestAttempts"]["MaxValue"]

    def test_the_alarm_rings_for_what_is_in_either_queue(self) -> None:
        total, *metrics = RESOURCES["PoisonedUploadsAlarm"]["Properties"]["Metrics"]
        assert total["Expression"] == "FILL(dead, 0) + FILL(failed, 0)"
        assert "ReturnData" not in total
        watched = {each["Id"]: each["MetricStat"]["Metric"] for each in metrics}
        assert {name: each["Dimensions"][0]["Value"] for name, each in watched.items()} == {
            "dead": {"Fn::GetAtt": "IngestDeadLetterQueue.QueueName"},
            "failed": {"Fn::GetAtt": "FailedUploadsQueue.QueueName"},
        }
        assert {each["MetricName"] for each in watched.values()} == {
            "ApproximateNumberOfMessagesVisible"
        }

    def test_no_message_expires_unseen(self) -> None:
        retention = RESOURCES["IngestQueue"]["Properties"]["MessageRetentionPeriod"]
        (staged,) = (
            rule["ExpirationInDays"]
            for rule in RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
            if rule.get("Prefix") == STAGING
        )
        # A lifecycle rule counts to the midnight that follows.
        assert retention > (staged + 1) * 24 * 3600
        alarm = RESOURCES["WaitingUploadsAlarm"]["Properties"]
        assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
        assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": "IngestQueue.QueueName"}
        # SQS leaves a message out of the metric that was received more than three times.
        hidden = RESOURCES["IngestQueue"]["Properties"]["VisibilityTimeout"]
        assert 4 * hidden < alarm["Threshold"] < SECONDS_UNSEEN < staged * 24 * 3600
        attempts = PARAMETERS["MaxIngestAttempts"]["MaxValue"]
        assert attempts * hidden < SECONDS_UNSEEN
        for name in ("IngestDeadLetterQueue", "FailedUploadsQueue"):
            assert RESOURCES[name]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600

    def test_a_message_is_one_body_and_a_worker_stores_one_at_a_time(self) -> None:
        (event,) = FUNCTIONS["IngestFunction"]["Events"].values()
        assert event["Properties"]["BatchSize"] == 1
        assert event["Properties"]["ScalingConfig"] == {
            "MaximumConcurrency": {"Ref": "MaxSimultaneousIngests"}
        }

    def test_the_disk_that_ingest_has_is_what_uploads_are_held_to(self) -> None:
        assert FUNCTIONS["IngestFunction"]["EphemeralStorage"] == {"Size": {"Ref": "IngestStorage"}}
        variables = FUNCTIONS["UploadsFunction"]["Environment"]["Variables"]
        assert variables["INGEST_STORAGE"] == {"Ref": "IngestStorage"}

    def test_an_upload_is_forgotten_some_day(self) -> None:
        table = RESOURCES["UploadTable"]["Properties"]
        assert table["TimeToLiveSpecification"] == {"AttributeName": "Expires", "Enabled": True}

    def test_pages_of_the_allowed_origins_and_no_others_may_put_bodies(self) -> None:
        bucket = RESOURCES["ArchiveBucket"]["Properties"]
        condition, allowed, otherwise = bucket["CorsConfiguration"]["Fn::If"]
        assert (condition, otherwise) == ("HasAllowedOrigins", {"Ref": "AWS::NoValue"})
        rule, of_redirects = allowed["CorsRules"]
        assert rule["AllowedOrigins"] == {"Fn::Split": [",", {"Ref": "AllowedOrigins"}]}
        condition, redirects, otherwise = of_redirects["Fn::If"]
        assert (condition, otherwise) == ("Retrieves", {"Ref": "AWS::NoValue"})
        assert redirects["AllowedMethods"] == ["GET", "HEAD"]


class TestOperations:
    def test_every_log_has_an_end(self) -> None:
        groups = of_type("AWS::Logs::LogGroup")
        assert set(groups) == {
            "AccessLogGroup",
            "StoreLogGroup",
            "CapabilitiesLogGroup",
            "UploadsLogGroup",
            "IngestLogGroup",
            "DeadLetterLogGroup",
            "NotifyLogGroup",
            "CommitmentLogGroup",
            "CommitmentWorkerLogGroup",
            "AuthorizerLogGroup",
            "AuditLogGroup",
            "AuditTrailLogGroup",
            "RetrieveLogGroup",
        }
        ends = {name: group["RetentionInDays"] for name, group in groups.items()}
        kept = ["KeepsAuditTrail", {"Ref": "AuditRetentionDays"}, 3653]
        assert ends.pop("AuditTrailLogGroup") == {"Fn::If": kept}
        assert list(ends.values()) == [{"Ref": "LogRetentionDays"}] * len(ends)

    def test_a_log_that_is_retained_is_never_made_twice(self) -> None:
        resources = [RESOURCES[name] for name in of_type("AWS::Logs::LogGroup")]
        assert not [each for each in resources if "Condition" in each]

    def test_the_audit_trail_is_kept_and_encrypted_as_was_asked_for(self) -> None:
        trail = RESOURCES["AuditTrailLogGroup"]
        assert trail["DeletionPolicy"] == "RetainExceptOnCreate"
        assert trail["UpdateReplacePolicy"] == "Retain"
        key = trail["Properties"]["KmsKeyId"]
        assert key == {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
        # What CloudWatch Logs takes: API_PutRetentionPolicy.html of its API reference.
        months = "30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653"
        parameter = PARAMETERS["AuditRetentionDays"]
        assert parameter["Default"] == "off"
        assert set(parameter["AllowedValues"]) <= {"off", *months.split()}
        assert "2557" in parameter["AllowedValues"]

    def test_the_trail_is_tried_for_almost_as_long_as_the_stream_keeps_a_record(self) -> None:
        source = RESOURCES["AuditedStream"]["Properties"]
        assert source["MaximumRetryAttempts"] == -1
        assert 22 * 3600 < source["MaximumRecordAgeInSeconds"] < 24 * 3600
        failures = {"Fn::GetAtt": "AuditFailuresQueue.Arn"}
        assert source["DestinationConfig"] == {"OnFailure": {"Destination": failures}}
        refused = FUNCTIONS["AuditFunction"]["EventInvokeConfig"]["DestinationConfig"]
        assert refused == {"OnFailure": {"Type": "SQS", "Destination": failures}}
        watched = RESOURCES["LostAuditAlarm"]["Properties"]["Dimensions"]
        assert watched == [
            {"Name": "QueueName", "Value": {"Fn::GetAtt": "AuditFailuresQueue.QueueName"}}
        ]

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_a_function_logs_to_its_own_group(self, name: str) -> None:
        own = name.replace("Function", "LogGroup")
        assert FUNCTIONS[name]["LoggingConfig"]["LogGroup"] == {"Ref": own}

    def test_every_alarm_tells_the_topic(self) -> None:
        alarms = of_type("AWS::CloudWatch::Alarm")
        topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
        assert alarms
        for alarm in alarms.values():
            assert alarm["AlarmActions"] == alarm["OKActions"] == topic

    def test_slow_is_four_fifths_of_the_timeout(self) -> None:
        milliseconds = FUNCTIONS["StoreFunction"]["Timeout"] * 1000
        threshold = RESOURCES["SlowStoresAlarm"]["Properties"]["Threshold"]
        assert threshold == pytest.approx(milliseconds * 0.8)


STATUS_OF_THE_GATEWAY = {
    "THROTTLED": 429,
    "QUOTA_EXCEEDED": 429,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "AUTHORIZER_FAILURE": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "API_CONFIGURATION_ERROR": 500,
    "DEFAULT_5XX": 500,
}
"""What API Gateway answers unless a gateway response says otherwise; what the others mean is 4xx.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""


def counts(name: str, line: dict[str, str]) -> bool:
    """Whether the metric filter ``name`` counts a line of the access log."""
    pattern = RESOURCES[name]["Properties"]["FilterPattern"]
    term = r'\(?\$\.(\w+) = "([^"]+)"\)?'
    assert re.fullmatch(rf"{{ {term}( \|\| {term})* }}", pattern)
    return any(fnmatchcase(line[field], value) for field, value in re.findall(term, pattern))


def logged(status: int) -> dict[str, str]:
    """A line of the access log, of which the status alone is told."""
    line: dict[str, str] = json.loads(API["AccessLogSetting"]["Format"])
    assert line["status"] == "$context.status"
    return {**line, "status": str(status)}


class TestWhatIsUnavailable:
    @pytest.mark.parametrize("kind", API["GatewayResponses"])
    def test_what_the_gateway_itself_answers_with_503_is_counted(self, kind: str) -> None:
        answered = int(API["GatewayResponses"][kind]["StatusCode"])
        assert (answered == 503) == (kind in STATUS_OF_THE_GATEWAY)
        assert counts("RequestsUnavailableFilter", logged(answered)) == (answered == 503)
        own = STATUS_OF_THE_GATEWAY.get(kind, 400)
        assert counts("RequestsUnavailableFilter", logged(own)) == (answered == 503)

    @pytest.mark.parametrize("status", [200, 202, 400, 401, 403, 404, 409, 413, 415])
    def test_no_other_answer_is_counted_as_unavailable(self, status: int) -> None:
        assert not counts("RequestsUnavailableFilter", logged(status))
        assert counts("RequestsFilter", logged(status))

    @pytest.mark.parametrize("name", ["RequestsFilter", "RequestsUnavailableFilter"])
    def test_the_access_log_is_counted_for_this_stack_alone(self, name: str) -> None:
        counter = RESOURCES[name]["Properties"]
        assert counter["LogGroupName"] == {"Ref": "AccessLogGroup"}
        (metric,) = counter["MetricTransformations"]
        assert metric["MetricNamespace"] == NAMESPACE
        assert (metric["MetricName"], metric["MetricValue"]) == (name.removesuffix("Filter"), "1")

    def test_one_request_in_twenty_rings(self) -> None:
        assert share("UnavailableAlarm") == "unavailable / requests"
        unavailable, requests = metrics(RESOURCES["UnavailableAlarm"]["Properties"])
        assert unavailable == {"Namespace": NAMESPACE, "MetricName": "RequestsUnavailable"}
        assert requests == {"Namespace": NAMESPACE, "MetricName": "Requests"}

    @pytest.mark.parametrize(
        ("alarm", "function"),
        [
            ("ThrottledStoresAlarm", "StoreFunction"),
            ("ThrottledAuthorizersAlarm", "AuthorizerFunction"),
        ],
    )
    def test_one_throttled_invocation_in_twenty_rings(self, alarm: str, function: str) -> None:
        # Lambda does not count a throttled one as an invocation, and sends no count of none: if it
        # throttles all, a sum without FILL has no value, and the alarm would be silent.
        assert share(alarm) == "throttles / (throttles + FILL(invocations, 0))"
        watched = metrics(RESOURCES[alarm]["Properties"])
        assert [each["MetricName"] for each in watched] == ["Throttles", "Invocations"]
        for each in watched:
            assert each["Namespace"] == "AWS/Lambda"
            assert each["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function}}]


def share(name: str) -> str:
    """The expression of an alarm, which must exceed 0.05 for a quarter of an hour."""
    alarm: dict[str, Any] = RESOURCES[name]["Properties"]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0.05, 3)
    expression, *terms = alarm["Metrics"]
    for term in terms:
        assert term["ReturnData"] is False
        assert (term["MetricStat"]["Stat"], term["MetricStat"]["Period"]) == ("Sum", 300)
        assert term["Id"] in expression["Expression"]
    text: str = expression["Expression"]
    return text


def test_no_metric_of_the_template_is_shared_with_another_stack() -> None:
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        for metric in metrics(alarm):
            of_the_stack = [each["Value"] for each in metric.get("Dimensions", ())]
            assert metric["Namespace"] == NAMESPACE or of_the_stack
            assert not [value for value in of_the_stack if isinstance(value, str)]
