"""The service as curl meets it."""

import shlex
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders import content_type, instance, multipart, part, sop_uid, study_uid
from tests.interop.curl import Said, curl

if TYPE_CHECKING:
    from tests.service import RunningService, Start

RELATED = 'Content-Type: multipart/related; type="application/dicom"'
XML = "Accept: application/dicom+xml"


@pytest.fixture
def running(service: "Start") -> "RunningService":
    return service()


def big(study: int) -> bytes:
    """Return an instance so large that curl asks before it sends (1 MB)."""
    return instance(study, PixelData=bytes(2_000_000), Rows=1000, Columns=1000)


def check_stored(running: "RunningService", said: Said, study: int, *contents: bytes) -> None:
    assert said.status == 200, said
    assert len(said.data_set["00081199"]) == len(contents)
    digests = sorted(sha256(content).hexdigest() for content in contents)
    assert running.objects(study_uid(study)) == digests


def test_a_file_with_data_binary(running: "RunningService", tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(instance(2001))
    media_type = "Content-Type: application/dicom"
    url = f"{running.base_url}/studies"
    said = curl("-H", media_type, "-H", XML, "--data-binary", f"@{file}", url)
    check_stored(running, said, 2001, instance(2001))


def test_a_form_with_a_forced_content_type(running: "RunningService", tmp_path: Path) -> None:
    contents = [instance(2002, 1, number) for number in (1, 2)]
    fields = []
    for number, content in enumerate(contents):
        file = tmp_path / f"{number}.dcm"
        file.write_bytes(content)
        fields += ["-F", f"file{number}=@{file};type=application/dicom"]
    said = curl("-H", RELATED, "-H", XML, *fields, f"{running.base_url}/studies")
    check_stored(running, said, 2002, *contents)


def test_a_plain_form_is_refused_with_the_command_that_works(
    running: "RunningService", tmp_path: Path
) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(instance(2003))
    said = curl("-F", f"file=@{file}", f"{running.base_url}/studies")
    assert said.status == 400
    text = said.data_set["0040A160"][0]
    assert "found multipart/form-data, expected multipart/related" in text
    assert running.objects(study_uid(2003)) == []

    _, _, command = text.partition("as sent by curl ")
    command = command.replace("image.dcm", str(file)).replace("URL", f"{running.base_url}/studies")
    check_stored(running, curl("-H", XML, *shlex.split(command)), 2003, instance(2003))


def test_a_large_body_after_100_continue(running: "RunningService") -> None:
    content = big(2004)
    sent = multipart(part(content))
    said = curl(
        "-H", f"Content-Type: {content_type()}", "-H", "Expect: 100-continue", "-H", XML,
        "--data-binary", "@-", f"{running.base_url}/studies", sent=sent,
    )  # fmt: skip
    assert said.heads.startswith("HTTP/1.1 100 Continue")
    check_stored(running, said, 2004, content)


def test_a_large_body_in_chunks(running: "RunningService") -> None:
    content = big(2005)
    sent = multipart(part(content))
    said = curl(
        "-H", f"Content-Type: {content_type()}", "-H", "Transfer-Encoding: chunked", "-H", XML,
        "--data-binary", "@-", f"{running.base_url}/studies/{study_uid(2005)}/", sent=sent,
    )  # fmt: skip
    check_stored(running, said, 2005, content)


def test_several_requests_over_one_connection(running: "RunningService") -> None:
    url = f"{running.base_url}/studies"
    said = curl(
        "-v", "-H", f"Content-Type: {content_type()}", "-H", XML, "--data-binary", "@-",
        url, url, url, sent=multipart(part(instance(2006))),
    )  # fmt: skip
    assert said.status == 200
    assert said.heads.count("HTTP/1.1 200") + said.body.count("HTTP/1.1 200") == 3
    assert running.objects(study_uid(2006)) == [sha256(instance(2006)).hexdigest()]


def test_the_capabilities(running: "RunningService") -> None:
    said = curl("-X", "OPTIONS", f"{running.base_url}/")
    assert said.status == 200
    assert 'path="studies/{StudyInstanceUID}"' in said.body


def test_a_json_answer(running: "RunningService") -> None:
    said = curl(
        "-H", f"Content-Type: {content_type()}", "-H", "Accept: application/dicom+json",
        "--data-binary", "@-", f"{running.base_url}/studies", sent=multipart(part(instance(2007))),
    )  # fmt: skip
    assert said.status == 200
    assert sop_uid(2007) in said.body
    assert "application/dicom+json" in said.heads
