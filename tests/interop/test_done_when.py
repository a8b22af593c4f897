"""The service as a whole: what has to be true before anyone relies on it."""

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread
from pydicom.data import get_testdata_file
from requests import HTTPError

from tests.builders import instance, sop_uid, study_uid
from tests.interop.curl import curl

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService, Start

CT = Path(str(get_testdata_file("CT_small.dcm")))
MR = Path(str(get_testdata_file("MR_small.dcm")))
DICOM = "application/dicom"


@pytest.fixture
def empty(service: "Start") -> "RunningService":
    running = service()
    running.clear()
    return running


def digests(*files: Path) -> list[str]:
    return sorted(sha256(file.read_bytes()).hexdigest() for file in files)


def send_with_dicomweb_client(running: "RunningService") -> None:
    images = [dcmread(file) for file in (CT, MR)]
    answer = DICOMwebClient(running.base_url).store_instances(images)
    assert len(answer.ReferencedSOPSequence) == 2
    assert "FailedSOPSequence" not in answer


def send_with_curl(running: "RunningService") -> None:
    media_type = 'Content-Type: multipart/related; type="application/dicom"'
    files = [argument for file in (CT, MR) for argument in ("-F", f"f=@{file};type={DICOM}")]
    said = curl("-H", media_type, *files, f"{running.base_url}/studies")
    assert said.status == 200
    assert set(said.data_set) == {"00081190", "00081199"}


def test_sample_files_are_stored_and_sending_them_again_adds_nothing(
    empty: "RunningService",
) -> None:
    send_with_dicomweb_client(empty)
    assert empty.objects() == digests(CT, MR)
    for file in (CT, MR):
        image = dcmread(file)
        series, sop = image.SeriesInstanceUID, image.SOPInstanceUID
        items = empty.items(image.StudyInstanceUID)
        assert set(items) == {"study", f"series/{series}", f"instances/{series}/{sop}"}
        assert items["study"]["PatientID"]["S"] == image.PatientID
        assert items[f"instances/{series}/{sop}"]["SHA256"]["S"] == digests(file)[0]
    before = empty.count()
    assert before == (2, 6)
    send_with_curl(empty)
    send_with_dicomweb_client(empty)
    assert empty.count() == before


def test_curl_alone_stores_the_sample_files(empty: "RunningService") -> None:
    send_with_curl(empty)
    assert empty.objects() == digests(CT, MR)
    assert empty.count() == (2, 6)


def test_a_body_over_a_megabyte_is_sent_in_chunks_by_dicomweb_client(
    empty: "RunningService", tmp_path: Path
) -> None:
    content = instance(3001, PixelData=bytes(2_000_000), Rows=1000, Columns=1000)
    file = tmp_path / "large.dcm"
    file.write_bytes(content)
    DICOMwebClient(empty.base_url).store_instances([dcmread(file)], study_uid(3001))
    assert empty.objects(study_uid(3001)) == digests(file)


def test_an_instance_of_another_study_is_refused_with_c409(empty: "RunningService") -> None:
    answer = empty.store(CT.read_bytes(), path="/studies/1.2.3")
    assert answer.status == 409
    assert [reason for _, reason in answer.failed] == [0xC409]
    with pytest.raises(HTTPError, match="409"):
        DICOMwebClient(empty.base_url).store_instances([dcmread(CT)], "1.2.3")
    assert empty.count() == (0, 0)


def test_garbage_beside_a_good_file_is_one_other_failure(empty: "RunningService") -> None:
    answer = empty.store(CT.read_bytes(), b"garbage")
    assert answer.status == 202
    assert len(answer.stored) == 1
    assert answer.other_failures == [0xC000]
    assert empty.objects() == digests(CT)


def test_a_token_with_the_scope_is_needed(service: "Start") -> None:
    running = service(Authentication="oidc")
    assert running.store(CT.read_bytes()).status == 401
    assert running.store(CT.read_bytes(), Authorization=running.token("other")).status == 403
    assert running.store(CT.read_bytes(), Authorization=running.token()).status == 200
    client = DICOMwebClient(running.base_url, headers={"Authorization": running.token()})
    assert len(client.store_instances([dcmread(MR)]).ReferencedSOPSequence) == 1


def check_busy(answer: "Answer") -> None:
    assert answer.headers["Retry-After"].isdecimal()
    assert answer.media_type == "application/dicom+xml"
    assert answer.text


def test_more_requests_at_once_than_allowed_are_busy_and_nothing_else(service: "Start") -> None:
    running = service(MaxSimultaneousRequests="1")
    many = [instance(3002, 1, number) for number in range(100)]
    before, _ = running.count()
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(running.store, *many)
        while running.count()[0] == before:
            time.sleep(0.01)
        others = [pool.submit(running.store, instance(3003, 1, number)) for number in range(7)]
        sent = [future.result() for future in [first, *others]]
    assert {answer.status for answer in sent} == {200, 503}
    busy = [answer for answer in sent if answer.status == 503]
    for answer in busy:
        check_busy(answer)
    stored = [uid for answer in sent if answer.status == 200 for uid in answer.stored]
    assert len(set(stored)) == len(stored) == running.count()[0] - before


def test_while_nothing_may_be_stored_every_post_is_busy_and_nothing_else(service: "Start") -> None:
    running = service(MaxSimultaneousRequests="0")
    before = running.count()
    stored = running.store(instance(3005))
    assert stored.status == 503
    check_busy(stored)
    for path in ("/studies/1.2.3", "/uploads"):
        posted = running.send("POST", path, b"")
        assert (posted.status, "Retry-After" in posted.headers) == (503, True)
    assert running.count() == before
    assert running.send("OPTIONS", "/studies", b"").status == 200


def test_eight_identical_requests_at_once_end_as_one_instance(service: "Start") -> None:
    running = service(MaxSimultaneousRequests="1")
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(running.store, [instance(3004)] * 8))
    assert {answer.status for answer in sent} <= {200, 503}
    assert 200 in {answer.status for answer in sent}
    assert all(answer.stored == [sop_uid(3004)] for answer in sent if answer.status == 200)
    assert running.objects(study_uid(3004)) == [sha256(instance(3004)).hexdigest()]
