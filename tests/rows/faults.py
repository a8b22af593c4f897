"""The store function in this process, with the storage of a running service made to fail."""

import base64
import time
from collections.abc import Callable, Mapping
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from archive import Archive, DuplicatePolicy
from store import handler
from store.settings import settings
from tests import builders
from tests.answers import Answer

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from tests.service import RunningService


class Context:
    """What the function asks of its Lambda context."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class StoreFunction:
    """The store function of a deployment that has the bucket and table of ``running``."""

    def __init__(self, running: "RunningService", patch: pytest.MonkeyPatch) -> None:
        self._running = running
        self._patch = patch
        self.seconds = 20.0
        patch.setenv("ARCHIVE_BUCKET", running.bucket)
        patch.setenv("INDEX_TABLE", running.table)
        patch.setenv("STORAGE_PROFILE", "conformance")
        patch.setenv("DUPLICATE_POLICY", "reject")
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Stowport")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "store")
        settings.cache_clear()
        self._connect(running.s3.meta.endpoint_url)

    def _connect(self, endpoint: str) -> None:
        self._patch.setenv("AWS_ENDPOINT_URL", endpoint)
        self._archive = Archive(
            bucket=self._running.bucket,
            table=self._running.table,
            duplicate_policy=DuplicatePolicy.REJECT,
        )
        self._patch.setattr(handler, "archive", lambda _: self._archive)

    def cut_off(self) -> None:
        """Let storage be where nothing listens."""
        self._connect("http://127.0.0.1:9")

    def keep_nothing(self) -> None:
        """Let storage confirm whatever it is given, and forget it."""
        kept = SimpleNamespace(keep=lambda instances, **_: [None] * len(instances))
        self._patch.setattr(handler, "archive", lambda _: kept)

    def refuse(self, call: str, code: str, status: int, only: str = "") -> None:
        """Let AWS answer ``call`` with an error, if what is sent has ``only`` in its path."""
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

        def refusal(params: Mapping[str, Any], **_: object) -> object:
            if only and f"/{only}/" not in params["url_path"]:
                return None
            return SimpleNamespace(status_code=status), answer

        self._before(call, refusal)

    def delay(self, call: str, seconds: float, only: str) -> None:
        """Let AWS take ``seconds`` for a ``call`` that has ``only`` in its path."""

        def wait(params: Mapping[str, Any], **_: object) -> None:
            if f"/{only}/" in params["url_path"]:
                time.sleep(seconds)

        self._before(call, wait)

    def _before(self, call: str, hook: Callable[..., Any]) -> None:
        client = {"s3": self._archive._objects._s3, "dynamodb": self._archive._index._dynamodb}
        client[call.partition(".")[0]].meta.events.register(f"before-call.{call}", hook)

    def store(self, *contents: bytes) -> Answer:
        return self.store_payload(builders.multipart(*map(builders.part, contents)))

    def store_payload(self, payload: bytes) -> Answer:
        """Invoke the function as API Gateway does, for POST /studies."""
        event = {
            "httpMethod": "POST",
            "resource": "/studies",
            "path": "/studies",
            "headers": {"Content-Type": builders.content_type()},
            "body": base64.b64encode(payload).decode("ascii"),
            "isBase64Encoded": True,
            "requestContext": {"requestId": "1", "path": "/studies", "domainName": "a"},
        }
        context: LambdaContext = Context(self.seconds)  # type: ignore[assignment] # all that is asked
        return _answer(handler.lambda_handler(event, context))


def _answer(response: dict[str, Any]) -> Answer:
    headers = HTTPMessage()
    for name, value in response["headers"].items():
        headers[name] = value
    for name, values in response["multiValueHeaders"].items():
        for value in values:
            headers[name] = value
    body = response["body"].encode()
    return Answer(status=response["statusCode"], headers=headers, body=body)
