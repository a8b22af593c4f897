"""Proxies of the environment, with and without credentials."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
import trustme

from stowport.command import main
from stowport.credentials import Credentials
from stowport.messages import Request
from stowport.proxies import Proxy, proxy_for
from stowport.tls import Unsuitable
from stowport.transport import Transport, Unreachable
from tests.builders import instance
from tests.client.stub import Reply, Stub, serving
from tests.client.test_tls import AUTHORITY, of_server

ARCHIVE = "http://archive.example.org/studies"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


def ask(url: str) -> int:
    transport = Transport(Credentials(), connections=1)
    return transport.exchange(Request(method="GET", url=url, headers={})).status


class Tunnels(ThreadingTCPServer):
    """A proxy that connects whoever asks with the right user and password."""

    daemon_threads = True
    wanted = f"Basic {b64encode(b'us:er:p@ss').decode()}"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.heads: list[str] = []


class Tunnel(StreamRequestHandler):
    server: Tunnels

    def handle(self) -> None:
        head = "".join(line.decode() for line in iter(self.rfile.readline, b"\r\n"))
        self.server.heads.append(head)
        if f"Proxy-Authorization: {self.server.wanted}\r\n" not in head:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        host, _, port = head.split()[1].rpartition(":")
        with socket.create_connection((host, int(port))) as target:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=relay, args=(target, self.connection))
            back.start()
            relay(self.connection, target)
            back.join()


def relay(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def tunnels() -> Iterator[Tunnels]:
    with Tunnels() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


def test_https_goes_through_a_proxy_with_user_and_password(
    listener: socket.socket,
    tunnels: Tunnels,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    user, port = "us%3Aer:p%40ss", tunnels.server_address[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://{user}@127.0.0.1:{port}")
    with serving(listener, of_server()) as stub:
        options = ["--json", "--cacert", str(tmp_path / "ca.pem"), "--token", "x"]
        code = main(["send", str(tmp_path / "a.dcm"), "--url", stub.url, *options])
    assert code == 0, capsys.readouterr().out
    assert len(stub.digests) == 1
    assert tunnels.heads[0].startswith(f"CONNECT {stub.url.removeprefix('https://')} ")
    assert "Bearer" not in tunnels.heads[0]
    assert all("Proxy-Authorization" not in seen.headers for seen in stub.seen)


@pytest.mark.parametrize(
    ("user", "words"),
    [("", "asks for a user and a password (407)"), ("us:no@", "refuses its user and password")],
)
def test_a_proxy_that_refuses_the_credentials_is_named_without_them(
    tunnels: Tunnels, monkeypatch: pytest.MonkeyPatch, user: str, words: str
) -> None:
    place = f"127.0.0.1:{tunnels.server_address[1]}"
    monkeypatch.setenv("https_proxy", f"http://{user}{place}")
    with pytest.raises(Unreachable) as error:
        ask("https://archive.example.org/studies")
    assert f"the proxy http://{place} {words}" in str(error.value)
    assert "in HTTPS_PROXY as http://user:password@host:port" in str(error.value)
    assert "us:no" not in str(error.value)
    assert len(tunnels.heads) == 1


@pytest.mark.parametrize(
    ("status", "tries"), [(403, 1), (502, 7)], ids=["refused by the proxy", "not connected for now"]
)
def test_what_a_proxy_answers_to_connect_is_said(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, status: int, tries: int
) -> None:
    stub.script["CONNECT"] = [Reply(status=status)] * tries
    monkeypatch.setenv("all_proxy", stub.url)
    with pytest.raises(Unreachable, match=f"at the proxy: Tunnel connection failed: {status}"):
        ask("https://archive.example.org/studies")
    assert len(stub.requests("CONNECT")) == tries


def test_plain_http_goes_to_the_proxy_with_its_credentials(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stub.url.replace("//", "//us:p%C3%A4ss@"))
    ask(ARCHIVE)
    (seen,) = stub.seen
    assert seen.path == ARCHIVE
    expected = b64encode("us:päss".encode()).decode()
    assert seen.headers["proxy-authorization"] == f"Basic {expected}"


def test_a_407_to_plain_http_is_named(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.script["GET"] = [Reply(status=407)]
    monkeypatch.setenv("http_proxy", stub.url)
    with pytest.raises(Unreachable, match=r"asks for a user and a password \(407\)"):
        ask(ARCHIVE)


def test_a_407_without_a_proxy_is_somebodys_on_the_way(stub: Stub) -> None:
    stub.script["GET"] = [Reply(status=407)]
    with pytest.raises(Unreachable, match=r"the proxy on the way asks for"):
        ask(stub.url)


@pytest.mark.parametrize(
    "entry", ["archive.example.org", ".example.org", "other,archive.example.org:80", "*"]
)
def test_a_host_of_no_proxy_is_reached_without_one(
    monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert proxy_for("http://archive.example.org:80/studies") == Proxy("http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", entry)
    assert proxy_for("http://archive.example.org:80/studies") is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("proxy:3128", "http://proxy:3128"),
        ("https://proxy", "https://proxy"),
        ("http://[::1]:3128/", "http://[::1]:3128"),
    ],
)
def test_a_proxy_is_given_as_for_curl(monkeypatch: pytest.MonkeyPatch, text: str, url: str) -> None:
    monkeypatch.setenv("http_proxy", text)
    assert proxy_for(ARCHIVE) == Proxy(url)


@pytest.mark.parametrize("text", ["socks5://us:testing@proxy", "http://us:testing@[::1", "http://"])
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", text)
    with pytest.raises(Unsuitable) as error:
        proxy_for(ARCHIVE)
    assert str(error.value).startswith(
        "the proxy in HTTP_PROXY cannot be used, expected http(s)://"
    )
    assert "testing" not in str(error.value)
    assert main(["send", "/absent", "--url", "http://archive.example.org"]) == 2
    assert capsys.readouterr().err.startswith("stowport: the proxy in HTTP_PROXY cannot be used")


def test_a_proxy_that_cannot_be_used_for_another_host_ends_the_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport = Transport(Credentials(), connections=1)
    transport.prepare(ARCHIVE)
    monkeypatch.setenv("HTTP_PROXY", "socks5://proxy")
    with pytest.raises(Unreachable, match="the proxy in HTTP_PROXY cannot be used"):
        transport.exchange(Request(method="GET", url=ARCHIVE, headers={}))


def test_a_proxy_may_speak_tls_itself(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(listener, of_server(trustme.CA().issue_cert("127.0.0.1"))) as stub:
        monkeypatch.setenv("http_proxy", stub.url)
        with pytest.raises(Unreachable, match="at the proxy: its certificate is not trusted"):
            ask(ARCHIVE)
