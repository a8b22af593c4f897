"""A limit on the size of the instances that a request makes."""

from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason


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
