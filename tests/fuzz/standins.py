"""Stands in for S3 and DynamoDB, in memory: the archive, the bucket of bodies, the uploads.

``handled`` lets a function use them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from mmap import ACCESS_READ, mmap
from tempfile import TemporaryFile
from types import ModuleType
from typing import Any
from unittest import mock

from archive.copies import Source
from archive.entries import Kept
from archive.errors import ArchiveError, duplicate
from archive.items import Provenance
from archive.staging import Presigned, StagedBody
from archive.uploads import State, Upload
from dicomweb.instances import SOPInstance
from tests.fuzz.invariants import logged
from tests.store.lambdas import Context

UIDs = tuple[str, str, str]


@dataclass
class Archive:
    """Keeps the bytes of instances by their UIDs, and refuses other bytes under the same."""

    stored: dict[UIDs, bytes] = field(default_factory=dict)

    def keep(
        self,
        instances: Sequence[SOPInstance],
        *,
        seconds: float,
        provenance: Provenance,
        sources: Sequence[Source | None] | None = None,
    ) -> list[Kept | ArchiveError]:
        assert seconds > 0
        assert provenance.item()
        assert sources is None or len(sources) == len(instances)
        return [self._keep(instance) for instance in instances]

    def wait(self) -> None:
        """No thread is left behind."""

    def _keep(self, instance: SOPInstance) -> Kept | ArchiveError:
        uids = (
            instance.study_instance_uid,
            instance.series_instance_uid,
            instance.sop_instance_uid,
        )
        content = bytes(instance.content)
        kept = self.stored.setdefault(uids, content)
        return Kept() if kept == content else duplicate()


@dataclass
class Uploads:
    """Keeps the uploads by their ids."""

    known: dict[str, Upload] = field(default_factory=dict)

    def offer(self, upload: Upload, most: int) -> bool:
        assert most
        self.known[upload.id] = upload
        return True

    def find(self, upload: str) -> Upload | None:
        return self.known.get(upload)

    def begin(self, upload: str, attempt: int, failed_after: int) -> Upload | None:
        assert attempt
        assert failed_after
        return self.known.get(upload)

    def finish(self, upload: str, answer: str) -> None:
        self.known[upload] = replace(self.known[upload], state=State.DONE, answer=answer)

    def fail(self, upload: str) -> None:
        self.known[upload] = replace(self.known[upload], state=State.FAILED)


@dataclass
class Staging:
    """Keeps one body, and answers by their keys."""

    body: bytes = b""
    answers: dict[str, str] = field(default_factory=dict)

    def mapped(self, body: StagedBody) -> mmap:
        assert body.size == len(self.body)
        with TemporaryFile() as file:
            file.write(self.body)
            file.flush()
            return mmap(file.fileno(), body.size, access=ACCESS_READ)

    def put_answer(self, upload: str, answer: str) -> str:
        self.answers[upload] = answer
        return upload

    def get_answer(self, key: str) -> str:
        return self.answers[key]

    def delete(self, body: StagedBody) -> None:
        assert body.size == len(self.body)

    def presign_put(self, upload: str, content_type: str, size: int, seconds: int) -> Presigned:
        assert seconds
        return Presigned(url=upload, headers={"Content-Type": content_type}, size=size)

    def presign_parts(
        self, upload: str, content_type: str, size: int, seconds: int
    ) -> tuple[list[Presigned], str]:
        assert seconds
        return [Presigned(url=upload, headers={"Content-Type": content_type}, size=size)], upload


def handled(
    handler: ModuleType,
    event: Mapping[str, Any],
    seconds: float,
    settings: object,
    **clients: object,
) -> Any:  # noqa: ANN401 - what the function returns
    """Let a function that has these settings and clients handle an event; check what it logs."""
    given: dict[str, Any] = {
        name: lambda _, client=client: client for name, client in clients.items()
    }
    with logged(), mock.patch.multiple(handler, settings=lambda: settings, **given):
        return handler.lambda_handler(event, Context(seconds))
