"""The index is made again from the bucket, and is what it was."""

import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.s3.models import S3Backend, s3_backends

from archive.archive import Archive
from archive.copies import Source
from archive.entries import DuplicatePolicy, Kept
from archive.errors import ArchiveError
from archive.items import Provenance
from archive.staging import Staging
from archive.stored import StoredObject, StoredObjects
from dicomweb.instances import SOPInstance
from dicomweb.reasons import FailureReason
from rebuild import studies
from store.settings import settings
from tests.archive.deployment import PROVENANCE, create_index, instance
from tests.builders import instance as part10
from tests.builders import series_uid, sop_uid, study_uid
from tests.rebuild.conftest import Rebuild, send
from tests.store.deployment import TEMPLATE, Deployment
from tests.store.lambdas import Store

Items = dict[tuple[str, str], Mapping[str, Any]]

READ, LIST = (Staging, "mapped"), (StoredObjects, "studies")
TIMEOUT = ReadTimeoutError(endpoint_url="https://s3.example.org")
BUSY = ClientError({"Error": {"Code": "SlowDown"}}, "GetObject")


def raising(error: Exception) -> Callable[..., None]:
    def fails(*_: object) -> None:
        raise error

    return fails


def index(deployment: Deployment) -> Items:
    """Return the items by key, without the time at which they were written."""
    return {
        (item["StudyInstanceUID"]["S"], item["Resource"]["S"]): {
            name: value
            for name, value in item.items()
            if name not in ("Request", "Stored", "Version")
        }
        for item in deployment.items()
    }


def lose_index(deployment: Deployment) -> None:
    deployment._dynamodb.delete_table(TableName=TEMPLATE.table)
    create_index(deployment._dynamodb, TEMPLATE.table)
    assert index(deployment) == {}


def store_studies(store: Store) -> Items:
    """Store two studies of two series each, and return their items."""
    for study in (1, 2):
        for series in (1, 2):
            send(
                store,
                *(
                    part10(study, series, number, StudyDescription="Thorax")
                    for number in range(1, 4)
                ),
            )
    return index(store.deployment)


def test_items_are_what_they_were(store: Store, rebuild: Rebuild) -> None:
    before = store_studies(store)
    assert len(before) == 2 + 4 + 12
    objects = store.deployment.objects()
    lose_index(store.deployment)

    assert rebuild() == 0

    assert index(store.deployment) == before
    assert store.deployment.objects() == objects
    store.deployment.instances()


def test_items_say_that_they_were_made_again(store: Store, rebuild: Rebuild) -> None:
    store_studies(store)
    lose_index(store.deployment)
    rebuild()
    requests = {item["Request"]["S"] for item in store.deployment.instances()}
    (request,) = requests
    way, run, principal = request.split(" ")
    assert (way, principal) == ("rebuild", "operator")
    assert datetime.now(UTC) - datetime.fromisoformat(run) < timedelta(minutes=1)


def test_a_second_run_changes_nothing(store: Store, rebuild: Rebuild) -> None:
    store_studies(store)
    lose_index(store.deployment)
    rebuild()
    after = store.deployment.items()

    assert rebuild() == 0
    assert store.deployment.items() == after


def test_a_study_of_any_size_is_made_in_batches(
    store: Store, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store_studies(store)
    lose_index(store.deployment)
    monkeypatch.setattr(studies, "MOST_OBJECTS", 4)
    assert rebuild() == 0
    assert index(store.deployment) == before


def test_what_the_table_has_already_is_left_alone(store: Store, rebuild: Rebuild) -> None:
    store_studies(store)
    items = store.deployment.items()
    lost = next(each for each in items if each["Resource"]["S"].startswith("instances/"))
    store.deployment._dynamodb.delete_item(
        TableName=TEMPLATE.table,
        Key={name: lost[name] for name in ("StudyInstanceUID", "Resource")},
    )
    assert rebuild() == 0
    others = [each for each in store.deployment.items() if each["Resource"] != lost["Resource"]]
    assert all(each in items for each in others)
    assert len(store.deployment.items()) == len(items)


def test_it_continues_after_a_study(
    store: Store, rebuild: Rebuild, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store_studies(store)
    lose_index(store.deployment)
    first, second = sorted(study_uid(each) for each in (1, 2))

    assert rebuild("--after", first) == 0

    made = index(store.deployment)
    assert made == {key: item for key, item in before.items() if key[0] == second}
    assert f"{second}: 6 instances, 0 other objects of them\n" in capsys.readouterr().out


@pytest.fixture
def two_objects(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the instance have two objects, the second of which is current."""
    monkeypatch.setenv("DUPLICATE_POLICY", "replace")
    for bits in ("first", "second"):
        settings.cache_clear()
        send(store, part10(StudyDescription=bits))
        make_older()


def s3_backend() -> S3Backend:
    """Return moto's S3 that has the bucket."""
    (backend,) = (
        each["aws"] for each in s3_backends.values() if TEMPLATE.bucket in each["aws"].buckets
    )
    return backend


def make_older() -> None:
    """Let all objects that are there be a minute older."""
    for key in s3_backend().buckets[TEMPLATE.bucket].keys.values():
        key.last_modified -= timedelta(minutes=1)


@pytest.mark.parametrize(("policy", "current"), [("replace", "second"), ("reject", "first")])
@pytest.mark.usefixtures("two_objects")
def test_of_several_objects_of_an_instance_the_newest_is_current_if_the_deployment_replaces(
    store: Store, rebuild: Rebuild, capsys: pytest.CaptureFixture[str], policy: str, current: str
) -> None:
    lose_index(store.deployment)

    assert rebuild("--duplicate-policy", policy) == 0

    (item,) = store.deployment.instances()
    items = index(store.deployment)
    assert items[study_uid(), "study"]["StudyDescription"] == {"S": current}
    assert "1 instances, 1 other objects of them" in capsys.readouterr().out
    made = store.deployment.items()
    assert rebuild("--duplicate-policy", policy) == 0
    assert store.deployment.items() == made
    assert "Version" not in item


@pytest.mark.usefixtures("two_objects")
def test_an_item_of_other_bytes_is_left_alone_and_said(
    store: Store, rebuild: Rebuild, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.deployment.items()
    assert rebuild() == 1
    assert store.deployment.items() == before
    assert "found a stored instance with the same Study" in capsys.readouterr().out


def test_an_object_that_is_no_instance_gets_no_item_and_the_others_get_theirs(
    store: Store, rebuild: Rebuild, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store_studies(store)
    folder = f"studies/{study_uid()}/series/{series_uid()}/instances/{sop_uid(1, 1, 99)}"
    foreign = {
        "studies/": b"",
        "studies/readme.txt": b"by hand",
        f"{folder}/{'0' * 64}.dcm": b"no instance",
        f"{folder}/{'1' * 64}.dcm": part10(1, 1, 1),
    }
    for key, content in foreign.items():
        store.deployment._s3.put_object(Bucket=TEMPLATE.bucket, Key=key, Body=content)
        make_older()
    lose_index(store.deployment)

    assert rebuild() == 1
    assert index(store.deployment) == before
    out = capsys.readouterr().out
    assert out.count(f"{folder}/") == 1

    assert rebuild("--duplicate-policy", "replace") == 1
    assert index(store.deployment) == before
    assert "whose key has other UIDs or another digest" in capsys.readouterr().out


def test_when_aws_does_not_answer_it_says_where_to_continue(
    store: Store,
    rebuild: Rebuild,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = store_studies(store)
    lose_index(store.deployment)
    first, second = sorted(study_uid(each) for each in (1, 2))
    attempts = []
    keep = Archive.keep

    def busy(
        self: Archive,
        instances: Sequence[SOPInstance],
        *,
        seconds: float,
        provenance: Provenance,
        sources: Sequence[Source | None],
    ) -> Sequence[Kept | ArchiveError]:
        if instances[0].study_instance_uid != second:
            return keep(self, instances, seconds=seconds, provenance=provenance, sources=sources)
        attempts.append(len(instances))
        return [ArchiveError(FailureReason.OUT_OF_RESOURCES, "busy") for _ in instances]

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "keep", busy)
        assert rebuild() == 2
    assert capsys.readouterr().out.endswith(f"--after {first}\n")
    assert attempts == [6] * studies.ATTEMPTS

    assert rebuild("--after", first) == 0
    assert index(store.deployment) == before


@pytest.mark.parametrize("fault", [(*READ, TIMEOUT), (*READ, BUSY), (*LIST, BUSY)])
def test_when_s3_does_not_answer_it_may_begin_again(
    store: Store,
    rebuild: Rebuild,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: tuple[type, str, Exception],
) -> None:
    send(store, part10())
    room, call, error = fault
    monkeypatch.setattr(room, call, raising(error))

    assert rebuild() == 2
    assert capsys.readouterr().out == "S3 or DynamoDB does not answer; begin again later\n"


def test_what_s3_refuses_is_an_error(
    store: Store, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(store, part10())
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
    monkeypatch.setattr(*READ, raising(denied))

    with pytest.raises(ClientError, match="AccessDenied"):
        rebuild()


def test_an_empty_bucket_has_an_empty_index(deployment: Deployment, rebuild: Rebuild) -> None:
    assert rebuild() == 0
    assert index(deployment) == {}


@pytest.mark.usefixtures("deployment")
def test_it_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["rebuild", "--bucket", TEMPLATE.bucket, "--table", TEMPLATE.table]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.delitem(sys.modules, "rebuild.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("rebuild", run_name="__main__")
    assert ended.value.code == 0


@pytest.mark.usefixtures("deployment")
def test_thousands_of_objects_are_listed_by_pages() -> None:
    backend = s3_backend()
    uids = ["1.2", "1.2.3", "1.20", "1.3"]
    for uid in uids:
        for number in range(280):
            key = f"studies/{uid}/series/1.1/instances/1.1.{number}/{'0' * 64}.dcm"
            backend.put_object(TEMPLATE.bucket, key, b"content")
    objects = StoredObjects(TEMPLATE.bucket)

    found = list(objects.studies())

    # As the bucket sorts: a full stop comes before a slash.
    assert [each[0].study_instance_uid for each in found] == ["1.2.3", "1.2", "1.20", "1.3"]
    assert [len({one.key for one in each}) for each in found] == [280] * 4
    rest = objects.studies("1.2")
    assert [each[0].study_instance_uid for each in rest] == ["1.20", "1.3"]


def test_a_batch_has_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "MOST_BYTES", 10)
    objects = [
        StoredObject(key=str(size), size=size, etag="", stored=datetime.now(UTC))
        for size in (4, 6, 1, 20, 3, 3)
    ]
    sizes = [[each.size for each in batch] for batch in studies.batches(objects)]
    assert sizes == [[4, 6], [1], [20], [3, 3]]


def test_an_instance_without_an_object_gets_no_item(deployment: Deployment) -> None:
    archive = Archive(
        bucket=TEMPLATE.bucket,
        table=TEMPLATE.table,
        duplicate_policy=DuplicatePolicy.REJECT,
        stored=StoredObjects(TEMPLATE.bucket),
    )
    (outcome,) = archive.keep([instance()], seconds=20, provenance=PROVENANCE)
    assert isinstance(outcome, ArchiveError)
    assert outcome.reason is FailureReason.PROCESSING_FAILURE
    assert not [each for each in index(deployment) if each[1].startswith("instances/")]
