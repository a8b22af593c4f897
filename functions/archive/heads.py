"""Whether an object is there, as it was written: its size, and the checksum that S3 keeps of it.

S3 has verified the checksum of each object when it was written, and states it with the object
(Amazon S3 User Guide, "Checking object integrity in Amazon S3"). One of SHA-256 follows from the
digest in the item, and has to be equal. The others are known to S3 alone: they were compared with
the bytes when they arrived, and nothing has been written under the key since, because it is only
ever written with ``If-None-Match``.
"""

import base64
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from boto3.session import Session
from botocore.exceptions import ClientError

from archive.clients import s3_client
from archive.items import Item
from archive.objects import key_of
from dicomweb.commitment.outcomes import CommitmentOutcome


class Heads:
    """What S3 says about the objects in the ``bucket`` without sending them."""

    def __init__(self, bucket: str, session: Session) -> None:
        self._bucket = bucket
        self._s3 = s3_client(session)

    def outcome(self, item: Item) -> CommitmentOutcome:
        """Return COMMITTED if the object of an instance ``item`` is there as it was written.

        Otherwise 0112 if it is not there, and 0110 if it is another. Raises botocore's errors.
        """
        try:
            answer = self._s3.head_object(
                Bucket=self._bucket, Key=key_of(item), ChecksumMode="ENABLED"
            )
        except ClientError as error:
            # The answer to HEAD has no body, and so no other code. The role may list the bucket:
            # without that, S3 answers 403 for an object that does not exist.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return CommitmentOutcome.NO_SUCH_OBJECT_INSTANCE
            raise
        if _is_as_written(answer, int(item["Size"]["N"]), item["SHA256"]["S"]):
            return CommitmentOutcome.COMMITTED
        return CommitmentOutcome.PROCESSING_FAILURE


def _is_as_written(answer: Mapping[str, Any], size: int, sha256: str) -> bool:
    """Tell whether an object of ``size`` bytes with the digest ``sha256`` (hex) may be answered so.

    An object that was copied in one part has the digest of the part's digest, followed by the
    number of parts; that of several parts says nothing about the whole.
    """
    if answer["ContentLength"] != size:
        return False
    stated, _, parts = str(answer.get("ChecksumSHA256", "")).partition("-")
    if not stated or parts not in ("", "1"):
        return True
    digest = bytes.fromhex(sha256)
    whole = (digest, hashlib.sha256(digest).digest())
    return stated in [base64.b64encode(each).decode("ascii") for each in whole]
