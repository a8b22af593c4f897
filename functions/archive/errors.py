"""Why an instance is not in the archive, in the standard's terms (PS3.18 I.2.2).

What S3 and DynamoDB answer becomes one of two Failure Reasons. A700 (out of resources) says that
the same instance may well be stored when it is sent again: they were too busy, too slow, failed
inside, could not be reached, or their answer was not whole; or credentials were just being
renewed. 0110 (processing failure) says that it will not help: the archive is set up wrongly, or
this service is.
"""

import re
from http import HTTPStatus

from botocore import exceptions

# What a broken answer raises; botocore.exceptions has no class that it is of.
from botocore.parsers import ResponseParserError

from dicomweb.reasons import FailureReason

TEMPORARY_ERROR_CODES = frozenset(
    {
        # S3: it is too busy, failed inside, or writes the same key just now
        "InternalError",
        "OperationAborted",
        "ConditionalRequestConflict",
        "ServiceUnavailable",
        "SlowDown",
        # S3: the request was damaged or too slow on its way
        "BadDigest",
        "IncompleteBody",
        "RequestTimeout",
        "RequestTimeoutException",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
        # S3: the bucket's name does not lead to its region yet
        "TemporaryRedirect",
        # S3: what KMS answered it
        "KMS.DependencyTimeoutException",
        "KMS.InternalException",
        "KMS.KMSInternalException",
        "KMS.KeyUnavailableException",
        "KMS.ThrottlingException",
        # DynamoDB
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "TransactionConflictException",
        "TransactionInProgressException",
        "UnrecognizedClientException",
        # Any AWS service: the credentials are being renewed, or the clock was stopped
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "TokenRefreshRequired",
        # Any AWS service
        "BandwidthLimitExceeded",
        "InternalFailure",
        "PriorRequestNotComplete",
        "RequestAbortedException",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""What passes by itself (decision 46); every other code is 0110, unless its status says more."""

CALL_FAILED = (exceptions.BotoCoreError, exceptions.ClientError, ResponseParserError)
"""Whatever a call of botocore raises: an answer that cannot be parsed is none of the first two."""

_TEMPORARY_STATUSES = frozenset(
    {
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_NEVER_SUPPORTED = frozenset({HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED})

_NOT_ANSWERED = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    ResponseParserError,
)
_NO_CREDENTIALS_JUST_NOW = (exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError)

_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>([\w.]+)</Code>")
_WRONG_REGION = "redirect without LOCATION"
"""obstore's words for a redirect that says of no place, as S3's 301 for another region does."""


class ArchiveError(Exception):
    """The instance is not durable; ``str()`` of it is the text for the sender.

    The text holds no attribute value and no name of a resource. ``reason`` is 0111, A700 or
    0110, and ``temporary`` is true of A700 alone. ``unforeseen`` is what was raised where nobody
    foresaw it, for the log.
    """

    def __init__(
        self, reason: FailureReason, text: str, unforeseen: BaseException | None = None
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.unforeseen = unforeseen

    @property
    def temporary(self) -> bool:
        """Whether the same instance may be stored when it is sent again."""
        return self.reason is FailureReason.OUT_OF_RESOURCES

    @property
    def final(self) -> bool:
        """Whether the bytes are the reason, and not the archive: true of 0111 alone."""
        return self.reason is FailureReason.DUPLICATE_SOP_INSTANCE


class PutError(ArchiveError):
    """S3 has not stored an object; ``status`` is what it answered, 0 if it did not."""

    def __init__(self, status: int, reason: FailureReason, text: str) -> None:
        super().__init__(reason, text)
        self.status = status

    @classmethod
    def of(cls, raised: Exception) -> "PutError":
        """Return what obstore has ``raised``; its text is not repeated.

        It has exceptions for some statuses, and one for both 409 and 412: only its text, which
        names the object and therefore goes no further, tells what S3 answered.
        """
        text = str(raised)
        if _WRONG_REGION in text:
            moved = HTTPStatus.MOVED_PERMANENTLY
            return cls(moved, *_judge("PutObject", moved, "PermanentRedirect"))
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

    The message of one that nobody foresaw may quote an attribute value, and is not in the text.
    """
    if isinstance(exception, ArchiveError):
        return exception
    if isinstance(exception, exceptions.ClientError):
        return _refused(exception)
    if isinstance(exception, _NOT_ANSWERED):
        return ArchiveError(FailureReason.OUT_OF_RESOURCES, _unreachable(exception))
    if isinstance(exception, _NO_CREDENTIALS_JUST_NOW):
        return ArchiveError(FailureReason.OUT_OF_RESOURCES, _without_credentials(exception))
    return ArchiveError(
        FailureReason.PROCESSING_FAILURE,
        f"the archive failed unexpectedly ({type(exception).__name__})",
        unforeseen=exception,
    )


def error_code(error: exceptions.ClientError) -> str:
    """Return the code of an answer, such as ``SlowDown``."""
    return error.response.get("Error", {}).get("Code", "")


def _unreachable(exception: BaseException) -> str:
    return (
        f"S3 or DynamoDB was not reached, or did not answer whole and in time "
        f"({type(exception).__name__}), the instance may be sent again"
    )


def _without_credentials(exception: BaseException) -> str:
    return (
        f"the credentials of the archive could not be renewed ({type(exception).__name__}), "
        "the instance may be sent again"
    )


def _refused(error: exceptions.ClientError) -> ArchiveError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return ArchiveError(*_judge(error.operation_name, status, error_code(error)))


def _judge(operation: str, status: int, code: str) -> tuple[FailureReason, str]:
    """Return what an answer means, and its text for the sender."""
    answer = f"{operation} was answered {status} {code}, success was expected"
    failed_inside = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NEVER_SUPPORTED
    if code in TEMPORARY_ERROR_CODES or status in _TEMPORARY_STATUSES or failed_inside:
        return FailureReason.OUT_OF_RESOURCES, f"{answer}, the instance may be sent again"
    return FailureReason.PROCESSING_FAILURE, answer
