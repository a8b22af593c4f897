"""A send ends: at once when it is told to, early when the server is down, and never in a hang."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stowport.arguments import parser
from stowport.breaker import Breaker
from stowport.command import main
from stowport.credentials import Credentials
from stowport.ledger import Ledger
from stowport.messages import Request
from stowport.progress import metered
from stowport.transport import Transport, Unreachable
from tests.builders import instance
from tests.client.stub import Reply, Stub
from tests.service import ROOT

PATIENT = 60.0
"""Seconds that nothing here may take, whatever else the machine does."""

SCRIPT = """
import signal, sys
import stowport.send
from stowport.command import main
stowport.send._LAST_SECONDS = float(sys.argv.pop(1))
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""
"""What a shell starts in the background ignores SIGINT, and so do the tests that it runs."""


def write(folder: Path, number: int) -> Path:
    folder.mkdir()
    for each in range(number):
        (folder / f"{each:04}.dcm").write_bytes(instance(1, 1, each))
    return folder


def send(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main(["send", "--json", *map(str, arguments)])
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, result


@contextmanager
def hanging() -> Iterator[tuple[str, socket.socket]]:
    """Give the URL of a server that accepts connections and says nothing, and its listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def arrived(listener: socket.socket) -> socket.socket:
    """Return the next connection as soon as a whole request has come through it."""
    connection, _ = listener.accept()
    received = b""
    while not received.endswith(b"--\r\n"):
        received += connection.recv(65536)
    return connection


@contextmanager
def sending(folder: Path, url: str, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", SCRIPT, str(seconds)]
    with subprocess.Popen(
        [*command, "send", str(folder), "--url", url, "--json", "--parallel", "2"],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.process
def test_ctrl_c_ends_it_with_the_summary_though_the_server_hangs(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 2)
    with hanging() as (url, listener), sending(folder, url, 0.5) as process:
        connection = arrived(listener)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENT)
        connection.close()
    assert time.monotonic() - started < 15  # the server would be waited for for 30 s
    assert process.returncode == 130
    result = json.loads(out)
    assert (result["interrupted"], result["notSent"], result["fault"]) == (True, 2, "")
    assert err == b""


@pytest.mark.process
def test_a_second_ctrl_c_ends_it_at_once_and_without_a_summary(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 2)
    with hanging() as (url, listener), sending(folder, url, 1000) as process:
        connection = arrived(listener)
        end = time.monotonic() + PATIENT
        while process.poll() is None and time.monotonic() < end:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        out, err = process.communicate()
        connection.close()
    # The program may also be ended by one that comes after it has caught the second.
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, err) == (b"", b"")


def test_ctrl_c_while_files_are_looked_for_ends_it_with_the_summary(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stowport.send.find", interrupted)
    code, result = send(capsys, tmp_path, "--url", stub.url)
    assert (code, result["interrupted"], result["fault"]) == (130, True, "")


def test_a_temporary_folder_that_is_full_ends_it_with_words(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(self: Ledger) -> None:
        made(self)
        self._database.execute("PRAGMA max_page_count = 10")

    made = Ledger.__init__
    monkeypatch.setattr(Ledger, "__init__", limited)
    code, result = send(capsys, write(tmp_path / "in", 60), "--url", stub.url)
    assert code == 2
    assert "temporary folder: database or disk is full" in result["fault"]


def test_a_temporary_folder_that_becomes_full_ends_it_with_words(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    folder = write(tmp_path / "in", 3)
    with monkeypatch.context() as context:
        context.setattr(Ledger, "judge", full)
        code, result = send(capsys, folder, "--url", stub.url)
    assert code == 2
    assert "temporary folder: database or disk is full" in result["fault"]
    code, result = send(capsys, folder, "--url", stub.url)
    assert (code, len(result["storedBefore"])) == (0, 3)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Reply(status=503, headers={"Retry-After": "0"}), "is down: the server answers 503, for"),
        (None, "cannot be reached: "),
    ],
)
def test_a_server_that_goes_down_ends_the_send_early(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: Reply | None, text: str
) -> None:
    folder = write(tmp_path / "in", 40)
    stub.script["POST"] = []
    arguments = [folder, "--url", stub.url, "--limit", "2kB", "--parallel", 2, "--tries", 3]
    send(capsys, next(folder.iterdir()), *arguments[1:])
    stub.seen.clear()
    stub.script["POST"] = [fault] * 1000
    code, result = send(capsys, *arguments)
    assert (code, len(result["storedBefore"])) == (2, 1)
    assert text in result["fault"]
    assert len(stub.seen) <= 3 * 3
    assert result["notSent"] >= 30
    assert result["notSent"] + len(result["refused"]) == 39
    stub.script["POST"] = []
    code, result = send(capsys, *arguments)
    assert (code, len(result["stored"])) == (0, 39)


def test_one_request_that_gets_no_answer_does_not_show_that_the_server_is_down() -> None:
    breaker = Breaker(trips=True)
    breaker.answered("a")
    started = time.monotonic()
    breaker.answered("a")
    breaker.used_up("a", started, "no answer")
    breaker.used_up("b", started, "no answer")
    assert (breaker.fault_of("a"), breaker.fault_of("b")) == ("", "no answer")
    breaker.answered("b")
    assert breaker.fault_of("b") == ""


def test_a_server_that_hangs_is_noticed(stub: Stub) -> None:
    with hanging() as (url, _):
        connection = Transport(Credentials(), connections=1)
        connection.timeout = 0.1
        told: list[str] = []
        connection.tell = told.append
        with pytest.raises(Unreachable, match="it hangs"):
            connection.exchange(Request(method="GET", url=url, headers={}))
    connection.exchange(Request(method="OPTIONS", url=stub.url, headers={}))
    hangs = "it hangs, no byte came from it in time (--timeout)"
    assert told == [f"{hangs}: try 2 of 7 in 0 s", f"{hangs}: try 3 of 7 in 0 s", ""]
    chosen = parser().parse_args(["send", "x", "--url", url])
    assert chosen.timeout == 30


@pytest.mark.parametrize("width", [40, 150])
def test_waiting_is_shown_on_the_progress_line_and_nothing_of_it_reaches_the_terminal(
    width: int,
) -> None:
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=width)
    with metered(console, 3, 100) as meter:
        meter.count(1)
        meter.done(1)
        meter.say("it answers 503: try 2 of 7 \x1b[2J[bold]")
    assert "it answers 503: try 2 of 7 ?[2J[bold]" in shown.getvalue()
    assert "1/3" in shown.getvalue()
