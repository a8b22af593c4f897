"""The store function in this process, with the storage of a running service made to fail."""

import base64
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from archive.archive import Archive
from archive.entries import DuplicatePolicy, Kept
from store import handler
from store.settings import settings
from tests import builders
from tests.answers import Answer
from tests.intercepted_s3 import InterceptedS3
from tests.store.deployment import function

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

    def __init__(
        self, running: "RunningService", s3: InterceptedS3, patch: pytest.MonkeyPatch
    ) -> None:
        self._running = running
        self.s3 = s3
        self._patch = patch
        self.seconds = 20.0
        for name, value in function("StoreFunction").environment.items():
            patch.setenv(name, value)
        patch.setenv("ARCHIVE_BUCKET", running.bucket)
        patch.setenv("INDEX_TABLE", running.table)
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
        kept = SimpleNamespace(keep=lambda instances, **_: [Kept()] * len(instances))
        self._patch.setattr(handler, "archive", lambda _: kept)

    def refuse(self, call: str, code: str, status: int) -> None:
        """Let DynamoDB answer ``call`` with an error."""
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        refusal: Any = lambda **_: (SimpleNamespace(status_code=status), answer)  # noqa: E731 - a hook
        self._archive._index._dynamodb.meta.events.register(f"before-call.{call}", refusal)

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
    for name, values in response.get("multiValueHeaders", {}).items():
        for value in values:
            headers[name] = value
    body = response["body"].encode()
    return Answer(status=response["statusCode"], headers=headers, body=body)
