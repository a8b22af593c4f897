"""Metadata and bulk data: a request that only the service takes apart, and is sent on whole."""

from collections.abc import Iterator
from http import HTTPStatus

from dicomweb.errors import MalformedRequest
from stowport.bodies import BLOCK, Block, Buffer
from stowport.delivery import count_nothing
from stowport.messages import Request, Response
from stowport.relay.messages import Reply
from stowport.relay.passing import asked, passed_back
from stowport.relay.refusals import ServiceBusy, TooLarge
from stowport.relay.spool import Payload
from stowport.staging import UploadRefused
from stowport.transport import Transport
from stowport.uploads import NoUploads, Uploads

_ANSWERS = (
    HTTPStatus.OK,
    HTTPStatus.ACCEPTED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class WholeBody:
    """A client's body, which is handed out in ranges as ``bodies.RelatedBody`` is."""

    is_sequential = False

    def __init__(self, content_type: str, payload: Payload) -> None:
        self.content_type = content_type
        self.size = len(payload)
        self._content = Buffer(memoryview(payload))

    def blocks(self, offset: int = 0, size: int | None = None) -> Iterator[Block]:
        """Yield the range of the body in blocks; all of it unless told otherwise."""
        end = self.size if size is None else offset + size
        for position in range(offset, end, BLOCK):
            yield self._content.read(position, min(BLOCK, end - position))


class WholeRequests:
    """Sends requests on to ``base_url`` as they are, by ``/uploads`` if they exceed ``limit``."""

    def __init__(self, connection: Transport, base_url: str, limit: int) -> None:
        self._connection = connection
        self._base_url = base_url
        self._limit = limit
        self._uploads = Uploads(connection, base_url)

    def forward(self, body: WholeBody, study: str | None, accept: str) -> Reply:
        """Send ``body`` and return the server's answer.

        Raises ServiceBusy, TooLarge if the server has no uploads, and MalformedRequest if it
        does not take such a request.
        """
        answer = None
        if body.size <= self._limit:
            post = self._post(body, study, accept)
            answer = asked(lambda: self._connection.authorized(post))
        if answer is None or answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            answer = asked(lambda: self._upload(body, study, accept))
        if answer.status not in _ANSWERS:
            raise MalformedRequest(f"the server refused the metadata with {answer.status}")
        return passed_back(answer)

    def _post(self, body: WholeBody, study: str | None, accept: str) -> Request:
        path = f"studies/{study}" if study else "studies"
        return Request(
            method="POST",
            url=f"{self._base_url}/{path}",
            headers={"Content-Type": body.content_type, "Accept": accept},
            size=body.size,
            blocks=body.blocks,
        )

    def _upload(self, body: WholeBody, study: str | None, accept: str) -> Response:
        try:
            return self._uploads.store(body, study, count_nothing, accept)
        except NoUploads as error:
            raise TooLarge(
                f"found metadata and bulk data of {body.size} bytes, expected no more than"
                f" {self._limit}, because {error}"
            ) from error
        except UploadRefused as error:
            raise ServiceBusy(str(error)) from error
