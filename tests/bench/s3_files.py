"""``python -m tests.bench.s3_files PORT FOLDER RATE``: an S3 whose objects are files, and DynamoDB.

It does what ingest asks of S3 with a large body, and moves every byte: a range is sent from the
file, and a copy is read and written, by the thread of its connection. A key is a name in FOLDER.
A request moves at most RATE bytes a second, if that is not 0.
DynamoDB is that of ``aws_stub``.
"""

import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.bench.aws_stub import Aws

_BLOCK = 1024 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_ETAG = '"0"'


class Files(ThreadingHTTPServer):
    """The server."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, folder: Path, rate: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder, self.rate = folder, rate
        self.aws = Aws()
        self.numbers = count(1)


class Handler(BaseHTTPRequestHandler):
    """A connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Files

    def do_GET(self) -> None:
        """GetObject of a range."""
        with self.place().open("rb") as file:
            first, last = self.wanted("Range", file.fileno())
            fields = f"ETag: {_ETAG}\r\nContent-Range: bytes {first}-{last}/*\r\n"
            self.wfile.write(self.head(206, last + 1 - first, fields))
            for start, size in self.paced(first, last + 1):
                _send(self.connection, file, start, start + size)

    def do_PUT(self) -> None:
        """CopyObject and UploadPartCopy."""
        source = self.headers.get("x-amz-copy-source")
        assert source, self.path
        part = self.query.get("partNumber", ["whole"])[0]
        kind = "CopyPartResult" if "partNumber" in self.query else "CopyObjectResult"
        with (
            (self.server.folder / quote(unquote(source).partition("/")[2], safe="")).open(
                "rb"
            ) as file,
            self.place(f".{part}").open("wb") as target,
        ):
            first, last = self.wanted("x-amz-copy-source-range", file.fileno())
            memory = memoryview(bytearray(_BLOCK))
            for start, size in self.paced(first, last + 1):
                read = os.preadv(file.fileno(), [memory[:size]], start)
                os.write(target.fileno(), memory[:read])
        self.answer(f"<{kind}><ETag>{_ETAG}</ETag></{kind}>".encode(), "application/xml")

    def do_POST(self) -> None:
        """CreateMultipartUpload, CompleteMultipartUpload, and DynamoDB."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "x-amz-target" in self.headers:
            headers = {name.lower(): value for name, value in self.headers.items()}
            _, media_type, answer = self.server.aws.answer("POST", self.path, headers, body)
            self.answer(answer, media_type)
        elif "uploadId" in self.query:
            done = f"<ETag>{_ETAG}</ETag>"
            self.answer(
                f"<CompleteMultipartUploadResult>{done}</CompleteMultipartUploadResult>".encode(),
                "application/xml",
            )
        else:
            begun = f"<UploadId>{next(self.server.numbers)}</UploadId>"
            self.answer(
                f"<InitiateMultipartUploadResult>{begun}</InitiateMultipartUploadResult>".encode(),
                "application/xml",
            )

    def do_DELETE(self) -> None:
        """Forget the items, for the benchmark."""
        self.server.aws = Aws()
        self.answer(b"", "application/xml")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def place(self, part: str = "") -> Path:
        """Return the file of the key in the path, after the bucket."""
        key = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")[2]
        return self.server.folder / (quote(key, safe="") + part)

    def wanted(self, field: str, file: int) -> tuple[int, int]:
        """Return the first and the last byte of the range that is asked for."""
        found = _RANGE.fullmatch(self.headers.get(field, ""))
        return (int(found[1]), int(found[2])) if found else (0, os.fstat(file).st_size - 1)

    def paced(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield blocks of a range, as offset and size, at the rate of a request."""
        started = time.monotonic()
        for start in range(first, end, _BLOCK):
            yield start, min(_BLOCK, end - start)
            if self.server.rate:
                due = started + (start + _BLOCK - first) / self.server.rate
                time.sleep(max(0.0, due - time.monotonic()))

    def answer(self, body: bytes, media_type: str) -> None:
        self.wfile.write(self.head(200, len(body), f"Content-Type: {media_type}\r\n") + body)

    def head(self, status: int, length: int, fields: str) -> bytes:
        return f"HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n{fields}\r\n".encode()

    def log_message(self, *_: object) -> None:
        pass


def _send(connection: socket.socket, file: IO[bytes], offset: int, end: int) -> None:
    while offset < end:
        offset += os.sendfile(connection.fileno(), file.fileno(), offset, end - offset)


if __name__ == "__main__":
    Files(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])).serve_forever()
