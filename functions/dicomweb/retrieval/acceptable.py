"""In which form a client accepts instances: each by itself, or several in one body.

``application/dicom`` is an instance by itself, and ``multipart/related; type="application/dicom"``
is a body of instances (PS3.18 8.7.3). Nothing is transcoded: an instance has the transfer syntax
that it was stored with, and ``transfer-syntax`` may name that, ``*``, or be absent. The standard
would have the absent parameter mean Explicit VR Little Endian (PS3.18 8.7.3.4); but Python's
dicomweb-client sends none and reads any. A request without Accept accepts everything (RFC 9110
12.5.1), although PS3.18 8.7.5 would have it refused.
"""

from collections.abc import Iterable, Iterator
from enum import Enum

from dicomweb.envelope.mediatypes import (
    DICOM,
    DICOM_JSON,
    DICOM_XML,
    MULTIPART_RELATED,
    MediaType,
    json_quality,
    ranges,
)
from dicomweb.retrieval.refusals import NotAcceptable

_NEVER = -1
_ANYTHING = "*/*"
_DECODED = frozenset((MULTIPART_RELATED, DICOM, DICOM_XML, DICOM_JSON))
"""The binary media types of the API: only if one of these comes first in Accept does API Gateway
turn the base64 of a function's answer into bytes."""


class Form(Enum):
    """How instances are returned."""

    SINGLE_PART = "single part"
    MULTIPART = "multipart"


def forms(
    accept: str | None, accept_parameter: str | None, transfer_syntax_uids: Iterable[str]
) -> list[Form]:
    """Return the forms that are acceptable for instances of these transfer syntaxes, best first.

    ``accept`` is the Accept field and ``accept_parameter`` the query parameter of that name, which
    has precedence as far as the field accepts the same (PS3.18 8.7.8). What is invalid in them is
    ignored. Raises NotAcceptable if no form is acceptable, or none for the transfer syntaxes.
    """
    syntaxes = frozenset(transfer_syntax_uids)
    in_field = _ordered(accept, syntaxes)
    wanted = _ordered(accept_parameter, syntaxes) if accept_parameter else []
    found = [form for form in wanted if form in in_field] or in_field
    if found:
        return found
    if _ordered(accept, frozenset()):
        raise NotAcceptable(
            f"found {', '.join(sorted(syntaxes))} as the transfer syntax of what is stored,"
            " expected it or * as the transfer-syntax in Accept: nothing is transcoded"
        )
    raise NotAcceptable(
        "found no media type of an instance in Accept, expected application/dicom or"
        ' multipart/related; type="application/dicom"'
    )


def bytes_arrive(accept: str | None) -> bool:
    """Tell whether API Gateway passes on a body of bytes to a client that accepts this.

    The gateway looks at what comes first, valid or not.
    """
    first = (accept or _ANYTHING).partition(",")[0]
    return first.partition(";")[0].strip().lower() in _DECODED


def check_json(accept: str | None, accept_parameter: str | None) -> None:
    """Raise NotAcceptable unless the client accepts the DICOM JSON Model (PS3.18 Annex F)."""
    if json_quality(accept_parameter or accept) <= 0:
        raise NotAcceptable(
            "found no media type of this resource in Accept, expected application/dicom+json"
        )


def _ordered(accept: str | None, syntaxes: frozenset[str]) -> list[Form]:
    """Return the acceptable forms: by quality, and of the same quality as they are mentioned."""
    best: dict[Form, tuple[int, float, int]] = {}
    for order, (media_range, quality) in enumerate(ranges(accept or _ANYTHING)):
        for form, specificity in _matches(media_range, syntaxes):
            # The most specific range decides (RFC 9110 12.5.1).
            if specificity > best.get(form, (_NEVER, 0.0, 0))[0]:
                best[form] = (specificity, quality, order)
    acceptable = [form for form, (_, quality, _) in best.items() if quality > 0]
    return sorted(acceptable, key=lambda form: (-best[form][1], best[form][2]))


def _matches(media_range: MediaType, syntaxes: frozenset[str]) -> Iterator[tuple[Form, int]]:
    """Yield the forms that a media range covers, each with how specifically it does."""
    parameters = media_range.parameters
    syntax = parameters.get("transfer-syntax", "*")
    if syntax != "*" and syntaxes - {syntax}:
        return
    exactness = 1 if syntax != "*" else 0
    match media_range.essence:
        case "application/dicom":
            yield Form.SINGLE_PART, 4 + exactness
        case "application/*":
            yield Form.SINGLE_PART, 2
        case "*/*":
            yield Form.SINGLE_PART, 1
        case "multipart/related" if parameters.get("type", DICOM).lower() in (
            DICOM,
            "application/*",
            _ANYTHING,
        ):
            yield Form.MULTIPART, 4 + exactness
