"""The relay's options, on the command line and in a file."""

import argparse
import os
import signal
from ipaddress import ip_network
from pathlib import Path

import pytest

from stowport.arguments import parser
from stowport.command import main
from tests.client.relays import start, until

CONFIGURATION = """
url = "https://archive.example.org/prod/studies"
listen = "192.0.2.7:8104"
allow = ["192.0.2.0/24", "2001:db8::1"]
host = "Relay.example.org"
max-body = "2GB"
clients = 7
insecure = true
aws-sigv4 = ["medical-imaging", "us-east-1"]
"""


def parsed(tmp_path: Path, content: str, *arguments: str) -> argparse.Namespace:
    place = tmp_path / "relay.toml"
    place.write_text(content, "utf-8")
    return parser().parse_args(["relay", "--config", str(place), *arguments])


def test_each_option_is_a_key(tmp_path: Path) -> None:
    chosen = parsed(tmp_path, CONFIGURATION)
    assert chosen.url == "https://archive.example.org/prod"
    assert chosen.listen == ("192.0.2.7", 8104)
    assert chosen.allow == [ip_network("192.0.2.0/24"), ip_network("2001:db8::1/128")]
    assert chosen.host == ["relay.example.org"]
    assert (chosen.max_body, chosen.clients, chosen.parallel) == (2_000_000_000, 7, 4)
    assert chosen.insecure is True
    assert chosen.aws_sigv4 == ["medical-imaging", "us-east-1"]


def test_a_flag_after_the_file_has_precedence(tmp_path: Path) -> None:
    chosen = parsed(tmp_path, CONFIGURATION, "--clients", "8", "--allow", "198.51.100.1")
    assert chosen.clients == 8
    assert len(chosen.allow) == 3


def test_a_file_may_be_empty_of_what_is_given(tmp_path: Path) -> None:
    chosen = parsed(tmp_path, "insecure = false", "--url", "http://127.0.0.1")
    assert (chosen.url, chosen.insecure) == ("http://127.0.0.1", False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("listem = 'x'", "listem: expected the name of an option without its hyphens"),
        ("help = true", "help: expected the name of an option"),
        ("listen = '127.0.0.1'", "listen: expected HOST:PORT"),
        ("allow = ['192.0.2.0/33']", "allow: expected an address or a network"),
        ("clients = 0", "clients: expected a number of at least 1"),
        ("clients = true", "clients: expected a text or a number"),
        ("insecure = 'yes'", "insecure: expected true or false"),
        ("aws-sigv4 = 'x'", "aws-sigv4: expected a list of 2"),
        ("aws-sigv4 = ['x']", "aws-sigv4: expected a list of 2"),
        ("[listen]\nport = 1", "listen: expected a text or a number"),
        ("listen", "after a key"),
        ("spool = '/nowhere'", "spool: expected a folder"),
    ],
)
def test_an_error_names_the_file_and_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(tmp_path, content, "--url", "http://127.0.0.1")
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'relay.toml'}: " in said
    assert words in said


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["relay", "--config", "/nowhere.toml"])
    assert "/nowhere.toml: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--listen-cert", "relay.toml: [SSL] PEM lib"),
        ("--client-tokens", "relay.toml: found no token"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, words: str
) -> None:
    place = tmp_path / "relay.toml"
    place.write_text("# nothing", "ascii")
    arguments = ["relay", "--url", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"]
    assert main([*arguments, option, str(place)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said


@pytest.mark.parametrize(
    ("arguments", "warns"),
    [((), True), (("--allow", "192.0.2.1"), False)],
)
def test_a_relay_that_is_open_to_all_warns(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], *, warns: bool
) -> None:
    # The address is of no interface, so nothing is started.
    main(["relay", "--url", "http://127.0.0.1:9", "--listen", "192.0.2.7:1", *arguments])
    assert ("anyone who can reach this address" in capsys.readouterr().err) == warns


@pytest.mark.process
def test_a_running_relay_reads_its_files_again_for_sighup(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("old\n", "ascii")
    with start("http://127.0.0.1:9", "--client-tokens", str(tokens)) as relay:
        tokens.write_text("new\n", "ascii")
        os.kill(relay.process.pid, signal.SIGHUP)
        until(
            lambda: (
                relay.post(b"", "/metrics", method="GET", Authorization="Bearer new").status == 200
            )
        )
