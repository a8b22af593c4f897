"""What large requests need of the template, on loopback, and a sender that uses it."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3

import ingest.deadletters
import ingest.handler
import ingest.settings
import uploads.handler
import uploads.settings
from archive.objects import key_of
from events.proxy import announcement_event, staged_event, upload_event
from local.template import ACCOUNT, REGION
from tests.store.deployment import TEMPLATE, environment, function
from tests.store.lambdas import Context, Reply

MULTIPART = 'multipart/related; type="application/dicom"; boundary=b0undary'
ATTEMPTS = 5
_NUMBERS = count(1)


@dataclass(frozen=True)
class Offer:
    """The answer to an announcement."""

    reply: Reply

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.reply.body)
        return document

    @property
    def id(self) -> str:
        return str(self.document["id"])


class LargeRequests:
    """A bucket and tables of their own at ``endpoint``, and the functions that use them."""

    def __init__(self, endpoint: str) -> None:
        self._number = next(_NUMBERS)
        self.bucket = f"archive-{self._number}"
        waiting, failed = f"waiting-{self._number}", f"failed-{self._number}"
        self.variables = {
            **environment(function("UploadsFunction"), endpoint),
            **environment(function("DeadLetterFunction"), endpoint),
            **environment(function("IngestFunction"), endpoint),
            "INGEST_QUEUE": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{waiting}",
            "FAILED_UPLOADS_QUEUE": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{failed}",
            "ARCHIVE_BUCKET": self.bucket,
            "INDEX_TABLE": self._table("IndexTable"),
            "UPLOAD_TABLE": self._table("UploadTable"),
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        session = boto3.Session("local", "local", region_name=REGION)
        self._s3 = session.client("s3", endpoint_url=endpoint)
        self._dynamodb = session.client("dynamodb", endpoint_url=endpoint)
        self._sqs: Any = session.client("sqs", endpoint_url=endpoint)
        self._sqs.create_queue(QueueName=failed)
        self._sqs.create_queue(QueueName=waiting)
        self._sqs.send_message(
            QueueUrl=self.variables["INGEST_QUEUE"], MessageBody="a body is there"
        )
        self._s3.create_bucket(Bucket=self.bucket)
        self._s3.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        for name in ("IndexTable", "UploadTable"):
            properties = TEMPLATE.properties(name)
            wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
            self._dynamodb.create_table(
                TableName=self._table(name),
                **{key: properties[key] for key in wanted if key in properties},
            )

    def _table(self, name: str) -> str:
        return f"{name}-{self._number}"

    def announce(self, size: int, content_type: str = MULTIPART, study: str | None = None) -> Offer:
        announced: dict[str, object] = {"contentType": content_type, "size": size}
        if study:
            announced["studyInstanceUID"] = study
        return Offer(invoke_uploads(announcement_event(announced)))

    def put(self, offer: Offer, body: bytes, **headers: str) -> int:
        document = offer.document
        sent = {**document["headers"], "Content-Length": str(len(body)), **headers}
        return self.send(document["url"], body, sent, "PUT")[0]

    @staticmethod
    def send(
        url: str, body: bytes, headers: Mapping[str, str], method: str
    ) -> tuple[int, Mapping[str, str]]:
        request = Request(url, data=body, headers=dict(headers), method=method)
        with contextlib.ExitStack() as stack:
            try:
                answer = stack.enter_context(urlopen(request))
            except HTTPError as error:
                answer = stack.enter_context(error)
            return answer.status, answer.headers
        raise AssertionError

    def upload(self, body: bytes, content_type: str = MULTIPART, study: str | None = None) -> str:
        """Announce a body, put it, and return the upload's id."""
        offer = self.announce(len(body), content_type, study)
        assert self.put(offer, body) == 200
        return offer.id

    def message(self, upload: str, attempt: int = 1) -> dict[str, Any]:
        """Return what the queue tells ingest of the body that is staged."""
        head = self._s3.head_object(Bucket=self.bucket, Key=f"staging/{upload}")
        staged = {
            "key": f"staging/{upload}",
            "size": head["ContentLength"],
            "etag": head["ETag"].strip('"'),
            "version-id": head["VersionId"],
        }
        return staged_event(self.bucket, staged, attempt=attempt)

    def copy_onto_itself(self, upload: str) -> None:
        key = f"staging/{upload}"
        self._s3.copy_object(
            Bucket=self.bucket,
            Key=key,
            CopySource={"Bucket": self.bucket, "Key": key},
            MetadataDirective="REPLACE",
        )

    def received(self) -> str:
        """Receive the message of the ingest queue; return its receipt, "" if it is hidden."""
        url = self.variables["INGEST_QUEUE"]
        messages = self._sqs.receive_message(QueueUrl=url).get("Messages", [])
        return "".join(message["ReceiptHandle"] for message in messages)

    def failed_messages(self) -> list[dict[str, Any]]:
        """Take what is in the queue of failed uploads."""
        url = self.variables["FAILED_UPLOADS_QUEUE"]
        taken: list[dict[str, Any]] = []
        while received := self._sqs.receive_message(QueueUrl=url).get("Messages"):
            for message in received:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(message)
        return taken

    def look_up(self, upload: str, accept: str = "application/dicom+xml") -> Reply:
        return invoke_uploads(upload_event(upload, {"Accept": accept}))

    def keys(self, prefix: str = "") -> list[str]:
        listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]

    def versions(self, prefix: str) -> int:
        listed = self._s3.list_object_versions(Bucket=self.bucket, Prefix=prefix)
        return len(listed.get("Versions", [])) + len(listed.get("DeleteMarkers", []))

    def unfinished(self) -> int:
        return len(self._s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []))

    def object(self, key: str) -> bytes:
        with self._s3.get_object(Bucket=self.bucket, Key=key)["Body"] as stream:
            content: bytes = stream.read()
        return content

    def content_type(self, key: str) -> str:
        return self._s3.head_object(Bucket=self.bucket, Key=key)["ContentType"]

    def items(self) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._table("IndexTable"))
        return [dict(item) for page in pages for item in page["Items"]]

    def instances(self) -> dict[str, bytes]:
        """Return the bytes of every committed instance by its SOP Instance UID."""
        return {
            item["Resource"]["S"].rpartition("/")[2]: self.object(key_of(item))
            for item in self.items()
            if item["Resource"]["S"].startswith("instances/")
        }

    def item(self, upload: str) -> dict[str, Any]:
        answer = self._dynamodb.get_item(
            TableName=self._table("UploadTable"), Key={"Upload": {"S": upload}}
        )
        return dict(answer["Item"])

    def forget(self, upload: str) -> None:
        self._dynamodb.delete_item(
            TableName=self._table("UploadTable"), Key={"Upload": {"S": upload}}
        )

    def change(self, upload: str, **values: Mapping[str, str]) -> None:
        """Write over attributes of an upload's item."""
        self._dynamodb.put_item(
            TableName=self._table("UploadTable"), Item={**self.item(upload), **values}
        )


def invoke_uploads(event: dict[str, Any]) -> Reply:
    return Reply(json.loads(json.dumps(uploads.handler.lambda_handler(event, Context(28)))))


def invoke_ingest(event: Mapping[str, Any], seconds: float = 900) -> None:
    ingest.handler.lambda_handler(event, Context(seconds))


def invoke_dead_letters(event: Mapping[str, Any]) -> None:
    ingest.deadletters.lambda_handler(event, Context(30))


def forget() -> None:
    """Make all functions read their environment anew."""
    uploads.settings.settings.cache_clear()
    ingest.settings.settings.cache_clear()
    ingest.settings.dead_letter_settings.cache_clear()
    ingest.deadletters.uploads.cache_clear()
    ingest.deadletters.failed_uploads.cache_clear()
    for module in (ingest.handler, uploads.handler):
        module.uploads.cache_clear()
        module.staging.cache_clear()
    ingest.handler.archive.cache_clear()
    ingest.handler.queue.cache_clear()
