"""What audit messages say of a study and its patient, by the study's item in the index.

It imports nothing of the archive, because retrieving needs it without what storing needs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dicomweb.audit.participants import Patient, Study

Item = Mapping[str, Any]
"""An item of DynamoDB, empty if there is none (``archive.items``)."""

ANONYMOUS = "anonymous"
"""The sender or reader if nobody has authorized the request, as the authorizer says it."""


def study(
    study_instance_uid: str, sop_class_uids: Iterable[str], request: str, item: Item
) -> Study:
    """Return a study of which instances of these SOP classes, one each, took part.

    ``request`` is how the other logs find the request; empty if it is not known.
    """
    details = {"Stowport request": request} if request else {}
    if "PatientsDiffer" in item:
        details["Patients differ"] = "The instances of this study have different patients."
    return Study(
        study_instance_uid=study_instance_uid,
        instances=Counter(sop_class_uids),
        accession_number=_text(item, "AccessionNumber"),
        details=details,
    )


def patient(item: Item) -> Patient:
    """Return the patient of a study."""
    return Patient(patient_id=_text(item, "PatientID"), patient_name=_text(item, "PatientName"))


def _text(item: Item, keyword: str) -> str:
    text: str = item.get(keyword, {}).get("S", "")
    return text
