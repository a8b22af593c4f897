"""Audit messages of what a request has stored in a study: DICOM Instances Transferred."""

from collections.abc import Iterator

from archive.commits import Commit
from archive.items import Item, Way
from dicomweb.audit.codes import Action
from dicomweb.audit.messages import instances_transferred
from dicomweb.audit.participants import Origin
from notify.records import Batch
from transaction import audited

UNKNOWN = "unknown"
"""The sender of an instance whose item does not say it, because an older version wrote it."""


def messages(batch: Batch, source: str, study: Item) -> Iterator[str]:
    """Yield the messages of ``batch``: one, or two if some of its instances replaced others.

    ``study`` is the item of the study, empty if there is none.
    """
    request = batch.provenance
    sender, known = (
        (request.principal, f"{request.way} {request.request_id}") if request else ("", "")
    )
    by_action: dict[Action, list[Commit]] = {}
    for commit in batch.commits:
        by_action.setdefault(action_of(commit), []).append(commit)
    for action, commits in by_action.items():
        sop_class_uids = (commit.sop_class_uid for commit in commits)
        yield instances_transferred(
            Origin(max(commit.stored for commit in commits), source),
            action,
            sender or UNKNOWN,
            audited.study(batch.study_instance_uid, sop_class_uids, known, study),
            audited.patient(study),
        )


def action_of(commit: Commit) -> Action:
    """Return what storing an instance did to what was held (PS3.15 A.5.3.7).

    An item that was made again is that of an instance that was held all the time.
    """
    if commit.version:
        return Action.UPDATE
    request = commit.provenance
    return Action.READ if request and request.way is Way.REBUILD else Action.CREATE
