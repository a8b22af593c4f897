"""Sends what was stored to another server with STOW-RS, byte for byte, one instance in a request.

An event may come twice: a server that has the instance answers as if it were new. If one instance
of an event is not taken, the event comes again with all of them.
"""

import json
import os
from collections.abc import Iterator
from itertools import chain
from secrets import token_hex
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3

_CHUNK = 1 << 20
_SECONDS = 300


class NotTaken(Exception):
    """The server did not store an instance; the message has its status."""


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    """Take one ``Instances Stored``."""
    detail = event["detail"]
    s3 = boto3.client("s3")
    statuses: dict[str, int] = {}
    for instance in detail["instances"]:
        body = s3.get_object(Bucket=detail["bucket"], Key=instance["key"])["Body"]
        status = send(instance["size"], body.iter_chunks(_CHUNK))
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    print(json.dumps({"forwarded": statuses}))  # noqa: T201  its log
    if failed := sorted(set(statuses) - {"200", "202"}):
        raise NotTaken(f"found {', '.join(failed)}, expected 200 or 202")


def send(size: int, content: Iterator[bytes]) -> int:
    """Send an instance of ``size`` bytes while it is read; return the status of the answer."""
    boundary = token_hex(16)  # which no instance has in it
    begin = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    end = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Content-Length": str(len(begin) + size + len(end)),
        "Accept": "application/dicom+json",
    }
    if token := os.environ.get("STOW_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    url = f"{os.environ['STOW_URL'].rstrip('/')}/studies"
    body = chain([begin], content, [end])
    request = Request(url, body, headers, method="POST")  # noqa: S310  the operator's URL
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  the same
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
