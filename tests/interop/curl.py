"""curl, the program, and what it says of a request."""

import subprocess
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tests.answers import DataSet, from_xml

_SECONDS = "30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``heads`` are the status lines and fields of all responses, interim ones too."""

    status: int
    heads: str
    body: str

    @property
    def data_set(self) -> DataSet:
        return from_xml(ET.fromstring(self.body))


def curl(*arguments: str, sent: bytes = b"") -> Said:
    """Run curl with ``arguments`` and ``sent`` on its standard input."""
    done = subprocess.run(
        ["curl", "-sS", "-m", _SECONDS, "-i", "-w", "\n%{http_code}", *arguments],
        input=sent,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text, _, status = done.stdout.decode().rpartition("\n")
    heads, _, body = text.rpartition("\r\n\r\n")
    return Said(status=int(status), heads=heads, body=body)
