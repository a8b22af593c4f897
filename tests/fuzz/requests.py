"""An input that is a request as a client sends it: a head, an empty line and a payload."""

import re
from dataclasses import dataclass
from typing import Self

from tests.fuzz.mutations import MAX_HEAD

_TARGET = re.compile(rb"\A\w+ \S*/studies/([^ ?]*)")
_FIELD = re.compile(rb"\r\n([\w-]+):[ \t]*([^\r\n]*)")


@dataclass(frozen=True)
class Request:
    """What a head says: the study of the target, and the fields; and the payload."""

    study: str | None
    headers: dict[str, str]
    payload: bytes

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")

    @classmethod
    def read(cls, request: bytes) -> Self:
        head, _, payload = request.partition(b"\r\n\r\n")
        study = _TARGET.match(head[:MAX_HEAD])
        fields = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in _FIELD.findall(b"\r\n" + head[:MAX_HEAD])
        }
        return cls(study.group(1).decode("latin-1") if study else None, fields, payload)
