"""Any request is a MalformedRequest, or has outcomes and an answer that can be read.

``PYTHONPATH=functions python -m tests.fuzz.fuzz_requests [seconds] [--seed N]``
"""

import json
import re
import warnings
from contextlib import suppress
from pathlib import Path

from lxml import etree

from dicomweb.answer import responsemodule
from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM_JSON, DICOM_XML
from dicomweb.errors import MalformedRequest
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed, Outcome, Stored, status_of
from dicomweb.payloads import candidates, read_parts
from tests import builders
from tests.fuzz.mutations import main

_CONTENT_TYPE = re.compile(rb"\ncontent-type:[ \t]*([^\r\n]*)", re.IGNORECASE)

SEEDS = (
    *(path.read_bytes() for path in sorted(Path(__file__).parents[1].glob("wire/*.http"))),
    b"\nContent-Type: application/dicom\r\n\r\n" + builders.instance(),
)


def target(request: bytes) -> None:
    """Read a request as a client sent it: a head, an empty line and a payload."""
    head, _, payload = request.partition(b"\r\n\r\n")
    field = _CONTENT_TYPE.search(head)
    content_type = field.group(1).decode("latin-1") if field else None
    with suppress(MalformedRequest):
        root_type, parts = read_parts(content_type, payload)
        offered = candidates(root_type, parts, url="http://127.0.0.1", study_instance_uid=None)
        outcomes = [_outcome(candidate) for candidate in offered]
        assert status_of(outcomes) in (200, 202, 400, 409)
        module = responsemodule.store_instances_response(outcomes, "http://127.0.0.1")
        assert json.loads(responsemodule.encode(module, DICOM_JSON))
        assert len(etree.fromstring(responsemodule.encode(module, DICOM_XML).encode()))


def _outcome(candidate: Candidate) -> Outcome:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        received: SOPInstance | Failed = receive(
            candidate, study_instance_uid=None, profile=StorageProfile.CONFORMANCE
        )
    if isinstance(received, Failed):
        return received
    return Stored(
        reference=received.reference,
        study_instance_uid=received.study_instance_uid,
        series_instance_uid=received.series_instance_uid,
    )


if __name__ == "__main__":
    main(target, SEEDS)
