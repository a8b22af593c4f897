"""Find the bulk data that metadata refers to (PS3.18 8.6.1.2, 10.5.1.4).

A part is found only by its Content-Location: first by the same string, and then, because senders
may write a relative reference in one place and an absolute one in the other, by the same URI after
both are resolved against the request's URL and normalised (RFC 3986 5.2, 6.2.2). A UUID matches
with and without ``urn:uuid:``. A value that has no part in the request is missing. Nothing is ever
fetched, whatever scheme the URI has.

Thousands of elements may refer to the same URI, and a URI may stand for thousands of frames:
each URI is resolved once, and the frames below a location are put in order once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_letters, digits
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from dicomweb.candidates import check_unencoded
from dicomweb.envelope.mediatypes import OCTET_STREAM, MediaType, parse_media_type
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata.notation import is_short
from dicomweb.reasons import FailureReason

_BYTES_A_PART = 512
"""What a part costs in an instance that refers to it, in addition to its content."""

_FRAME = re.compile(r"(.+)/frames/([1-9][0-9]{0,8})", re.DOTALL)
_UNRESERVED = frozenset(ascii_letters + digits + "._~-")
_URN = "urn:uuid:"
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_RESERVED = ":/?#[]@!$&'()*+,;="


class BulkData:
    """The parts of a request that are not metadata, by the location that they state."""

    def __init__(self, parts: Iterable[BodyPart], url: str) -> None:
        self.parts = list(parts)
        self.url = url
        self.exact: dict[str, list[BodyPart]] = {}
        self.normalised: dict[str, list[BodyPart]] = {}
        self.frames: dict[str, dict[int, BodyPart]] = {}
        self._found: dict[str, Sequence[BodyPart]] = {}
        self._sizes: dict[int, int] = {}
        for part in self.parts:
            location = part.headers.get("content-location")
            if location and is_short(location):
                self._place(part, location)
        self._in_order = {at: _in_order(frames) for at, frames in self.frames.items()}

    def _place(self, part: BodyPart, location: str) -> None:
        normalised = self._normalise(location)
        self.exact.setdefault(location, []).append(part)
        self.normalised.setdefault(normalised, []).append(part)
        frame = _FRAME.fullmatch(normalised)
        if frame:
            self.frames.setdefault(frame[1], {}).setdefault(int(frame[2]), part)

    def find(self, uri: str) -> Sequence[BodyPart]:
        """Return the parts of a BulkDataURI, or none if they are not there.

        Several parts are the frames of pixel data, in order: they all have the same location, or
        the URI followed by ``/frames/1`` and so on, of which none may be missing.
        """
        if uri not in self._found:
            self._found[uri] = self._resolve(uri)
        return self._found[uri]

    def size(self, parts: Sequence[BodyPart]) -> int:
        """Return what the parts that were found cost in each instance that refers to them."""
        if id(parts) not in self._sizes:
            self._sizes[id(parts)] = sum(len(part.content) + _BYTES_A_PART for part in parts)
        return self._sizes[id(parts)]

    def _resolve(self, uri: str) -> Sequence[BodyPart]:
        if uri.lower().startswith(_URN):
            uuid = uri[len(_URN) :]
            return self._find(urn(uuid)) or self._find(uuid)
        return self._find(uri)

    def _find(self, uri: str) -> Sequence[BodyPart]:
        normalised = self._normalise(uri)
        parts = self.exact.get(uri) or self.normalised.get(normalised)
        return parts or self._in_order.get(normalised, ())

    def unreferenced(self, uris: Iterable[str]) -> list[BodyPart]:
        """Return the parts that none of the BulkDataURIs of a request refers to, in order."""
        found = {id(parts): parts for parts in map(self.find, set(uris))}
        numbers = {part.number for parts in found.values() for part in parts}
        return [part for part in self.parts if part.number not in numbers]

    def _normalise(self, uri: str) -> str:
        if uri.lower().startswith(_URN):
            return uri.lower()
        try:
            resolved = urlsplit(urljoin(self.url, _escaped(uri)))
        except ValueError:  # an invalid port or address: it equals only itself
            return uri
        return urlunsplit(resolved._replace(netloc=resolved.netloc.lower()))


def _in_order(frames: Mapping[int, BodyPart]) -> Sequence[BodyPart]:
    """Return the frames by their numbers, or none if one is missing."""
    return [frames[number] for number in sorted(frames)] if max(frames) == len(frames) else ()


def urn(uuid: str) -> str:
    """Return the URN of a UUID, which may be a URN already, or "" for an empty string."""
    return _URN + uuid if uuid and not uuid.lower().startswith(_URN) else uuid


def _escaped(uri: str) -> str:
    """Escape what must be escaped, as UTF-8, and nothing else (RFC 3986 6.2.2.2)."""
    return quote(_ESCAPED.sub(_unescaped, uri), safe=f"{_RESERVED}%")


def _unescaped(found: re.Match[str]) -> str:
    text = found.group()
    character = chr(int(text[1:], 16))
    return character if character in _UNRESERVED else text.upper()


def missing() -> InstanceRejected:
    """Return the refusal (A922) of an instance whose bulk data is not in the request."""
    return InstanceRejected(
        FailureReason.MISSING_BULK_DATA,
        "found no part, or not all frames, for a BulkDataURI in the metadata, expected a part"
        " whose Content-Location equals that URI",
    )


def media_type_of(part: BodyPart) -> MediaType:
    """Return the media type of a bulk data part; without Content-Type it is uncompressed.

    Raises InstanceRejected (C000) if the type is invalid, or if the content has a transfer
    encoding.
    """
    check_unencoded(part)
    try:
        return parse_media_type(part.headers.get("content-type") or OCTET_STREAM)
    except MalformedRequest as error:
        raise InstanceRejected(FailureReason.CANNOT_UNDERSTAND, str(error)) from error
