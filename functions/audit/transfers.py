"""Audit messages of stored instances, from the index table's stream."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from archive.items import Item, Provenance, Way
from dicomweb.audit.codes import Action
from dicomweb.audit.messages import instances_transferred
from dicomweb.audit.participants import Origin, Patient, Study
from transaction import journal

Studies = Callable[[Sequence[str]], Mapping[str, Item]]
"""Returns the study items of studies, by Study Instance UID."""

UNKNOWN = "unknown"
"""The sender of an instance whose item does not say it, because an older version wrote it."""


class Transfer(NamedTuple):
    """What one message is about: a study, a request, and what it did to the instances held."""

    study_instance_uid: str
    request: Provenance | None
    action: Action


def messages(records: Sequence[Mapping[str, Any]], source: str, studies_of: Studies) -> list[str]:
    """Return a message for each study and request that stored instances, by the ``records``.

    A message that cannot be made is counted and logged, and does not hinder the others.
    """
    transfers: dict[Transfer, list[Item]] = {}
    for record in records:
        with lost_if_it_fails():
            if (found := transfer_of(record)) is not None:
                transfers.setdefault(found, []).append(record["dynamodb"]["NewImage"])
    studies = studies_of(list(dict.fromkeys(each.study_instance_uid for each in transfers)))
    made = []
    for transfer, items in transfers.items():
        with lost_if_it_fails():
            study = studies.get(transfer.study_instance_uid, {})
            made.append(message(transfer, items, source, study))
    return made


@contextmanager
def lost_if_it_fails() -> Iterator[None]:
    """Count and log what goes wrong here: raised, it would stop the stream for a day."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the other messages are written
        journal.log_unforeseen(error)
        journal.count(AuditMessagesLost=1)


def transfer_of(record: Mapping[str, Any]) -> Transfer | None:
    """Return what an instance item in ``record`` belongs to, or None if nothing was stored."""
    change = record["dynamodb"]
    new, old = change.get("NewImage"), change.get("OldImage", {})
    if not new or not change["Keys"]["Resource"]["S"].startswith("instances/"):
        return None
    if new.get("SHA256") == old.get("SHA256"):
        return None
    request = Provenance.of(new)
    return Transfer(change["Keys"]["StudyInstanceUID"]["S"], request, action_of(request, old))


def action_of(request: Provenance | None, old: Item) -> Action:
    """Return what storing an instance did, if ``old`` was the item before (PS3.15 A.5.3.7).

    An item that was made again is that of an instance that was held all the time.
    """
    if old:
        return Action.UPDATE
    return Action.READ if request and request.way is Way.REBUILD else Action.CREATE


def message(transfer: Transfer, items: Sequence[Item], source: str, study: Item) -> str:
    """Return the message; its time is when the last of ``items`` was written."""
    request = transfer.request
    details = {"Request": f"{request.way} {request.request_id}"} if request else {}
    if "PatientsDiffer" in study:
        details["Patients"] = "instances of this study have different patients"
    return instances_transferred(
        Origin(max(item["Stored"]["S"] for item in items), source),
        transfer.action,
        request.principal if request else UNKNOWN,
        Study(
            study_instance_uid=transfer.study_instance_uid,
            instances=Counter(item["SOPClassUID"]["S"] for item in items),
            accession_number=text(study, "AccessionNumber"),
            details=details,
        ),
        patient_of(study),
    )


def patient_of(study: Item) -> Patient:
    """Return the patient of a study, by its item."""
    return Patient(patient_id=text(study, "PatientID"), patient_name=text(study, "PatientName"))


def text(item: Item, keyword: str) -> str:
    """Return the value of a text attribute, or an empty one."""
    return item.get(keyword, {}).get("S", "")
