"""Build the answer to a request for commitment (PS3.18 J.2).

The instances that are committed and those that are not are in sequences of the form that the
request has: Referenced SOP Sequence and Failed SOP Sequence, or Referenced Study Sequence and
Failed Study Sequence.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus

from dicomweb.answer.model import Attribute, DataSet
from dicomweb.answer.response import StoreResponse
from dicomweb.answer.responsemodule import encode
from dicomweb.commitment.outcomes import CommitmentOutcome
from dicomweb.commitment.requestmodule import CommitmentRequest, Form, Reference

_Judged = tuple[Reference, CommitmentOutcome]
_Series = Mapping[str, Mapping[str, Sequence[_Judged]]]


def report(
    request: CommitmentRequest, outcomes: Sequence[CommitmentOutcome], media_type: str
) -> StoreResponse:
    """Answer with the outcome of each reference of ``request``, in its order."""
    judged = list(zip(request.references, outcomes, strict=True))
    committed = [each for each in judged if each[1] is CommitmentOutcome.COMMITTED]
    failed = [each for each in judged if each[1] is not CommitmentOutcome.COMMITTED]
    module = _by_sop if request.form is Form.SOP else _by_study
    body = encode(tuple(module(committed, failed)), media_type)
    return StoreResponse(status=HTTPStatus.OK, media_type=media_type, body=body)


def _by_sop(committed: Sequence[_Judged], failed: Sequence[_Judged]) -> Iterator[Attribute]:
    for tag, keyword, judged in (
        ("00081198", "FailedSOPSequence", failed),
        ("00081199", "ReferencedSOPSequence", committed),
    ):
        if judged:
            yield _sequence(
                tag,
                keyword,
                [
                    (_sop_class_uid(reference.sop_class_uid), *_instance(reference, outcome))
                    for reference, outcome in judged
                ],
            )


def _by_study(committed: Sequence[_Judged], failed: Sequence[_Judged]) -> Iterator[Attribute]:
    for tag, keyword, judged in (
        ("00081110", "ReferencedStudySequence", committed),
        ("0008119B", "FailedStudySequence", failed),
    ):
        if judged:
            yield _sequence(tag, keyword, [_study(*each) for each in _grouped(judged).items()])


def _grouped(judged: Sequence[_Judged]) -> dict[str, dict[str, dict[str, list[_Judged]]]]:
    """Return ``judged`` by study, series and SOP class, in the order of the first of each."""
    studies: dict[str, dict[str, dict[str, list[_Judged]]]] = {}
    for reference, outcome in judged:
        series = studies.setdefault(reference.study_instance_uid, {})
        classes = series.setdefault(reference.series_instance_uid, {})
        classes.setdefault(reference.sop_class_uid, []).append((reference, outcome))
    return studies


def _study(study_instance_uid: str, series: _Series) -> DataSet:
    return (
        _sequence(
            "00081115", "ReferencedSeriesSequence", [_one_series(*each) for each in series.items()]
        ),
        _uid("0020000D", "StudyInstanceUID", study_instance_uid),
    )


def _one_series(series_instance_uid: str, classes: Mapping[str, Sequence[_Judged]]) -> DataSet:
    return (
        _sequence(
            "00081112",
            "ReferencedInstancesBySOPClassSequence",
            [
                (
                    _sequence(
                        "0008114A",
                        "ReferencedInstanceSequence",
                        [_instance(*each) for each in judged],
                    ),
                    _sop_class_uid(sop_class_uid),
                )
                for sop_class_uid, judged in classes.items()
            ],
        ),
        _uid("0020000E", "SeriesInstanceUID", series_instance_uid),
    )


def _instance(reference: Reference, outcome: CommitmentOutcome) -> DataSet:
    uid = _uid("00081155", "ReferencedSOPInstanceUID", reference.sop_instance_uid)
    if outcome is CommitmentOutcome.COMMITTED:
        return (uid,)
    return (
        uid,
        Attribute(tag="00081197", keyword="FailureReason", vr="US", values=(int(outcome),)),
    )


def _sop_class_uid(uid: str) -> Attribute:
    return _uid("00081150", "ReferencedSOPClassUID", uid)


def _uid(tag: str, keyword: str, uid: str) -> Attribute:
    return Attribute(tag=tag, keyword=keyword, vr="UI", values=(uid,))


def _sequence(tag: str, keyword: str, items: Sequence[DataSet]) -> Attribute:
    return Attribute(tag=tag, keyword=keyword, vr="SQ", values=items)
