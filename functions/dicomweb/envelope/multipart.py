"""Split a multipart/related payload into its body parts (RFC 2046 5.1, RFC 2387; PS3.18 8.6.1.2).

The payload is one buffer, in memory or mapped from a file. A part's content is a slice of it,
never a copy, and no byte of it is changed. Every byte is read a bounded number of times, whatever
the input, and the limits are parameters. Parts are numbered from 1, offsets are in bytes from 0.

Lines end with CRLF and nothing else, because a lone LF is everywhere in pixel data. The whole
framing is checked before anything is returned: a payload without its close delimiter was cut
off on the way, and its last instance may be incomplete. Everything after the close delimiter is
ignored: JavaScript dicomweb-client 0.5 to 0.10 sends NULs there, shell scripts a lone LF.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap

from dicomweb.errors import MalformedRequest

MAX_PARTS = 4000
"""As many as fit into an answer of 6 MB, the most that a Lambda function may return."""

MAX_HEADER_BYTES = 8192

MAX_BOUNDARY = 200
"""RFC 2046 5.1.1 allows 70 characters; Orthanc sends 73."""

_BOUNDARY = re.compile(r"[ -~]*[!-~]")
_DELIMITER_END = re.compile(rb"(--)(?![!-~])|[ \t]*(?:\r\n|\Z)")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """One part: its place in the request, its header (names in lower case) and its bytes.

    ``offset`` is where its content begins in the payload.
    """

    number: int
    headers: Mapping[str, str]
    content: memoryview
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Delimiter:
    start: int
    end: int
    closes: bool


def split(
    payload: bytes | mmap,
    boundary: str,
    *,
    max_parts: int = MAX_PARTS,
    max_header_bytes: int = MAX_HEADER_BYTES,
) -> list[BodyPart]:
    """Return the body parts of ``payload``, in order; there is at least one.

    Preamble and epilogue are skipped (RFC 2046 5.1.1). Raises MalformedRequest if the boundary
    is unusable or absent, if there is no part or no close delimiter, if the header of a part
    does not end or does not parse, or if a limit is exceeded.
    """
    if len(boundary) > MAX_BOUNDARY or not _BOUNDARY.fullmatch(boundary):
        raise MalformedRequest(
            f"found a boundary of {len(boundary)} characters, expected 1 to {MAX_BOUNDARY}"
            " printable ASCII characters, not ending with a blank"
        )
    view = memoryview(payload)
    delimiter = _first_delimiter(payload, boundary)
    parts: list[BodyPart] = []
    while not delimiter.closes:
        if len(parts) == max_parts:
            raise MalformedRequest(f"found more than {max_parts} parts, expected no more than that")
        following = _next_delimiter(payload, boundary, delimiter.end - 2, len(parts) + 1)
        number = len(parts) + 1
        headers, start = _read_header(payload, delimiter, following, number, max_header_bytes)
        content = view[start : following.start]
        parts.append(BodyPart(number=number, headers=headers, content=content, offset=start))
        delimiter = following
    if not parts:
        raise MalformedRequest("found no part before the close delimiter, expected at least one")
    return parts


def _first_delimiter(payload: bytes | mmap, boundary: str) -> _Delimiter:
    dash_boundary = b"--" + boundary.encode("ascii")
    if payload[: len(dash_boundary)] == dash_boundary:
        match = _DELIMITER_END.match(payload, len(dash_boundary))
        if match:
            return _Delimiter(0, match.end(), match.group(1) is not None)
    found = _find_delimiter(payload, dash_boundary, 0)
    if found is None:
        raise MalformedRequest(
            "found no delimiter line, expected a line of two hyphens and the boundary that"
            " Content-Type names, ending with CRLF"
        )
    return found


def _next_delimiter(payload: bytes | mmap, boundary: str, start: int, number: int) -> _Delimiter:
    found = _find_delimiter(payload, b"--" + boundary.encode("ascii"), start)
    if found is None:
        raise MalformedRequest(
            f"part {number} at byte {start + 2} does not end: found {len(payload)} bytes without a"
            " close delimiter, expected a line of two hyphens, the boundary and two hyphens"
        )
    return found


def _find_delimiter(payload: bytes | mmap, dash_boundary: bytes, start: int) -> _Delimiter | None:
    """Return the next delimiter line at or after ``start``, with the CRLF that belongs to it.

    A line that only begins like one, because the boundary is a prefix of it, is content. But if
    it begins like the close delimiter and no delimiter follows, it closes (RFC 2046 5.1.1).
    """
    needle = b"\r\n" + dash_boundary
    close = None
    position = payload.find(needle, start)
    while position >= 0:
        end = position + len(needle)
        match = _DELIMITER_END.match(payload, end)
        if match and (match.group(1) or match.group().endswith(b"\n")):
            return _Delimiter(position, match.end(), match.group(1) is not None)
        if close is None and payload[end : end + 2] == b"--":
            close = _Delimiter(position, end + 2, closes=True)
        position = payload.find(needle, end)
    return close


def _read_header(
    payload: bytes | mmap, delimiter: _Delimiter, following: _Delimiter, number: int, limit: int
) -> tuple[dict[str, str], int]:
    """Return the header of the part after ``delimiter`` and the offset of its content."""
    start = delimiter.end
    end = payload.find(b"\r\n\r\n", start - 2, min(following.start + 2, start + limit))
    if end < 0:
        raise MalformedRequest(
            f"the header of part {number} at byte {start} does not end, expected an empty line"
            f" within {limit} bytes and before the next delimiter"
        )
    headers: dict[str, str] = {}
    for line in _FOLD.sub(b"", payload[start:end]).split(b"\r\n") if end > start else ():
        name, value = _read_field(line, number)
        if name in headers:
            raise MalformedRequest(f"found a header field of part {number} twice, expected it once")
        headers[name] = value
    return headers, min(end + 4, following.start)


def _read_field(line: bytes, number: int) -> tuple[str, str]:
    """Return name and value of a line that was unfolded (RFC 5322 2.2.3, RFC 2045 Section 3)."""
    name, colon, value = line.partition(b":")
    if not (colon and _FIELD_NAME.fullmatch(name)):
        raise MalformedRequest(f"found a broken header line in part {number}, expected name: value")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return name.decode("ascii").lower(), text.strip(" \t")
