"""botocore's pooled connections, which are not trusted for long, its answers and its attempts.

Lambda freezes an environment between requests, sometimes for minutes. By then the peer may have
closed its connections, or a device in between may have silently forgotten them (a NAT gateway
after 350 seconds), and a request on such a connection is never answered.
https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html warns of idle connections.
"""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from random import random
from typing import Any
from zlib import crc32

from botocore.client import BaseClient
from botocore.exceptions import ResponseStreamingError

from archive.errors import NOT_ANSWERED, may_pass

IsWhole = Callable[[Mapping[str, Any]], bool]

SECONDS_KEPT = 20
"""How old a pooled connection may be, by the wall clock, which a freeze does not stop."""

_CUT_OFF = "CutOff"
_PAUSE_UNANSWERED = 0.05
_PAUSE_REFUSED = 0.5
"""Something that answers that it is too busy needs longer than a new connection."""


class FreshConnections:
    """Lets a ``client`` open new connections if its own are old or one was not answered.

    Closing them does not affect those in use. If one was not answered, each other connection of
    its age might cost another request an attempt.
    """

    def __init__(self, client: BaseClient) -> None:
        self._client = client
        self._opened = time.time()
        client.meta.events.register("before-call", self._close_old)
        client.meta.events.register("needs-retry", self._close_unanswered)

    def _close_old(self, **_: object) -> None:
        now = time.time()
        if not 0 <= now - self._opened < SECONDS_KEPT:
            self._opened = now
            self._client.close()

    def _close_unanswered(self, caught_exception: Exception | None, **_: object) -> None:
        if caught_exception:
            self._client.close()


def repeat_what_may_pass(client: BaseClient, most: int) -> None:
    """Let ``client`` make up to ``most`` attempts at a call that fails in a way that may pass.

    The pause before another attempt is random, and twice as long on average as the one before.
    The client itself makes one attempt: botocore's standard mode has a quota of retries for all
    calls of a client, which is used up by an outage and then fails calls that would succeed.
    """

    def pause(
        attempts: int,
        response: tuple[Any, Mapping[str, Any]] | None,
        caught_exception: Exception | None,
        **_: object,
    ) -> float | None:
        if attempts >= most:
            return None
        if response is None:
            longest = _PAUSE_UNANSWERED if isinstance(caught_exception, NOT_ANSWERED) else None
        else:
            answer, parsed = response
            code = parsed.get("Error", {}).get("Code", "")
            longest = _PAUSE_REFUSED if may_pass(answer.status_code, code) else None
        if longest is None:
            return None
        return longest * (1 << attempts - 1) * random()  # noqa: S311 - a pause is no secret

    register: Any = client.meta.events.register  # its type knows no handlers that return anything
    register("needs-retry", pause)


def believe_whole_answers(client: BaseClient, is_whole: IsWhole) -> None:
    """Let ``client`` repeat a call whose answer is incomplete, and then raise an error.

    It is ResponseStreamingError. botocore reads a header section that was cut off as one with
    fewer fields, and does not compare DynamoDB's checksum in its standard retry mode.
    """

    def doubt(
        response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
    ) -> None:
        if not is_whole(response_dict):
            response_dict["body"] = b""
            # One of the codes after which a call is repeated.
            customized_response_dict |= {_CUT_OFF: True, "Error": {"Code": "RequestTimeout"}}

    def refuse(parsed: Mapping[str, Any], **_: object) -> None:
        if _CUT_OFF in parsed:
            raise ResponseStreamingError(error="the answer was cut off or damaged")

    client.meta.events.register("before-parse", doubt)
    client.meta.events.register("after-call", refuse)


def is_whole_of_dynamodb(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer has the CRC-32 that DynamoDB sent, or without one, its length.

    A success has to be a JSON object that is no error: for a write, nothing else in the answer
    tells DynamoDB from a proxy with a page of its own.
    """
    headers, body = answer["headers"], answer["body"]
    is_success = answer["status_code"] == HTTPStatus.OK
    if is_success and (not body.startswith(b"{") or body.startswith(b'{"__type"')):
        return False
    if (sent := headers.get("x-amz-crc32")) is not None:
        return bool(sent == str(crc32(body)))
    return bool(headers.get("content-length") == str(len(body)))


def is_whole_of_s3(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer states its length, which urllib3 compares with the body."""
    return (
        answer["status_code"] == HTTPStatus.NO_CONTENT
        or "content-length" in answer["headers"]
        or "transfer-encoding" in answer["headers"]
    )
