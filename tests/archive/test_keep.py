import hashlib
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from threading import Event

import pytest

from archive.entries import DuplicatePolicy
from archive.objects import key_of
from tests.archive.deployment import (
    COMMIT,
    EXPLICIT_VR_LITTLE_ENDIAN,
    INSERT,
    OBJECT,
    PARENT,
    PROVENANCE,
    READ,
    SOP_CLASSES,
    Deployment,
    Sender,
    instance,
    refusal,
)


def test_instances_are_stored_byte_for_byte(sender: Sender, deployment: Deployment) -> None:
    contents = [bytes(range(256)) * 9, b"", b"\r\n--boundary\r\n"]

    kept = sender.outcomes(*(instance(n, content) for n, content in enumerate(contents)))

    assert kept == ["stored"] * 3
    assert sorted(deployment.objects().values()) == sorted(contents)
    deployment.check()


def test_an_object_names_its_uids_its_digest_and_its_transfer_syntax(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(7, b"abc"))

    digest = hashlib.sha256(b"abc").hexdigest()
    key = f"studies/1.2/series/1.2.1/instances/1.2.1.7/{digest}.dcm"
    stored = deployment.stored(key)
    assert stored["ContentType"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert stored["Metadata"] == {}


def test_the_items_of_a_new_study_are_complete(sender: Sender, deployment: Deployment) -> None:
    sender.outcomes(instance(7, b"abc"))

    items = deployment.items()
    stored = items["instances/1.2.1/1.2.1.7"].pop("Stored")["S"]
    assert datetime.now(UTC) - datetime.fromisoformat(stored) < timedelta(minutes=1)
    digest = hashlib.sha256(b"abc").hexdigest()
    assert items == {
        "study": {
            "StudyInstanceUID": {"S": "1.2"},
            "Resource": {"S": "study"},
            "PatientName": {"S": "Planted^Name"},
            "ModalitiesInStudy": {"SS": ["CT"]},
            "SOPClassesInStudy": {"SS": [SOP_CLASSES["CT"]]},
        },
        "series/1.2.1": {
            "StudyInstanceUID": {"S": "1.2"},
            "Resource": {"S": "series/1.2.1"},
            "SeriesInstanceUID": {"S": "1.2.1"},
            "Modality": {"S": "CT"},
            "SeriesNumber": {"N": "0"},
        },
        "instances/1.2.1/1.2.1.7": {
            "StudyInstanceUID": {"S": "1.2"},
            "Resource": {"S": "instances/1.2.1/1.2.1.7"},
            "SOPInstanceUID": {"S": "1.2.1.7"},
            "SOPClassUID": {"S": SOP_CLASSES["CT"]},
            "TransferSyntaxUID": {"S": EXPLICIT_VR_LITTLE_ENDIAN},
            "InstanceNumber": {"N": "7"},
            "Size": {"N": "3"},
            "SHA256": {"S": digest},
            **PROVENANCE.item(),
        },
    }


@pytest.mark.usefixtures("patient")
def test_an_instance_costs_one_object_and_a_request_three_calls(sender: Sender) -> None:
    sender.outcomes(*(instance(number) for number in range(20)))

    assert sender.calls == {READ: 1, OBJECT: 20, INSERT: 2}


def test_the_items_of_a_new_study_and_series_are_written_while_objects_are_put(
    sender: Sender,
) -> None:
    written = Event()

    def wait_for_the_items(**_: object) -> None:
        assert written.wait(10)

    with (
        sender.hooked(f"after-call.{INSERT}", lambda **_: written.set()),
        sender.hooked(f"before-call.{OBJECT}", wait_for_the_items),
    ):
        assert sender.outcomes(instance()) == ["stored"]

    assert sender.calls == {READ: 1, OBJECT: 1, INSERT: 2}


def test_a_study_gains_nothing_from_an_instance_whose_object_was_not_put(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(1))
    before = deployment.items()

    refused = refusal("AccessDenied", HTTPStatus.FORBIDDEN)
    with sender.hooked(f"before-call.{OBJECT}", lambda **_: refused):
        kept = sender.outcomes(instance(2, modality="MR", StudyDate="20260102", PatientName="B^B"))

    assert kept == ["PROCESSING_FAILURE"]
    assert deployment.items() == before


def test_instances_sent_again_are_read_and_not_written(
    sender: Sender, deployment: Deployment
) -> None:
    study = [instance(number) for number in range(3)]
    sender.outcomes(*study)
    before = deployment.objects(), deployment.items()
    sender.calls.clear()

    assert sender.outcomes(*study) == ["stored"] * 3

    assert sender.calls == {READ: 1}
    assert (deployment.objects(), deployment.items()) == before


def test_nothing_to_keep_calls_nobody(sender: Sender) -> None:
    assert sender.outcomes() == []

    assert sender.calls == {}


def test_an_instance_that_adds_nothing_to_its_study_leaves_its_items_alone(
    sender: Sender,
) -> None:
    sender.outcomes(instance(1))
    sender.calls.clear()

    assert sender.outcomes(instance(2)) == ["stored"]

    assert sender.calls == {READ: 1, OBJECT: 1, INSERT: 1}


def test_the_first_value_of_a_study_stays_and_what_it_lacks_is_added(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(1, StudyID="first"))
    sender.calls.clear()

    sender.outcomes(
        instance(2, StudyID="second", StudyDate="20260102"),
        instance(3, StudyDate="20260103", StudyTime="0900"),
    )

    assert sender.calls[PARENT] == 1
    study = deployment.items()["study"]
    assert study["StudyID"] == {"S": "first"}
    assert study["StudyDate"] == {"S": "20260102"}
    assert study["StudyTime"] == {"S": "0900"}


def test_a_study_gathers_its_modalities_and_sop_classes(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(1), instance(2, series="2"))
    sender.outcomes(instance(3, series="3", modality="MR"))

    items = deployment.items()
    assert set(items["study"]["ModalitiesInStudy"]["SS"]) == {"CT", "MR"}
    assert set(items["study"]["SOPClassesInStudy"]["SS"]) == set(SOP_CLASSES.values())
    assert items["series/1.2.3"]["Modality"] == {"S": "MR"}


@pytest.mark.usefixtures("patient")
def test_studies_in_one_request_do_not_mix(sender: Sender, deployment: Deployment) -> None:
    assert sender.outcomes(instance(study="1.3"), instance(study="1.4")) == ["stored"] * 2

    assert sender.calls == {READ: 1, OBJECT: 2, INSERT: 4}
    for study in ("1.3", "1.4"):
        assert set(deployment.items(study)) == {
            "study",
            f"series/{study}.1",
            f"instances/{study}.1/{study}.1.1",
        }


def test_the_same_sop_instance_uid_in_another_series_is_another_identity(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(1, b"one"), instance(1, b"other", series="1.1"))

    assert len(deployment.objects()) == 2


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("policy", DuplicatePolicy)
def test_an_instance_twice_in_one_request_is_stored_once(
    deployment: Deployment, policy: DuplicatePolicy
) -> None:
    sender = Sender(policy)

    assert sender.outcomes(instance(1), instance(2), instance(1)) == ["stored"] * 3

    assert sender.calls[OBJECT] == sender.calls[INSERT] == 2
    assert sender.calls[COMMIT] == 0
    deployment.check()


def test_of_other_bytes_under_the_same_uids_in_one_request_the_first_win(
    sender: Sender, deployment: Deployment
) -> None:
    kept = sender.outcomes(*(instance(1, b"%d" % n) for n in range(4)), instance(1, b"0"))

    assert kept == ["stored"] + ["DUPLICATE_SOP_INSTANCE"] * 3 + ["stored"]
    assert list(deployment.objects().values()) == [b"0"]


def test_other_bytes_are_refused_before_anything_is_written(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(1, b"old"))
    before = deployment.objects(), deployment.items()
    sender.calls.clear()

    other = instance(1, b"new", StudyID="other", modality="MR")

    assert sender.outcomes(other) == ["DUPLICATE_SOP_INSTANCE"]
    assert sender.calls == {READ: 1}
    assert (deployment.objects(), deployment.items()) == before


def test_a_refused_instance_says_nothing_of_its_study(
    sender: Sender, deployment: Deployment
) -> None:
    sender.outcomes(instance(1, b"old"))

    kept = sender.outcomes(instance(1, b"new", StudyID="refused", modality="MR"), instance(2))

    assert kept == ["DUPLICATE_SOP_INSTANCE", "stored"]
    study = deployment.items()["study"]
    assert "StudyID" not in study
    assert study["ModalitiesInStudy"] == {"SS": ["CT"]}


def test_other_bytes_become_current_if_the_policy_is_to_replace(deployment: Deployment) -> None:
    sender = Sender(DuplicatePolicy.REPLACE)
    for content in (b"old", b"new"):
        assert sender.outcomes(instance(1, content)) == ["stored"]

    current = deployment.items()["instances/1.2.1/1.2.1.1"]
    assert deployment.objects()[key_of(current)] == b"new"
    assert sorted(deployment.objects().values()) == [b"new", b"old"]


def test_replaced_bytes_can_become_current_again(deployment: Deployment) -> None:
    sender = Sender(DuplicatePolicy.REPLACE)
    contents = (b"one", b"two", b"one")

    assert sender.outcomes(*(instance(1, content) for content in contents)) == ["stored"] * 3

    current = deployment.items()["instances/1.2.1/1.2.1.1"]
    assert deployment.objects()[key_of(current)] == b"one"
