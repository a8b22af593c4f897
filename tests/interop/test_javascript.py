"""The service as JavaScript's dicomweb-client meets it, the one in OHIF and other viewers.

Its versions write the end of a multipart differently: 0.8 and 0.10 have NULs after it.
"""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.answers import DataSet, from_xml
from tests.builders import instance, sop_uid, study_uid

if TYPE_CHECKING:
    from tests.service import RunningService, Start

MODULES = Path("build/javascript/node_modules").absolute()
PROGRAM = Path(__file__).parent / "javascript" / "store.cjs"
VERSIONS = {"0.8": 2101, "0.10": 2103, "0.11": 2105}
"""Of each version its last release, and a number of a study; 0.11 is the latest."""

LOCK = json.loads((PROGRAM.parent / "package-lock.json").read_text("utf-8"))


@pytest.fixture
def running(service: "Start") -> "RunningService":
    return service()


def store(version: str, base_url: str, *files: Path) -> DataSet:
    """Return what the client hands to the page that called it."""
    done = subprocess.run(
        ["node", PROGRAM, MODULES, version, base_url, *files],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return from_xml(ET.fromstring(done.stdout))


def test_the_clients_are_pinned_with_hashes_and_name_no_registry() -> None:
    own, *installed = LOCK["packages"].values()
    assert {f"dicomweb-client-{version}" for version in VERSIONS} < set(own["dependencies"])
    assert all(each["integrity"].startswith("sha512-") for each in installed)
    assert not [each for each in installed if "resolved" in each]


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
@pytest.mark.skipif(not MODULES.is_dir(), reason="what npm installs in make test is missing")
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("version", VERSIONS)
def test_dicomweb_client_of_javascript_stores(
    running: "RunningService", tmp_path: Path, version: str, count: int
) -> None:
    study = VERSIONS[version] + count // 2
    contents = [instance(study, 1, number) for number in range(1, count + 1)]
    files = [tmp_path / f"{number}.dcm" for number in range(count)]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)

    answer = store(version, running.base_url, *files)

    stored = [item["00081155"] for item in answer["00081199"]]
    assert stored == [[sop_uid(study, 1, number)] for number in range(1, count + 1)]
    assert "00081198" not in answer
    digests = sorted(sha256(content).hexdigest() for content in contents)
    assert running.objects(study_uid(study)) == digests
