"""The keys of the objects in the bucket.

::

    studies/{study}/series/{series}/instances/{sop}/{SHA-256 of the bytes, hex}.dcm
"""


def of(study: str, series: str, instance: str, sha256: str) -> str:
    """Return the key of the object of an instance whose bytes have the digest ``sha256`` (hex)."""
    return f"studies/{study}/series/{series}/instances/{instance}/{sha256}.dcm"
