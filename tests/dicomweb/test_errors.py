import re
from http import HTTPStatus

from dicomweb import errors
from dicomweb.errors import (
    DicomWebError,
    InstanceRejected,
    MalformedRequest,
    RequestRejected,
)
from dicomweb.metadata.metadata import NotUnderstood
from dicomweb.reasons import FailureReason
from dicomweb.retrieval.refusals import NotRetrieved


def test_a_refused_request_has_a_status_and_a_reason() -> None:
    assert MalformedRequest.status is HTTPStatus.BAD_REQUEST
    assert MalformedRequest.reason is FailureReason.CANNOT_UNDERSTAND
    assert issubclass(MalformedRequest, RequestRejected)


def test_a_refused_instance_has_its_reason_and_refuses_no_request() -> None:
    refusal = InstanceRejected(FailureReason.MISSING_ATTRIBUTE, "found none")

    assert refusal.reason is FailureReason.MISSING_ATTRIBUTE
    assert str(refusal) == "found none"
    assert isinstance(refusal, DicomWebError)
    assert not isinstance(refusal, RequestRejected)


def test_an_attribute_that_is_not_understood_refuses_neither_by_itself() -> None:
    assert not issubclass(NotUnderstood, RequestRejected | InstanceRejected)


def _of_the_protocol(error: type[DicomWebError]) -> list[type[DicomWebError]]:
    """Leave out those of the relay."""
    return [each for each in error.__subclasses__() if each.__module__.startswith("dicomweb.")]


def test_the_tree_is_drawn_as_it_is() -> None:
    assert {NotUnderstood, NotRetrieved} <= set(_of_the_protocol(DicomWebError))
    tree = [DicomWebError]
    for error in tree:
        tree.extend(_of_the_protocol(error))
    drawn = re.findall(r"^ {4}((?:\| +)?)(?:\+-- )?(\w+)", str(errors.__doc__), re.MULTILINE)
    assert sorted(name for _, name in drawn) == sorted(error.__name__ for error in tree)
    above: list[type[DicomWebError]] = [DicomWebError, *_of_the_protocol(DicomWebError)]
    assert {name for indent, name in drawn if not indent} == {error.__name__ for error in above}
