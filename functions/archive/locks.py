"""S3 Object Lock: until when nobody may delete the bytes of an instance.

Each object is locked by the request that makes it, and not by a default of the bucket, which
would also lock the bodies in ``staging/``, so that nothing could delete them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict


class ObjectLock(TypedDict, total=False):
    """The parameters of a request that makes an object and locks it; none if it does not."""

    ObjectLockMode: Literal["GOVERNANCE", "COMPLIANCE"]
    ObjectLockRetainUntilDate: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How objects are locked: S3's mode, and for how many days from when they are made."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int

    @classmethod
    def of(cls, mode: str, days: int) -> "Retention | None":
        """Return the retention in a ``mode`` of S3, or None for ``none``; raises ValueError."""
        match mode:
            case "none":
                return None
            case "GOVERNANCE" | "COMPLIANCE":
                return cls(mode=mode, days=days)
        raise ValueError(f"{mode} is not a mode of Object Lock")

    def lock(self) -> ObjectLock:
        """Return the lock of an object that is made now."""
        until = datetime.now(UTC) + timedelta(days=self.days)
        return {"ObjectLockMode": self.mode, "ObjectLockRetainUntilDate": until}
