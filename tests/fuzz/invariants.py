"""What holds for every target: of an instance, a refusal, an answer and a line of the log."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any
from unittest import mock
from xml.etree import ElementTree as ET

from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed
from dicomweb.uids import is_uid
from tests.answers import DataSet, from_json, from_xml
from tests.fuzz.mutations import CANARY
from transaction import journal

_NAMES = ("00081150", "00081155")
STATUSES = frozenset((200, 202, 400, 401, 403, 409, 503))


@contextmanager
def unwarned() -> Iterator[None]:
    """Let pydicom warn of what it cannot decode."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield


def check_text(text: str) -> None:
    """Check a text for the sender."""
    assert text.isascii()
    assert text.isprintable()
    assert CANARY not in text


def check_received(candidate: Candidate) -> SOPInstance | Failed:
    """Read and judge a candidate; return its outcome."""
    with unwarned():
        outcome = receive(candidate, study_instance_uid=None, profile=StorageProfile.ANY_STORAGE)
    check_text(outcome.text)
    if isinstance(outcome, Failed):
        return outcome
    assert outcome.number_of_frames is None or outcome.number_of_frames >= 1
    uids = (
        outcome.sop_class_uid,
        outcome.sop_instance_uid,
        outcome.study_instance_uid,
        outcome.series_instance_uid,
    )
    assert all(map(is_uid, uids))
    return outcome


@contextmanager
def logged() -> Iterator[None]:
    """Keep what is logged and counted, and check that it tells nothing and nothing unforeseen."""
    log = StringIO()
    with (
        mock.patch.object(journal.logger.registered_handler, "stream", log),
        mock.patch.dict("os.environ", POWERTOOLS_METRICS_NAMESPACE="fuzz"),
        redirect_stdout(log),
        unwarned(),
    ):
        try:
            yield
        finally:  # an unforeseen error says more than what it led to
            check_log(log.getvalue())


def check_log(text: str) -> None:
    """Check what a function has logged: JSON by the line."""
    for line in text.splitlines():
        entry = json.loads(line)
        assert entry.get("message") != "unforeseen", (entry["error"], entry["at"][-1])
        assert CANARY not in line


def check_reply(reply: Mapping[str, Any]) -> int:
    """Check a proxy response, which JSON can hold, and return its status."""
    json.dumps(reply)
    status = int(reply["statusCode"])
    assert status in STATUSES
    fields = (*reply["headers"].values(), *reply.get("multiValueHeaders", {}).get("Warning", ()))
    assert all(map(str.isprintable, fields))
    assert not any(CANARY in field for field in fields)
    check_body(reply["headers"]["Content-Type"], reply["body"])
    return status


def check_body(media_type: str, body: str) -> None:
    """Check that another parser can read an answer, and that it tells no more than it should."""
    if media_type == "application/dicom+xml":
        check_values(from_xml(ET.fromstring(body)))
    elif media_type == "application/dicom+json":
        check_values(from_json(json.loads(body)))
    else:
        assert media_type == "application/json"
        assert CANARY not in body
        json.loads(body)


def check_values(data_set: DataSet) -> None:
    """Check the values of an answer; an instance is named by whatever its sender named it."""
    for tag, values in data_set.items():
        for value in values:
            if isinstance(value, dict):
                check_values(value)
            else:
                assert tag in _NAMES or CANARY not in str(value)
