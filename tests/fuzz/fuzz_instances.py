"""Any body part is an instance with four well-formed UIDs, or is refused with a reason in ASCII."""

from dicomweb.envelope.mediatypes import DICOM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.outcomes import Failed
from dicomweb.payloads import candidates
from tests.fuzz import seeds
from tests.fuzz.invariants import check_received
from tests.fuzz.mutate_elements import change_elements

SEEDS = seeds.part10_files()
mutation = change_elements


def target(content: bytes) -> None:
    """Receive the bytes as a body part."""
    part = BodyPart(number=1, headers={}, content=memoryview(content))
    [candidate] = candidates(DICOM, [part], url="", study_instance_uid=None)
    outcome = check_received(candidate)
    assert isinstance(outcome, Failed) or outcome.content.obj is content
