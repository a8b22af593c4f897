"""The body of an upload on its way into S3: with one PUT, or in the parts of a multipart upload.

Parts are put at the same time, but all uploads together take no more connections than requests.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from xml.sax.saxutils import escape

from stowport.bodies import Block, Body
from stowport.crew import Crew
from stowport.messages import WAIT, Request, Response
from stowport.tickets import Target, Ticket
from stowport.transport import TRIES, Stopped, Transport

AGAIN = WAIT | {HTTPStatus.INTERNAL_SERVER_ERROR}
"""S3 asks for a request again with 500 as well (Error Responses, InternalError)."""

_PAUSE_SECONDS = 2.0
_SHOWN = 200
_MAYBE_DONE = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)

Count = Callable[[int], None]


class UploadRefused(Exception):
    """The body was refused where the server said to put it, or the server gave the upload up."""


class Staging:
    """Puts bodies to where the service says, at most ``connections`` requests at a time."""

    def __init__(self, transport: Transport, connections: int) -> None:
        self._transport = transport
        self._connections = connections
        self._free = threading.BoundedSemaphore(connections)

    def put(self, ticket: Ticket, body: Body, count: Count) -> None:
        """Put ``body``; ``count`` is told of bytes as they are sent.

        Raises UploadRefused, and what Transport raises.
        """
        tags = self._put_all(ticket.targets, body, count)
        if ticket.complete:
            self._complete(*ticket.complete, tags)

    def _put_all(self, targets: Sequence[Target], body: Body, count: Count) -> list[str]:
        """Put each range of the body; return their ETags. If one fails, the others are given up."""
        given_up = threading.Event()
        if len(targets) == 1:
            return [self._put(targets[0], body, count, given_up)]
        tags: dict[int, str] = {}

        def put(target: Target) -> None:
            try:
                tags[target.offset] = self._put(target, body, count, given_up)
            except BaseException:
                given_up.set()
                raise

        crew = Crew(1 if body.is_sequential else self._connections, put)
        try:
            for target in targets:
                crew.hand(target)
        except BaseException:
            given_up.set()
            raise
        finally:
            crew.finish()
        return [tags[target.offset] for target in targets]

    def _put(self, target: Target, body: Body, count: Count, given_up: threading.Event) -> str:
        """Put a range of the body; return the ETag of it."""
        blocks = _counted(lambda: body.blocks(target.offset, target.size), count, given_up)
        with self._free:
            response = self._transport.exchange(
                Request(
                    method="PUT",
                    url=target.url,
                    headers=target.headers,
                    size=target.size,
                    blocks=blocks,
                    again=AGAIN,
                )
            )
        # After a fault of the network the body may well be there: If-None-Match then says so.
        if response.status not in (HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED):
            raise UploadRefused(_refusal(response))
        return response.headers.get("etag", "")

    def _complete(self, url: str, content_type: str, tags: list[str]) -> None:
        """End an upload in parts.

        S3 may say 200 before it knows, and then put the error into the body. If it no longer knows
        the upload on a second try, the first may have ended it: the service knows.
        """
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, start=1)
        )
        content = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        tries = 0

        def blocks() -> tuple[bytes]:
            nonlocal tries
            tries += 1
            return (content,)

        request = Request(
            method="POST",
            url=url,
            headers={"Content-Type": content_type},
            size=len(content),
            blocks=blocks,
            again=AGAIN,
        )
        for number in range(TRIES):
            self._transport.wait(number * _PAUSE_SECONDS)
            response = self._transport.exchange(request)
            is_done = response.status == HTTPStatus.OK and b"<Error>" not in response.body
            if response.status != HTTPStatus.OK or is_done:
                break
        if not is_done and (response.status not in _MAYBE_DONE or tries == 1):
            raise UploadRefused(_refusal(response))


def _counted(
    blocks: Callable[[], Iterator[Block]], count: Count, given_up: threading.Event
) -> Callable[[], Iterator[Block]]:
    sent = 0

    def counted() -> Iterator[Block]:
        nonlocal sent
        count(-sent)
        sent = 0
        for block in blocks():
            if given_up.is_set():
                raise Stopped
            yield block
            sent += len(block)
            count(len(block))

    return counted


def _refusal(response: Response) -> str:
    said = response.body.decode("utf-8", "replace").partition("<Message>")[2]
    text = said.partition("</Message>")[0][:_SHOWN]
    return f"the upload was refused with {response.status}" + (f": {text}" if text else "")
