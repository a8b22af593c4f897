from http import HTTPStatus

from dicomweb.errors import (
    DicomWebError,
    InstanceRejected,
    MalformedRequest,
    RequestRejected,
    ServiceBusy,
)
from dicomweb.reasons import FailureReason


def test_a_refused_request_has_a_status_and_a_reason() -> None:
    assert MalformedRequest.status is HTTPStatus.BAD_REQUEST
    assert MalformedRequest.reason is FailureReason.CANNOT_UNDERSTAND
    assert ServiceBusy.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert ServiceBusy.reason is FailureReason.OUT_OF_RESOURCES
    assert issubclass(MalformedRequest, RequestRejected)


def test_a_refused_instance_has_its_reason_and_refuses_no_request() -> None:
    refusal = InstanceRejected(FailureReason.MISSING_ATTRIBUTE, "found none")

    assert refusal.reason is FailureReason.MISSING_ATTRIBUTE
    assert str(refusal) == "found none"
    assert isinstance(refusal, DicomWebError)
    assert not isinstance(refusal, RequestRejected)
