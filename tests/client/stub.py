"""A STOW-RS server for the tests: it reads as the service does, and can be told to misbehave."""

import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mmap import ACCESS_READ, mmap
from typing import IO, Any
from xml.etree import ElementTree as ET

from dicomweb.answer import responsemodule
from dicomweb.conformance import StorageProfile
from dicomweb.envelope import mediatypes
from dicomweb.errors import MalformedRequest
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed, Outcome, Stored, status_of
from dicomweb.payloads import candidates, read_parts
from dicomweb.reasons import FailureReason
from stowport.relay.target import PROBE

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answers; None for a connection that is cut off instead."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    size: int


@dataclass(slots=True, kw_only=True)
class Upload:
    content_type: str
    size: int
    study: str | None
    stream: IO[bytes]
    answer: Reply | None = None
    asked: int = 0


class Stub(ThreadingHTTPServer):
    """``script`` answers the next requests of a method; None in it cuts the connection.

    A store request is answered when the stub is ``open``, the others at once; an upload is not
    stored as long as it ``holds_uploads``.
    Each test has its own at the address of ``listener``, which the relays of a run know.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener.dup()
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.connections: list[socket.socket] = []
        self.lock = threading.Lock()
        self.limit = 4_700_000
        self.has_uploads = True
        self.part_size = 0
        self.token: str | None = None
        self.retrieve_base_url = ""
        self.out_of_resources = 0
        self.room = 1_000_000
        self.commitment = Reply(status=404)
        self.committed: Callable[[str, bytes], Reply] = lambda *_: self.commitment
        self.open = threading.Event()
        self.open.set()
        self.holds_uploads = threading.Event()
        self.script: dict[str, list[Reply | None]] = {}
        self.staging_script: list[Reply] = []
        self.seen: list[Seen] = []
        self.digests: list[str] = []
        self.uploads: dict[str, Upload] = {}

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def leave(self) -> None:
        """End what is still connected, so that nobody goes on talking to this stub."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def requests(self, method: str, path: str = "") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and path in seen.path]

    def store(self, content_type: str | None, payload: bytes | mmap, study: str | None) -> Reply:
        try:
            root_type, parts = read_parts(content_type, payload)
        except MalformedRequest as refusal:
            return status_report(400, str(refusal))
        outcomes: list[Outcome] = []
        for candidate in candidates(root_type, parts, url=self.url, study_instance_uid=study):
            instance = receive(
                candidate, study_instance_uid=study, profile=StorageProfile.CONFORMANCE
            )
            outcomes.append(self._keep(instance))
        module = responsemodule.store_instances_response(outcomes, self.retrieve_base_url)
        failed = [each for each in outcomes if isinstance(each, Failed)]
        first = {each.reason: each.text for each in reversed(failed)}
        headers = {"Content-Type": mediatypes.DICOM_JSON}
        if first:
            texts = [f'299 stub "{reason:04X}: {text}"' for reason, text in first.items()]
            headers["Warning"] = ", ".join(texts)
        body = responsemodule.encode(module, mediatypes.DICOM_JSON).encode()
        return Reply(status=status_of(outcomes), headers=headers, body=body)

    def _keep(self, instance: SOPInstance | Failed) -> Outcome:
        if isinstance(instance, Failed):
            return instance
        with self.lock:
            if self.out_of_resources or len(self.digests) == self.room:
                self.out_of_resources = max(self.out_of_resources - 1, 0)
                return Failed(
                    reason=FailureReason.OUT_OF_RESOURCES,
                    text="no time was left",
                    reference=instance.reference,
                    temporary=True,
                )
            self.digests.append(sha256(instance.content).hexdigest())
        return Stored(
            reference=instance.reference,
            study_instance_uid=instance.study_instance_uid,
            series_instance_uid=instance.series_instance_uid,
        )

    def scripted(self, method: str) -> list[Reply | None]:
        """Return the next answer of the script, if there is one."""
        with self.lock:
            replies = self.script.get(method, [])
            self.script[method] = replies[1:]
            return replies[:1]

    def open_upload(self, wanted: dict[str, Any]) -> Reply:
        name = f"u{len(self.uploads)}"
        upload = Upload(
            content_type=wanted["contentType"],
            size=wanted["size"],
            study=wanted.get("studyInstanceUID"),
            stream=tempfile.TemporaryFile(),  # noqa: SIM115 - closed with the test's process
        )
        self.uploads[name] = upload
        ticket: dict[str, Any] = {"id": name, "location": f"{self.url}/uploads/{name}"}
        if not self.part_size:
            headers = {"Content-Type": upload.content_type, "If-None-Match": "*"}
            ticket |= {"method": "PUT", "url": f"{self.url}/staging/{name}", "headers": headers}
        else:
            offsets = range(0, upload.size, self.part_size)
            ticket["parts"] = [
                {
                    "offset": offset,
                    "size": min(self.part_size, upload.size - offset),
                    "url": f"{self.url}/staging/{name}?offset={offset}",
                    "headers": {},
                }
                for offset in offsets
            ]
            ticket["complete"] = {
                "method": "POST",
                "url": f"{self.url}/staging/{name}",
                "contentType": "application/xml",
            }
        return json_reply(ticket)

    def ingest(self, name: str) -> None:
        upload = self.uploads[name]
        upload.stream.flush()
        payload = mmap(upload.stream.fileno(), upload.size, access=ACCESS_READ)
        upload.answer = self.store(upload.content_type, payload, upload.study)


def status_report(status: int, text: str, **headers: str) -> Reply:
    body = responsemodule.encode(responsemodule.status_report(text), mediatypes.DICOM_XML).encode()
    fields = {"Content-Type": mediatypes.DICOM_XML} | headers
    return Reply(status=status, headers=fields, body=body)


def json_reply(content: object, **headers: str) -> Reply:
    fields = {"Content-Type": "application/json"} | headers
    return Reply(status=200, headers=fields, body=json.dumps(content).encode())


@contextmanager
def serving(listener: socket.socket, tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    server = Stub(listener, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.open.set()
        server.holds_uploads.clear()
        server.shutdown()
        thread.join()
        server.server_close()
        server.leave()
        for upload in server.uploads.values():
            upload.stream.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Stub

    def _answer(self) -> None:
        body = self._body()
        size = body.seek(0, 2)
        body.seek(0)
        fields = {name.lower(): value for name, value in self.headers.items()}
        with body:
            if fields.get("user-agent") == PROBE:  # of a relay; it comes when it comes
                (reply,) = self.server.scripted("PROBE") or (self._route(body, size),)
            else:
                self.server.seen.append(
                    Seen(method=self.command, path=self.path, headers=fields, size=size)
                )
                (reply,) = self.server.scripted(self.command) or (self._route(body, size),)
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._answer

    def log_message(self, *_: object) -> None:
        pass

    def _body(self) -> IO[bytes]:
        stream = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            block = self.rfile.read(min(left, _BLOCK))
            if not block:
                break
            stream.write(block)
            left -= len(block)
        return stream

    def _route(self, body: IO[bytes], size: int) -> Reply:
        server = self.server
        path, _, query = self.path.partition("?")
        collection, _, name = path.strip("/").partition("/")
        if collection == "staging":
            return self._stage(name, query, body, size)
        if server.token and self.headers["Authorization"] != f"Bearer {server.token}":
            return status_report(401, "found no token")
        match self.command, collection:
            case "OPTIONS", _:
                reply = Reply(status=200, headers={"Allow": "OPTIONS, POST", "X-Stub": self.path})
            case "POST", "studies":
                reply = self._store(name, body, size)
            case "POST", "uploads" if server.has_uploads:
                reply = server.open_upload(json.load(body))
            case (("GET" | "POST"), "commitment-requests"):
                reply = server.committed(f"{self.command} {name}", body.read())
            case "GET", "uploads":
                reply = self._outcome(server.uploads[name])
            case _:
                reply = Reply(status=404)
        return reply

    def _store(self, study: str, body: IO[bytes], size: int) -> Reply:
        self.server.open.wait()
        if size > self.server.limit:
            return status_report(400, "too large, POST to /uploads")
        return self.server.store(self.headers["Content-Type"], body.read(), study or None)

    def _outcome(self, upload: Upload) -> Reply:
        upload.asked += 1
        if upload.answer is None or upload.asked == 1 or self.server.holds_uploads.is_set():
            return json_reply({"state": "pending"}, Retry_After="0")
        return upload.answer

    def _stage(self, name: str, query: str, body: IO[bytes], size: int) -> Reply:
        upload = self.server.uploads[name]
        if self.server.staging_script:
            return self.server.staging_script.pop(0)
        if self.command == "PUT":
            assert "Authorization" not in self.headers
            with self.server.lock:  # parts come at the same time
                upload.stream.seek(int(query.removeprefix("offset=") or 0))
                for block in iter(lambda: body.read(_BLOCK), b""):
                    upload.stream.write(block)
            if query:
                return Reply(status=200, headers={"ETag": f'"{name}-{query[7:]}"'})
            assert size == upload.size
            assert self.headers["If-None-Match"] == "*"
        else:
            numbers = [each.text for each in ET.fromstring(body.read()).iter("PartNumber")]
            assert numbers == [str(number + 1) for number in range(len(numbers))]
        self.server.ingest(name)
        return Reply(status=200)
