"""Media types: what a request holds and what its answer should be (RFC 9110 8.3.1, 12.5.1).

Parameters are read as leniently as existing clients require: quoted or not, in any case and
order, with or without blanks. RFC 2045 Section 5.1 requires quotes around a value with a slash,
yet Orthanc's scripts, curl users and older JavaScript clients send ``type=application/dicom``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dicomweb.errors import MalformedRequest

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
OCTET_STREAM = "application/octet-stream"
MULTIPART_RELATED = "multipart/related"
FORM_DATA = "multipart/form-data"

ALIASES = {
    DICOM_JSON: DICOM_JSON,
    "application/json": DICOM_JSON,
    DICOM_XML: DICOM_XML,
    "application/xml": DICOM_XML,
    "text/xml": DICOM_XML,
}
"""The answer for each acceptable media type; older clients ask for the short names."""

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_PARAMETER = re.compile(r"[\s;]*\Z")
_PARAMETER = re.compile(
    r'[\s;]*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))\s*(?:;|$)', re.DOTALL
)
_QUOTED_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|,', re.DOTALL)
"""An unclosed quote takes all that follows: searching again from each would take squared time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """A parsed media type: ``essence`` is type/subtype and all names are in lower case."""

    essence: str
    parameters: Mapping[str, str]


def parse_media_type(value: str) -> MediaType:
    """Parse the value of a Content-Type field (RFC 9110 8.3.1).

    A folded value is unfolded, as MIME allows (RFC 5322 2.2.3) and HTTP asks of a recipient that
    does not refuse it (RFC 9112 5.2). Raises MalformedRequest if it is not a type, a slash, a
    subtype and parameters. If a parameter is given twice, the first one counts.
    """
    essence, _, rest = _FOLD.sub("", value).partition(";")
    kind, slash, subtype = essence.strip().partition("/")
    if not (slash and _TOKEN.fullmatch(kind) and _TOKEN.fullmatch(subtype)):
        raise MalformedRequest("found a Content-Type without a media type, expected type/subtype")
    return MediaType(essence=f"{kind}/{subtype}".lower(), parameters=_parameters(rest))


def refuse_forms(value: str) -> None:
    """Raise MalformedRequest, with the command that works, if ``value`` is that of a form.

    Whoever meets this has used curl's ``-F`` alone.
    """
    if value.partition(";")[0].strip().lower() == FORM_DATA:
        raise MalformedRequest(
            "found multipart/form-data, expected multipart/related, as sent by curl -H"
            " 'Content-Type: multipart/related' -F 'file=@image.dcm;type=application/dicom' URL"
        )


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while not _NO_PARAMETER.match(text, position):
        match = _PARAMETER.match(text, position)
        if match is None:
            raise MalformedRequest("found a broken Content-Type parameter, expected name=value")
        name, quoted, plain = match.groups()
        value = plain.strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found.setdefault(name.lower(), value)
        position = match.end()
    return found


def negotiate(accept: str | None, accept_parameter: str | None = None) -> str:
    """Return the media type of the answer: ``application/dicom+xml`` or ``+json``.

    ``accept`` is the Accept field and ``accept_parameter`` the query parameter of that name,
    which has precedence unless the field excludes what it asks for (PS3.18 8.7.8). Anything
    invalid is ignored; if nothing acceptable is left, the answer is XML, the default, never 406.
    """
    in_field = _qualities(accept) if accept and accept.strip() else None
    if accept_parameter:
        # A plus sign that was not percent-encoded reaches us as a blank.
        wanted = _best(_qualities(accept_parameter.replace("dicom ", "dicom+")))
        if wanted and (in_field is None or in_field[wanted][0] > 0):
            return wanted
    return (in_field and _best(in_field)) or DICOM_XML


def _qualities(accept: str) -> dict[str, tuple[float, int, int]]:
    """Return for each media type of an answer its quality, the range's specificity, and order.

    The most specific range that matches decides (RFC 9110 12.5.1).
    """
    qualities = dict.fromkeys((DICOM_XML, DICOM_JSON), (0.0, -1, 0))
    for order, (media_range, quality) in enumerate(ranges(accept)):
        for answer, (_, specificity, _) in qualities.items():
            specific = _specificity(media_range, answer)
            if specific > specificity:
                qualities[answer] = (quality, specific, -order)
    return qualities


def _best(qualities: Mapping[str, tuple[float, int, int]]) -> str | None:
    answer = max(qualities, key=qualities.__getitem__)
    return answer if qualities[answer][0] > 0 else None


def _specificity(media_range: MediaType, answer: str) -> int:
    """Return how specifically the range names this answer: 3 to 0, or -1 if not at all."""
    essence = media_range.essence
    if essence == MULTIPART_RELATED:
        essence = media_range.parameters.get("type", "").lower()
    if essence == answer:
        return 3
    if ALIASES.get(essence) == answer:
        return 2
    return {"application/*": 1, "*/*": 0}.get(essence, -1)


def json_quality(accept: str | None) -> float:
    """Return the quality of ``application/dicom+json`` in ``accept``, 0 if it is not acceptable."""
    if not (accept and accept.strip()):
        return 1.0
    # A plus sign in a query that was not percent-encoded reaches us as a blank.
    return _qualities(accept.replace("dicom ", "dicom+"))[DICOM_JSON][0]


def ranges(accept: str) -> Iterator[tuple[MediaType, float]]:
    """Yield the media ranges of an Accept field with their qualities, without invalid ones."""
    for item in _split_list(accept):
        try:
            media_range = parse_media_type(item)
            quality = float(media_range.parameters.get("q", "1"))
        except (MalformedRequest, ValueError):
            continue
        if 0 <= quality <= 1:
            yield media_range, quality


def _split_list(text: str) -> Iterator[str]:
    """Split a list field at its commas, but not at those inside quotes (RFC 9110 5.6.1)."""
    start = 0
    for match in _QUOTED_OR_COMMA.finditer(text):
        if match.group() == ",":
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]
