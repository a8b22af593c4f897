"""The transactions of storage commitment: the DynamoDB table of what was asked and answered.

::

    TransactionUID                 as the sender chose it
    Principal Created Expires      who, and when; seconds since 1970, Expires is the TTL
    Request Digest                 what is asked, deflated, and the SHA-256 of it (hex)
    Answer                         the outcomes, deflated, once they are known
    Until                          while there is no answer: how long it is being worked out

A request and its answer never change. Who works out an answer says until when; if that has passed,
its worker has died, and whoever comes next takes over. Two may then work out the same answer, and
the first one to write it decides.
"""

import time
from dataclasses import dataclass, replace
from typing import cast

from boto3.session import Session
from botocore.exceptions import ClientError

from archive.clients import dynamodb_client
from archive.conditions import in_the_way
from archive.items import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A request for commitment; times in seconds since 1970, ``answer`` empty until it is known."""

    uid: str
    principal: str
    created: int
    expires: int
    request: bytes
    digest: str
    answer: bytes = b""
    until: int = 0

    def is_same(self, other: "Transaction") -> bool:
        """Tell whether the same sender asks the same."""
        return (self.principal, self.digest) == (other.principal, other.digest)


class Transactions:
    """The table of transactions. All methods raise botocore's errors."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._dynamodb = dynamodb_client(Session())

    def begin(self, transaction: Transaction) -> Transaction | None:
        """Add a transaction without an answer, or return the one that has its UID already.

        One that has expired is replaced: it may take DynamoDB days to delete it.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "TransactionUID": {"S": transaction.uid},
                    "Principal": {"S": transaction.principal},
                    "Created": {"N": str(transaction.created)},
                    "Expires": {"N": str(transaction.expires)},
                    "Request": {"B": transaction.request},
                    "Digest": {"S": transaction.digest},
                    "Until": {"N": str(transaction.until)},
                },
                ConditionExpression="attribute_not_exists(TransactionUID) OR Expires <= :now",
                ExpressionAttributeValues={":now": {"N": str(transaction.created)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return _transaction(in_the_way(error))
        return None

    def find(self, uid: str) -> Transaction | None:
        """Return a transaction, or None if it is unknown or has expired."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key={"TransactionUID": {"S": uid}}, ConsistentRead=True
        )
        if not (item := answer.get("Item")):
            return None
        found = _transaction(item)
        return found if found.expires > time.time() else None

    def take_over(self, transaction: Transaction, until: int) -> bool:
        """Work out an answer until ``until``, unless another has begun to; tell whether.

        If DynamoDB's first answer was lost, the next one says that this has been written already.
        """
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"TransactionUID": {"S": transaction.uid}},
                UpdateExpression="SET #until = :until",
                ConditionExpression=(
                    "Digest = :digest AND #until = :seen AND attribute_not_exists(Answer)"
                ),
                ExpressionAttributeNames={"#until": "Until"},
                ExpressionAttributeValues={
                    ":until": {"N": str(until)},
                    ":seen": {"N": str(transaction.until)},
                    ":digest": {"S": transaction.digest},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            there = in_the_way(error)
            return bool(there) and _transaction(there) == replace(transaction, until=until)
        return True

    def finish(self, transaction: Transaction, answer: bytes) -> Transaction | None:
        """Write the answer, and return the transaction with the answer that is there now.

        Returns None if the transaction is gone.
        """
        try:
            written = self._dynamodb.update_item(
                TableName=self._table,
                Key={"TransactionUID": {"S": transaction.uid}},
                UpdateExpression="SET Answer = :answer",
                ConditionExpression="Digest = :digest AND attribute_not_exists(Answer)",
                ExpressionAttributeValues={
                    ":answer": {"B": answer},
                    ":digest": {"S": transaction.digest},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )["Attributes"]
        except ClientError as error:
            written = in_the_way(error)
        found = _transaction(written) if written else None
        return found if found and found.is_same(transaction) else None


def _transaction(item: Item) -> Transaction:
    return Transaction(
        uid=item["TransactionUID"]["S"],
        principal=item["Principal"]["S"],
        created=int(item["Created"]["N"]),
        expires=int(item["Expires"]["N"]),
        request=_bytes(item["Request"]["B"]),
        digest=item["Digest"]["S"],
        answer=_bytes(item["Answer"]["B"]) if "Answer" in item else b"",
        until=int(item["Until"]["N"]),
    )


def _bytes(value: object) -> bytes:
    """Return a binary value: botocore has no class for it in items, but has in what it is given."""
    return bytes(cast("bytes", value))
