"""Requests that are tried again, and how long they wait."""

import time
from email.utils import formatdate

import pytest

from stowport.bodies import BLOCK, Buffer, Part, RelatedBody
from stowport.command import main
from stowport.credentials import Credentials, NoToken
from stowport.messages import Request, Response, retry_after
from stowport.transport import Stopped, Transport, Unreachable
from tests.client.stub import Stub


def get(url: str) -> Request:
    return Request(method="GET", url=url, headers={})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("", 0), ("7", 7), ("-1", 0), ("soon", 0), ("99999", 600), (formatdate(0), 0)],
)
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert retry_after(Response(status=503, headers={"retry-after": value})) == seconds


def test_retry_after_as_a_date() -> None:
    headers = {"retry-after": formatdate(time.time() + 60, usegmt=True)}
    assert 55 < retry_after(Response(status=503, headers=headers)) <= 60


def test_a_stop_ends_the_waiting() -> None:
    connection = Transport(Credentials(), connections=1)
    connection.stop.set()
    with pytest.raises(Stopped):
        connection.exchange(get("http://127.0.0.1:9"))


def test_a_server_without_tls_is_not_tried_again(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Transport(Credentials(), connections=1)
    monkeypatch.setattr(connection, "_first_delay", 100)
    with pytest.raises(Unreachable, match="https://127"):
        connection.exchange(get(stub.url.replace("http", "https")))


def test_the_query_of_a_url_is_not_told() -> None:
    connection = Transport(Credentials(), connections=1)
    with pytest.raises(Unreachable) as error:
        connection.exchange(get("http://127.0.0.1:9/staging?X-Amz-Signature=secret"))
    assert "secret" not in str(error.value)


def test_the_proxy_of_the_environment_is_used(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", stub.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    connection = Transport(Credentials(), connections=1)
    connection.exchange(get("http://archive.example.org/studies"))
    connection.exchange(get(f"{stub.url}/studies"))
    paths = [seen.path for seen in stub.seen]
    assert paths == ["http://archive.example.org/studies", "/studies"]


@pytest.mark.parametrize("command", ["false", "absent-program", "echo", "echo two words"])
@pytest.mark.process
def test_a_token_command_has_to_print_a_token(command: str) -> None:
    with pytest.raises(NoToken):
        Credentials(command=command).authorization()


@pytest.mark.process
def test_a_token_that_was_replaced_meanwhile_is_not_asked_for_again() -> None:
    credentials = Credentials(command="echo token")
    assert credentials.authorization() == "Bearer token"
    assert credentials.refused(get("http://127.0.0.1:9").authorized("Bearer older"))
    assert credentials._token == "token"


def test_any_range_of_a_body_is_what_it_is_of_the_whole() -> None:
    contents = [bytes([number]) * size for number, size in enumerate((0, 1, BLOCK, BLOCK + 7))]
    body = RelatedBody([Part(content=Buffer(memoryview(content))) for content in contents])
    whole = b"".join(body.blocks())
    assert len(whole) == body.size
    for offset in (0, 1, 50, 200, BLOCK, 2 * BLOCK, body.size - 3):
        for size in (0, 1, 3, 100, BLOCK + 500):
            wanted = min(size, body.size - offset)
            assert b"".join(body.blocks(offset, wanted)) == whole[offset : offset + wanted]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "8104"],
        ["--listen", "host:port"],
        ["--listen", "host:99999"],
        ["--parallel", "0"],
        ["--spool", "/absent/folder"],
        ["--token", "a", "--token-command", "b"],
    ],
)
def test_a_relay_that_cannot_be_meant_is_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["relay", "--url", "http://127.0.0.1:9", *arguments])
    assert ended.value.code == 2


def test_what_is_unwise_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    main(["send", "/absent", "--url", "http://archive.example.org", "--token", "x"])
    assert "plain HTTP" in capsys.readouterr().err
