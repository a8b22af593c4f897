import json
from importlib import import_module
from typing import Any

import pytest

from tests.template.parts import FUNCTIONS, NAMESPACE, RESOURCES, TEMPLATE, WRITTEN


def statements(role: str) -> list[dict[str, Any]]:
    policies: list[dict[str, Any]] = RESOURCES[role]["Properties"]["Policies"]
    written = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in written]


def made(resource: Any) -> Any:  # noqa: ANN401 - of any type in a template
    """Return what is named if the stack makes it; else it is what a parameter names."""
    if isinstance(resource, dict) and "Fn::If" in resource:
        makes, of_the_stack, _ = resource["Fn::If"]
        assert makes in ("MakesArchiveBucket", "MakesIndexTable")
        return of_the_stack
    return resource


def granted(role: str) -> dict[str, set[str]]:
    """The actions that ``role`` may do, by what it may do them to."""
    found: dict[str, set[str]] = {}
    for each in statements(role):
        actions = {each["Action"]} if isinstance(each["Action"], str) else set(each["Action"])
        found.setdefault(json.dumps(made(each["Resource"])), set()).update(actions)
    return found


class TestFunctions:
    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_the_handler_can_be_imported(self, name: str) -> None:
        module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
        assert callable(getattr(import_module(module), function))

    def test_all_run_the_same_code_with_a_layer_of_their_processor(self) -> None:
        shared = TEMPLATE["Globals"]["Function"]
        assert shared["Runtime"] == "python3.13"
        assert shared["CodeUri"] == "functions/"
        assert shared["Architectures"] == [{"Ref": "Architecture"}]
        for name, function in FUNCTIONS.items():
            kind = "Authorizer" if name == "AuthorizerFunction" else "Dependencies"
            layers = [{"Ref": f"{kind}LayerArm64"}, {"Ref": f"{kind}LayerX8664"}]
            assert function["Layers"] == [{"Fn::If": ["IsArm64", *layers]}]
        assert shared["Tracing"] == "Active"

    def test_the_authorizer_ends_before_the_store_and_the_store_before_the_gateway(self) -> None:
        authorizer = FUNCTIONS["AuthorizerFunction"]["Timeout"]
        assert authorizer < FUNCTIONS["StoreFunction"]["Timeout"] < 29

    def test_concurrency_is_reserved_only_when_asked_for(self) -> None:
        reserved = FUNCTIONS["StoreFunction"]["ReservedConcurrentExecutions"]
        assert reserved == {
            "Fn::If": [
                "IsUnlimited",
                {"Ref": "AWS::NoValue"},
                {"Ref": "MaxSimultaneousRequests"},
            ]
        }
        assert "ReservedConcurrentExecutions" not in FUNCTIONS["AuthorizerFunction"]
        assert FUNCTIONS["UploadsFunction"]["ReservedConcurrentExecutions"] == {
            "Fn::If": ["IsStopped", 0, {"Ref": "AWS::NoValue"}]
        }

    def test_the_environment_is_what_the_rooms_read(self) -> None:
        shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        assert set(shared) == {"POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
        assert shared["POWERTOOLS_METRICS_NAMESPACE"] == NAMESPACE
        own = {name: set(each["Environment"]["Variables"]) for name, each in FUNCTIONS.items()}
        assert own == {
            "StoreFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
                "STORAGE_PROFILE",
                "PREAMBLE_POLICY",
                "DUPLICATE_POLICY",
                "OBJECT_LOCK_MODE",
                "OBJECT_LOCK_DAYS",
                "RETRIEVE",
                "RETRIEVE_BASE_URL",
                "ALLOWED_ORIGINS",
                "AWS_ENDPOINT_URL",
            },
            "CapabilitiesFunction": {"POWERTOOLS_SERVICE_NAME", "RETRIEVE", "ALLOWED_ORIGINS"},
            "AuditFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "INDEX_TABLE",
                "AUDIT_TRAIL",
                "AUDIT_SOURCE",
                "AUDIT_FAILURES_QUEUE",
                "AWS_ENDPOINT_URL",
            },
            "RetrieveFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
                "AUDIT_TRAIL",
                "AUDIT_SOURCE",
                "RETRIEVE_BASE_URL",
                "ALLOWED_ORIGINS",
                "AWS_ENDPOINT_URL",
            },
            "UploadsFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "UPLOAD_TABLE",
                "INGEST_STORAGE",
                "UPLOAD_SECONDS",
                "MAX_PENDING_UPLOADS",
                "RETRIEVE",
                "RETRIEVE_BASE_URL",
                "ALLOWED_ORIGINS",
                "AWS_ENDPOINT_URL",
            },
            "IngestFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
                "UPLOAD_TABLE",
                "STORAGE_PROFILE",
                "PREAMBLE_POLICY",
                "DUPLICATE_POLICY",
                "OBJECT_LOCK_MODE",
                "OBJECT_LOCK_DAYS",
                "MAX_INGEST_ATTEMPTS",
                "INGEST_STORAGE",
                "INGEST_QUEUE",
                "VISIBILITY_TIMEOUT",
                "AWS_ENDPOINT_URL",
            },
            "DeadLetterFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "UPLOAD_TABLE",
                "FAILED_UPLOADS_QUEUE",
                "AWS_ENDPOINT_URL",
            },
            "NotifyFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
                "EVENT_BUS",
                "EVENT_ATTRIBUTES",
                "STUDY_QUIET_SECONDS",
                "QUIET_QUEUE",
                "UNTOLD_QUEUE",
                "AWS_ENDPOINT_URL",
            },
            "CommitmentFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
                "COMMITMENT_TABLE",
                "STORAGE_PROFILE",
                "COMMITMENT_DAYS",
                "COMMITMENT_QUEUE",
                "COMMITMENT_VISIBILITY_TIMEOUT",
                "MAX_COMMITMENT_ATTEMPTS",
                "ALLOWED_ORIGINS",
                "AWS_ENDPOINT_URL",
            },
            "CommitmentWorkerFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
                "COMMITMENT_TABLE",
                "STORAGE_PROFILE",
                "COMMITMENT_DAYS",
                "COMMITMENT_QUEUE",
                "COMMITMENT_VISIBILITY_TIMEOUT",
                "MAX_COMMITMENT_ATTEMPTS",
                "AWS_ENDPOINT_URL",
            },
            "AuthorizerFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "AUTHENTICATION",
                "OIDC_ISSUER",
                "OIDC_AUDIENCE",
                "REQUIRED_SCOPE",
                "READ_SCOPE",
            },
        }

    def test_no_event_is_ever_logged(self) -> None:
        for switch in ("POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEV", "POWERTOOLS_DEBUG"):
            assert switch not in WRITTEN


class TestPermissions:
    def test_the_store_function_may_only_add_to_its_bucket_and_its_table(self) -> None:
        assert granted("StoreRole") == {
            '{"Fn::Sub": "${ArchiveBucket.Arn}/studies/*"}': {"s3:PutObject"},
            '{"Fn::GetAtt": "IndexTable.Arn"}': {
                "dynamodb:BatchGetItem",
                "dynamodb:PartiQLInsert",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            },
            '{"Fn::GetAtt": "StoreLogGroup.Arn"}': {"logs:CreateLogStream", "logs:PutLogEvents"},
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_retrieve_function_may_only_read_what_is_stored(self) -> None:
        assert granted("RetrieveRole") == {
            '{"Fn::Sub": "${ArchiveBucket.Arn}/studies/*"}': {"s3:GetObject"},
            '{"Fn::GetAtt": "IndexTable.Arn"}': {"dynamodb:GetItem", "dynamodb:Query"},
            '{"Fn::GetAtt": "RetrieveLogGroup.Arn"}': {"logs:CreateLogStream", "logs:PutLogEvents"},
            '{"Fn::GetAtt": "AuditTrailLogGroup.Arn"}': {
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            },
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_audit_function_may_add_to_the_trail_and_read_of_whom_it_tells(self) -> None:
        xray = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
        assert granted("AuditRole") == {
            '{"Fn::GetAtt": "IndexTable.StreamArn"}': {
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
            },
            '{"Fn::GetAtt": "IndexTable.Arn"}': {"dynamodb:GetItem"},
            '{"Fn::GetAtt": "AuditFailuresQueue.Arn"}': {"sqs:SendMessage"},
            '{"Fn::GetAtt": "AuditTrailLogGroup.Arn"}': {
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            },
            '{"Fn::GetAtt": "AuditLogGroup.Arn"}': {"logs:CreateLogStream", "logs:PutLogEvents"},
            '"*"': {"dynamodb:ListStreams", *xray},
        }

    def test_only_what_needs_it_may_write_into_the_trail_and_nothing_may_read_it(self) -> None:
        trail = '{"Fn::GetAtt": "AuditTrailLogGroup.Arn"}'
        roles = {each["Role"]["Fn::GetAtt"].removesuffix(".Arn") for each in FUNCTIONS.values()}
        may = {role: granted(role)[trail] for role in roles if trail in granted(role)}
        writes = {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert may == {"AuditRole": writes, "RetrieveRole": writes}

    def test_the_capabilities_function_may_touch_no_data(self) -> None:
        assert granted("CapabilitiesRole") == {
            '{"Fn::GetAtt": "CapabilitiesLogGroup.Arn"}': {
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            },
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_uploads_function_may_let_bodies_be_put_and_read_answers(self) -> None:
        assert granted("UploadsRole") == {
            '{"Fn::Sub": "${ArchiveBucket.Arn}/staging/*"}': {"s3:PutObject"},
            '{"Fn::Sub": "${ArchiveBucket.Arn}/answers/*"}': {"s3:GetObject"},
            '{"Fn::GetAtt": "UploadTable.Arn"}': {
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            },
            '{"Fn::GetAtt": "UploadsLogGroup.Arn"}': {"logs:CreateLogStream", "logs:PutLogEvents"},
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_ingest_function_may_delete_nothing_but_staged_bodies(self) -> None:
        assert granted("IngestRole") == {
            '{"Fn::Sub": "${ArchiveBucket.Arn}/staging/*"}': {
                "s3:GetObject",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
            },
            '{"Fn::Sub": "${ArchiveBucket.Arn}/studies/*"}': {
                "s3:PutObject",
                "s3:AbortMultipartUpload",
            },
            '{"Fn::Sub": "${ArchiveBucket.Arn}/answers/*"}': {"s3:PutObject"},
            '{"Fn::GetAtt": "IndexTable.Arn"}': {
                "dynamodb:BatchGetItem",
                "dynamodb:PartiQLInsert",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            },
            '{"Fn::GetAtt": "UploadTable.Arn"}': {"dynamodb:UpdateItem"},
            '{"Fn::GetAtt": "IngestQueue.Arn"}': {
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ChangeMessageVisibility",
            },
            '{"Fn::GetAtt": "IngestLogGroup.Arn"}': {"logs:CreateLogStream", "logs:PutLogEvents"},
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_dead_letter_function_may_mark_uploads_and_pass_messages_on(self) -> None:
        assert granted("DeadLetterRole") == {
            '{"Fn::GetAtt": "UploadTable.Arn"}': {"dynamodb:UpdateItem"},
            '{"Fn::GetAtt": "IngestDeadLetterQueue.Arn"}': {
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            },
            '{"Fn::GetAtt": "FailedUploadsQueue.Arn"}': {"sqs:SendMessage"},
            '{"Fn::GetAtt": "DeadLetterLogGroup.Arn"}': {
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            },
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_notify_function_may_read_the_index_and_change_nothing(self) -> None:
        assert granted("NotifyRole") == {
            '{"Fn::GetAtt": "IndexTable.StreamArn"}': {
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
            },
            '{"Fn::GetAtt": "IndexTable.Arn"}': {"dynamodb:GetItem", "dynamodb:Query"},
            json.dumps(
                {
                    "Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
                    ":event-bus/${EventBusName}"
                }
            ): {"events:PutEvents"},
            '{"Fn::GetAtt": "QuietQueue.Arn"}': {
                "sqs:SendMessage",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            },
            '{"Fn::GetAtt": "UntoldQueue.Arn"}': {"sqs:SendMessage"},
            '{"Fn::GetAtt": "NotifyLogGroup.Arn"}': {"logs:CreateLogStream", "logs:PutLogEvents"},
            '"*"': {
                "dynamodb:ListStreams",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            },
        }

    def test_the_authorizer_may_touch_no_data(self) -> None:
        assert granted("AuthorizerRole") == {
            '{"Fn::GetAtt": "AuthorizerLogGroup.Arn"}': {
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            },
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_the_commitment_functions_may_only_look_at_instances(self) -> None:
        looks: dict[str, set[str]] = {
            '{"Fn::Sub": "${ArchiveBucket.Arn}/studies/*"}': {"s3:GetObject"},
            '{"Fn::GetAtt": "ArchiveBucket.Arn"}': {"s3:ListBucket"},
            '{"Fn::GetAtt": "IndexTable.Arn"}': {"dynamodb:BatchGetItem"},
            '{"Fn::Sub": "${IndexTable.Arn}/index/BySOPInstanceUID"}': {"dynamodb:Query"},
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }
        logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert granted("CommitmentRole") == looks | {
            '{"Fn::GetAtt": "CommitmentTable.Arn"}': {
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            },
            '{"Fn::GetAtt": "CommitmentQueue.Arn"}': {"sqs:SendMessage"},
            '{"Fn::GetAtt": "CommitmentLogGroup.Arn"}': logs,
        }
        assert granted("CommitmentWorkerRole") == looks | {
            '{"Fn::GetAtt": "CommitmentTable.Arn"}': {"dynamodb:GetItem", "dynamodb:UpdateItem"},
            '{"Fn::GetAtt": "CommitmentQueue.Arn"}': {
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ChangeMessageVisibility",
            },
            '{"Fn::GetAtt": "CommitmentWorkerLogGroup.Arn"}': logs,
        }

    @pytest.mark.parametrize("name", ["CommitmentFunction", "CommitmentWorkerFunction"])
    def test_the_commitment_functions_know_their_queue(self, name: str) -> None:
        queue = RESOURCES["CommitmentQueue"]["Properties"]
        variables = FUNCTIONS[name]["Environment"]["Variables"]
        timeout = str(queue["VisibilityTimeout"])
        assert variables["COMMITMENT_VISIBILITY_TIMEOUT"] == timeout
        attempts = str(queue["RedrivePolicy"]["maxReceiveCount"])
        assert variables["MAX_COMMITMENT_ATTEMPTS"] == attempts
        assert queue["VisibilityTimeout"] == 6 * FUNCTIONS["CommitmentWorkerFunction"]["Timeout"]

    def test_every_function_has_one_of_these_roles_and_no_other_policy(self) -> None:
        roles = {name: each["Role"] for name, each in FUNCTIONS.items()}
        assert roles == {
            "StoreFunction": {"Fn::GetAtt": "StoreRole.Arn"},
            "CapabilitiesFunction": {"Fn::GetAtt": "CapabilitiesRole.Arn"},
            "UploadsFunction": {"Fn::GetAtt": "UploadsRole.Arn"},
            "IngestFunction": {"Fn::GetAtt": "IngestRole.Arn"},
            "DeadLetterFunction": {"Fn::GetAtt": "DeadLetterRole.Arn"},
            "NotifyFunction": {"Fn::GetAtt": "NotifyRole.Arn"},
            "AuthorizerFunction": {"Fn::GetAtt": "AuthorizerRole.Arn"},
            "RetrieveFunction": {"Fn::GetAtt": "RetrieveRole.Arn"},
            "CommitmentFunction": {"Fn::GetAtt": "CommitmentRole.Arn"},
            "CommitmentWorkerFunction": {"Fn::GetAtt": "CommitmentWorkerRole.Arn"},
            "AuditFunction": {"Fn::GetAtt": "AuditRole.Arn"},
        }
        for role in (each["Fn::GetAtt"].removesuffix(".Arn") for each in roles.values()):
            assert "ManagedPolicyArns" not in RESOURCES[role]["Properties"]
