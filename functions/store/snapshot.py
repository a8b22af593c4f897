"""What a start that becomes a snapshot does besides (SnapStart).

Many environments go on from one snapshot, days later perhaps. So it holds what they share, and
what must be unlike in each of them is made anew when it is restored. Only Lambda's runtime has
the package for that, so this is imported for a snapshot and in no other start.
"""

import os
import random
import ssl
from importlib import import_module

from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped] # AWS's

IMPORTED_LATER = (
    "PIL.Image",
    "PIL.ImageSequence",
    "dicomweb.metadata.assembly",
)
"""What other starts leave to the first request that needs it."""

_ENTROPY_BYTES = 32


def prepare() -> None:
    """Import what requests would wait for, and see to it that no two environments draw alike."""
    for module in IMPORTED_LATER:
        import_module(module)
    register_after_restore(renew_randomness)


def renew_randomness() -> None:
    """Seed anew what draws from a state of its own, which the snapshot has copied.

    botocore draws its pauses between attempts from ``random``: alike, they would meet again each
    time. OpenSSL seeds itself when the clients are made.
    """
    random.seed()
    ssl.RAND_add(os.urandom(_ENTROPY_BYTES), _ENTROPY_BYTES)
