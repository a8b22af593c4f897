"""What a request's processor time is made of: the function, with less and less left out."""

from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from typing import Any

from tests.bench import processes
from tests.bench.figures import spread
from tests.bench.instances import CASES, ct_image
from tests.bench.lambda_runtime import Environment
from tests.bench.setting import BUILT, Setting, aws, events, function

_REQUESTS = {"ct1": 40, "ct10": 10, "big1": 14, "tiny100": 10}
_ROUNDS = 5

_STORE = f"""\
import sys
sys.path.insert(1, {str(BUILT / "function")!r})
import obstore
from archive.archive import Archive
from archive.entries import Kept
from store import handler as store
from store.settings import settings


class NoDynamoDB:
    def batch_get_item(self, **_):
        return {{"Responses": {{}}, "UnprocessedKeys": {{}}}}

    def batch_execute_statement(self, Statements):
        return {{"Responses": [{{}} for _ in Statements]}}


def keep_nothing(self, instances, **_):
    return [Kept() for _ in instances]


handler = store.lambda_handler
"""
_WITHOUT_DYNAMODB = f"{_STORE}store.archive(settings())._index._dynamodb = NoDynamoDB()\n"

VARIANTS = {
    "AWS's runtime client": "def handler(event, context):\n    return {}\n",
    "reading, checking, answering": f"{_STORE}Archive.keep = keep_nothing\n",
    "SHA-256, threads, items": f"{_WITHOUT_DYNAMODB}obstore.put = lambda *_, **__: {{}}\n",
    "putting the objects": _WITHOUT_DYNAMODB,
    "DynamoDB calls": _STORE,
}
"""What each function does besides what the one before it does."""


def measure(setting: Setting) -> dict[str, Any]:
    """Return the CPU milliseconds a request of each case, of every variant."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(aws()).endpoint
        environments = {
            name: stack.enter_context(
                Environment(
                    replace(setting.deployment, task=function(f"part{number}", source)),
                    endpoint,
                    handler="function.handler",
                )
            )
            for number, (name, source) in enumerate(VARIANTS.items())
        }
        return {case: _case(setting, environments, case) for case in CASES}


def _case(
    setting: Setting, environments: dict[str, Environment], name: str
) -> dict[str, dict[str, float]]:
    """Take turns: in every round each variant handles requests of the same kind."""
    case = CASES[name]
    requests = events(ct_image(case.rows, case.columns), case.instances)
    number = setting.repeats(_REQUESTS[name])
    rounds: dict[str, list[float]] = {variant: [] for variant in environments}
    for turn in range(_ROUNDS + 1):
        for variant, environment in environments.items():
            before = processes.cpu_seconds([environment.pid])
            for event in islice(requests, number):
                environment.invoke(event)
            if turn:  # the first is a warm-up
                spent = processes.cpu_seconds([environment.pid]) - before
                rounds[variant].append(spent / number)
    return {variant: spread(spent, 1000) for variant, spent in rounds.items()}
