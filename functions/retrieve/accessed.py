"""The audit message of a retrieval: DICOM Instances Accessed (PS3.15 A.5.3.6)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from archive.auditlog import AuditLog
from archive.retrieval import Retrieval
from archive.storedinstances import StoredInstance
from dicomweb.audit.messages import instances_accessed
from dicomweb.audit.participants import Origin, User
from retrieve.settings import Settings
from transaction import audited
from transaction.gateway import StoreRequest


def message_of(
    request: StoreRequest,
    found: Sequence[StoredInstance],
    retrieval: Retrieval,
    chosen: Settings,
) -> str:
    """Return the message that says that ``request`` is given what was ``found`` of a study."""
    study_instance_uid = found[0].study_instance_uid
    item = next(retrieval.items(study_instance_uid, "study"), {})
    classes = (stored.sop_class_uid for stored in found)
    return instances_accessed(
        Origin(datetime.now(UTC).isoformat(timespec="milliseconds"), chosen.audit_source),
        User(request.principal or audited.ANONYMOUS, request.source_ip),
        audited.study(study_instance_uid, classes, f"retrieve {request.request_id}", item),
        audited.patient(item),
    )


@cache
def trail(group: str) -> AuditLog:
    """Return the audit trail of this environment."""
    return AuditLog(group)
