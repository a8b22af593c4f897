"""Whether the service commits to keep an instance, and if not, why (PS3.3 C.14.1.1)."""

from collections.abc import Collection
from enum import IntEnum

from dicomweb import conformance
from dicomweb.conformance import StorageProfile


class CommitmentOutcome(IntEnum):
    """Committed, or the Failure Reason (0008,1197) of an instance that is not."""

    COMMITTED = 0
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    REFERENCED_SOP_CLASS_NOT_SUPPORTED = 0x0122
    DUPLICATE_TRANSACTION_UID = 0x0131
    RESOURCE_LIMITATION = 0x0213


def judge(
    sop_class_uid: str, stored: Collection[str], profile: StorageProfile
) -> CommitmentOutcome:
    """Return the outcome for an instance as far as its SOP class decides.

    ``stored`` are the SOP classes of the instances that are stored under the UIDs of a reference.
    There may be several only if the reference names neither study nor series; then all have to be
    of the class that it names. What was stored is committed to, even if the ``profile`` would not
    accept its class any more.
    """
    if any(each != sop_class_uid for each in stored):
        return CommitmentOutcome.CLASS_INSTANCE_CONFLICT
    if stored:
        return CommitmentOutcome.COMMITTED
    if not conformance.takes_sop_class(profile, sop_class_uid):
        return CommitmentOutcome.REFERENCED_SOP_CLASS_NOT_SUPPORTED
    return CommitmentOutcome.NO_SUCH_OBJECT_INSTANCE
