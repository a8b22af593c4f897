"""What a request's payload holds: its body parts, and the instances in them (PS3.18 8.6, 10.5.1).

The store transaction accepts ``multipart/related`` with Part 10 files, or with metadata and bulk
data. A bare Part 10 file is accepted as well, because users and tools of Azure, Google and AWS
HealthImaging send that, and so is bare metadata, which the tests of other services send.
"""

from collections.abc import Sequence
from functools import partial
from mmap import mmap

from dicomweb.candidates import Candidate, part10_content
from dicomweb.envelope import mediatypes, multipart
from dicomweb.envelope.mediatypes import (
    ALIASES,
    DICOM,
    DICOM_JSON,
    DICOM_XML,
    MULTIPART_RELATED,
    OCTET_STREAM,
)
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import MalformedRequest
from dicomweb.timelimit import FOREVER, TimeLimit

SINGLE_PART = frozenset((DICOM, DICOM_JSON, DICOM_XML))
"""The media types of a payload that is not a multipart (PS3.18 8.6.1.1)."""

_EXPECTED = (
    'expected multipart/related; type="application/dicom"; boundary=... with one Part 10 file in'
    ' each part, or with type="application/dicom+xml" or "application/dicom+json" for metadata and'
    " bulk data, or one of these three media types with one file or document"
)


def read_parts(content_type: str | None, payload: bytes | mmap) -> tuple[str, list[BodyPart]]:
    """Return the media type of the parts of a payload, and the parts; there is at least one.

    Raises MalformedRequest for a media type that is not supported, an empty payload, or a
    payload whose framing is broken.
    """
    if not content_type:
        raise MalformedRequest(f"found no Content-Type, {_EXPECTED}")
    if not payload:
        raise MalformedRequest(f"found an empty payload, {_EXPECTED}")
    media_type = mediatypes.parse_media_type(content_type)
    if media_type.essence in SINGLE_PART:
        return media_type.essence, [BodyPart(number=1, headers={}, content=memoryview(payload))]
    mediatypes.refuse_forms(content_type)
    if media_type.essence != MULTIPART_RELATED:
        raise MalformedRequest(f"found a media type that is not supported, {_EXPECTED}")
    if "boundary" not in media_type.parameters:
        raise MalformedRequest("found no boundary parameter in Content-Type, expected one")
    parts = multipart.split(payload, media_type.parameters["boundary"])
    return _root_type(media_type.parameters.get("type"), parts[0]), parts


def _root_type(declared: str | None, root: BodyPart) -> str:
    """Return the media type of the root: the type parameter, or the first part's if missing.

    The parameter is required (PS3.18 8.6.1.2), but recipes for Azure's service leave it out.
    """
    found = declared or root.headers.get("content-type") or DICOM
    essence = mediatypes.parse_media_type(found).essence
    if essence in ALIASES:
        return ALIASES[essence]
    if essence not in (DICOM, OCTET_STREAM):
        raise MalformedRequest(f"found parts of a media type that is not supported, {_EXPECTED}")
    return DICOM


def candidates(
    root_type: str,
    parts: Sequence[BodyPart],
    *,
    url: str,
    study_instance_uid: str | None,
    time_limit: TimeLimit = FOREVER,
) -> list[Candidate]:
    """Return what may be an instance in ``parts``, whose root has the type ``root_type``.

    ``url`` is the URL of the request, and ``study_instance_uid`` the study of the target resource,
    if it is a study; only metadata needs them, and ``time_limit``. Raises MalformedRequest for a
    request of metadata that has none, or too much.
    """
    if root_type != DICOM:
        from dicomweb.metadata import assembly  # noqa: PLC0415 - few requests need its imports

        return assembly.candidates(
            root_type,
            parts,
            url=url,
            study_instance_uid=study_instance_uid,
            time_limit=time_limit,
        )
    return [
        Candidate(
            number=part.number,
            content=partial(part10_content, part, root_type),
            offset=part.offset,
        )
        for part in parts
    ]
