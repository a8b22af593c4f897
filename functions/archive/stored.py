"""The objects that are in the bucket already, from which the index can be made again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from boto3.session import Session

from archive.clients import s3_client
from archive.copies import Source
from archive.errors import ArchiveError
from archive.objects import object_key
from dicomweb.instances import SOPInstance
from dicomweb.reasons import FailureReason

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectTypeDef

_STUDIES = "studies/"
_AFTER_ALL_OF_A_STUDY = "~"
_KEY = re.compile(r"studies/[0-9.]+/series/[0-9.]+/instances/[0-9.]+/[0-9a-f]{64}\.dcm")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object below ``studies/``: its key, its size in bytes, and when it was stored."""

    key: str
    size: int
    etag: str
    stored: datetime

    @property
    def study_instance_uid(self) -> str:
        """The study, as the key says."""
        return self.key.split("/")[1]

    @property
    def instance(self) -> str:
        """What the keys of all objects of the same instance begin with."""
        return self.key.rpartition("/")[0]


class StoredObjects:
    """The bucket, to which nothing is added: the object of an instance has to be there already."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._s3 = s3_client(Session())

    def studies(self, after: str = "") -> Iterator[list[StoredObject]]:
        """Yield the objects of each study, in the order of the bucket, read by pages.

        If ``after`` is the UID of a study, those that follow it. An object whose key is not that
        of an instance is left out, and so is an empty one. Raises botocore's errors.
        """
        first = f"{_STUDIES}{after}/{_AFTER_ALL_OF_A_STUDY}" if after else _STUDIES
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=_STUDIES, StartAfter=first
        )
        found = (
            _stored_object(each)
            for page in pages
            for each in page.get("Contents", [])
            if each["Size"] and _KEY.fullmatch(each["Key"])
        )
        for _, study in groupby(found, lambda each: each.study_instance_uid):
            yield list(study)

    def check(self, instance: SOPInstance, sha256: str, source: Source | None) -> None:
        """Check that the bytes of ``instance`` are at their place, which ``source`` is.

        Raises ArchiveError if they are elsewhere: no item may name an object that is not there.
        """
        if source is None or source.key != object_key(instance, sha256):
            raise ArchiveError(
                FailureReason.PROCESSING_FAILURE,
                "found an object whose key has other UIDs or another digest than its content",
            )


def _stored_object(found: "ObjectTypeDef") -> StoredObject:
    return StoredObject(
        key=found["Key"],
        size=found["Size"],
        etag=found["ETag"],
        stored=found["LastModified"],
    )
