"""The functions of a deployment whose AWS is behind the fault proxy, and what AWS really holds."""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

import archive.clients
import archive.objects
import ingest.handler
import retrieve.handler
import retrieve.settings
import store.handler
import store.settings
from archive.entries import DuplicatePolicy
from archive.objects import key_of
from events.proxy import store_event
from tests import builders
from tests.commitment import deployment as commitments
from tests.ingest.deployment import LargeRequests, forget
from tests.store.deployment import TEMPLATE, environment, function
from tests.store.lambdas import Context, Reply
from tests.torture.proxy import Proxy, in_front_of
from transaction import journal

SECONDS_UNANSWERED = 1.5
"""How long the functions wait for an answer here; on AWS it is 6 to 60 seconds."""

SMALLEST_COPY_BYTES = 100_000

_STUDIES = count(1)
_PLACEHOLDER, _CONTENT = 7_000_000, b"c0ntent!"


@cache
def _template(number: int, size: int) -> bytes:
    rows = -(-max(size, 32) // 2048)
    pixels = bytes(4 * 4 * 2) if size <= 32 else bytes(rows * 1024 * 2)
    shape = {} if size <= 32 else {"Rows": rows, "Columns": 1024}
    return builders.part10(
        builders.data_set(
            study=_PLACEHOLDER,
            number=number,
            PixelData=pixels,
            ImageComments=_CONTENT.decode(),
            **shape,
        )
    )


class Broken(AssertionError):
    """A promise was not kept."""


class Study:
    """A study that nothing is stored of yet, and what its sender has."""

    def __init__(self, instances: int, *, with_large: bool = False) -> None:
        self.number = _PLACEHOLDER + next(_STUDIES)
        self.uid = builders.study_uid(self.number)
        self.sizes = [SMALLEST_COPY_BYTES if with_large and not n else 32 for n in range(instances)]

    def contents(self, version: int = 1) -> dict[str, bytes]:
        """Return the files of the study by SOP Instance UID; another version has other bytes."""
        own, content = str(self.number).encode(), f"v{version:07}".encode()
        return {
            builders.sop_uid(self.number, number=n): _template(n, size)
            .replace(str(_PLACEHOLDER).encode(), own)
            .replace(_CONTENT, content)
            for n, size in enumerate(self.sizes, start=1)
        }


def body_of(contents: Sequence[bytes]) -> bytes:
    return builders.multipart(*map(builders.part, contents))


def store_request(contents: Sequence[bytes], seconds: float) -> Reply:
    """Let the store function of this process have a request and ``seconds`` for it."""
    event = store_event(body_of(contents), builders.content_type())
    context = Context(seconds + store.handler.SECONDS_TO_ANSWER)
    return Reply(store.handler.lambda_handler(event, context))


class Deployment(LargeRequests):
    """A bucket and tables at a backend, and the functions, which reach them through ``proxy``.

    ``copies`` tells whether the backend makes copies inside S3 as S3 does.
    """

    def __init__(self, backend: str, proxy: Proxy, *, copies: bool) -> None:
        super().__init__(backend)
        self.proxy = proxy
        self.copies = copies
        self.commitment_queue = f"commitments-{self._number}"
        self.variables = {
            **environment(function("CommitmentFunction"), proxy.url),
            **self.variables,
            "AWS_ENDPOINT_URL": proxy.url,
            "MAX_INGEST_ATTEMPTS": "1000",
            "COMMITMENT_TABLE": self._table("CommitmentTable"),
            "COMMITMENT_QUEUE": self._sqs.create_queue(QueueName=self.commitment_queue)["QueueUrl"],
        }
        table = TEMPLATE.properties("CommitmentTable")
        wanted = ("AttributeDefinitions", "KeySchema", "BillingMode")
        self._dynamodb.create_table(
            TableName=self._table("CommitmentTable"), **{key: table[key] for key in wanted}
        )

    def stage(self, body: bytes) -> str:
        """Announce a body, put it without a presigned request, and return the upload's id."""
        upload = self.announce(len(body)).id
        self._s3.put_object(Bucket=self.bucket, Key=f"staging/{upload}", Body=body)
        return upload

    def lose(self, study: str, sop_instance_uid: str) -> None:
        """Delete the object of an instance, as no part of the service does."""
        (key,) = [key for key in self.keys(f"studies/{study}/") if f"/{sop_instance_uid}/" in key]
        self._s3.delete_object(Bucket=self.bucket, Key=key)

    @staticmethod
    def choose(policy: DuplicatePolicy) -> None:
        """Let the store function of this process have ``policy``."""
        os.environ["DUPLICATE_POLICY"] = policy
        store.settings.settings.cache_clear()

    def store(self, contents: Sequence[bytes], policy: DuplicatePolicy, seconds: float) -> Reply:
        """Send a store request whose function has ``seconds`` for it."""
        self.choose(policy)
        return store_request(contents, seconds)

    def stored(self, study: str) -> dict[str, bytes]:
        """Return the bytes of each committed instance of a study, all checked to be whole.

        Every object has the bytes that its key names, every instance item has an object, and a
        series and a study item. Raises Broken.
        """
        items = self._items_of(study)
        objects = self._objects_of(study)
        found: dict[str, bytes] = {}
        for resource, item in items.items():
            if not resource.startswith("instances/"):
                continue
            if key_of(item) not in objects:
                raise Broken("an instance item has no object")
            content = objects[key_of(item)]
            if hashlib.sha256(content).hexdigest() != item["SHA256"]["S"]:
                raise Broken("digests differ")
            if "Modality" not in items.get(f"series/{resource.split('/')[1]}", {}):
                raise Broken("an instance has no series item")
            if "PatientID" not in items.get("study", {}):
                raise Broken("an instance has no study item")
            found[item["Resource"]["S"].rpartition("/")[2]] = content
        return found

    def _objects_of(self, study: str) -> dict[str, bytes]:
        objects = {key: self.object(key) for key in self.keys(f"studies/{study}/")}
        for key, content in objects.items():
            if not key.endswith(f"/{hashlib.sha256(content).hexdigest()}.dcm"):
                raise Broken("an object is torn")
        return objects

    def _items_of(self, study: str) -> dict[str, dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table("IndexTable"),
            KeyConditionExpression="StudyInstanceUID = :study",
            ExpressionAttributeValues={":study": {"S": study}},
            ConsistentRead=True,
        )
        return {item["Resource"]["S"]: dict(item) for page in pages for item in page["Items"]}


@contextmanager
def deployed(backend: str, *, copies: bool = True) -> Iterator[Deployment]:
    """Let the functions of this process use a deployment of their own at ``backend``.

    They wait for answers for a short time, and small instances are copied as large ones are.
    """
    with (
        in_front_of(backend) as proxy,
        pytest.MonkeyPatch.context() as patch,
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
    ):
        deployment = Deployment(backend, proxy, copies=copies)
        waiting = Config(read_timeout=SECONDS_UNANSWERED, connect_timeout=SECONDS_UNANSWERED)
        patch.setattr(archive.clients, "_CONFIG", archive.clients._CONFIG.merge(waiting))
        patch.setattr(archive.clients, "PUT_TIMEOUT", SECONDS_UNANSWERED)
        patch.setattr(ingest.handler, "SECONDS_TO_COPY", 2)
        patch.setattr("archive.connections._PAUSE_REFUSED", 0.05)
        patch.setattr("archive.safekeeping.SECONDS_UNTIL_ASKED_AGAIN", (0.05,))
        if copies:
            patch.setattr(archive.objects, "SMALLEST_COPY_BYTES", SMALLEST_COPY_BYTES)
        patch.setattr(journal.logger.registered_handler, "stream", io.StringIO())
        for name, value in {**deployment.variables, "DUPLICATE_POLICY": "reject"}.items():
            patch.setenv(name, value)
        _forget()
        yield deployment
        _forget()


def _forget() -> None:
    forget()
    store.settings.settings.cache_clear()
    store.handler.archive.cache_clear()
    retrieve.settings.settings.cache_clear()
    retrieve.handler.retrieval.cache_clear()
    commitments.forget()
