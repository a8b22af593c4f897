"""The runbook "Restore" of docs/operations.md: the table is lost, and the archive is not."""

import hashlib
from typing import Any

import pytest

from archive.objects import key_of
from local.template import Template
from store.settings import settings
from tests.builders import instance
from tests.rebuild.commands import commands, run
from tests.rebuild.conftest import Rebuild, send
from tests.store.deployment import ROOT, TEMPLATE, Deployment
from tests.store.lambdas import Store

RESTORED = "restored-index"
VARIABLES = {"IndexTableName": TEMPLATE.table, "Restored": RESTORED}
POINT_IN_TIME, LIST, FROM_BACKUP, *PROTECT, DEPLOY, REBUILD = commands("Restore")


def send_numbered(store: Store, number: int) -> bytes:
    content = instance(number=number)
    send(store, content)
    return content


def items(deployment: Deployment, table: str) -> list[dict[str, Any]]:
    found = deployment._dynamodb.scan(TableName=table)["Items"]
    return [dict(each) for each in found if each["Resource"]["S"].startswith("instances/")]


def retrieved(deployment: Deployment, bucket: str, table: str) -> set[bytes]:
    """Read every instance by what its item says."""
    contents = set()
    for item in items(deployment, table):
        answer = deployment._s3.get_object(Bucket=bucket, Key=key_of(item))
        with answer["Body"] as body:
            content = body.read()
        assert hashlib.sha256(content).hexdigest() == item["SHA256"]["S"]
        contents.add(content)
    return contents


def deploy(monkeypatch: pytest.MonkeyPatch, **parameters: str) -> Template:
    """Give the store function the environment of a deployment with these parameters."""
    template = Template(ROOT / "template.yaml", {"Authentication": "none", **parameters})
    (function,) = (each for each in template.functions if each.name.endswith("StoreFunction"))
    for name in ("ARCHIVE_BUCKET", "INDEX_TABLE"):
        monkeypatch.setenv(name, function.environment[name])
    settings.cache_clear()
    return template


def protect(deployment: Deployment) -> None:
    for command in PROTECT:
        run(command, VARIABLES)
    backups = deployment._dynamodb.describe_continuous_backups(TableName=RESTORED)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    table = deployment._dynamodb.describe_table(TableName=RESTORED)["Table"]
    assert table["DeletionProtectionEnabled"] is True


def test_the_runbook_has_the_steps_that_are_run_here() -> None:
    assert LIST.startswith("aws dynamodb list-backups ")
    assert [each.split()[2] for each in PROTECT] == [
        "wait",
        "update-continuous-backups",
        "update-table",
    ]
    assert DEPLOY == "make deploy ENV=prod"
    assert REBUILD == 'make rebuild BUCKET="$ArchiveBucketName" TABLE="$Restored"'


def test_a_table_that_was_deleted_is_restored_under_another_name_and_completed(
    store: Store, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb = store.deployment._dynamodb
    before = send_numbered(store, 1)
    # What DynamoDB does by itself when a table with point-in-time recovery is deleted.
    dynamodb.create_backup(TableName=TEMPLATE.table, BackupName="system")
    after_the_backup = send_numbered(store, 2)
    dynamodb.delete_table(TableName=TEMPLATE.table)

    (backup,) = run(LIST, VARIABLES)["BackupSummaries"]
    run(FROM_BACKUP, {**VARIABLES, "BackupArn": backup["BackupArn"]})
    protect(store.deployment)
    assert retrieved(store.deployment, TEMPLATE.bucket, RESTORED) == {before}

    template = deploy(monkeypatch, ExistingIndexTable=RESTORED)
    assert (template.bucket, template.table) == (TEMPLATE.bucket, RESTORED)
    now = send_numbered(store, 3)
    assert rebuild(table=RESTORED) == 0
    assert retrieved(store.deployment, template.bucket, template.table) == {
        before,
        after_the_backup,
        now,
    }
    stored = items(store.deployment, RESTORED)
    assert [send_numbered(store, number) for number in (1, 2, 3)]
    assert items(store.deployment, RESTORED) == stored


def test_a_damaged_table_is_restored_to_a_moment_before(
    store: Store, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb = store.deployment._dynamodb
    content = send_numbered(store, 1)
    dynamodb.update_continuous_backups(
        TableName=TEMPLATE.table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    run(POINT_IN_TIME, VARIABLES)
    protect(store.deployment)
    template = deploy(monkeypatch, ExistingIndexTable=RESTORED)
    assert rebuild(table=RESTORED) == 0
    assert retrieved(store.deployment, template.bucket, RESTORED) == {content}


def test_the_bucket_may_have_another_name_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = send_numbered(store, 1)
    s3 = store.deployment._s3
    s3.create_bucket(Bucket="copied-archive")
    for key in store.deployment.objects():
        s3.copy_object(
            Bucket="copied-archive", Key=key, CopySource={"Bucket": TEMPLATE.bucket, "Key": key}
        )
    template = deploy(
        monkeypatch, ExistingArchiveBucket="copied-archive", ExistingIndexTable=TEMPLATE.table
    )
    assert template.bucket == "copied-archive"
    other = send_numbered(store, 2)
    assert retrieved(store.deployment, "copied-archive", TEMPLATE.table) == {content, other}
