"""Find the items of instances by their SOP Instance UID alone, in the index that has only keys.

DynamoDB brings an index up to date some time after the table, as a rule within a second. So an
instance that was stored a moment ago may not be found yet (``archive.safekeeping`` asks again), and
a key that is found may have no item any more, which a read of the table tells.
"""

from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.exceptions import ClientError

from archive.clients import dynamodb_client
from archive.errors import ArchiveError, error_code
from archive.items import INSTANCE_INDEX, ItemKey
from dicomweb.reasons import FailureReason

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

MOST_ITEMS = 10
"""Of one SOP Instance UID. It is unique by the standard, so there is one, unless senders err."""

_NO_SUCH_INDEX = frozenset(("ResourceNotFoundException", "ValidationException"))


class NoInstanceIndex(ArchiveError):
    """The table has no index by SOP Instance UID, as one that was given may not."""

    def __init__(self) -> None:
        super().__init__(
            FailureReason.PROCESSING_FAILURE,
            f"found no index {INSTANCE_INDEX} of the index table, expected one: ask the operator to"
            " add it, or name the instances by their studies and series",
        )


class SOPInstances:
    """The index by SOP Instance UID of the ``table``."""

    def __init__(self, table: str, session: Session) -> None:
        self._table = table
        self._dynamodb = dynamodb_client(session)

    def keys(self, sop_instance_uid: str) -> list[ItemKey]:
        """Return the keys of the items of an instance: one for each series that has its UID.

        Raises NoInstanceIndex, ArchiveError if there are too many, and botocore's errors.
        """
        uid: AttributeValueTypeDef = {"S": sop_instance_uid}
        try:
            answer = self._dynamodb.query(
                TableName=self._table,
                IndexName=INSTANCE_INDEX,
                KeyConditionExpression="SOPInstanceUID = :uid",
                ExpressionAttributeValues={":uid": uid},
                Limit=MOST_ITEMS + 1,
            )
        except ClientError as error:
            if error_code(error) in _NO_SUCH_INDEX:
                raise NoInstanceIndex from error
            raise
        if len(answer["Items"]) > MOST_ITEMS:
            raise ArchiveError(
                FailureReason.PROCESSING_FAILURE,
                f"found more than {MOST_ITEMS} stored instances with the same SOP Instance UID,"
                " expected one",
            )
        return [
            ItemKey(item["StudyInstanceUID"]["S"], item["Resource"]["S"])
            for item in answer["Items"]
        ]
