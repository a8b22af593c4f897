"""The two ways in which a store transaction refuses something (PS3.18 Section 10.5.3).

::

    DicomWebError
    +-- RequestRejected       the transaction: answered with its status, nothing is stored
    |   +-- MalformedRequest  400
    +-- InstanceRejected      one instance: it gets a Failure Reason, the others are not affected
    |   +-- MetadataRejected  and its UIDs, if they can be read (``metadata.metadata``)
    |   +-- OutOfTime         for now: the time of the request has ended
    +-- NotRetrieved          nothing is returned, with a status (``retrieval.refusals``)
    |   +-- Unknown           404
    |   +-- NotAcceptable     406
    +-- NotUnderstood         one attribute of metadata: ``metadata.builder`` adds its place and
                              makes it a MetadataRejected (``metadata.metadata``)

``archive.ArchiveError`` is not among them: it does not refuse the instance, it says that the
archive has not kept it, and the protocol knows of no archive. ``transaction.intake`` makes both
a Failed. A server may refuse requests for reasons of its own: so does the relay of the client.

The text says what was found, what was expected and where. It is sent to the client and
logged, so it never holds an attribute value: UIDs, tags, counts and offsets only.
"""

from http import HTTPStatus
from typing import ClassVar

from dicomweb.reasons import FailureReason


class DicomWebError(Exception):
    """Why something was refused; ``str()`` of it is the text for the sender."""


class RequestRejected(DicomWebError):
    """The whole request is refused, with ``status``, ``reason`` and the text."""

    status: ClassVar[HTTPStatus]
    reason: ClassVar[FailureReason]


class MalformedRequest(RequestRejected):
    """400: nothing was stored because of bad syntax (PS3.18 Table 10.5.3-1).

    The status set is closed, so this is also the answer where the general section of the standard
    has 404, 405, 406, 411, 413 or 415 (PS3.18 Section 8.5).
    """

    status = HTTPStatus.BAD_REQUEST
    reason = FailureReason.CANNOT_UNDERSTAND


class InstanceRejected(DicomWebError):
    """One instance is refused with ``reason`` (PS3.18 Annex I.2)."""

    temporary = False
    """Whether the same instance may well be stored when it is sent again."""

    def __init__(self, reason: FailureReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class OutOfTime(InstanceRejected):
    """The time of the request ended before the instance was read (A700)."""

    temporary = True

    def __init__(self) -> None:
        super().__init__(
            FailureReason.OUT_OF_RESOURCES,
            "the time for the request ended before the instance was read, send it again",
        )
