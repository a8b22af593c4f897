from http import HTTPStatus

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from archive.errors import (
    TEMPORARY_ERROR_CODES,
    ArchiveError,
    archive_error,
    duplicate,
    out_of_time,
)
from dicomweb.reasons import FailureReason

ENDPOINT = "https://planted-bucket-name.s3.amazonaws.com"


def answered(code: str, status: int) -> ArchiveError:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return archive_error(ClientError(response, "PutItem"))  # type: ignore[arg-type] # less than AWS sends


@pytest.mark.parametrize("code", sorted(TEMPORARY_ERROR_CODES))
def test_a_throttle_or_an_inner_failure_is_temporary(code: str) -> None:
    error = answered(code, HTTPStatus.BAD_REQUEST)

    assert error.reason is FailureReason.OUT_OF_RESOURCES
    assert error.temporary
    assert str(error) == (
        f"found 400 {code} as the answer to PutItem, expected success: send the instance again"
    )


@pytest.mark.parametrize("status", [307, 408, 429, 500, 502, 503, 504, 599])
def test_a_status_that_says_try_later_is_temporary_whatever_the_code(status: int) -> None:
    assert answered("NeverSeenBefore", status).reason is FailureReason.OUT_OF_RESOURCES


@pytest.mark.parametrize(
    "code",
    [
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidDigest",
        "InvalidToken",
        "ItemCollectionSizeLimitExceededException",
        "KMS.DisabledException",
        "NoSuchBucket",
        "PermanentRedirect",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "ValidationException",
        "NeverSeenBefore",
    ],
)
def test_any_other_answer_is_a_processing_failure(code: str) -> None:
    error = answered(code, HTTPStatus.BAD_REQUEST)

    assert error.reason is FailureReason.PROCESSING_FAILURE
    assert not error.temporary
    assert str(error) == f"found 400 {code} as the answer to PutItem, expected success"


@pytest.mark.parametrize(
    "exception",
    [
        ConnectTimeoutError(endpoint_url=ENDPOINT),
        ReadTimeoutError(endpoint_url=ENDPOINT),
        EndpointConnectionError(endpoint_url=ENDPOINT),
        ConnectionClosedError(endpoint_url=ENDPOINT),
        SSLError(endpoint_url=ENDPOINT, error=OSError("planted")),
        ResponseStreamingError(error="planted"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ResponseParserError("planted"),
        CredentialRetrievalError(provider="planted", error_msg="planted"),
        MetadataRetrievalError(error_msg="planted"),
    ],
    ids=lambda exception: type(exception).__name__,
)
def test_who_cannot_be_reached_may_be_reached_later(exception: Exception) -> None:
    error = archive_error(exception)

    assert error.reason is FailureReason.OUT_OF_RESOURCES
    assert type(exception).__name__ in str(error)
    assert "planted" not in str(error)


@pytest.mark.parametrize("status", [301, 400, 403, 404, 409, 501, 505])
def test_a_status_that_says_no_is_a_processing_failure(status: int) -> None:
    assert answered("NeverSeenBefore", status).reason is FailureReason.PROCESSING_FAILURE


@pytest.mark.parametrize("exception", [NoCredentialsError(), KeyError("Planted^Name")])
def test_what_nobody_foresaw_keeps_its_place_and_not_its_message(exception: Exception) -> None:
    with pytest.raises(type(exception)) as raised:
        raise exception

    error = archive_error(raised.value)

    assert error.reason is FailureReason.PROCESSING_FAILURE
    assert str(error) == f"the archive failed unexpectedly ({type(exception).__name__})"
    assert error.unforeseen is exception
    assert error.__cause__ is error.__context__ is None


def test_an_archive_error_is_itself() -> None:
    error = duplicate()

    assert archive_error(error) is error


def test_only_lack_of_resources_is_temporary() -> None:
    assert not duplicate().temporary
    assert out_of_time().temporary
