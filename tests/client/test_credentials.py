"""Tokens, users and passwords: where they come from, and where they never go."""

import sys
from base64 import b64encode
from pathlib import Path

import pytest

from stowport.command import main
from stowport.credentials import Credentials, NoToken, command_line
from tests.builders import instance
from tests.client.stub import Reply, Stub

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    return str(tmp_path / "a.dcm")


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_the_password_of_a_user_is_in_the_environment(
    stub: Stub, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOWPORT_PASSWORD", "gehäim: x")
    monkeypatch.setenv("STOWPORT_TOKEN", "not-this-one")
    assert main(["send", path, "--url", stub.url, "--user", "modality"]) == 0
    assert stub.seen[0].headers["authorization"] == basic("modality", "gehäim: x")


@pytest.mark.parametrize("content", ["secret", "secret\n", "secret\r\n"])
def test_the_password_of_a_user_is_in_a_file(
    stub: Stub, path: str, tmp_path: Path, content: str
) -> None:
    (tmp_path / "password").write_bytes(content.encode())
    options = ["--user", "modality", "--password-file", str(tmp_path / "password")]
    assert main(["send", path, "--url", stub.url, *options]) == 0
    assert stub.seen[0].headers["authorization"] == basic("modality", "secret")


def test_a_password_that_is_refused_is_not_tried_again(
    stub: Stub, path: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("STOWPORT_PASSWORD", "x")
    stub.script["POST"] = [Reply(status=401)]
    assert main(["send", path, "--url", stub.url, "--user", "modality"]) == 2
    assert len(stub.seen) == 1
    assert "does not accept the credentials (401)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--user", "a"], "found no password for --user, expected it in STOWPORT_PASSWORD or in"),
        (["--user", "a", "--password-file", "{latin-1}"], "cannot be read: it is not UTF-8"),
        (["--password-file", "{latin-1}"], "found --password-file without --user"),
        (["--user", "a:b"], "argument --user: expected a name without a colon"),
        (["--user", "a", "--token", "b"], "argument --token: not allowed with argument --user"),
        (["--token", "a\nb"], "argument --token: expected a token: visible ASCII without spaces"),
        (["--token", "grün"], "argument --token: expected a token"),
        (["--token-command", "echo 'x"], "argument --token-command: expected a command"),
        (["--token-command", " "], "argument --token-command: expected a command"),
        (["--aws-sigv4", "medical-imaging"], "argument --aws-sigv4: expected 2 arguments"),
    ],
)
def test_credentials_that_cannot_be_meant_are_code_2(
    path: str, tmp_path: Path, capsys: Capture, options: list[str], words: str
) -> None:
    (tmp_path / "latin-1").write_bytes("grün".encode("latin-1"))
    given = [each.replace("{latin-1}", str(tmp_path / "latin-1")) for each in options]
    try:
        code = main(["send", path, "--url", "https://127.0.0.1:9", *given])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 2
    assert words in capsys.readouterr().err


def test_a_password_file_that_cannot_be_opened_is_named(
    stub: Stub, path: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def denied(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    options = ["--user", "a", "--password-file", path]
    assert main(["send", path, "--url", stub.url, *options]) == 2
    assert "the password cannot be read: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://us:testing@archive.example.org", "found a user in the URL"),
        ("https://us@archive.example.org", "found a user in the URL"),
        ("https://us:testing@[archive", "expected http(s)://host[:port][/path]"),
        ("https://archive.example.org:99999", "expected http(s)://host"),
        ("https://archive.example.org:port", "expected http(s)://host"),
        ("https://archive.example.org:0", "expected http(s)://host"),
        ("https://archive.example.org/a b", "expected http(s)://host"),
        ("https://archive.example.org/?x=secret", "expected http(s)://host"),
        ("archive.example.org", "expected http(s)://host"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(
    capsys: Capture, url: str, words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["send", "/absent", "--url", url])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"argument --url: {words}" in said
    assert "testing" not in said


def test_a_user_in_the_url_is_told_where_to_put_the_password(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["smoke", "--url", "https://us:testing@archive.example.org"])
    said = capsys.readouterr().err
    assert "expected --user NAME, with the password in STOWPORT_PASSWORD or --password-file" in said


def test_a_password_over_plain_http_is_warned_of(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOWPORT_PASSWORD", "x")
    main(["send", "/absent", "--url", "http://archive.example.org", "--user", "a"])
    assert "warning: the password goes over plain HTTP" in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("false", "it ended with exit code 1"),
        ("absent-program", "No such file or directory"),
        ("echo two words", "printed no token, expected one line with only the token"),
        ("printf grün", "printed no token"),
    ],
)
def test_a_token_command_that_fails_says_how(command: str, words: str) -> None:
    with pytest.raises(NoToken) as error:
        Credentials(command=command).authorization()
    assert words in str(error.value)


@pytest.mark.process
def test_a_token_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stowport.credentials._SECONDS", 0.1)
    with pytest.raises(NoToken, match=r"it did not end within 0\.1 seconds"):
        Credentials(command=f"{sys.executable} -c 'import signal; signal.pause()'").authorization()


def test_windows_splits_a_token_command_itself() -> None:
    command = r'"C:\Program Files\token tool\get.exe" --for C:\keys\archive.json'
    assert command_line(command, "win32") == command
    assert command_line("get --for 'my archive'", "linux") == ["get", "--for", "my archive"]
