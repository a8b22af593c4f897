"""C-STORE to the relay, with Orthanc in front of it as docs/relay.md says."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.builders import instance
from tests.client.relays import ServedRelay, until
from tests.client.stub import Stub, status_report
from tests.service import ROOT

GATEWAY = ROOT / "client" / "orthanc"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        not (PLUGIN.exists() and all(map(shutil.which, ("Orthanc", "storescu", "jq")))),
        reason="Orthanc with its DICOMweb plugin, storescu and jq are not all installed",
    ),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Gateway:
    def __init__(self, relay: str, folder: Path) -> None:
        self.dicom, self.http = free_port(), free_port()
        configuration = json.loads((GATEWAY / "orthanc.json").read_text("ascii"))
        configuration |= {
            "DicomPort": self.dicom,
            "HttpPort": self.http,
            "StableAge": 1,
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "Plugins": [str(PLUGIN)],
        }
        configuration["DicomWeb"]["Servers"]["relay"]["Url"] = f"{relay}/"
        self.configuration = folder / "orthanc.json"
        self.configuration.write_text(json.dumps(configuration), "ascii")

    def listens(self) -> bool:
        try:
            return bool(self.studies() or True)
        except OSError:
            return False

    def studies(self) -> list[dict[str, object]]:
        connection = HTTPConnection("127.0.0.1", self.http, timeout=60)
        connection.request("GET", "/studies?expand")
        found: list[dict[str, object]] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def store(self, *files: Path) -> None:
        """Send files as a modality does."""
        command = ["storescu", "-aec", "GATEWAY", "127.0.0.1", str(self.dicom), *map(str, files)]
        subprocess.run(command, check=True, capture_output=True)

    def forward(self) -> None:
        subprocess.run(
            ["sh", GATEWAY / "forward.sh", f"http://127.0.0.1:{self.http}"],
            check=False,
            capture_output=True,
        )


@pytest.fixture
def gateway(served: Callable[..., ServedRelay], tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(served("--tries", "1").url, tmp_path)
    with subprocess.Popen(
        ["Orthanc", gateway.configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(gateway.listens)
            yield gateway
        finally:
            process.terminate()


def test_what_a_modality_stores_is_sent_on_once_and_again_if_that_failed(
    stub: Stub, gateway: Gateway, tmp_path: Path
) -> None:
    files = [tmp_path / f"{number}.dcm" for number in (1, 2)]
    for number, place in enumerate(files, 1):
        place.write_bytes(instance(1, 1, number))
    gateway.store(*files)
    until(lambda: all(study["IsStable"] for study in gateway.studies()))
    stub.script["POST"] = [status_report(503, "busy")] * 2
    gateway.forward()
    assert stub.digests == []

    def sent() -> list[str]:
        gateway.forward()
        return stub.digests

    until(sent)
    seen = len(stub.seen)
    gateway.forward()
    assert len(stub.seen) == seen
    assert len(stub.digests) == 2
