"""HTTP messages as the gateway sees them: whole, and as bytes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request. ``path`` is as sent, percent-encoded and without the query."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    source_ip: str
    request_id: str = field(default_factory=lambda: str(uuid4()))

    def header(self, name: str, default: str = "") -> str:
        """Return the last value of the header ``name``, given in lower case."""
        return dict(self.headers).get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response."""

    status_code: int
    headers: Headers
    body: bytes


def is_binary(media_type: str, binary_media_types: Iterable[str]) -> bool:
    """Return whether ``media_type``, whatever its parameters, is among the API's binary types."""
    essence = re.split("[;,]", media_type, maxsplit=1)[0].strip().lower()
    return bool({essence, f"{essence.partition('/')[0]}/*", "*/*"} & set(binary_media_types))
