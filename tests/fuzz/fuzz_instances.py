"""Any body part is an instance with four well-formed UIDs, or is refused with a reason in ASCII.

``PYTHONPATH=functions python -m tests.fuzz.fuzz_instances [seconds] [--seed N]``
"""

import warnings

from dicomweb.checks import is_uid
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.mediatypes import DICOM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.instances import receive
from dicomweb.outcomes import Failed
from dicomweb.payloads import candidates
from tests import sample_files
from tests.fuzz.mutations import main

SEEDS = tuple(path.read_bytes() for path in sample_files.FILES.values())


def target(content: bytes) -> None:
    """Receive the bytes as a body part."""
    part = BodyPart(number=1, headers={}, content=memoryview(content))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")  # it warns of what it cannot decode
        [candidate] = candidates(DICOM, [part], url="", study_instance_uid=None)
        outcome = receive(candidate, study_instance_uid=None, profile=StorageProfile.ANY_STORAGE)
    if isinstance(outcome, Failed):
        assert outcome.text.isascii()
        assert outcome.text.isprintable()
        return
    assert outcome.content.obj is content
    assert outcome.number_of_frames is None or outcome.number_of_frames >= 1
    assert all(
        is_uid(uid)
        for uid in (
            outcome.sop_class_uid,
            outcome.sop_instance_uid,
            outcome.study_instance_uid,
            outcome.series_instance_uid,
        )
    )


if __name__ == "__main__":
    main(target, SEEDS)
