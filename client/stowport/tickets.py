"""What the service answers to an announced body: the URLs to put it to.

The sender puts patients' data there, so a ticket is read with care: the scheme of its URLs is that
of the service, its ranges are those of the body, and of its fields only those of S3 are sent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_FIELDS = frozenset(("content-type", "content-md5", "content-length", "if-none-match"))
_PREFIX_OF_S3 = "x-amz-"
_LENGTH = "content-length"
_NAME = re.compile(r"[a-z0-9-]+")


class BadTicket(Exception):
    """The ticket is not understood, or not to be trusted; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to put a range of the body, and with which fields."""

    url: str
    headers: Mapping[str, str]
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """How to upload: ``complete`` is the URL and the media type that end an upload in parts."""

    name: str
    targets: list[Target]
    complete: tuple[str, str] | None


def read_ticket(content: bytes, service: str, size: int) -> Ticket:
    """Return the ticket for a body of ``size`` bytes; raise BadTicket."""
    try:
        ticket = json.loads(content)
        return _ticket(ticket, urlsplit(service).scheme, size)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise BadTicket("the answer of the server's /uploads is not understood") from error


def _ticket(ticket: Mapping[str, Any], scheme: str, size: int) -> Ticket:
    name = _text(ticket["id"])
    if "parts" not in ticket:
        return Ticket(name=name, targets=[_target(ticket, scheme, 0, size)], complete=None)
    targets = [_target(part, scheme, part["offset"], part["size"]) for part in ticket["parts"]]
    end = 0
    for target in targets:
        if target.offset != end or target.size < 1:
            raise BadTicket("found parts of an upload with gaps, expected those of the whole body")
        end += target.size
    if end != size:
        raise BadTicket(f"found parts of an upload for {end} bytes, expected them for {size}")
    complete = ticket["complete"]
    url = _checked(complete["url"], scheme)
    return Ticket(name=name, targets=targets, complete=(url, _text(complete["contentType"])))


def _target(target: Mapping[str, Any], scheme: str, offset: int, size: int) -> Target:
    headers = {_text(name): _text(value) for name, value in target.get("headers", {}).items()}
    for name in map(str.lower, headers):
        is_known = name in _FIELDS or name.startswith(_PREFIX_OF_S3)
        if not (is_known and _NAME.fullmatch(name)):
            raise BadTicket("found a field in the upload's ticket that is not one of S3's")
    sent = {name: value for name, value in headers.items() if name.lower() != _LENGTH}
    return Target(url=_checked(target["url"], scheme), headers=sent, offset=offset, size=size)


def _checked(url: object, scheme: str) -> str:
    """Return the URL; raise BadTicket unless it has the scheme of the service and no user.

    Raises ValueError if it is no URL, or has a port that is none.
    """
    found = _text(url)
    parts = urlsplit(found)
    unfit = parts.port == 0 or parts.username is not None
    if parts.scheme != scheme or not parts.hostname or unfit:
        raise BadTicket(f"found a URL in the upload's ticket that is not one of {scheme}")
    return found


def _text(value: object) -> str:
    """Return text that can be sent in a header; raise ValueError if it cannot."""
    if not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise ValueError
    return value
