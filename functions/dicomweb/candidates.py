"""What a request offers as an instance, and which body parts can hold one (PS3.18 10.5.1)."""

from collections.abc import Callable
from dataclasses import dataclass

from dicomweb.envelope.mediatypes import DICOM, OCTET_STREAM, parse_media_type
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.outcomes import SOPReference
from dicomweb.part10.file import is_file
from dicomweb.reasons import FailureReason, WarningReason

_UNENCODED = ("", "binary", "8bit", "7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a request offers as an instance: its place, and its Part 10 file.

    ``number`` is the number of the part, and ``item`` the place within the part if it is metadata.
    ``content`` raises InstanceRejected if there is no such file. ``offset`` is where the file
    begins in the payload, None if the payload does not contain it. ``reference`` names the
    instance if it is already known; ``warning`` and ``text`` apply if the instance is stored.
    """

    number: int
    content: Callable[[], memoryview]
    offset: int | None = None
    item: int | None = None
    reference: SOPReference | None = None
    warning: WarningReason | None = None
    text: str = ""

    @property
    def place(self) -> str:
        """Where it is, for a text."""
        return f"part {self.number}" + (f", instance {self.item}" if self.item else "")


def part10_content(part: BodyPart, root_type: str) -> memoryview:
    """Return the Part 10 file that a body part holds.

    A part without Content-Type has the type of the root; ``application/octet-stream`` is accepted
    if the file prefix is there. Part parameters such as ``transfer-syntax`` and Weasis's bogus
    ``Content-Encoding: gzip, identity`` are ignored: the File Meta wins (PS3.18 8.7.9).
    Raises InstanceRejected (C000) if the part holds something else.
    """
    check_unencoded(part)
    try:
        media_type = parse_media_type(part.headers.get("content-type") or root_type)
    except MalformedRequest as error:
        raise _unreadable(str(error)) from error
    is_part10 = media_type.essence == OCTET_STREAM and is_file(part.content)
    if media_type.essence != DICOM and not is_part10:
        raise _unreadable("found a part with another media type, expected application/dicom")
    return part.content


def check_unencoded(part: BodyPart) -> None:
    """Raise C000 unless the content is unencoded; HTTP has no such encodings (RFC 9112 B.5)."""
    if part.headers.get("content-transfer-encoding", "").lower() not in _UNENCODED:
        raise _unreadable("found a Content-Transfer-Encoding, expected binary content")


def _unreadable(text: str) -> InstanceRejected:
    return InstanceRejected(FailureReason.CANNOT_UNDERSTAND, text)
