"""The command line itself: its help, its completion, and its results on any terminal."""

import argparse
import csv
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import shtab
from rich.console import Console

from stowport.arguments import parser
from stowport.command import main
from stowport.progress import metered
from tests.builders import instance
from tests.client.stub import Stub

Capture = pytest.CaptureFixture[str]


def commands() -> dict[str, argparse.ArgumentParser]:
    (actions,) = (
        each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)
    )
    return dict(actions.choices)


def options() -> Iterator[tuple[str, argparse.Action]]:
    for name, command in commands().items():
        for action in command._actions:
            yield f"{name} {'/'.join(action.option_strings) or action.dest}", action


@pytest.mark.parametrize(("name", "action"), list(options()))
def test_each_option_has_words_that_are_printed(name: str, action: argparse.Action) -> None:
    assert action.help
    assert action.help not in (argparse.SUPPRESS, "")
    text = " ".join(commands()[name.split(maxsplit=1)[0]].format_help().split())
    assert all(each in text for each in action.option_strings)


@pytest.mark.parametrize("name", list(commands()))
def test_the_help_of_a_command_says_what_it_does_and_its_exit_codes(
    name: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert str(commands()[name].description) in text
    assert "Exit codes: 0 " in text


def test_what_reaches_a_server_is_said_alike_by_all_commands() -> None:
    shared = ("--url", "--token", "--user", "--aws-sigv4", "--cacert", "--cert", "--insecure")
    found = {
        (option, action.help)
        for _, action in options()
        for option in action.option_strings
        if option in shared
    }
    assert len(found) == len(shared)


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shtab_makes_the_completion_of_a_shell(shell: str) -> None:
    script = shtab.complete(parser(), shell)
    assert all(option in script for option in ("aws-sigv4", "cacert", "smoke", "listen"))
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_csv_has_a_row_for_each_file(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a, b.dcm").write_bytes(instance(1))
    (folder / "c.dcm").write_bytes(instance(1, 1, 2)[:-7])
    (folder / "d\n\x1b[31m.txt").write_text("text", "ascii")
    code = main(["send", str(folder), "--csv", "--url", stub.url])
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    found = {row["path"].removeprefix(f"{folder}/"): row for row in rows}
    assert code == 1
    assert {name: row["outcome"] for name, row in found.items()} == {
        "a, b.dcm": "stored",
        "c.dcm": "refused",
        "d??[31m.txt": "not DICOM",
    }
    assert found["c.dcm"]["reason"] == "C000"
    assert "breaks at byte" in found["c.dcm"]["text"]
    assert found["a, b.dcm"]["bytes"] == str(len(instance(1)))


def test_csv_says_what_was_stored_before_and_what_was_not_sent(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1.dcm").write_bytes(instance(1))
    assert main(["send", "=1+1.dcm", "--csv", "--url", stub.url]) == 0
    Path("b.dcm").write_bytes(instance(1, 1, 2))
    stub.token = "wanted"
    assert main(["send", "=1+1.dcm", "b.dcm", "--csv", "--url", stub.url]) == 2
    out, err = capsys.readouterr()
    paths = [line.split(",")[:2] for line in out.splitlines()]
    assert paths == [
        ["path", "outcome"],
        ["'=1+1.dcm", "stored"],
        ["path", "outcome"],
        ["'=1+1.dcm", "stored before"],
        ["b.dcm", "not sent"],
    ]
    assert "stowport: the server does not accept the credentials (401)" in err


def test_json_and_csv_at_once_are_code_2(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["send", "/absent", "--json", "--csv", "--url", "http://127.0.0.1:9"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("width", [40, 80])
def test_the_result_fits_a_narrow_terminal(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(instance(1))
    (tmp_path / "in" / "b.txt").write_text("text", "ascii")
    assert main(["send", str(tmp_path / "in"), "--url", stub.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert lines[1].split()[:2] == ["stored", "1"]
    assert any(line.split()[:3] == ["not", "DICOM", "1"] for line in lines)


@pytest.mark.parametrize("width", [40, 66, 80])
def test_progress_and_waiting_fit_a_narrow_terminal(width: int) -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None)
    with metered(console, 50_000, 5_000_000_000) as meter:
        meter.count(2_500_000_000)
        meter.done(30_000)
        meter.say("the server answers 503: try 2 of 7 in 3 s")
    shown = screen.getvalue()
    assert "30000/50000" in shown
    assert "2.5/5.0 GB" in shown
    assert "the server answers 503: try 2 of 7" in shown
