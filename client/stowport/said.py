"""What a server says in words if its answer is not a Store Instances Response Module.

Such answers have no standard. The shapes that are read are those of Orthanc, of Azure, of Google,
of AWS's services, of RFC 9457, and the pages of proxies.
"""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from stowport.messages import Response

_LONGEST = 300
_MEMBERS = ("message", "detail", "title", "error_description", "error")
_ELEMENT = re.compile(
    r"<(?P<name>Message|title)\b[^>]*>(.*?)</(?P=name)>", re.IGNORECASE | re.DOTALL
)


def notation(response: Response) -> str:
    """Return whether the body is "json" or "xml", "text" if it is neither.

    Bodies without a media type are recognized: Orthanc's answers of 400 and 409 have none.
    """
    if not response.media_type:
        start = response.body.lstrip()[:1]
        return {b"{": "json", b"[": "json", b"<": "xml"}.get(start, "text")
    found = re.search(r"[/+-](json|xml)\b", response.media_type)  # also x-amz-json-1.1
    return found[1] if found else "text"


def said(response: Response) -> str:
    """Return the words in the body of ``response`` in one line, "" if there are none."""
    body = response.body.decode("utf-8", "replace")
    text = _of_json(body) if notation(response) == "json" else _of_text(body)
    return " ".join(text.split())[:_LONGEST]


def _of_text(body: str) -> str:
    if not body.lstrip().startswith("<"):
        return body
    found = _ELEMENT.search(body)
    return unescape(found[2]) if found else ""


def _of_json(body: str) -> str:
    try:
        return _of_value(json.loads(body))
    except (ValueError, RecursionError):
        return ""


def _of_value(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Return the first text that is found; Google and FHIR put it one level deeper."""
    if isinstance(value, list) and value:
        return _of_value(value[0])
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    members = {name.lower(): each for name, each in value.items()}
    texts = (_of_value(members[name]) for name in _MEMBERS if name in members)
    text = next(filter(None, texts), "")
    details = members.get("details")  # of Orthanc, beside its Message
    return f"{text}: {details}" if text and isinstance(details, str) and details else text


def target_of_redirect(response: Response) -> str:
    """Return where a redirect leads, without user, query and fragment, which may be secret."""
    try:
        parts = urlsplit(response.headers.get("location", ""))
    except ValueError:
        return ""
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return place[:_LONGEST] if place.isprintable() else ""
