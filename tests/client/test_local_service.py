"""The sender and the relay with the service as ``make run`` starts it."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from stowport.command import main
from tests.builders import instance, sop_uid, study_uid
from tests.client.relays import RunningRelay

if TYPE_CHECKING:
    from tests.service import RunningService, Start


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
