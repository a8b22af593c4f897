"""Why an instance is not in the archive, in the standard's terms (PS3.18 I.2.2).

An answer of S3 or DynamoDB becomes one of two Failure Reasons. A700 (out of resources) says that
the same instance may well be stored when it is sent again: they were too busy or too slow, had an
internal error, could not be reached or sent an incomplete answer, or credentials were just being
renewed. 0110 (processing failure) says that sending again does not help: the archive or this
service is configured wrongly.
"""

import re
from http import HTTPStatus

from botocore import exceptions

# What a broken answer raises; botocore.exceptions has no class that it is of.
from botocore.parsers import ResponseParserError

from dicomweb.reasons import FailureReason

TEMPORARY_ERROR_CODES = frozenset(
    {
        # S3: it is too busy, had an internal error, or is writing the same key
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
        # S3: what KMS answered to it
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
"""Errors that pass by themselves (decision 46); other codes are 0110, except for some statuses."""

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

NOT_ANSWERED = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    ResponseParserError,
)
"""What a call raises that got no answer, or only part of one."""

_NO_CREDENTIALS_JUST_NOW = (exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError)

_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>([\w.]+)</Code>")
_WRONG_REGION = "redirect without LOCATION"
"""obstore's message for a redirect without a Location, such as S3's 301 for another region."""


class ArchiveError(Exception):
    """The instance is not durable; ``str()`` of it is the text for the sender.

    The text holds no attribute value and no name of a resource. ``reason`` is 0111, A700 or 0110,
    and ``temporary`` is true only for A700. ``unforeseen`` is an unforeseen exception, for the log.
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
        """Whether the bytes are the reason, and not the archive: true only for 0111."""
        return self.reason is FailureReason.DUPLICATE_SOP_INSTANCE


class PutError(ArchiveError):
    """S3 has not stored an object; ``status`` is that of its answer, 0 without an answer."""

    def __init__(self, status: int, reason: FailureReason, text: str) -> None:
        super().__init__(reason, text)
        self.status = status

    @classmethod
    def of(cls, raised: Exception) -> "PutError":
        """Return the error for what obstore has ``raised``, without its message.

        obstore has exceptions only for some statuses, and one for both 409 and 412. Only the
        message tells what S3 answered; it names the object and so is not passed on.
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
    """Return the refusal of different bytes under UIDs that are taken."""
    return ArchiveError(
        FailureReason.DUPLICATE_SOP_INSTANCE,
        "found a stored instance with the same Study, Series and SOP Instance UID but different "
        "bytes, expected the same bytes",
    )


def out_of_time() -> ArchiveError:
    """Return the failure of an instance that was not durable by the deadline."""
    return ArchiveError(
        FailureReason.OUT_OF_RESOURCES,
        "the time for the request ended before the archive confirmed the instance, send it again",
    )


def archive_error(exception: BaseException) -> ArchiveError:
    """Return the failure for ``exception``, which was raised while an instance was being stored.

    The message of an unforeseen one may quote an attribute value, and so is not in the text.
    """
    if isinstance(exception, ArchiveError):
        return exception
    if isinstance(exception, exceptions.ClientError):
        return _refused(exception)
    if isinstance(exception, NOT_ANSWERED):
        return ArchiveError(FailureReason.OUT_OF_RESOURCES, _unreachable(exception))
    if isinstance(exception, _NO_CREDENTIALS_JUST_NOW):
        return ArchiveError(FailureReason.OUT_OF_RESOURCES, _without_credentials(exception))
    return ArchiveError(
        FailureReason.PROCESSING_FAILURE,
        f"the archive failed unexpectedly ({type(exception).__name__})",
        unforeseen=exception,
    )


def may_pass(status: int, code: str) -> bool:
    """Tell whether the same call may succeed after an answer of ``status`` with ``code``."""
    failed_inside = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NEVER_SUPPORTED
    return code in TEMPORARY_ERROR_CODES or status in _TEMPORARY_STATUSES or failed_inside


def error_code(error: exceptions.ClientError) -> str:
    """Return the code of an answer, such as ``SlowDown``."""
    return error.response.get("Error", {}).get("Code", "")


def _unreachable(exception: BaseException) -> str:
    return (
        f"S3 or DynamoDB could not be reached, or did not send a complete answer in time "
        f"({type(exception).__name__}), send the instance again"
    )


def _without_credentials(exception: BaseException) -> str:
    return (
        f"the credentials of the archive could not be renewed ({type(exception).__name__}), "
        "send the instance again"
    )


def _refused(error: exceptions.ClientError) -> ArchiveError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return ArchiveError(*_judge(error.operation_name, status, error_code(error)))


def _judge(operation: str, status: int, code: str) -> tuple[FailureReason, str]:
    """Return the reason for an answer, and its text for the sender."""
    found = f"{status} {code}".rstrip()
    answer = f"found {found} as the answer to {operation}, expected success"
    if may_pass(status, code):
        return FailureReason.OUT_OF_RESOURCES, f"{answer}: send the instance again"
    return FailureReason.PROCESSING_FAILURE, answer
