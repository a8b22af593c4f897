"""Why a request to retrieve or to search is refused (PS3.18 8.5).

``dicomweb.errors.MalformedRequest``, 400, is the third reason.
"""

from http import HTTPStatus
from typing import ClassVar

from dicomweb.errors import DicomWebError


class NotRetrieved(DicomWebError):
    """Nothing is returned; ``str()`` of it is the text for the client."""

    status: ClassVar[HTTPStatus]


class Unknown(NotRetrieved):
    """404: nothing is stored under the UIDs of the URL."""

    status = HTTPStatus.NOT_FOUND


class NotAcceptable(NotRetrieved):
    """406: what is stored cannot be returned in any form that the client accepts."""

    status = HTTPStatus.NOT_ACCEPTABLE
