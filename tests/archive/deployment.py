"""The archive's AWS resources under moto, and what the tests see and break of them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import obstore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from archive.archive import Archive
from archive.clients import dynamodb_client, s3_client
from archive.entries import DuplicatePolicy
from archive.errors import ArchiveError
from archive.items import INSTANCE_INDEX, Provenance, Way
from archive.objects import key_of
from dicomweb.attributes import IndexAttributes, IndexValue
from dicomweb.instances import SOPInstance
from tests.intercepted_s3 import InterceptedS3

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.client import BaseClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef
    from obstore.store import S3Store

BUCKET = "planted-bucket-name"
TABLE = "planted-table-name"
UPLOADS = "uploads"
PROVENANCE = Provenance(Way.POST, "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "0123456789abcdef" * 2)
SOP_CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

READ, OBJECT, INSERT, PARENT, COMMIT = CALLS = (
    "dynamodb.BatchGetItem",
    "s3.PutObject",
    "dynamodb.BatchExecuteStatement",
    "dynamodb.UpdateItem",
    "dynamodb.PutItem",
)
STEPS = ((READ, 1), (OBJECT, 1), (INSERT, 1), (INSERT, 2))
"""The calls that store one instance of a new study, and which of their kind each is."""
ROUNDS = ((READ,), (OBJECT, INSERT), (INSERT,))
"""The same calls: those of a round are made at the same time."""
STEPS_ALONE = ((READ, 1), (OBJECT, 1), (PARENT, 1), (PARENT, 2), (COMMIT, 1))
"""The same where DynamoDB takes no batch of writes, but for those that it refuses."""


def instance(
    number: int = 1,
    content: bytes = b"content",
    *,
    study: str = "1.2",
    series: str = "1",
    modality: str = "CT",
    **study_attributes: IndexValue,
) -> SOPInstance:
    return SOPInstance(
        sop_class_uid=SOP_CLASSES[modality or "CT"],
        sop_instance_uid=f"{study}.{series}.{number}",
        study_instance_uid=study,
        series_instance_uid=f"{study}.{series}",
        transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN,
        content=memoryview(content),
        attributes=IndexAttributes(
            study={"PatientName": "Planted^Name", **study_attributes},
            series={"Modality": modality, "SeriesNumber": 0},
            instance={"InstanceNumber": number},
        ),
    )


_THROTTLED = b'{"__type": "ThrottlingException"}'

Answer = tuple[SimpleNamespace, dict[str, Any]]
Hook = Callable[..., Any]


def refusal(code: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Answer:
    """Return what a hook on before-call gives back to answer instead of AWS."""
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status.value}}
    return SimpleNamespace(status_code=status.value), answer


class Overload:
    """A hook on before-send: DynamoDB that throttles so many ``times``, and then is itself."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.answers = 0

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        self.answers += 1
        if self.answers > self.times:
            return None
        body: Any = MockRawResponse(_THROTTLED)
        headers = HTTPHeaders.from_dict({"Content-Length": str(len(_THROTTLED))})
        return AWSResponse(request.url, HTTPStatus.BAD_REQUEST.value, headers, body)


class Puts:
    """``obstore.put``, with hooks on before-call and after-call as botocore's clients have them.

    What a hook on before-call returns is what ``s3`` answers; what it raises is raised.
    """

    _put: Any = staticmethod(obstore.put)

    def __init__(self, s3: InterceptedS3) -> None:
        self._s3 = s3
        self._hooks: dict[object, list[tuple[str, Hook]]] = defaultdict(list)

    def hooks(self, sender: "Sender") -> list[tuple[str, Hook]]:
        return self._hooks[sender.archive._objects._stores.store(0, 0).credential_provider]

    def __call__(
        self, store: "S3Store", key: str, content: memoryview, **options: object
    ) -> object:
        params = {"url_path": f"/{BUCKET}/{key}", "body": bytes(content)}
        answers = self._call(store, "before-call", params)
        for _, answer in answers:
            error = answer["Error"]["Code"]
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            self._s3.refuse(status, error, only=key, times=1)
        try:
            return self._put(store, key, content, **options)
        finally:
            self._call(store, "after-call", params)

    def _call(self, store: "S3Store", moment: str, params: dict[str, Any]) -> list[Answer]:
        event = f"{moment}.{OBJECT}"
        hooks = [
            hook for name, hook in list(self._hooks[store.credential_provider]) if name == event
        ]
        answers = [hook(params=params, event_name=event) for hook in hooks]
        return [answer for answer in answers if answer]


class Sender:
    """An archive with its clients, whose calls are counted and can be made to fail."""

    def __init__(self, policy: DuplicatePolicy = DuplicatePolicy.REJECT) -> None:
        self.archive = Archive(
            bucket=BUCKET, table=TABLE, duplicate_policy=policy, seconds_to_copy=6
        )
        self.calls: Counter[str] = Counter()
        self._counting = Lock()
        puts: Any = obstore.put
        self._puts: list[tuple[str, Hook]] = puts.hooks(self)
        copier = self.archive._objects._copier
        assert copier
        self._clients: dict[str, BaseClient] = {
            "s3": copier,
            "dynamodb": self.archive._index._dynamodb,
        }
        for call in CALLS:
            self.on(f"before-call.{call}", partial(self._count, call))

    def _count(self, call: str, **_: object) -> None:
        with self._counting:
            self.calls[call] += 1

    def on(self, event: str, hook: Hook) -> None:
        if event.endswith(f".{OBJECT}"):
            self._puts.append((event, hook))
        else:
            self._clients[event.split(".")[1]].meta.events.register(event, hook)

    def off(self, event: str, hook: Hook) -> None:
        if event.endswith(f".{OBJECT}"):
            self._puts.remove((event, hook))
        else:
            self._clients[event.split(".")[1]].meta.events.unregister(event, hook)

    @contextmanager
    def hooked(self, event: str, hook: Hook) -> Iterator[None]:
        self.on(event, hook)
        try:
            yield
        finally:
            self.off(event, hook)

    def outcomes(self, *instances: SOPInstance, seconds: float = 20.0) -> list[str]:
        """Return ``stored`` or the Failure Reason's name for each of ``instances``."""
        kept = self.archive.keep(instances, seconds=seconds, provenance=PROVENANCE)
        return [each.reason.name if isinstance(each, ArchiveError) else "stored" for each in kept]


def create_index(dynamodb: "DynamoDBClient", table: str) -> None:
    """Create the table of study, series and instance items."""
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "StudyInstanceUID", "KeyType": "HASH"},
            {"AttributeName": "Resource", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "StudyInstanceUID", "AttributeType": "S"},
            {"AttributeName": "Resource", "AttributeType": "S"},
            {"AttributeName": "SOPInstanceUID", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INSTANCE_INDEX,
                "KeySchema": [{"AttributeName": "SOPInstanceUID", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


class Deployment:
    """The bucket and the table of a deployment."""

    def __init__(self, session: "Session") -> None:
        self._s3 = s3_client(session)
        self._dynamodb = dynamodb_client(session)
        self._s3.create_bucket(Bucket=BUCKET)
        create_index(self._dynamodb, TABLE)

    def stored(self, key: str) -> "GetObjectOutputTypeDef":
        return self._s3.get_object(Bucket=BUCKET, Key=key)

    def objects(self, study: str = "1.2") -> dict[str, bytes]:
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=f"studies/{study}/")
        keys = [each["Key"] for each in listed.get("Contents", [])]
        return {key: self.stored(key)["Body"].read() for key in keys}

    def items(self, study: str = "1.2") -> dict[str, dict[str, Any]]:
        """Return the items of a study, found by one query, by their sort key."""
        answer = self._dynamodb.query(
            TableName=TABLE,
            KeyConditionExpression="StudyInstanceUID = :study",
            ExpressionAttributeValues={":study": {"S": study}},
        )
        return {item["Resource"]["S"]: dict(item) for item in answer["Items"]}

    def instances(self, study: str = "1.2") -> list[str]:
        """Return the sort keys of the stored instances."""
        return [resource for resource in self.items(study) if resource.startswith("instances/")]

    def state(self, study: str = "1.2") -> tuple[object, object]:
        """Return everything but the times, which differ between two ways to the same end."""
        items = self.items(study)
        for item in items.values():
            item.pop("Stored", None)
        return self.objects(study), items

    def check(self, study: str = "1.2") -> None:
        """Check what holds at any moment: objects are whole, and what is committed is complete."""
        objects, items = self.objects(study), self.items(study)
        for key, content in objects.items():
            assert key.endswith(f"/{hashlib.sha256(content).hexdigest()}.dcm")
        for resource, item in items.items():
            if resource.startswith("instances/"):
                content = objects[key_of(item)]
                assert hashlib.sha256(content).hexdigest() == item["SHA256"]["S"]
                assert items[f"series/{resource.split('/')[1]}"]["Modality"]["S"]
                assert items["study"]["PatientName"]["S"]
