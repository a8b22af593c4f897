"""What a start that becomes a snapshot does in addition (SnapStart).

Many environments continue from one snapshot, perhaps days later. So it contains what they share,
and what must differ between them is made anew after each restore. Only Lambda's runtime has the
package for that, so this module is imported only for a snapshot.
"""

import os
import random
import ssl
from importlib import import_module

from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped] # AWS's

IMPORTED_LATER = (
    "PIL.Image",
    "PIL.ImageSequence",
    "dicomweb.answer.nativemodel",
    "dicomweb.codeextensions",
    "dicomweb.metadata.assembly",
    "pydicom.datadict",
    "pydicom.tag",
)
"""What other starts import only with the first request that needs it."""

_ENTROPY_BYTES = 32


def prepare() -> None:
    """Import what requests would wait for, and have every environment draw other random numbers."""
    for module in IMPORTED_LATER:
        import_module(module)
    register_after_restore(renew_randomness)


def renew_randomness() -> None:
    """Seed the random number generators anew, whose states the snapshot has copied.

    botocore draws its pauses between attempts from ``random``: with equal pauses, environments
    would collide again and again. OpenSSL seeds itself when the clients are made.
    """
    random.seed()
    ssl.RAND_add(os.urandom(_ENTROPY_BYTES), _ENTROPY_BYTES)
