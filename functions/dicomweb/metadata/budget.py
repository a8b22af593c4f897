"""A limit on the size of the instances that a request makes.

Instances may refer to the same bulk data, and a picture of a few bytes may unfold to millions of
pixels, so a small request can make large instances. They are all in memory until they are kept.
"""

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

MAX_BYTES = 64 * 1024 * 1024
"""The most that the instances of a request may take, however large the request is."""

_FREE_BYTES = 16 * 1024 * 1024


def bytes_for(request: int) -> int:
    """Return how many bytes the instances may take that a request of so many bytes makes.

    All of its bulk data once, half of it again, and 16 MiB.
    """
    return min(MAX_BYTES, _FREE_BYTES + request * 3 // 2)


class Budget:
    """The bytes that the instances of a request may take together, and how many are left."""

    def __init__(self, size: int) -> None:
        self.size = self.left = size

    def take(self, size: int) -> None:
        """Take ``size`` bytes; raises InstanceRejected (A700) if they are not there."""
        if size > self.left:
            raise InstanceRejected(
                FailureReason.OUT_OF_RESOURCES,
                f"found instances of more than {self.size} bytes in the request, expected no more"
                " than that: send them in several requests",
            )
        self.left -= size
