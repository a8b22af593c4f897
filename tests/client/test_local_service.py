"""The sender and the relay with the service as ``make run`` starts it."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from stowport.command import main
from tests.builders import instance, sop_uid, study_uid
from tests.client.relays import RunningRelay

if TYPE_CHECKING:
    from tests.service import RunningService, Start


CASES = Path(__file__).parent / "send"

Capture = pytest.CaptureFixture[str]


def contents_of(study: int) -> list[bytes]:
    """Return more than fits into one request: some small instances, and a large one."""
    small = [
        instance(study, 1, number, PixelData=bytes(2_000_000), Rows=1000, Columns=1000)
        for number in range(4)
    ]
    return [*small, instance(study, 2, 1, PixelData=bytes(12_000_000), Rows=3000, Columns=2000)]


def digests(contents: list[bytes]) -> list[str]:
    return sorted(sha256(content).hexdigest() for content in contents)


@pytest.fixture
def running(service: "Start") -> "RunningService":
    return service()


def test_a_study_is_sent(
    running: "RunningService", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = contents_of(9101)
    for number, content in enumerate([*contents, contents[0][:-10]]):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    assert main(["send", str(tmp_path), "--url", running.base_url, "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert len(result["stored"]) == 5
    assert [each["reason"] for each in result["refused"]] == ["C000"]
    assert running.objects(study_uid(9101)) == digests(contents)


def test_what_was_sent_is_safe_to_delete(
    running: "RunningService", tmp_path: Path, capsys: Capture
) -> None:
    contents = [instance(9107, 1, number) for number in range(3)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    arguments = ["send", str(tmp_path), "--url", running.base_url, "--json", "--commit"]
    assert main(arguments) == 0
    assert len(json.loads(capsys.readouterr().out)["committed"]) == 3
    # One of them is lost in the archive: it is not safe to delete any more.
    (key,) = [key for key in running._keys(study_uid(9107)) if sop_uid(9107, 1, 1) in key]
    running.s3.delete_object(Bucket=running.bucket, Key=key)
    assert main(arguments) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["notCommitted"] == [{"path": str(tmp_path / "1.dcm"), "reason": "0112"}]
    assert len(result["storedBefore"]) == 3


def send(capsys: Capture, running: "RunningService", path: Path) -> tuple[int, dict[str, Any]]:
    code = main(["send", str(path), "--url", running.base_url, "--json"])
    return code, json.loads(capsys.readouterr().out)


def refused(result: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {Path(each["path"]).name: (each["reason"], each["text"]) for each in result["refused"]}


def test_of_two_files_with_the_same_uids_the_one_that_is_stored_is_the_one_that_is_reported(
    running: "RunningService", capsys: Capture
) -> None:
    running.clear()
    original = (CASES / "same_uid" / "original.dcm").read_bytes()
    running.store(original)
    code, result = send(capsys, running, CASES / "same_uid")
    assert code == 1
    assert [Path(path).name for path in result["stored"]] == ["original.dcm"]
    assert {name: reason for name, (reason, _) in refused(result).items()} == {
        "corrected.dcm": "0111"
    }
    assert running.objects() == digests([original])


def test_a_truncated_copy_beside_the_whole_file_is_the_one_that_is_refused(
    running: "RunningService", tmp_path: Path, capsys: Capture
) -> None:
    content = instance(9104)
    (tmp_path / "a.dcm").write_bytes(content[:-10])
    (tmp_path / "b.dcm").write_bytes(content)
    code, result = send(capsys, running, tmp_path)
    assert code == 1
    assert [Path(path).name for path in result["stored"]] == ["b.dcm"]
    assert refused(result)["a.dcm"][0] == "C000"
    assert running.objects(study_uid(9104)) == digests([content])


def test_a_file_without_uids_and_one_with_them_have_each_its_own_reason(
    running: "RunningService", capsys: Capture
) -> None:
    code, result = send(capsys, running, CASES / "misdealt")
    assert code == 1
    found = refused(result)
    assert found["a.dcm"][0] == "C000"
    assert "Transfer Syntax UID" in found["a.dcm"][1]
    assert "b.dcm" not in found
    assert [Path(path).name for path in result["stored"]] == ["b.dcm"]
    [warned] = result["warnings"]
    assert (Path(warned["path"]).name, warned["reason"]) == ("b.dcm", "B007")
    assert "differs from the one in the File Meta" in warned["text"]


def test_what_a_dicomdir_names_and_is_not_there_is_listed(
    running: "RunningService", capsys: Capture
) -> None:
    code, result = send(capsys, running, CASES / "cd")
    assert code == 1
    assert [Path(path).parts[-4] for path in result["stored"]] == ["PT000002"]
    assert [Path(each["path"]).parts[-4] for each in result["refused"]] == ["PT000000", "PT000001"]


def test_the_relay_tells_parts_with_equal_uids_apart_and_names_the_clients_numbers(
    running: "RunningService", relay: Callable[..., RunningRelay]
) -> None:
    content, other = instance(9105), instance(9105, PatientID="OTHER")
    answer = relay(url=running.base_url).store(
        instance(9105, 1, 2), content[:-10], content, instance(9105, 1, 3), other
    )
    assert answer.status == 202
    assert answer.stored == [sop_uid(9105, 1, 2), sop_uid(9105), sop_uid(9105, 1, 3)]
    assert answer.failed == [(sop_uid(9105), 0xC000), (sop_uid(9105), 0x0111)]
    assert any('"C000: part 2: the data set breaks' in each for each in answer.warnings)
    assert any(
        '"0111: part 5: found a stored instance with the same' in each for each in answer.warnings
    )
    kept = [content, instance(9105, 1, 2), instance(9105, 1, 3)]
    assert running.objects(study_uid(9105)) == digests(kept)


def test_a_study_is_relayed(running: "RunningService", relay: Callable[..., RunningRelay]) -> None:
    contents = contents_of(9102)
    client = DICOMwebClient(url=relay(url=running.base_url).url)
    data_sets = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(each)) for each in contents]
    module = client.store_instances(data_sets, study_instance_uid=study_uid(9102))
    stored = [item.ReferencedSOPInstanceUID for item in module.ReferencedSOPSequence]
    assert stored == [*(sop_uid(9102, 1, number) for number in range(4)), sop_uid(9102, 2, 1)]
    assert running.objects(study_uid(9102)) == digests(contents)


def test_a_token_is_needed_where_the_service_asks_for_one(
    service: "Start", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = service(Authentication="oidc")
    contents = contents_of(9103)[3:]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    arguments = ["send", str(tmp_path), "--url", running.base_url, "--json"]
    assert main(arguments) == 2
    assert "credentials" in json.loads(capsys.readouterr().out)["fault"]
    token = running.token().removeprefix("Bearer ")
    assert main([*arguments, "--token", token]) == 0
    assert running.objects(study_uid(9103)) == digests(contents)


def test_options_are_the_services_own(
    running: "RunningService", relay: Callable[..., RunningRelay]
) -> None:
    answer = relay(url=running.base_url).post(b"", "/studies", method="OPTIONS")
    assert answer.status == 200
    assert answer.headers["Allow"] == "OPTIONS, POST"
