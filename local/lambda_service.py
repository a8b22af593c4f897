"""AWS Lambda: invoke functions, within the limits that Lambda sets.

Functions run in threads of this process. Each is imported with its own environment, and what
its environment holds stays in ``os.environ``: a name to which two functions give different values
has the first function's value at run time. Events and results go through JSON, as they do on the
way to Lambda and back.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar
from uuid import uuid4

from local.template import Function

Event = dict[str, Any]
Handler = Callable[[Event, "Context"], object]
T = TypeVar("T")

PAYLOAD_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of JSON that an invocation takes, and that it may give back."""

ACCOUNT_CONCURRENCY = 1000
"""Invocations at once of all functions that have no concurrency reserved."""


class InvocationError(Exception):
    """Lambda did not invoke the function."""


class RequestTooLarge(InvocationError):
    """413: the event is over ``PAYLOAD_LIMIT``."""


class TooManyRequests(InvocationError):
    """429: the function already has as many invocations at once as it may have."""


class FunctionError(Exception):
    """The function was invoked and gave no result; ``error_type`` is Lambda's name of the cause."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The Lambda context object of one invocation."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    deadline: float
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    log_group_name: str = "local"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class LambdaService:
    """Lambda with these ``functions`` in it.

    ``environment`` overrides what the template gives each function.
    """

    def __init__(self, functions: Sequence[Function], environment: Mapping[str, str]) -> None:
        unreserved = BoundedSemaphore(ACCOUNT_CONCURRENCY)
        self._handlers: dict[str, Handler] = {}
        self._slots: dict[str, BoundedSemaphore] = {}
        for function in reversed(functions):
            reserved = function.reserved_concurrency
            self._slots[function.arn] = (
                unreserved if reserved is None else BoundedSemaphore(reserved)
            )
            os.environ.update({**function.environment, **environment})
            self._handlers[function.arn] = _import_handler(function)

    def invoke(self, function: Function, event: Event) -> Any:  # noqa: ANN401  JSON
        """Invoke ``function`` and return its result.

        Raises
        ------
        InvocationError
            Lambda refuses the invocation.
        FunctionError
            The function raised, took too long, or returned what cannot be sent.
        """
        payload = _to_json(event)
        if len(payload) > PAYLOAD_LIMIT:
            raise RequestTooLarge(f"the event is {len(payload)} bytes of JSON")
        context = Context(
            function_name=function.name,
            invoked_function_arn=function.arn,
            memory_limit_in_mb=str(function.memory_size),
            deadline=time.monotonic() + function.timeout,
        )
        work = partial(_run, self._handlers[function.arn], payload, context)
        with self._slot(function):
            try:
                return json.loads(in_daemon_thread(work).result(function.timeout))
            except TimeoutError:
                # Lambda ends the environment. A thread cannot be ended: it goes on, and is ignored.
                text = f"Task timed out after {function.timeout:.2f} seconds"
                raise FunctionError("Sandbox.Timedout", text) from None

    @contextmanager
    def _slot(self, function: Function) -> Iterator[None]:
        slots = self._slots[function.arn]
        if not slots.acquire(blocking=False):
            raise TooManyRequests("ReservedFunctionConcurrentInvocationLimitExceeded")
        try:
            yield
        finally:
            slots.release()


def in_daemon_thread(work: Callable[[], T]) -> Future[T]:
    """Run ``work`` in a thread that does not keep the process alive; return its future."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  the future carries it to its reader
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    Thread(target=run, daemon=True).start()
    return future


def _import_handler(function: Function) -> Handler:
    code = str(function.code.resolve())
    if code not in sys.path:
        sys.path.insert(0, code)
    module, _, name = function.handler.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def _run(handler: Handler, payload: bytes, context: Context) -> bytes:
    try:
        result = handler(json.loads(payload), context)
    except (Exception, SystemExit) as error:
        # As Lambda logs it, but without the message, which might quote a value.
        line = {
            "level": "ERROR",
            "function": context.function_name,
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__)[1:],
        }
        print(json.dumps(line))  # noqa: T201  its log
        raise FunctionError(type(error).__name__, str(error)) from error
    return _result(result)


def _result(result: object) -> bytes:
    try:
        payload = _to_json(result)
    except (TypeError, ValueError) as error:
        raise FunctionError("Runtime.MarshalError", str(error)) from error
    if len(payload) > PAYLOAD_LIMIT:
        raise FunctionError("Function.ResponseSizeTooLarge", f"{len(payload)} bytes of JSON")
    return payload


def _to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
