"""What is stored, for those who ask for it: items of the index, and bytes of objects.

Every read of the index is consistent, so whatever was acknowledged is found. An object is named by
its digest, and bytes are returned only if they have it. All methods raise botocore's errors, and
ArchiveError if an object is not what its item says.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from boto3.session import Session
from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from archive import keys
from archive.clients import CONNECTIONS, dynamodb_client, s3_client
from archive.errors import ArchiveError
from dicomweb.reasons import FailureReason

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

SECONDS_TO_FOLLOW = 300
"""How long a presigned URL is valid."""

_ATTEMPTS = 3
_CUT_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
_INSTANCES = "instances/"

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInstance:
    """An instance as its item describes it; ``size`` in bytes, ``sha256`` in hex."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    size: int
    sha256: str

    @classmethod
    def of(cls, item: Item) -> "StoredInstance":
        """Read an instance item (``archive.items``)."""
        _, series, instance = item["Resource"]["S"].split("/")
        return cls(
            study_instance_uid=item["StudyInstanceUID"]["S"],
            series_instance_uid=series,
            sop_instance_uid=instance,
            sop_class_uid=item["SOPClassUID"]["S"],
            transfer_syntax_uid=item["TransferSyntaxUID"]["S"],
            size=int(item["Size"]["N"]),
            sha256=item["SHA256"]["S"],
        )

    @property
    def path(self) -> str:
        """The path of the instance below the base URL."""
        return (
            f"/studies/{self.study_instance_uid}/series/{self.series_instance_uid}"
            f"/instances/{self.sop_instance_uid}"
        )

    @property
    def media_type(self) -> str:
        """The media type of its bytes, in the form of PS3.18 8.7.3.5."""
        return f"application/dicom; transfer-syntax={self.transfer_syntax_uid}"

    @property
    def key(self) -> str:
        """The key of its object."""
        return keys.of(
            self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid, self.sha256
        )


class Retrieval:
    """The bucket and the table of a deployment, to read from."""

    def __init__(self, bucket: str, table: str) -> None:
        session = Session()
        self._bucket = bucket
        self._table = table
        self._s3 = s3_client(session)
        self._dynamodb = dynamodb_client(session)

    def find(self, study: str, series: str, instance: str) -> StoredInstance | None:
        """Return a stored instance, or None if there is none with these UIDs."""
        answer = self._dynamodb.get_item(
            TableName=self._table,
            Key={
                "StudyInstanceUID": {"S": study},
                "Resource": {"S": f"{_INSTANCES}{series}/{instance}"},
            },
            ConsistentRead=True,
        )
        item = answer.get("Item")
        return StoredInstance.of(item) if item else None

    def items(self, study: str, below: str = "") -> Iterator[Item]:
        """Yield the items of a study whose ``Resource`` begins with ``below``, in its order."""
        request: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "StudyInstanceUID = :study",
            "ExpressionAttributeValues": {":study": {"S": study}},
            "ConsistentRead": True,
        }
        if below:
            request["KeyConditionExpression"] += " AND begins_with(#resource, :below)"
            request["ExpressionAttributeNames"] = {"#resource": "Resource"}
            request["ExpressionAttributeValues"] = {
                ":study": {"S": study},
                ":below": {"S": below},
            }
        while True:
            answer = self._dynamodb.query(**request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def instances(self, study: str, series: str = "") -> Iterator[StoredInstance]:
        """Yield the instances of a study, or of one of its series."""
        below = f"{_INSTANCES}{series}/" if series else _INSTANCES
        return map(StoredInstance.of, self.items(study, below))

    def presign(self, instance: StoredInstance, method: str) -> str:
        """Return a URL at which S3 answers a GET or HEAD with the bytes and their media type."""
        return self._s3.generate_presigned_url(
            "head_object" if method == "HEAD" else "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": instance.key,
                "ResponseContentType": instance.media_type,
            },
            ExpiresIn=SECONDS_TO_FOLLOW,
        )

    def read(self, instance: StoredInstance) -> bytes:
        """Return the bytes of an instance, which have its digest."""
        content = self._read(instance.key)
        if sha256(content).hexdigest() != instance.sha256:
            # They were damaged on their way, or are not what was stored.
            content = self._read(instance.key)
            if sha256(content).hexdigest() != instance.sha256:
                raise ArchiveError(
                    FailureReason.PROCESSING_FAILURE,
                    "found bytes in the archive that do not have the digest of the instance",
                )
        return content

    def read_all(self, instances: Sequence[StoredInstance]) -> list[bytes]:
        """Return the bytes of each of ``instances``, several of which are read at a time."""
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="retrieval")
        try:
            return list(pool.map(self.read, instances))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def read_range(self, instance: StoredInstance, start: int, end: int) -> bytes:
        """Return the bytes of an instance from ``start`` up to ``end``, or to its own end."""
        return self._read(instance.key, Range=f"bytes={start}-{min(end, instance.size) - 1}")

    def _read(self, key: str, **wanted: str) -> bytes:
        for _ in range(_ATTEMPTS - 1):  # botocore does not repeat a request after half an answer
            with suppress(*_CUT_OFF):
                return self._read_once(key, wanted)
        return self._read_once(key, wanted)

    def _read_once(self, key: str, wanted: Mapping[str, Any]) -> bytes:
        answer = self._s3.get_object(Bucket=self._bucket, Key=key, **wanted)
        with closing(answer["Body"]) as stream:
            return stream.read()


def attributes(item: Item) -> dict[str, Any]:
    """Return the attributes of an item by keyword: text, integers, lists and mappings of these."""
    return {keyword: _value(value) for keyword, value in item.items()}


def _value(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of any type that an item holds
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return int(held)
        case "L":
            return [_value(each) for each in held]
        case "M":
            return attributes(held)
    return held
