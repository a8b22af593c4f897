"""Whatever bytes a server sends, the send ends with words and a code, and confirms nothing."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stowport.command import main
from tests.builders import instance

OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"Content-Type: application/dicom+json\r\n"
CLOSED = b"Connection: close\r\n\r\n"

ANSWERS = {
    "nothing": b"",
    "garbage": b"\x00\xff\x1b[2J" * 100,
    "no version": b"200 OK\r\n\r\n",
    "http/0.9": b"<html>hello</html>",
    "a status of 99999": b"HTTP/1.1 99999 ?\r\n" + CLOSED,
    "a status of 000": b"HTTP/1.1 000 ?\r\n" + CLOSED,
    "a status of 100 for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "a status of 101": b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
    "a status of 204": b"HTTP/1.1 204 None\r\n\r\n",
    "half a header": OK + b"Content-Type: appl",
    "a field without a colon": OK + b"Content-Type\r\n" + CLOSED,
    "a very long field": OK + b"X: " + b"y" * 200_000 + b"\r\n" + CLOSED,
    "very many fields": OK + b"X: y\r\n" * 5000 + CLOSED,
    "fields of no text": OK + b"\xff\xfe: \xff\x1b[2J\r\nWarning: \xff\r\n" + CLOSED,
    "a length that is none": OK + b"Content-Length: x\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -5\r\n\r\n{}",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a body that ends early": JSON + b"Content-Length: 50\r\n\r\n{}",
    "chunks that are none": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a chunk that ends early": OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{}",
    "what is no gzip": JSON + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "a gzip that unfolds": JSON
    + b"Content-Encoding: gzip\r\n"
    + CLOSED
    + gzip.compress(b"[" * 3_000_000),
    "an unknown encoding": JSON + b"Content-Encoding: zz\r\nContent-Length: 2\r\n\r\n{}",
    "a charset that is none": OK
    + b"Content-Type: application/dicom+xml; charset=\xff\r\n"
    + CLOSED
    + b"<a/>",
    "a redirect to itself": b"HTTP/1.1 302 Found\r\nLocation: /studies\r\n" + CLOSED,
    "a redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation: \x1b[2J://[::1\r\n" + CLOSED,
    "a strange wait": b"HTTP/1.1 503 -\r\nRetry-After: \xb2\r\n" + CLOSED,
    "a challenge that is none": b"HTTP/1.1 401 -\r\nWWW-Authenticate: \xff,,=\r\n" + CLOSED,
    "a proxy's challenge": b"HTTP/1.1 407 -\r\n" + CLOSED,
}


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Give the URL of a server that reads one request per connection and sends ``answer``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, answer), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, answer: bytes) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.settimeout(5)
                received = b""
                while b"\r\n\r\n" not in received or not received.endswith((b"--\r\n", b"}")):
                    block = connection.recv(65536)
                    if not block:
                        break
                    received += block
                connection.sendall(answer)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_answer_ends_in_a_traceback_or_in_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes
) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    with answering(answer) as url:
        code = main(["send", str(tmp_path / "a.dcm"), "--url", url, "--json", "--tries", "2"])
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert code in (1, 2)
    assert result["stored"] == []
    assert result["fault"] or result["refused"][0]["text"]
    assert "\x1b" not in printed.out + printed.err
