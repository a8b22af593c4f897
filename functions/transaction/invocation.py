"""One invocation by the gateway: whatever happens there is an answer, and it comes in time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from dicomweb.answer.response import StoreResponse
from transaction import gateway, journal
from transaction.gateway import StoreRequest

_Arguments = ParamSpec("_Arguments")
_Returned = TypeVar("_Returned")


def answered(
    event: gateway.Event,
    serve: Callable[[StoreRequest], StoreResponse],
    origins: Callable[[], frozenset[str]],
) -> dict[str, Any]:
    """Return the proxy response for ``event``, whose status is in the closed set.

    ``serve`` answers the request, and ``origins`` are those of pages that may read the answer. What
    either of them or the event raises is logged, and answered 503.
    """
    try:
        request = gateway.read_request(event)
        return gateway.proxy_response(serve(request), request, origins())
    except Exception as error:  # noqa: BLE001 - otherwise the gateway answers 502
        journal.log_unforeseen(error)
        return gateway.last_resort()


def in_time(
    seconds: float,
    call: Callable[_Arguments, _Returned],
    *arguments: _Arguments.args,
    **named: _Arguments.kwargs,
) -> _Returned:
    """Return what ``call`` returns within ``seconds``; raises TimeoutError, and what it raises.

    An answer of S3 or DynamoDB that comes byte by byte does not keep it: nobody waits for its
    thread.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="invocation")
    try:
        return pool.submit(call, *arguments, **named).result(seconds)
    finally:
        pool.shutdown(wait=False)
