"""What answers when a function does not, or not in time."""

import threading
from http import HTTPStatus
from typing import Any

import pytest

from dicomweb.answer.response import StoreResponse
from events.proxy import store_event
from transaction.gateway import StoreRequest
from transaction.invocation import answered, in_time


def no_origins() -> frozenset[str]:
    return frozenset()


@pytest.mark.parametrize("event", [store_event(b"", "text/plain"), {}])
def test_what_nobody_foresaw_is_503(event: dict[str, Any]) -> None:
    def serve(_: StoreRequest) -> StoreResponse:
        raise LookupError("a value")

    answer = answered(event, serve, no_origins)
    assert answer["statusCode"] == 503
    assert "a value" not in answer["body"]


def test_origins_that_cannot_be_read_are_503() -> None:
    def origins() -> frozenset[str]:
        raise KeyError("ALLOWED_ORIGINS")

    def serve(_: StoreRequest) -> StoreResponse:
        return StoreResponse(status=HTTPStatus.OK, media_type="application/dicom+json", body="{}")

    assert answered(store_event(b"", "text/plain"), serve, origins)["statusCode"] == 503


def test_what_is_called_in_time_returns_or_raises_what_it_does() -> None:
    assert in_time(5, sorted, [2, 1], reverse=False) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        in_time(5, lambda: 1 // 0)


def test_nobody_waits_for_what_hangs() -> None:
    released = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            in_time(0.01, released.wait)
    finally:
        released.set()
