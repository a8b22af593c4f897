"""Why an instance is not in the archive, in the standard's terms (PS3.18 I.2.2).

What S3 and DynamoDB answer becomes one of two Failure Reasons. A700 (out of resources) says that
the same instance may well be stored when it is sent again: they were too busy, too slow, failed
inside or could not be reached. 0110 (processing failure) says that it will not help: the archive
is set up wrongly, or this service is.
"""

import re
from http import HTTPStatus

from botocore import exceptions

from dicomweb.reasons import FailureReason

TEMPORARY_ERROR_CODES = frozenset(
    {
        # S3
        "InternalError",
        "OperationAborted",
        "ConditionalRequestConflict",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "KMS.ThrottlingException",
        # DynamoDB
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "TransactionConflictException",
        "TransactionInProgressException",
        # Any AWS service
        "BandwidthLimitExceeded",
        "InternalFailure",
        "PriorRequestNotComplete",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>([\w.]+)</Code>")


class ArchiveError(Exception):
    """The instance is not durable; ``str()`` of it is the text for the sender.

    The text holds no attribute value and no name of a resource. ``reason`` is 0111, A700 or
    0110, and ``temporary`` is true of A700 alone.
    """

    def __init__(self, reason: FailureReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason

    @property
    def temporary(self) -> bool:
        """Whether the same instance may be stored when it is sent again."""
        return self.reason is FailureReason.OUT_OF_RESOURCES


class PutError(ArchiveError):
    """S3 has not stored an object; ``status`` is what it answered, 0 if it did not."""

    def __init__(self, status: int, reason: FailureReason, text: str) -> None:
        super().__init__(reason, text)
        self.status = status

    @classmethod
    def of(cls, raised: Exception) -> "PutError":
        """Return what obstore has ``raised``, as far as it may be told.

        It has exceptions for some statuses, and one for both 409 and 412: only its text, which
        names the object and therefore goes no further, tells what S3 answered.
        """
        text = str(raised)
        if not (status := _STATUS.search(text)):
            return cls(0, FailureReason.OUT_OF_RESOURCES, _unreachable(raised))
        code = _CODE.search(text)
        answered = int(status[1])
        return cls(answered, *_judge("PutObject", answered, code[1] if code else ""))


def duplicate() -> ArchiveError:
    """Return the refusal of other bytes under UIDs that are taken."""
    return ArchiveError(
        FailureReason.DUPLICATE_SOP_INSTANCE,
        "an instance with the same Study, Series and SOP Instance UID and other bytes is stored, "
        "the same bytes were expected",
    )


def out_of_time() -> ArchiveError:
    """Return the failure of an instance that was not durable by the deadline."""
    return ArchiveError(
        FailureReason.OUT_OF_RESOURCES,
        "the time for the request ended before the archive confirmed the instance, "
        "it may be sent again",
    )


def archive_error(exception: BaseException) -> ArchiveError:
    """Return what ``exception``, raised while an instance was being stored, says to its sender.

    One that nobody foresaw keeps its traceback, for the log, but not its message, which may
    quote an attribute value.
    """
    match exception:
        case ArchiveError():
            return exception
        case exceptions.ClientError():
            return _refused(exception)
        case exceptions.ConnectionError() | exceptions.HTTPClientError():
            return ArchiveError(FailureReason.OUT_OF_RESOURCES, _unreachable(exception))
        case _:
            return ArchiveError(
                FailureReason.PROCESSING_FAILURE,
                f"the archive failed unexpectedly ({type(exception).__name__})",
            ).with_traceback(exception.__traceback__)


def error_code(error: exceptions.ClientError) -> str:
    """Return the code of an answer, such as ``SlowDown``."""
    return error.response.get("Error", {}).get("Code", "")


def _unreachable(exception: BaseException) -> str:
    return (
        f"S3 or DynamoDB was not reached or did not answer in time "
        f"({type(exception).__name__}), the instance may be sent again"
    )


def _refused(error: exceptions.ClientError) -> ArchiveError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return ArchiveError(*_judge(error.operation_name, status, error_code(error)))


def _judge(operation: str, status: int, code: str) -> tuple[FailureReason, str]:
    """Return what an answer means, and its text for the sender."""
    answer = f"{operation} was answered {status} {code}, success was expected"
    if (
        code in TEMPORARY_ERROR_CODES
        or status == HTTPStatus.TOO_MANY_REQUESTS
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return FailureReason.OUT_OF_RESOURCES, f"{answer}, the instance may be sent again"
    return FailureReason.PROCESSING_FAILURE, answer
