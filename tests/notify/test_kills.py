"""The function ends after any of its calls, and its batch comes again: nothing stays untold."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.model import OperationModel

import notify.handler
from archive.items import Provenance, Way
from archive.objects import key_of
from notify.settings import settings
from tests.notify.conftest import forget
from tests.notify.deployment import Notifying
from tests.store.lambdas import Context

pytestmark = pytest.mark.process

EXIT_CODE = 99
REQUESTS = 12
CALLS = {"GetItem": 2, "PutEvents": 2, "SendMessage": 1}
"""The calls that tell of what these requests have stored, and how often each is ended."""

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["notify.handler", "tests.notify.deployment"])


def end_after(variables: Mapping[str, str], event: Mapping[str, Any], call: str, nth: int) -> None:
    """Call the function, and end at once when AWS has answered a ``call`` for the ``nth`` time."""
    os.environ |= dict(variables)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    forget()
    seen = 0

    def answered(model: OperationModel, **_: object) -> None:
        nonlocal seen
        seen += model.name == call
        if seen == nth:
            os._exit(EXIT_CODE)

    chosen = settings()
    for client in (
        notify.handler.partitions(chosen)._dynamodb,
        notify.handler.bus(chosen)._events,
        notify.handler.quiet_queue(chosen)._sqs,
    ):
        client.meta.events.register("after-call", answered)
    notify.handler.lambda_handler(event, Context(120))


def test_a_function_that_ends_after_any_call_leaves_nothing_untold(
    served: Notifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Counter[tuple[str, int]]()
    for number in range(REQUESTS):
        request = Provenance(Way.POST, f"request-{number}")
        stored[key_of(served.commit(number, request=request)), 0] += 1
    event = served.stream()
    told = Counter[tuple[str, int]]()
    for call, nth in ((call, n + 1) for call, number in CALLS.items() for n in range(number)):
        work = (served.variables, event, call, nth)
        worker = _PROCESSES.Process(target=end_after, args=work)
        worker.start()
        worker.join()
        assert worker.exitcode == EXIT_CODE, call
        told += served.told()
        assert told.keys() <= stored.keys()
    for name, value in served.variables.items():
        monkeypatch.setenv(name, value)
    forget()
    assert notify.handler.lambda_handler(event, Context(120)) == {"batchItemFailures": []}
    assert served.told() == stored
    assert told.keys() == stored.keys()
    forget()
