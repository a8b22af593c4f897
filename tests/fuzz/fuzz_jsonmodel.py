"""Any document in the DICOM JSON Model becomes instances, or is refused with a reason in ASCII."""

import json
from contextlib import suppress

from dicomweb.envelope.mediatypes import DICOM_JSON
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import MalformedRequest
from dicomweb.payloads import candidates
from tests.fuzz import hostile, seeds
from tests.fuzz.invariants import check_received, check_text
from tests.fuzz.mutate_documents import change_json

SEEDS = (*seeds.json_documents(), *(json.dumps(each).encode() for each in hostile.documents()))
mutation = change_json


def target(document: bytes, media_type: str = DICOM_JSON) -> None:
    """Receive the document as the only part of a request."""
    part = BodyPart(number=1, headers={}, content=memoryview(document))
    with suppress(MalformedRequest):
        for one in candidates(media_type, [part], url="http://h", study_instance_uid=None):
            check_text(one.text)
            check_received(one)
