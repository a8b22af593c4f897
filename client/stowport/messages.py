"""Requests as they are to be sent, and the responses to them (RFC 9110)."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from stowport.bodies import Block

WAIT = frozenset((429, 502, 503, 504))
"""Statuses with which a server, or a gateway in front of it, asks for the request later."""

_LONGEST_RETRY_AFTER = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back; field names are in lower case, ``warnings`` the values of Warning."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    warnings: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """Return type and subtype, in lower case and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be sent; ``blocks`` is called again for the body of each try.

    ``sign`` returns further header fields for each try, because a signature is valid for minutes.
    ``again`` are the statuses after which it is tried again. One that is not ``is_urgent`` does
    not show that the server is down if it gets no other.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    size: int = 0
    blocks: Callable[[], Iterable[Block]] = tuple
    again: frozenset[int] = WAIT
    is_urgent: bool = True
    sign: Callable[["Request"], Mapping[str, str]] | None = None

    def fields(self) -> dict[str, str]:
        """Return the header fields of the next try."""
        return {**self.headers, **(self.sign(self) if self.sign else {})}

    def authorized(self, authorization: str | None) -> "Request":
        """Return the request with this Authorization field, or as it is without one."""
        if authorization is None:
            return self
        return replace(self, headers={**self.headers, "Authorization": authorization})


def retry_after(response: Response) -> float:
    """Return the seconds that Retry-After asks for, 0 without it (RFC 9110 10.2.3)."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value) if value.isdigit() else _seconds_until(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return float(min(max(seconds, 0.0), _LONGEST_RETRY_AFTER))


def _seconds_until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()
