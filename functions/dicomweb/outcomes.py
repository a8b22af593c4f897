"""The outcome for each instance of a request, and the resulting status (PS3.18 10.5.3).

A request has one outcome for each body part that is a Part 10 file. A request of metadata and bulk
data has one for each instance, and one for each bulk data part that no instance refers to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from dicomweb.reasons import FailureReason, WarningReason

_CAN_BE_NAMED = re.compile(r"[!#-%'-;=?-\[\]-~ ]{1,128}")
"""Escaped letters are up to seven times as long, and an answer has a reference for each part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SOPReference:
    """The SOP Class and SOP Instance UID by which an answer names an instance."""

    sop_class_uid: str
    sop_instance_uid: str

    @classmethod
    def of(cls, sop_class_uid: str, sop_instance_uid: str) -> "SOPReference | None":
        """Return a reference, or None unless both UIDs can be in it: both are Type 1 there.

        They need not be valid, but a letter that an answer has to escape is in none.
        """
        if all(map(_CAN_BE_NAMED.fullmatch, (sop_class_uid, sop_instance_uid))):
            return cls(sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The instance is durable: an item of Referenced SOP Sequence (0008,1199)."""

    reference: SOPReference
    study_instance_uid: str
    series_instance_uid: str
    warning: WarningReason | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The instance is not stored: an item of Failed SOP Sequence (0008,1198).

    Without a ``reference`` it cannot be named, because both UIDs are Type 1 there: then it is
    an item of Other Failures Sequence (0008,119A). ``text`` says why, without attribute values.
    ``temporary`` means that the same instance may well be stored when it is sent again.
    ``final`` means that its bytes are the reason: the outcome will be the same unless they or the
    archive's instances change. A failure of the archive is not final, nor is an unforeseen error,
    which is a defect of the service.
    """

    reason: FailureReason
    text: str
    reference: SOPReference | None = None
    temporary: bool = False
    final: bool = False


Outcome = Stored | Failed


def status_of(outcomes: Sequence[Outcome]) -> HTTPStatus:
    """Return the status of a transaction with these ``outcomes`` (PS3.18 Table 10.5.3-1).

    200 if all instances are stored without a warning, 202 if at least one is stored. If none is:
    503 if only resources were lacking, so that sending it again helps; 400 if no failed instance
    can be named; otherwise 409.
    """
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    if len(failed) < len(outcomes):
        warned = any(isinstance(outcome, Stored) and outcome.warning for outcome in outcomes)
        return HTTPStatus.ACCEPTED if failed or warned else HTTPStatus.OK
    if all(failure.temporary for failure in failed):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if all(failure.reference is None for failure in failed):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.CONFLICT
