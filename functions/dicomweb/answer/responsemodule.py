"""Build the answer to a store transaction (PS3.18 10.5.3, Annex I).

The Store Instances Response Module is built once, as a data set, and encoded as the client asked.
A request that is refused before its parts are read has no outcomes to report, so its answer is a
Status Report (PS3.18 8.6.3), a data set with the reason in Text Value (0040,A160).
"""

from collections.abc import Iterable, Sequence

from dicomweb.answer import jsonmodel
from dicomweb.answer.model import Attribute, DataSet
from dicomweb.envelope.mediatypes import DICOM_JSON
from dicomweb.outcomes import Failed, Outcome, SOPReference, Stored
from dicomweb.reasons import FailureReason, WarningReason


def encode(data_set: DataSet, media_type: str) -> str:
    """Encode a data set as ``application/dicom+json`` or ``application/dicom+xml``."""
    if media_type == DICOM_JSON:
        return jsonmodel.encode(data_set)
    from dicomweb.answer import nativemodel  # noqa: PLC0415 - only this needs lxml

    return nativemodel.encode(data_set)


def status_report(text: str) -> DataSet:
    """Return the answer for a refused request: nothing to retrieve, and why."""
    return (
        _retrieve_url(""),
        Attribute(tag="0040A160", keyword="TextValue", vr="UT", values=(text,)),
    )


def store_instances_response(outcomes: Sequence[Outcome], retrieve_base_url: str) -> DataSet:
    """Return the Store Instances Response Module for the outcomes (PS3.18 Table I.1-1).

    Retrieve URLs are below ``retrieve_base_url``; if it is empty, they are present and empty. A
    sequence is present only if it has an item, because dcm4chee's exporter takes an empty Failed
    SOP Sequence for a failure.
    """
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    named = [
        (*_references(failure.reference), _failure_reason(failure.reason))
        for failure in failed
        if failure.reference
    ]
    unnamed = [(_failure_reason(failure.reason),) for failure in failed if not failure.reference]
    referenced = [_referenced_item(instance, retrieve_base_url) for instance in stored]
    return (
        _retrieve_url(study_url(stored, retrieve_base_url)),
        *_sequence("00081198", "FailedSOPSequence", named),
        *_sequence("00081199", "ReferencedSOPSequence", referenced),
        *_sequence("0008119A", "OtherFailuresSequence", unnamed),
    )


def study_url(stored: Iterable[Stored], retrieve_base_url: str) -> str:
    """Return the URL of the study if all were stored in one and there is a base, else ""."""
    studies = {instance.study_instance_uid for instance in stored}
    if len(studies) != 1 or not retrieve_base_url:
        return ""
    return f"{retrieve_base_url}/studies/{studies.pop()}"


def _referenced_item(instance: Stored, retrieve_base_url: str) -> DataSet:
    url = study_url((instance,), retrieve_base_url)
    if url:
        sop_instance_uid = instance.reference.sop_instance_uid
        url += f"/series/{instance.series_instance_uid}/instances/{sop_instance_uid}"
    return (
        *_references(instance.reference),
        _retrieve_url(url),
        *(() if instance.warning is None else (_warning_reason(instance.warning),)),
    )


def _references(reference: SOPReference) -> DataSet:
    return (
        Attribute(
            tag="00081150",
            keyword="ReferencedSOPClassUID",
            vr="UI",
            values=(reference.sop_class_uid,),
        ),
        Attribute(
            tag="00081155",
            keyword="ReferencedSOPInstanceUID",
            vr="UI",
            values=(reference.sop_instance_uid,),
        ),
    )


def _retrieve_url(url: str) -> Attribute:
    values = (url,) if url else ()
    return Attribute(tag="00081190", keyword="RetrieveURL", vr="UR", values=values)


def _warning_reason(reason: WarningReason) -> Attribute:
    return Attribute(tag="00081196", keyword="WarningReason", vr="US", values=(int(reason),))


def _failure_reason(reason: FailureReason) -> Attribute:
    return Attribute(tag="00081197", keyword="FailureReason", vr="US", values=(int(reason),))


def _sequence(tag: str, keyword: str, items: Sequence[DataSet]) -> DataSet:
    return (Attribute(tag=tag, keyword=keyword, vr="SQ", values=items),) if items else ()
