"""``python -m tests.bench.sink PORT``: a service, and an S3, that take bodies and forget them.

It answers as correctly as a client can tell and costs as little as Python allows, a thread for each
connection: a body goes from the socket into the same memory again and again. POST of ``/studies``
is answered with the SOP Instance UIDs that are in the body, POST of ``/uploads`` with a URL to PUT
to, and that upload is stored at once. Any other PUT is PutObject.
"""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

_BLOCK = 1024 * 1024
_HEAD = 4096
_SOP_INSTANCE = re.compile(rb"\x02\x00\x03\x00UI..([0-9.]+)")
"""Media Storage SOP Instance UID (0002,0003) in File Meta Information, with its length."""

_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_CLASS = "1.2.840.10008.5.1.4.1.1.2"


class Sink(ThreadingHTTPServer):
    """The server; ``uploads`` are the SOP Instance UIDs of each upload, once its body came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.uploads: dict[str, list[str]] = {}
        self.numbers = count(1)


class Handler(BaseHTTPRequestHandler):
    """A connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Sink

    def setup(self) -> None:
        super().setup()
        self.bytes = bytearray(8 * _BLOCK)
        self.memory = memoryview(self.bytes)

    def do_POST(self) -> None:
        if self.path.startswith("/uploads"):
            self.rfile.read(self.length)
            name = str(next(self.server.numbers))
            url = f"http://127.0.0.1:{self.server.server_address[1]}/staging/{name}"
            ticket = {"id": name, "method": "PUT", "url": url, "headers": {}}
            self.answer(json.dumps(ticket).encode(), "application/json")
            return
        assert self.length <= len(self.memory), self.length
        self.rfile.readinto(self.memory[: self.length])
        self.stored(_uids(self.bytes, self.length, self.headers["Content-Type"]))

    def do_PUT(self) -> None:
        """Take an object; say 100 first if that is asked for, as boto3 does."""
        left, head = self.length, b""
        while left:
            read = self.rfile.readinto(self.memory[: min(left, _BLOCK)])
            head = head or bytes(self.memory[: min(read, _HEAD)])
            left -= read
        if self.path.startswith("/staging/"):
            found = _SOP_INSTANCE.search(head)
            assert found
            self.server.uploads[self.path.rpartition("/")[2]] = [found[1].decode()]
        self.answer(b"", "")

    def do_GET(self) -> None:
        self.stored(self.server.uploads[self.path.rpartition("/")[2]])

    def do_OPTIONS(self) -> None:
        self.answer(b"", "")

    @property
    def length(self) -> int:
        return int(self.headers.get("Content-Length") or 0)

    def stored(self, uids: list[str]) -> None:
        """Answer that the instances are stored."""
        items = [
            {
                "00081150": {"vr": "UI", "Value": [_CLASS]},
                "00081155": {"vr": "UI", "Value": [uid]},
            }
            for uid in uids
        ]
        module = {"00081199": {"vr": "SQ", "Value": items}}
        self.answer(json.dumps(module).encode(), "application/dicom+json")

    def answer(self, body: bytes, media_type: str) -> None:
        fields = f"Content-Type: {media_type}\r\n" if media_type else 'ETag: "0"\r\n'
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_: object) -> None:
        pass


def _uids(body: bytearray, size: int, content_type: str) -> list[str]:
    """Return the SOP Instance UID of each part of the body, whose length is ``size``."""
    boundary = _BOUNDARY.search(content_type)
    assert boundary
    delimiter = b"--" + boundary[1].encode()
    uids, position = [], body.find(delimiter, 0, size)
    while position >= 0:
        found = _SOP_INSTANCE.search(body, position, min(position + _HEAD, size))
        position = body.find(delimiter, position + len(delimiter), size)
        if position >= 0:
            assert found
            uids.append(found[1].decode())
    return uids


def main(port: int) -> None:
    Sink(port).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
