"""A bound on what a request may unfold to."""

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
                f"the instances of the request unfold to more than {self.size} bytes,"
                " the most allowed",
            )
        self.left -= size
