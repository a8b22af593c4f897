"""The audit trail of what was retrieved: DICOM Instances Accessed (PS3.15 A.5.3.6)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from http import HTTPMethod

from archive.auditlog import AuditLog
from archive.retrieval import Retrieval, StoredInstance
from dicomweb.audit.messages import instances_accessed
from dicomweb.audit.participants import Origin, User
from retrieve.settings import Settings
from transaction import audited
from transaction.gateway import StoreRequest


def write(
    request: StoreRequest,
    found: Sequence[StoredInstance],
    retrieval: Retrieval,
    chosen: Settings,
) -> None:
    """Write that ``request`` is given what was ``found``, instances of one study, at least one.

    This comes before the answer, because afterwards nothing could make up for it. Nothing is
    written if the deployment has no audit trail, or for HEAD, which is given no instance. Raises
    botocore's errors, and NotWritten.
    """
    if not chosen.audit_trail or request.method == HTTPMethod.HEAD:
        return
    study_instance_uid = found[0].study_instance_uid
    item = next(retrieval.items(study_instance_uid, "study"), {})
    classes = (stored.sop_class_uid for stored in found)
    message = instances_accessed(
        Origin(datetime.now(UTC).isoformat(timespec="milliseconds"), chosen.audit_source),
        User(request.principal or audited.ANONYMOUS, request.source_ip),
        audited.study(study_instance_uid, classes, f"retrieve {request.request_id}", item),
        audited.patient(item),
    )
    audit_log(chosen.audit_trail).write([message])


@cache
def audit_log(group: str) -> AuditLog:
    """Return the audit log of this environment."""
    return AuditLog(group)
