"""What the parameters of bucket, table, key and data life deploy, and what they leave as it was."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from archive.staging import ANSWERS, STAGING
from local.intrinsics import Intrinsics
from tests.template.parts import PARAMETERS, RESOURCES, TEMPLATE, of_type
from tests.template.transformed import deployed

pytestmark = pytest.mark.process

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
KEPT = ("ArchiveBucket", "ArchiveBucketPolicy", "IndexTable")


def stack(**values: str) -> dict[str, dict[str, Any]]:
    return deployed(Authentication="none", **values)


def statements(resources: dict[str, dict[str, Any]], role: str) -> list[dict[str, Any]]:
    """What a role may do, by its own policies and by those that are attached to it."""
    own = resources[role]["Properties"]["Policies"]
    attached = [
        each for each in of_type("AWS::IAM::Policy", resources).values() if role in each["Roles"]
    ]
    return [
        statement
        for policy in [*own, *attached]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return [found] if isinstance(found, str) else found


class TestExistingBucketAndTable:
    def test_the_stack_makes_none_and_uses_what_is_named(self) -> None:
        resources = stack(ExistingArchiveBucket="kept-archive", ExistingIndexTable="restored")

        assert not {*KEPT} & set(resources)
        text = json.dumps(resources)
        assert "ArchiveBucket." not in text
        assert "IndexTable." not in text
        for name in ("StoreFunction", "IngestFunction"):
            variables = resources[name]["Properties"]["Environment"]["Variables"]
            assert variables["ARCHIVE_BUCKET"] == "kept-archive"
            assert variables["INDEX_TABLE"] == "restored"
        uploads = resources["UploadsFunction"]["Properties"]["Environment"]["Variables"]
        assert uploads["ARCHIVE_BUCKET"] == "kept-archive"
        pattern = resources["BodyIsStagedRule"]["Properties"]["EventPattern"]
        assert pattern["detail"]["bucket"] == {"name": ["kept-archive"]}

    @pytest.mark.parametrize(
        "role",
        ["StoreRole", "UploadsRole", "IngestRole", "CommitmentRole", "CommitmentWorkerRole"],
    )
    @pytest.mark.parametrize("lock", ["none", "GOVERNANCE"])
    def test_the_functions_may_do_to_them_what_they_may_do_to_the_stack_s_own(
        self, role: str, lock: str
    ) -> None:
        own = statements(stack(ObjectLockMode=lock), role)
        others = statements(
            stack(ExistingArchiveBucket="kept", ExistingIndexTable="old", ObjectLockMode=lock), role
        )
        as_own = [
            {
                **each,
                "Resource": json.loads(
                    json.dumps(each["Resource"])
                    .replace("arn:Partition:s3:::kept", "ArchiveBucket.Arn")
                    .replace("arn:Partition:dynamodb:Region:AccountId:table/old", "IndexTable.Arn")
                ),
            }
            for each in others
        ]
        assert as_own == own

    def test_the_outputs_name_them(self) -> None:
        parameters = {"ExistingArchiveBucket": "kept", "ExistingIndexTable": "old"}
        intrinsics = Intrinsics(TEMPLATE, {**parameters, "ArchiveBucket": "made"}, lambda *_: "")
        outputs = TEMPLATE["Outputs"]
        assert intrinsics.resolve(outputs["ArchiveBucketName"]["Value"]) == "kept"
        assert intrinsics.resolve(outputs["IndexTableName"]["Value"]) == "old"

    def test_one_without_the_other(self) -> None:
        assert {*KEPT} & set(stack(ExistingIndexTable="old")) == {*KEPT[:2]}
        assert {*KEPT} & set(stack(ExistingArchiveBucket="kept")) == {KEPT[2]}

    def test_the_manual_has_the_settings_of_a_bucket_as_the_template_has_them(self) -> None:
        bucket = stack()["ArchiveBucket"]["Properties"]
        lifecycle = documents("## An existing bucket or table")[0]
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert lifecycle == {"Rules": [_of_the_api(rule) for rule in rules]}


def _of_the_api(rule: dict[str, Any]) -> dict[str, Any]:
    """A lifecycle rule in the words of S3's API, which differ from CloudFormation's."""
    filtered = {"Prefix": rule.get("Prefix", "")}
    said = {"ID": rule["Id"], "Status": rule["Status"], "Filter": filtered}
    if "ExpirationInDays" in rule:
        said["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "NoncurrentVersionExpiration" in rule:
        days = rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        said["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "AbortIncompleteMultipartUpload" in rule:
        said["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return said


def documents(heading: str) -> list[Any]:
    """The JSON documents below a heading of the manual."""
    _, _, section = OPERATIONS.partition(f"\n{heading}\n")
    section = re.split(r"\n## ", section)[0]
    return [json.loads(each) for each in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]


class TestRetention:
    @pytest.mark.parametrize("kind", ["AWS::Logs::LogGroup", "AWS::S3::Bucket"])
    def test_what_is_kept_is_removed_only_with_a_deployment_that_never_succeeded(
        self, kind: str
    ) -> None:
        kept = {name: each for name, each in RESOURCES.items() if each["Type"] == kind}
        assert kept
        for resource in kept.values():
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
            assert resource["UpdateReplacePolicy"] == "Retain"

    def test_a_failed_first_deployment_can_remove_the_table(self) -> None:
        table = stack()["IndexTable"]["Properties"]
        assert table["DeletionProtectionEnabled"] == "false"
        protected = stack(DeletionProtection="true")["IndexTable"]["Properties"]
        assert protected["DeletionProtectionEnabled"] == "true"

    def test_logs_that_are_kept_are_in_the_way_of_no_later_stack(self) -> None:
        groups = of_type("AWS::Logs::LogGroup", stack())
        names = [each["LogGroupName"] for each in groups.values()]
        assert len(names) == len(set(names))
        for name in names:
            assert re.fullmatch(r"/stowport/[a-z-]+/51af3dc0", name)

    @pytest.mark.parametrize("days", [2192, 2557])
    def test_logs_may_be_kept_for_six_and_for_seven_years(self, days: int) -> None:
        assert days in PARAMETERS["LogRetentionDays"]["AllowedValues"]


class TestKey:
    def test_without_one_the_keys_are_of_aws(self) -> None:
        resources = stack()
        text = json.dumps(resources)
        assert "kms:" not in text
        assert "KmsKeyId" not in text
        bucket = resources["ArchiveBucket"]["Properties"]["BucketEncryption"]
        assert bucket["ServerSideEncryptionConfiguration"] == [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        ]
        for queue in of_type("AWS::SQS::Queue", resources).values():
            assert queue["SqsManagedSseEnabled"] is True
            assert "KmsMasterKeyId" not in queue
        for table in of_type("AWS::DynamoDB::Table", resources).values():
            assert table["SSESpecification"] == {"SSEEnabled": True}

    def test_everything_that_is_kept_is_encrypted_with_it(self) -> None:
        resources = stack(KmsKeyArn=KEY)
        bucket = resources["ArchiveBucket"]["Properties"]["BucketEncryption"]
        assert bucket["ServerSideEncryptionConfiguration"] == [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            }
        ]
        tables = of_type("AWS::DynamoDB::Table", resources)
        assert len(tables) == 3
        for table in tables.values():
            assert table["SSESpecification"] == {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": KEY,
            }
        queues = of_type("AWS::SQS::Queue", resources)
        assert len(queues) == 7
        for queue in queues.values():
            assert queue["KmsMasterKeyId"] == KEY
            assert "SqsManagedSseEnabled" not in queue
        for group in of_type("AWS::Logs::LogGroup", resources).values():
            assert group["KmsKeyId"] == KEY

    @pytest.mark.parametrize(
        "role",
        [
            "StoreRole",
            "UploadsRole",
            "IngestRole",
            "DeadLetterRole",
            "CommitmentRole",
            "CommitmentWorkerRole",
            "NotifyRole",
        ],
    )
    def test_whoever_touches_data_may_use_it(self, role: str) -> None:
        (statement,) = [
            each for each in statements(stack(KmsKeyArn=KEY), role) if each["Resource"] == KEY
        ]
        assert actions(statement) == ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]

    def test_whoever_touches_none_may_not(self) -> None:
        resources = stack(KmsKeyArn=KEY)
        touching = {"s3", "dynamodb", "sqs"}
        for role, properties in of_type("AWS::IAM::Role", resources).items():
            if "Policies" not in properties:
                continue
            allowed = [action for each in statements(resources, role) for action in actions(each)]
            services = {each.partition(":")[0] for each in allowed}
            assert bool(services & touching) == ("kms" in services)


class TestKeyPolicy:
    """The policy that the manual gives, for each service that uses the key of its own accord."""

    def policy(self) -> list[dict[str, Any]]:
        (policy,) = documents("## A key of your own")
        text = json.dumps(policy["Statement"]).replace("REGION", "us-east-1")
        found: list[dict[str, Any]] = json.loads(text)
        return found

    def allowed(self, principal: str) -> set[str]:
        return {
            action
            for each in self.policy()
            for service in [each["Principal"].get("Service", "")]
            for action in actions(each)
            if fnmatchcase(principal, service)
        }

    def test_each_service_of_the_template_that_uses_it_itself_is_in_it(self) -> None:
        resources = stack(KmsKeyArn=KEY)
        principals = set()
        if of_type("AWS::Logs::LogGroup", resources):
            principals.add("logs.us-east-1.amazonaws.com")
        for policy in of_type("AWS::SQS::QueuePolicy", resources).values():
            principals |= {
                each["Principal"]["Service"] for each in policy["PolicyDocument"]["Statement"]
            }
        if of_type("AWS::CloudWatch::Alarm", resources):
            principals.add("cloudwatch.amazonaws.com")
        assert principals == {
            "logs.us-east-1.amazonaws.com",
            "events.amazonaws.com",
            "cloudwatch.amazonaws.com",
        }
        for principal in principals:
            assert {"kms:Decrypt"} < self.allowed(principal)
            assert any(each.startswith("kms:GenerateDataKey") for each in self.allowed(principal))

    def test_no_service_may_use_it_for_other_accounts(self) -> None:
        for statement in self.policy():
            if "Service" in statement["Principal"]:
                assert "ACCOUNT" in json.dumps(statement["Condition"])

    def test_whoever_deploys_may_let_the_tables_use_it(self) -> None:
        (grant,) = [each for each in self.policy() if "kms:CreateGrant" in actions(each)]
        assert {"kms:DescribeKey", "kms:Decrypt"} < set(actions(grant))
        assert "dynamodb.us-east-1.amazonaws.com" in json.dumps(grant["Condition"])


class TestDataLife:
    def test_by_default_nothing_is_locked_moved_or_tagged(self) -> None:
        bucket = stack()["ArchiveBucket"]["Properties"]
        assert "ObjectLockEnabled" not in bucket
        assert "Tags" not in bucket
        assert "Transitions" not in json.dumps(bucket)
        assert "Tags" not in stack()["IndexTable"]["Properties"]
        assert "s3:PutObjectRetention" not in json.dumps(stack())

    @pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
    def test_a_lock_is_of_instances_and_not_of_the_bucket_s_default(self, mode: str) -> None:
        resources = stack(ObjectLockMode=mode, ObjectLockDays="3650")
        bucket = resources["ArchiveBucket"]["Properties"]
        assert bucket["ObjectLockEnabled"] is True
        assert "ObjectLockConfiguration" not in bucket
        for name in ("StoreFunction", "IngestFunction"):
            variables = resources[name]["Properties"]["Environment"]["Variables"]
            assert (variables["OBJECT_LOCK_MODE"], variables["OBJECT_LOCK_DAYS"]) == (mode, "3650")
        for role in ("StoreRole", "IngestRole"):
            (statement,) = [
                each
                for each in statements(resources, role)
                if "s3:PutObjectRetention" in actions(each)
            ]
            assert statement["Resource"] == "ArchiveBucket.Arn/studies/*"
        for name, properties in of_type("AWS::IAM::Role", resources).items():
            if "Policies" in properties:
                allowed = json.dumps(statements(resources, name))
                assert "BypassGovernance" not in allowed

    @pytest.mark.parametrize("storage_class", ["INTELLIGENT_TIERING", "STANDARD_IA", "GLACIER_IR"])
    def test_only_instances_move_and_none_expires(self, storage_class: str) -> None:
        resources = stack(TransitionStorageClass=storage_class, TransitionDays="60")
        rules = resources["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        (moving,) = [rule for rule in rules if "Transitions" in rule]
        assert moving["Prefix"] == "studies/"
        assert moving["Transitions"] == [{"StorageClass": storage_class, "TransitionInDays": "60"}]
        expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}
        assert expiring == {STAGING, ANSWERS}

    def test_no_class_is_offered_that_an_instance_has_to_be_restored_from(self) -> None:
        offered = PARAMETERS["TransitionStorageClass"]["AllowedValues"]
        assert not {"GLACIER", "DEEP_ARCHIVE"} & set(offered)

    @pytest.mark.parametrize("name", ["ArchiveBucket", "IndexTable"])
    def test_bucket_and_table_have_the_tag_of_a_backup_plan(self, name: str) -> None:
        tagged = stack(BackupTag="backup=daily:35d")[name]["Properties"]
        assert tagged["Tags"] == [{"Key": "backup", "Value": "daily:35d"}]


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("ExistingArchiveBucket", "archive.example.org", True),
        ("ExistingArchiveBucket", "s3://archive", False),
        ("ExistingIndexTable", "stowport-IndexTable-1ABC", True),
        ("ExistingIndexTable", "arn:aws:dynamodb:us-east-1:1:table/x", False),
        ("KmsKeyArn", KEY, True),
        ("KmsKeyArn", "alias/archive", False),
        ("BackupTag", "backup=daily", True),
        ("BackupTag", "backup", False),
    ],
)
def test_a_pattern_admits_what_it_says(name: str, value: str, accepted: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)) == accepted
