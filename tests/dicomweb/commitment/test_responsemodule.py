"""The Storage Commitment Response Module (PS3.18 J.2)."""

import json

import pytest

from dicomweb.commitment.outcomes import CommitmentOutcome
from dicomweb.commitment.requestmodule import MOST_UIDS, CommitmentRequest, Form, Reference
from dicomweb.commitment.responsemodule import report
from dicomweb.envelope.mediatypes import DICOM_JSON, DICOM_XML

COMMITTED, ABSENT = CommitmentOutcome.COMMITTED, CommitmentOutcome.NO_SUCH_OBJECT_INSTANCE
LONGEST = "1." + "9" * 62
RESPONSE_LIMIT = 6 * 1024 * 1024


def test_the_instances_of_a_study_keep_their_places() -> None:
    references = (
        Reference("1.5", "1.4.1", "1.2", "1.3"),
        Reference("1.5", "1.4.2", "1.2", "1.3"),
        Reference("1.6", "1.4.3", "1.2", "1.3"),
        Reference("1.5", "1.4.4", "1.2", "1.33"),
    )
    request = CommitmentRequest(form=Form.STUDY, references=references)
    answer = report(request, [COMMITTED, ABSENT, COMMITTED, COMMITTED], DICOM_JSON)
    module = json.loads(answer.body)

    def shape(tag: str) -> object:
        return [
            (
                study["0020000D"]["Value"][0],
                [
                    (
                        series["0020000E"]["Value"][0],
                        [
                            (
                                of_class["00081150"]["Value"][0],
                                [
                                    (each["00081155"]["Value"][0], each.get("00081197"))
                                    for each in of_class["0008114A"]["Value"]
                                ],
                            )
                            for of_class in series["00081112"]["Value"]
                        ],
                    )
                    for series in study["00081115"]["Value"]
                ],
            )
            for study in module[tag]["Value"]
        ]

    assert sorted(module) == ["00081110", "0008119B"]
    first = ("1.3", [("1.5", [("1.4.1", None)]), ("1.6", [("1.4.3", None)])])
    assert shape("00081110") == [("1.2", [first, ("1.33", [("1.5", [("1.4.4", None)])])])]
    reason = {"vr": "US", "Value": [0x0112]}
    assert shape("0008119B") == [("1.2", [("1.3", [("1.5", [("1.4.2", reason)])])])]


@pytest.mark.parametrize("media_type", [DICOM_JSON, DICOM_XML])
@pytest.mark.parametrize(
    "request_",
    [
        CommitmentRequest(
            form=Form.SOP, references=(Reference(LONGEST, LONGEST),) * (MOST_UIDS // 2)
        ),
        CommitmentRequest(
            form=Form.STUDY,
            references=tuple(
                Reference(LONGEST, LONGEST, f"1.{number:062}", LONGEST)
                for number in range(MOST_UIDS // 4)
            ),
        ),
        CommitmentRequest(
            form=Form.STUDY,
            references=(Reference(LONGEST, LONGEST, LONGEST, LONGEST),) * (MOST_UIDS - 3),
        ),
    ],
    ids=["instances", "studies", "a series"],
)
def test_the_longest_answer_fits_into_a_response(
    request_: CommitmentRequest, media_type: str
) -> None:
    answer = report(request_, [ABSENT] * len(request_.references), media_type)
    assert len(json.dumps({"body": answer.body})) < RESPONSE_LIMIT
