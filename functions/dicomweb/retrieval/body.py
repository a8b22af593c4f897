"""A body of several instances: ``multipart/related`` (PS3.18 8.6.1.2, RFC 2046 5.1.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

MAX_BODY_BYTES = 4_500_000
"""What an answer holds: Lambda returns 6 MB, in which bytes are base64."""

MAX_PARTS = 1000
"""Each is an object to read while the client waits."""

_BYTES_AROUND_A_PART = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An instance as a part: its bytes, their media type, their digest (hex) and its URL."""

    media_type: str
    location: str
    sha256: str
    content: bytes = field(repr=False)


def fits(sizes: Sequence[int]) -> bool:
    """Tell whether instances of so many bytes fit into one body."""
    around = _BYTES_AROUND_A_PART * len(sizes)
    return len(sizes) <= MAX_PARTS and sum(sizes) + around <= MAX_BODY_BYTES


def encode(parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return the Content-Type and the bytes of a body that holds the ``parts``.

    The same parts become the same bytes. The boundary comes from the digests of the parts, so no
    part can have been made to contain it.
    """
    together = sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
    boundary = f"stowport-{together[:40]}"
    pieces: list[bytes] = []
    for part in parts:
        head = (
            f"--{boundary}\r\nContent-Type: {part.media_type}\r\n"
            f"Content-Length: {len(part.content)}\r\nContent-Location: {part.location}\r\n\r\n"
        )
        pieces += (head.encode(), part.content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return f'multipart/related; type="application/dicom"; boundary={boundary}', b"".join(pieces)
