"""Requests that the relay itself refuses, in addition to malformed ones."""

from http import HTTPStatus

from dicomweb.errors import RequestRejected
from dicomweb.reasons import FailureReason


class ServiceBusy(RequestRejected):
    """503: nothing was sent for lack of resources; the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = FailureReason.OUT_OF_RESOURCES


class TooLarge(ServiceBusy):
    """503 without Retry-After: the relay or the server never has room for this request."""


class Unauthorized(RequestRejected):
    """401: the request has no bearer token that the relay accepts (RFC 6750 3)."""

    status = HTTPStatus.UNAUTHORIZED
    reason = FailureReason.PROCESSING_FAILURE


class Forbidden(RequestRejected):
    """403: the relay does not serve this client, whatever it sends."""

    status = HTTPStatus.FORBIDDEN
    reason = FailureReason.PROCESSING_FAILURE
