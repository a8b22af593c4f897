import json
from importlib import import_module
from typing import Any

import pytest

from tests.template.parts import FUNCTIONS, NAMESPACE, RESOURCES, TEMPLATE, WRITTEN


def statements(role: str) -> list[dict[str, Any]]:
    policies: list[dict[str, Any]] = RESOURCES[role]["Properties"]["Policies"]
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def made(resource: Any) -> Any:  # noqa: ANN401 - of any type in a template
    """Return what is named if the stack makes it; else it is what a parameter names."""
    if isinstance(resource, dict) and "Fn::If" in resource:
        makes, of_the_stack, _ = resource["Fn::If"]
        assert makes in ("MakesArchiveBucket", "MakesIndexTable")
        return of_the_stack
    return resource


def granted(role: str) -> dict[str, set[str]]:
    """The actions that ``role`` may do, by what it may do them to."""
    return {
        json.dumps(made(each["Resource"])): (
            {each["Action"]} if isinstance(each["Action"], str) else set(each["Action"])
        )
        for each in statements(role)
    }


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
            "RetrieveFunction": {
                "POWERTOOLS_SERVICE_NAME",
                "ARCHIVE_BUCKET",
                "INDEX_TABLE",
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
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

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

    def test_the_authorizer_may_touch_no_data(self) -> None:
        assert granted("AuthorizerRole") == {
            '{"Fn::GetAtt": "AuthorizerLogGroup.Arn"}': {
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            },
            '"*"': {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }

    def test_every_function_has_one_of_these_roles_and_no_other_policy(self) -> None:
        roles = {name: each["Role"] for name, each in FUNCTIONS.items()}
        assert roles == {
            "StoreFunction": {"Fn::GetAtt": "StoreRole.Arn"},
            "CapabilitiesFunction": {"Fn::GetAtt": "CapabilitiesRole.Arn"},
            "UploadsFunction": {"Fn::GetAtt": "UploadsRole.Arn"},
            "IngestFunction": {"Fn::GetAtt": "IngestRole.Arn"},
            "DeadLetterFunction": {"Fn::GetAtt": "DeadLetterRole.Arn"},
            "AuthorizerFunction": {"Fn::GetAtt": "AuthorizerRole.Arn"},
            "RetrieveFunction": {"Fn::GetAtt": "RetrieveRole.Arn"},
        }
        for role in (each["Fn::GetAtt"].removesuffix(".Arn") for each in roles.values()):
            assert "ManagedPolicyArns" not in RESOURCES[role]["Properties"]
