"""What is printed of a send: all of it, and nothing that a terminal must not be shown."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stowport.command import main
from stowport.printing import escaped, printable
from tests.builders import instance
from tests.client.stub import Reply, Stub
from tests.service import ROOT

ESCAPE = "\x1b[2J"


def write(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def test_each_file_that_is_not_stored_has_a_line_with_its_reason(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "in", a=instance(1), b=instance(2)[:-10], notes=b"x")
    (folder / "c\td\n").write_bytes(b"x")
    (folder / "link").symlink_to(tmp_path / "gone")
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("a", instance(3))
        archive.writestr("n\x1bé", b"x")
    listed = tmp_path / "listed.tsv"
    arguments = ["send", str(folder), "--url", stub.url, "--skipped", str(listed)]
    assert main(arguments) == 1
    lines = [line.split("\t") for line in listed.read_text("utf-8").splitlines()]
    reasons = {name.removeprefix(f"{folder}/"): reason for name, reason in lines}
    assert list(reasons) == ["b", "c\\td\\n", "link", "notes", "z.zip/n\\x1bé"]
    assert reasons["b"].startswith("C000 the data set breaks")
    assert reasons["link"].startswith("C000 the link leads nowhere")
    assert reasons["notes"].startswith("found no DICM prefix")
    capsys.readouterr()


def test_what_was_not_sent_because_the_send_ended_has_a_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, listed = write(tmp_path / "in", a=instance(1)), tmp_path / "listed"
    arguments = ["send", str(folder), "--url", "http://127.0.0.1:9", "--skipped", str(listed)]
    assert main([*arguments, "--tries", "1"]) == 2
    assert listed.read_text() == (
        f"{folder}/a\tnot sent, or sent without an answer: the send ended early\n"
    )
    assert "The same command continues" in capsys.readouterr().out


def test_a_list_that_cannot_be_written_is_code_2_and_nothing_is_sent(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "in", a=instance(1))
    arguments = ["send", str(folder), "--url", stub.url, "--skipped"]
    assert main([*arguments, str(tmp_path / "absent" / "x")]) == 2
    assert "--skipped cannot be written: No such file" in capsys.readouterr().err
    assert stub.seen == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_list_that_does_not_fit_is_code_2(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "in", a=instance(1), b=b"x")
    assert main(["send", str(folder), "--url", stub.url, "--skipped", "/dev/full"]) == 2
    printed = capsys.readouterr()
    assert "--skipped is not complete: No space left" in printed.err
    assert "stored" in printed.out


@pytest.mark.process
@pytest.mark.parametrize("flag", ["--json", "--again"])
def test_a_pipe_that_nobody_reads_is_no_traceback(stub: Stub, tmp_path: Path, flag: str) -> None:
    folder = write(tmp_path / "in", a=instance(1))
    command = [sys.executable, "-m", "stowport", "send", str(folder), "--url", stub.url, flag]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}"},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert b"Traceback" not in done.stderr
    assert len(stub.digests) == 1


@pytest.mark.process
def test_a_name_that_the_terminal_cannot_show_is_no_traceback(stub: Stub, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", **{"é€": instance(1)[:-10]})
    command = [sys.executable, "-m", "stowport", "send", str(folder), "--url", stub.url]
    done = subprocess.run(
        command,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}",
            "PYTHONIOENCODING": "latin-1",
        },
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert "é\\u20ac".encode("latin-1") in done.stdout


def test_the_texts_of_a_server_cannot_control_the_terminal(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "in", a=instance(1))
    said = {"0040A160": {"vr": "UT", "Value": [f"no{ESCAPE}[bold]\ud800"]}}
    headers = {"Content-Type": "application/dicom+json"}
    stub.script["POST"] = [Reply(status=409, headers=headers, body=json.dumps(said).encode())] * 2
    assert main(["send", str(folder), "--url", stub.url]) == 1
    assert "no?[2J[bold]?" in capsys.readouterr().out
    assert main(["send", str(folder), "--url", stub.url, "--json"]) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert json.loads(printed)["refused"][0]["text"] == f"no{ESCAPE}[bold]?"


def test_what_was_made_is_said(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "in", a=instance(1), b=instance(2)[132:])
    assert main(["send", str(folder), "--url", stub.url]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["made", "Part", "10", "1"] in [line[:4] for line in lines]
    assert main(["send", str(folder), "--url", stub.url, "--json", "--again"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["madePart10"] == [str(folder / "b")]


@pytest.mark.parametrize(
    ("text", "shown", "written"),
    [
        ("é 1.dcm", "é 1.dcm", "é 1.dcm"),
        ("a\tb\\t", "a?b\\t", "a\\tb\\\\t"),
        ("\udcff\x1b\u2028", "???", "\\xff\\x1b\\u2028"),
    ],
)
def test_names_are_shown_and_written_in_printable_characters(
    text: str, shown: str, written: str
) -> None:
    assert (printable(text), escaped(text)) == (shown, written)
