"""What a sender announces: the Content-Type, the size and optionally the study of a body."""

import json
from dataclasses import dataclass

from dicomweb.envelope import mediatypes
from dicomweb.envelope.mediatypes import MULTIPART_RELATED
from dicomweb.errors import MalformedRequest
from dicomweb.payloads import SINGLE_PART
from dicomweb.uids import is_uid

_LONGEST_CONTENT_TYPE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A body that will be sent; ``size`` in bytes, no study means all studies."""

    content_type: str
    size: int
    study_instance_uid: str | None


def read_announcement(payload: bytes, largest_body: int) -> Announcement:
    """Read ``{"contentType": ..., "size": ..., "studyInstanceUID": ...}``.

    Raises MalformedRequest for anything else, and for a body that would be refused in any case:
    with another media type, empty, or larger than ``largest_body`` bytes.
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise MalformedRequest(
            "found a payload that is not a JSON object, expected one with contentType and size"
        )
    return Announcement(
        content_type=_content_type(document.get("contentType")),
        size=_size(document.get("size"), largest_body),
        study_instance_uid=_study(document.get("studyInstanceUID")),
    )


def _content_type(value: object) -> str:
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        raise MalformedRequest("found no contentType of printable ASCII characters, expected one")
    if len(value) > _LONGEST_CONTENT_TYPE:
        raise MalformedRequest(
            f"found a contentType of {len(value)} characters, expected at most"
            f" {_LONGEST_CONTENT_TYPE}"
        )
    media_type = mediatypes.parse_media_type(value)
    if media_type.essence not in {MULTIPART_RELATED, *SINGLE_PART}:
        raise MalformedRequest(
            "found a contentType that is not supported, expected multipart/related,"
            " application/dicom, application/dicom+xml or application/dicom+json"
        )
    if media_type.essence == MULTIPART_RELATED and "boundary" not in media_type.parameters:
        raise MalformedRequest("found no boundary parameter in contentType, expected one")
    return value


def _size(value: object, largest_body: int) -> int:
    if type(value) is not int or value < 1:
        raise MalformedRequest("found no valid size, expected the number of bytes of the body")
    if value > largest_body:
        raise MalformedRequest(
            f"found a size of {value} bytes, expected at most {largest_body}: send the instances"
            " in several uploads"
        )
    return value


def _study(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not is_uid(value):
        raise MalformedRequest("found a studyInstanceUID that is not a UID, expected a UID or null")
    return value
