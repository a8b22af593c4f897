"""Change a request by its body parts: their number, order and fields, and what they hold.

An input is a head, an empty line and a payload, as in a file of ``tests/wire``.
"""

import re
from collections.abc import Sequence

from tests.fuzz.mutate_documents import change_json, change_xml
from tests.fuzz.mutate_elements import change_elements
from tests.fuzz.mutations import CANARY, Chance, change_bytes, times

_BOUNDARY = re.compile(rb'boundary="?([^"\r\n;]+)', re.IGNORECASE)
_FIELDS = (
    *(b"Content-Type: application/dicom", b"Content-Type: application/dicom+json"),
    *(b"Content-Type: application/dicom+xml", b"Content-Type: image/jpeg", b"Content-Type: x"),
    *(b"Content-Type: application/octet-stream", b"Content-Type: application/pdf"),
    *(b"Content-Type: image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90", b"Content-ID: <p>"),
    *(b"Content-Type: image/png", b"Content-Type: video/mp4", b"Content-Type: image/gif"),
    *(b"Content-Location: p", b"Content-Location: p/frames/1", b"Content-Location: http://h/p"),
    *(b"Content-Encoding: gzip", b"Content-Transfer-Encoding: base64", b"Content-Length: 1"),
    b"Content-Location: " + CANARY.encode(),
)


def change_parts(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change one part of a multipart payload, or the payload if it is no multipart."""
    head, blank, payload = data.partition(b"\r\n\r\n")
    named = _BOUNDARY.search(head)
    delimiter = b"\r\n--" + named[1] if named else b""
    pieces = (b"\r\n" + payload).split(delimiter) if delimiter else []
    if len(pieces) < 3:
        return head + blank + change_content(chance, payload, others)
    return head + blank + delimiter.join(_changed(chance, pieces, others))[2:]


def _changed(chance: Chance, pieces: list[bytes], others: Sequence[bytes]) -> list[bytes]:
    at = chance.randrange(1, len(pieces) - 1)
    part = pieces[at]
    kind = chance.randrange(10)
    if kind == 0:
        return pieces[:at] + pieces[at + 1 :]
    if kind == 1:
        return pieces[:at] + [part] * times(chance, len(part)) + pieces[at:]
    if kind == 2:
        to = chance.randrange(1, len(pieces) - 1)
        pieces[at], pieces[to] = pieces[to], part
    elif kind == 3:
        pieces[at] = _with_other_fields(chance, part)
    else:
        fields, blank, content = part.partition(b"\r\n\r\n")
        pieces[at] = fields + blank + change_content(chance, content, others)
    return pieces


def _with_other_fields(chance: Chance, part: bytes) -> bytes:
    fields, blank, content = part.partition(b"\r\n\r\n")
    lines = fields.split(b"\r\n")
    at = chance.randrange(1, len(lines) + 1)
    new = chance.choice(((), (chance.choice(_FIELDS),), (chance.choice(_FIELDS),), lines[at:]))
    return b"\r\n".join((*lines[:at], *new, *lines[at + 1 :])) + blank + content


def change_content(chance: Chance, content: bytes, others: Sequence[bytes]) -> bytes:
    """Change a Part 10 file, a document or bulk data in the way that fits it."""
    start = content[:64].lstrip()
    if content[128:132] == b"DICM":
        return change_elements(chance, content, others)
    if start.startswith((b"{", b"[")):
        return change_json(chance, content, others)
    if start.startswith(b"<"):
        return change_xml(chance, content, others)
    return change_bytes(chance, content, others)
