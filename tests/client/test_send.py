"""``stowport send`` against a server that does what it is told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydicom.fileset import FileSet

from stowport import delivery
from stowport.bodies import Buffer, Part, RelatedBody
from stowport.command import main
from stowport.messages import Response
from stowport.uploads import Uploads
from tests.builders import data_set, instance, part10, sop_uid, study_uid
from tests.client.stub import Reply, Stub, json_reply, status_report
from tests.service import ROOT


def large(study: int, size: int = 6_000_000) -> bytes:
    rows = size // 2000
    return instance(study, PixelData=bytes(rows * 2000), Rows=rows, Columns=1000)


def write(folder: Path, *contents: bytes) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number:04}.dcm" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def digests(*contents: bytes) -> list[str]:
    return sorted(sha256(content).hexdigest() for content in contents)


def send(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main(["send", "--json", *map(str, arguments)])
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, result


LARGE_BODY = RelatedBody([Part(content=Buffer(memoryview(large(1))))]).size

Capture = pytest.CaptureFixture[str]


def test_a_folder_is_stored_in_requests_under_the_limit(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    contents = [instance(1, 1, number) for number in range(250)]
    write(tmp_path / "in", *contents)
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--limit", "50kB")
    assert code == 0
    assert len(result["stored"]) == 250
    assert sorted(stub.digests) == digests(*contents)
    sizes = [seen.size for seen in stub.requests("POST", "/studies")]
    assert max(sizes) <= 50_000
    assert sorted(sizes)[1] > 45_000


def test_a_large_instance_goes_through_uploads(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    contents = [instance(1), large(2)]
    write(tmp_path / "in", *contents)
    code, result = send(capsys, tmp_path / "in", "--url", f"{stub.url}/studies/")
    assert (code, len(result["stored"])) == (0, 2)
    assert sorted(stub.digests) == digests(*contents)
    assert len(stub.requests("PUT")) == 1
    assert result["bytes"] == sum(map(len, contents))


def test_an_upload_that_cannot_be_looked_up_for_now_is_asked_for_again(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    busy = status_report(503, "busy", Retry_After="0", Warning='299 stub "A700: busy"')
    bad_gateway = Reply(status=502)
    stub.script["GET"] = [*[busy] * 8, *[bad_gateway] * 8]
    write(tmp_path / "in", large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, len(result["stored"])) == (0, 1)
    assert len(stub.requests("PUT")) == 1


TOO_MANY = status_report(
    503, "found 2 pending uploads of this sender", Retry_After="0", Warning='299 stub "A700: -"'
)


def test_an_upload_that_is_not_offered_while_others_are_pending_is_announced_again(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.script["POST"] = [TOO_MANY] * 6
    write(tmp_path / "in", large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, len(result["stored"])) == (0, 1)
    assert len(stub.requests("POST", "/uploads")) == 7
    assert len(stub.requests("PUT")) == 1


def test_an_upload_that_is_never_offered_is_refused_for_now(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.script["POST"] = [TOO_MANY] * 7
    write(tmp_path / "in", large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    (refused,) = result["refused"]
    assert (refused["reason"], stub.requests("PUT")) == ("A700", [])


def test_an_upload_that_was_given_up_is_reported_with_its_reason(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    given_up = status_report(503, "given up", Warning='299 stub "0110: given up"')
    stub.script["GET"] = [*[given_up] * 7]
    write(tmp_path / "in", large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code != 0
    (refused,) = result["refused"]
    assert (refused["reason"], refused["text"]) == ("0110", "given up")
    assert len(stub.requests("PUT")) == 1


def test_a_503_that_names_the_instance_is_the_answer_to_its_upload(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.out_of_resources = 100
    write(tmp_path / "in", large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code != 0
    assert "no time was left" in json.dumps(result)


def test_a_very_large_instance_is_uploaded_in_parts(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.part_size = 2_500_000
    write(tmp_path / "in", large(2))
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url, "--study", study_uid(2))
    assert code == 0
    assert stub.digests == digests(large(2))
    assert len(stub.requests("PUT")) == 3
    assert stub.uploads["u0"].study == study_uid(2)


def test_without_uploads_it_says_what_is_too_large(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.has_uploads = False
    small, *_, big = write(tmp_path / "in", instance(1), large(2), large(3))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--parallel", 1)
    assert code == 1
    assert result["stored"] == [str(small)]
    assert [each["reason"] for each in result["refused"]] == ["A700", "A700"]
    assert result["refused"][1]["path"] == str(big)
    assert "too large" in result["refused"][1]["text"]
    assert "no /uploads" in result["refused"][1]["text"]
    assert len(stub.requests("POST", "/uploads")) == 1


def test_a_server_without_uploads_is_asked_again_after_a_while(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_KNOWN_SECONDS", 0)
    stub.script["POST"] = [Reply(status=404)]
    write(tmp_path / "in", large(2), large(3))
    _, result = send(capsys, tmp_path / "in", "--url", stub.url, "--parallel", 1)
    assert (len(result["stored"]), len(result["refused"])) == (1, 1)


def test_a_server_that_takes_more_is_sent_more(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.has_uploads, stub.limit = False, 100_000_000
    write(tmp_path / "in", large(2))
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url, "--limit", "100MB")
    assert code == 0


def test_a_413_leads_to_smaller_requests_and_then_to_uploads(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.script["POST"] = [Reply(status=413)] * 2
    write(tmp_path / "in", instance(1, 1, 1), instance(1, 1, 2))
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert len(stub.requests("PUT")) == 1
    assert len(stub.digests) == 2


def test_a_refused_instance_does_not_hold_up_the_others(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    truncated = instance(2)[:-10]
    paths = write(tmp_path / "in", instance(1), instance(2, 1, 1), truncated)
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--study", study_uid(1))
    assert code == 1
    assert result["stored"] == [str(paths[0])]
    refused = {each["path"]: each for each in result["refused"]}
    assert refused[str(paths[1])]["reason"] == "C409"
    assert refused[str(paths[2])]["reason"] == "C000"
    assert refused[str(paths[2])]["text"]


def test_a_server_that_refuses_whole_requests_is_shown_its_one_bad_instance(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    # Orthanc answers 400 to a request with one part that it cannot read, and stores the others.
    paths = write(tmp_path / "in", *(instance(1, 1, number) for number in range(4)))
    refusal = status_report(400, "one part is bad")
    stub.script["POST"] = [refusal, refusal, refusal]
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert [each["path"] for each in result["refused"]] == [str(paths[0])]
    assert result["refused"][0]["text"] == "one part is bad"
    assert len(result["stored"]) == 3


@pytest.mark.parametrize("fault", [None, Reply(status=503, headers={"Retry-After": "0"})])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_a_fault_is_tried_again(
    stub: Stub, tmp_path: Path, capsys: Capture, method: str, fault: Reply | None
) -> None:
    stub.script[method] = [fault, fault]
    write(tmp_path / "in", instance(1), large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--parallel", 1)
    assert code == 0, result
    assert sorted(stub.digests) == digests(instance(1), large(2))


def test_retry_after_is_waited_for(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.script["POST"] = [Reply(status=503, headers={"Retry-After": "1"})]
    write(tmp_path / "in", instance(1))
    started = time.monotonic()
    assert send(capsys, tmp_path / "in", "--url", stub.url)[0] == 0
    assert time.monotonic() - started > 1


def test_a_put_that_arrived_though_its_answer_did_not_is_not_sent_in_vain(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.script["PUT"] = [Reply(status=412)]
    write(tmp_path / "in", large(2))
    stub.script["GET"] = [stub.store(*_single(large(2)))]
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert len(stub.requests("PUT")) == 1


def _single(content: bytes) -> tuple[str, bytes, None]:
    return "application/dicom", content, None


def test_an_upload_that_is_refused_says_why(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    said = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    stub.script["PUT"] = [Reply(status=403, body=said)]
    write(tmp_path / "in", large(2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert result["refused"][0]["text"] == "the upload was refused with 403: Request has expired"


def test_instances_that_lacked_resources_are_sent_again(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.out_of_resources = 3
    write(tmp_path / "in", *(instance(1, 1, number) for number in range(5)))
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert len(stub.requests("POST", "/studies")) == 2
    assert len(set(stub.digests)) == len(stub.digests) == 5


def test_a_server_that_stays_busy_leaves_the_instances_refused_for_now(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.script["POST"] = [status_report(503, "busy", Retry_After="0")] * 7
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert result["refused"][0]["reason"] == "A700"


def test_nobody_at_the_url_is_code_2(tmp_path: Path, capsys: Capture) -> None:
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", "http://127.0.0.1:9")
    assert code == 2
    assert result["fault"] == "http://127.0.0.1:9 cannot be reached: Connection refused"
    assert result["notSent"] == 1


@pytest.mark.parametrize("status", [301, 403, 404, 405])
def test_a_url_that_is_no_service_is_code_2(
    stub: Stub, tmp_path: Path, capsys: Capture, status: int
) -> None:
    stub.script["POST"] = [Reply(status=status)]
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 2
    assert str(status) in result["fault"]


@pytest.mark.parametrize(
    "arguments",
    [["--url", "ftp://host/"], ["--url", "http://host/", "--study", "x"], ["--limit", "1"], []],
)
def test_what_cannot_be_meant_is_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["send", "some.dcm", *arguments])
    assert ended.value.code == 2


def test_a_token_is_sent_to_the_service_only(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.token = "secret"
    write(tmp_path / "in", large(2))
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url, "--token", "secret")
    assert code == 0
    assert "authorization" not in stub.requests("PUT")[0].headers


def test_a_wrong_token_is_code_2(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.token = "secret"
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--token", "other")
    assert code == 2
    assert "credentials" in result["fault"]


@pytest.mark.process
def test_a_token_command_is_asked_again_when_its_token_is_refused(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.token = "2"
    write(tmp_path / "in", instance(1))
    script = tmp_path / "token.py"
    counter = tmp_path / "count"
    script.write_text(
        f"p = open({str(counter)!r}, 'a+'); p.write('x'); p.seek(0); print(len(p.read()))"
    )
    command = f"{sys.executable} {script}"
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url, "--token-command", command)
    assert code == 0
    assert counter.read_text() == "xx"


@pytest.mark.process
def test_a_token_command_that_fails_is_code_2(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--token-command", "false")
    assert code == 2
    assert "token command" in result["fault"]


def test_a_second_send_goes_on_where_the_first_ended(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "in"
    paths = write(folder, instance(1), instance(2)[:-10])
    assert send(capsys, folder, "--url", stub.url)[0] == 1
    paths[1].write_bytes(instance(2))
    stub.seen.clear()
    code, result = send(capsys, folder, "--url", stub.url)
    assert code == 0
    assert result["storedBefore"] == [str(paths[0])]
    assert result["stored"] == [str(paths[1])]


def test_a_send_that_was_complete_leaves_what_is_new_for_the_next_one(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "in"
    write(folder, instance(1))
    assert send(capsys, folder, "--url", stub.url)[0] == 0
    new = folder / "new.dcm"
    new.write_bytes(instance(2))
    for paths in ([folder], [new, folder]):
        code, result = send(capsys, *paths, "--url", f"{stub.url}/studies")
        assert code == 0
    assert (result["stored"], len(result["storedBefore"])) == ([], 2)
    assert len(stub.digests) == 2
    code, result = send(capsys, folder, "--url", stub.url, "--study", study_uid(1))
    assert len(result["storedBefore"]) == 0


def test_a_file_that_was_changed_is_sent_though_it_was_stored_before(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "in"
    paths = write(folder, instance(1), instance(2)[:-10])
    send(capsys, folder, "--url", stub.url)
    paths[0].write_bytes(instance(1, PatientID="OTHER-ID"))
    _, result = send(capsys, folder, "--url", stub.url)
    assert result["storedBefore"] == []


def test_again_sends_what_the_journal_holds(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    write(tmp_path / "in", instance(1), instance(2)[:-10])
    for _ in range(2):
        _, result = send(capsys, tmp_path / "in", "--url", stub.url, "--again")
        assert len(result["stored"]) == 1


def test_without_a_place_for_the_journal_it_sends_and_says_so(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    paths = write(tmp_path / "in", instance(1), instance(2)[:-10])
    (tmp_path / "state").write_bytes(b"no folder")
    for again in ([], ["--again"]):
        assert main(["send", str(tmp_path / "in"), "--url", stub.url, "--json", *again]) == 1
        printed = capsys.readouterr()
        assert json.loads(printed.out)["stored"] == [str(paths[0])]
        assert printed.err.startswith("warning: no journal is kept (")


def test_a_user_without_a_home_sends_without_a_journal(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", none)
    write(tmp_path / "in", instance(1))
    assert main(["send", str(tmp_path / "in"), "--url", stub.url, "--json"]) == 0
    assert capsys.readouterr().err.startswith("warning: no journal is kept (")


INTERRUPTIBLE = """
import signal, sys
from stowport.command import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""
"""What a shell starts in the background ignores SIGINT, and so do the tests that it runs."""


@pytest.mark.process
def test_ctrl_c_ends_it_and_the_next_send_goes_on(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    contents = [instance(1, 1, number) for number in range(300)]
    write(tmp_path / "in", *contents)
    stub.script["POST"] = []
    command = ["send", str(tmp_path / "in"), "--url", stub.url, "--limit", "5kB", "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *command],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'client'}:{ROOT / 'functions'}"},
        stdout=subprocess.PIPE,
    ) as process:
        while len(stub.digests) < 20:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    first = json.loads(out)
    assert process.returncode == 130
    assert first["interrupted"]
    assert 0 < len(first["stored"]) < 300
    code, second = send(capsys, *command[1:-1])
    assert code == 0
    assert sorted(second["storedBefore"]) == sorted(first["stored"])
    assert len(second["stored"]) == 300 - len(first["stored"])
    assert sorted(stub.digests) == digests(*contents)


def test_a_dicomdir_stands_for_its_files(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    write_medium(tmp_path / "medium", 2)
    (tmp_path / "medium" / "OTHER").write_bytes(instance(9))
    code, result = send(capsys, tmp_path / "medium" / "DICOMDIR", "--url", stub.url)
    assert code == 0
    assert len(result["stored"]) == 2
    code, result = send(capsys, tmp_path / "medium", "--url", stub.url)
    assert (code, len(result["storedBefore"]), len(result["stored"])) == (0, 2, 1)


def write_medium(folder: Path, instances: int) -> None:
    file_set = FileSet()
    for number in range(instances):
        image = data_set(1, 1, number)
        part10(image)
        file_set.add(image)
    file_set.write(folder)
    file_set._stage["t"].cleanup()


def test_what_is_left_out_is_listed_and_makes_the_exit_code_1(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    (path,) = write(tmp_path / "in", instance(1))
    fifo, link = tmp_path / "in" / "fifo", tmp_path / "in" / "link"
    os.mkfifo(fifo)
    link.symlink_to("gone")
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert result["stored"] == [str(path)]
    assert [each["path"] for each in result["refused"]] == [str(fifo), str(link)]
    assert main(["send", str(tmp_path / "in"), "--url", stub.url]) == 1
    table = capsys.readouterr().out
    assert f"{fifo}\n     found a FIFO, expected a file\n" in table
    assert f"{link}\n     the link leads nowhere: " in table


def test_nothing_found_is_an_error_that_says_where(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "in", b"notes", b"more")
    code, result = send(capsys, tmp_path / "empty", tmp_path / "in", "--url", stub.url)
    assert code == 2
    assert result["fault"] == (
        f"found no instance in {tmp_path / 'empty'}, {tmp_path / 'in'}: 2 files without the DICM"
        " prefix, expected at least one Part 10 file"
    )
    assert stub.seen == []


def test_a_link_to_itself_is_refused(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    code, result = send(capsys, link, "--url", stub.url)
    assert code == 1
    assert "leads nowhere" in result["refused"][0]["text"]


def test_a_name_that_is_no_text_is_shown_all_the_same(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "in").mkdir()
    name = os.fsencode(tmp_path / "in") + b"/\xff\x1b[31m.dcm"
    Path(os.fsdecode(name)).write_bytes(instance(1)[:-10])
    assert main(["send", str(tmp_path / "in"), "--url", stub.url]) == 1
    assert "??[31m.dcm" in capsys.readouterr().out


def test_files_with_equal_uids_go_in_requests_of_their_own_one_after_the_other(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    whole = instance(1)
    write(tmp_path / "in", whole[:-10], whole, instance(1, 1, 2), instance(1, PatientID="X"))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert [Path(each["path"]).name for each in result["refused"]] == ["0000.dcm"]
    assert len(result["stored"]) == 3
    assert len(stub.requests("POST", "/studies")) == 3


def test_an_outcome_that_the_answer_does_not_tell_is_asked_for_again_alone(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    paths = write(tmp_path / "in", *(instance(1, 1, number) for number in range(3)))
    module = {
        "00081199": {"vr": "SQ", "Value": [_reference(sop_uid(1, 1, 1))]},
        "0008119A": {"vr": "SQ", "Value": [_failure(0x0110)]},
    }
    body = json.dumps(module).encode()
    headers = {"Content-Type": "application/dicom+json"}
    stub.script["POST"] = [Reply(status=202, headers=headers, body=body)]
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert sorted(result["stored"]) == sorted(map(str, paths))
    assert stub.digests == [*map(_digest, (instance(1, 1, 0), instance(1, 1, 2)))]
    assert len(stub.requests("POST", "/studies")) == 3


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _reference(uid: str) -> dict[str, object]:
    return {
        "00081150": {"vr": "UI", "Value": ["1.2"]},
        "00081155": {"vr": "UI", "Value": [uid]},
    }


def _failure(reason: int) -> dict[str, object]:
    return {"00081197": {"vr": "US", "Value": [reason]}}


def test_what_was_answered_for_is_kept_when_what_is_asked_again_gets_no_answer(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    paths = write(tmp_path / "in", *(instance(1, 1, number) for number in range(3)))
    module = {"00081199": {"vr": "SQ", "Value": [_reference(sop_uid(1, 1, 1))]}}
    headers = {"Content-Type": "application/dicom+json"}
    answer = Reply(status=202, headers=headers, body=json.dumps(module).encode())
    stub.script["POST"] = [answer, Reply(status=403), Reply(status=403)]
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert result["stored"] == [str(paths[1])]
    assert [each["path"] for each in result["refused"]] == [str(paths[0]), str(paths[2])]
    assert all(each["text"].startswith("not confirmed: ") for each in result["refused"])


def test_a_file_that_changes_without_a_change_of_size_is_refused(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = write(tmp_path / "in", instance(1))
    made = RelatedBody.__init__

    def change(self: RelatedBody, *arguments: Sequence[Part]) -> None:
        os.utime(path, ns=(1, 1))
        made(self, *arguments)

    monkeypatch.setattr(RelatedBody, "__init__", change)
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert "changed" in result["refused"][0]["text"]


def test_a_dicomdir_that_names_a_file_in_vain_says_so(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    write_medium(tmp_path / "medium", 1)
    for path in (tmp_path / "medium").rglob("*"):
        if path.is_file() and path.name != "DICOMDIR":
            path.unlink()
    code, result = send(capsys, tmp_path / "medium" / "DICOMDIR", "--url", stub.url)
    assert code == 1
    assert "cannot be read" in result["refused"][0]["text"]


def test_other_files_in_a_folder_are_skipped_and_counted(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    write(tmp_path / "in", instance(1), b"notes")
    code, result = send(capsys, tmp_path / "in", tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert (len(result["stored"]), result["notDicom"]) == (1, 1)


def test_a_named_file_that_is_no_instance_is_refused(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    (path,) = write(tmp_path / "in", b"notes")
    code, result = send(capsys, path, tmp_path / "absent", "--url", stub.url)
    assert code == 1
    assert [each["path"] for each in result["refused"]] == [str(path), str(tmp_path / "absent")]


def test_an_instance_without_uids_in_its_file_meta_is_known_by_its_data_set(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    content = part10(data_set(1), file_meta={"MediaStorageSOPInstanceUID": None})
    write(tmp_path / "in", content)
    stub.script["POST"] = [stub.store(*_single(instance(1)))]
    code, _ = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert sop_uid(1).encode() in content


def test_a_file_that_vanishes_is_refused_and_the_others_are_stored(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path / "in", instance(1), instance(2), instance(3))
    made = RelatedBody.__init__

    def truncating(self: RelatedBody, *arguments: Sequence[Part]) -> None:
        paths[1].write_bytes(instance(2)[:-4])
        made(self, *arguments)

    monkeypatch.setattr(RelatedBody, "__init__", truncating)
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert [each["path"] for each in result["refused"]] == [str(paths[1])]
    assert "changed" in result["refused"][0]["text"]
    assert len(result["stored"]) == 2


def test_success_is_never_inferred(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.script["POST"] = [Reply(status=200)]
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert "did not say what it has stored" in result["refused"][0]["text"]


def test_the_table_says_what_was_stored_and_what_was_refused_and_why(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    write(tmp_path / "in", instance(1), instance(2)[:-10], b"notes")
    assert main(["send", str(tmp_path / "in"), "--url", stub.url]) == 1
    table = capsys.readouterr().out
    lines = [line.split() for line in table.splitlines()]
    assert ["stored", "1"] in [line[:2] for line in lines]
    assert ["refused", "1", "C000"] in lines
    assert "not DICOM" in table
    assert "0001.dcm" in table


def test_the_table_says_why_it_ended_early(tmp_path: Path, capsys: Capture) -> None:
    write(tmp_path / "in", instance(1))
    assert main(["send", str(tmp_path / "in"), "--url", "http://127.0.0.1:9", "--tries", "1"]) == 2
    said = capsys.readouterr().out
    assert "cannot be reached" in said
    assert "not sent" in said


@pytest.mark.parametrize(
    "changed",
    [
        (
            lambda path: path.write_bytes(large(1)[:-4]),
            "the file was changed before it was sent completely",
        ),
        (Path.unlink, "the file cannot be read: No such file or directory"),
    ],
    ids=["shrinks", "vanishes"],
)
def test_a_large_file_that_changes_on_the_way_is_refused(
    stub: Stub,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    changed: tuple[Callable[[Path], object], str],
) -> None:
    (path,), (change, text) = write(tmp_path / "in", large(1)), changed
    ask = Uploads._ask

    def ask_after_change(self: Uploads, body: RelatedBody, study: str | None) -> Response:
        change(path)
        return ask(self, body, study)

    monkeypatch.setattr(Uploads, "_ask", ask_after_change)
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert [each["text"] for each in result["refused"]] == [text]
    assert stub.digests == []


@pytest.mark.parametrize(
    "reply",
    [json_reply({}), json_reply([]), Reply(status=200, body=b"<html>"), Reply(status=404)],
)
def test_uploads_that_are_not_understood_are_none(
    stub: Stub, tmp_path: Path, capsys: Capture, reply: Reply
) -> None:
    stub.script["POST"] = [reply]
    write(tmp_path / "in", large(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert "too large" in result["refused"][0]["text"]


@pytest.mark.parametrize(
    "ticket",
    [
        {"id": "1", "url": "ftp://127.0.0.1/x"},
        {"id": "1", "url": "http://127.0.0.1:9/x", "headers": {"Authorization": "Bearer x"}},
    ],
)
def test_a_ticket_that_is_not_trusted_is_named_and_nothing_is_put_there(
    stub: Stub, tmp_path: Path, capsys: Capture, ticket: dict[str, object]
) -> None:
    stub.script["POST"] = [json_reply(ticket)]
    write(tmp_path / "in", large(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, stub.requests("PUT")) == (1, [])
    assert "the upload's ticket" in result["refused"][0]["text"]


def test_an_upload_that_the_service_refuses_says_why(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.script["POST"] = [status_report(400, "found a size that is too large")]
    write(tmp_path / "in", large(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert result["refused"][0]["text"] == "found a size that is too large"


def test_parts_that_cannot_be_completed_say_why(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.part_size = 2_500_000
    write(tmp_path / "in", large(1))
    said = b"<Error><Code>InternalError</Code><Message>Try again</Message></Error>"
    ticket = stub.open_upload({"contentType": "application/dicom", "size": LARGE_BODY})
    stub.script["POST"] = [ticket, *[Reply(status=200, body=said)] * 7]
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert "Try again" in result["refused"][0]["text"]


@pytest.mark.parametrize("status", [404, 412])
def test_parts_that_were_completed_though_the_answer_was_lost_are_stored(
    stub: Stub, tmp_path: Path, capsys: Capture, status: int
) -> None:
    stub.part_size = 2_500_000
    write(tmp_path / "in", large(1))
    ticket = stub.open_upload({"contentType": "application/dicom", "size": LARGE_BODY})
    stub.script["POST"] = [ticket, None, Reply(status=status)]
    stub.script["GET"] = [stub.store(*_single(large(1)))]
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, len(result["stored"])) == (0, 1)


def test_what_s3_asks_for_again_is_tried_again(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.part_size = 10_000_000
    write(tmp_path / "in", large(1))
    error = b"<Error><Code>InternalError</Code></Error>"
    put, busy = Reply(status=200, headers={"ETag": "-"}), Reply(status=503)
    stub.staging_script = [busy, Reply(status=500, body=error), put]
    stub.staging_script += [Reply(status=500, body=error), Reply(status=200, body=error), put]
    stub.script["GET"] = [stub.store(*_single(large(1)))]
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, len(result["stored"])) == (0, 1)
    assert len(stub.requests("PUT")) == 3
    assert len(stub.requests("POST", "/staging")) == 3


def test_a_broken_dicomdir_is_refused(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    image = data_set(1)
    meta = {"MediaStorageSOPClassUID": "1.2.840.10008.1.3.10"}
    (path,) = write(tmp_path / "in", part10(image, file_meta=meta))
    code, result = send(capsys, path, "--url", stub.url)
    assert code == 1
    assert "DICOMDIR" in result["refused"][0]["text"]


def test_instances_that_go_on_lacking_resources_are_not_sent_for_ever(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    write(tmp_path / "in", *(instance(1, 1, number) for number in range(3)))
    stub.room = 1
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--tries", 2)
    assert code == 1
    assert [each["reason"] for each in result["refused"]] == ["A700", "A700"]
    assert len(stub.requests("POST", "/studies")) == 3
