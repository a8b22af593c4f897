"""What was stored comes back byte for byte to clients of others."""

import json
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from tests.builders import instance, series_uid, sop_uid, study_uid

if TYPE_CHECKING:
    from tests.service import RunningService, Start

MODULES = Path("build/javascript/node_modules").absolute()
PROGRAM = Path(__file__).parent / "javascript" / "retrieve.cjs"
VERSIONS = ("0.8", "0.10", "0.11")
NUMBER = 3101
UIDS = (study_uid(NUMBER), series_uid(NUMBER), sop_uid(NUMBER))
CONTENT = instance(NUMBER)
OTHERS = [instance(NUMBER, 1, number) for number in (2, 3)]
ALL = {sop_uid(NUMBER, 1, number) for number in (1, 2, 3)}


@pytest.fixture(scope="module")
def running(service: "Start") -> "RunningService":
    running = service()
    assert running.store(CONTENT, *OTHERS).status == 200
    return running


def test_dicomweb_client_of_python_retrieves_and_lists(running: "RunningService") -> None:
    client = DICOMwebClient(running.base_url)
    assert client.retrieve_instance(*UIDS) == dcmread(DicomBytesIO(CONTENT))
    assert len(client.retrieve_series(*UIDS[:2])) == 3
    assert len(client.retrieve_study(UIDS[0])) == 3
    found = client.search_for_instances(UIDS[0])
    assert {each["00080018"]["Value"][0] for each in found} == ALL
    (series,) = client.search_for_series(UIDS[0])
    assert series["00201209"]["Value"] == [3]
    metadata = client.retrieve_instance_metadata(*UIDS)
    assert metadata["00100020"]["Value"] == [f"PLANTED{NUMBER}"]


def test_dicomweb_client_of_python_asks_for_pages(running: "RunningService") -> None:
    client = DICOMwebClient(running.base_url)
    found = client.search_for_instances(UIDS[0], limit=1, offset=2)
    assert [each["00080018"]["Value"][0] for each in found] == [sop_uid(NUMBER, 1, 3)]


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
@pytest.mark.skipif(not MODULES.is_dir(), reason="what npm installs in make test is missing")
@pytest.mark.parametrize("version", VERSIONS)
def test_dicomweb_client_of_javascript_retrieves_and_lists(
    running: "RunningService", version: str
) -> None:
    done = subprocess.run(
        ["node", PROGRAM, MODULES, version, running.base_url, *UIDS],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])  # the others are the client's log
    assert b64decode(answer["content"]) == CONTENT
    assert set(answer["listed"]) == ALL
    assert answer["rows"] == 4


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_follows_the_redirect(running: "RunningService", tmp_path: Path) -> None:
    url = f"{running.base_url}/studies/{UIDS[0]}/series/{UIDS[1]}/instances/{UIDS[2]}"
    back = tmp_path / "back.dcm"
    subprocess.run(["curl", "-sSfL", "-o", back, url], check=True, timeout=60)
    assert back.read_bytes() == CONTENT
