"""What a request's payload holds: its body parts, and the instance in each (PS3.18 8.6, 10.5.1).

The store transaction takes ``multipart/related`` of Part 10 files. A bare Part 10 file is taken
as well, because Azure's, Google's and AWS HealthImaging's users and tools send that.
"""

from dicomweb import mediatypes, multipart
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.fileformat import is_file
from dicomweb.mediatypes import DICOM, MULTIPART_RELATED, OCTET_STREAM
from dicomweb.multipart import BodyPart
from dicomweb.reasons import FailureReason

_EXPECTED = (
    'expected multipart/related; type="application/dicom"; boundary=... with a Part 10 file a'
    " part, or application/dicom with one file"
)
_UNENCODED = ("", "binary", "8bit", "7bit")


def read_parts(content_type: str | None, payload: bytes) -> tuple[str, list[BodyPart]]:
    """Return the media type of the parts of a payload, and the parts; there is at least one.

    Raises MalformedRequest for a media type that is not supported, an empty payload, or a
    payload whose framing is broken.
    """
    if not content_type:
        raise MalformedRequest(f"found no Content-Type, {_EXPECTED}")
    if not payload:
        raise MalformedRequest(f"found an empty payload, {_EXPECTED}")
    media_type = mediatypes.parse_media_type(content_type)
    if media_type.essence == DICOM:
        return DICOM, [BodyPart(number=1, headers={}, content=memoryview(payload))]
    if media_type.essence != MULTIPART_RELATED:
        raise MalformedRequest(f"found a media type that is not supported, {_EXPECTED}")
    if "boundary" not in media_type.parameters:
        raise MalformedRequest("found no boundary parameter in Content-Type, expected one")
    parts = multipart.split(payload, media_type.parameters["boundary"])
    return _root_type(media_type.parameters.get("type"), parts[0]), parts


def _root_type(declared: str | None, root: BodyPart) -> str:
    """Return the media type of the parts: the type parameter, or the first part's if missing.

    The parameter is required (PS3.18 8.6.1.2), but recipes for Azure's service leave it out.
    """
    found = declared or root.headers.get("content-type") or DICOM
    essence = mediatypes.parse_media_type(found).essence
    if essence not in (DICOM, OCTET_STREAM):
        raise MalformedRequest(f"found parts of a media type that is not supported, {_EXPECTED}")
    return DICOM


def part10_content(part: BodyPart, root_type: str) -> memoryview:
    """Return the Part 10 file that a body part holds.

    A part without Content-Type has the type of the root; ``application/octet-stream`` is taken
    if the file prefix is there. Part parameters such as ``transfer-syntax`` and Weasis's bogus
    ``Content-Encoding: gzip, identity`` are not looked at: the File Meta wins (PS3.18 8.7.9).
    Raises InstanceRejected (C000) if the part holds something else.
    """
    if part.headers.get("content-transfer-encoding", "").lower() not in _UNENCODED:
        raise _unreadable("found a Content-Transfer-Encoding, expected binary content")
    try:
        media_type = mediatypes.parse_media_type(part.headers.get("content-type") or root_type)
    except MalformedRequest as error:
        raise _unreadable(str(error)) from error
    is_part10 = media_type.essence == OCTET_STREAM and is_file(part.content)
    if media_type.essence != DICOM and not is_part10:
        raise _unreadable("found a media type other than that of the request, application/dicom")
    return part.content


def _unreadable(text: str) -> InstanceRejected:
    return InstanceRejected(FailureReason.CANNOT_UNDERSTAND, text)
