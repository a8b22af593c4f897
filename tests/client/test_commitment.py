"""``stowport send --commit``: what is safe to delete, and what is not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from stowport import commitment
from stowport.command import main
from stowport.transport import Stopped, Transport
from tests.builders import instance, sop_uid
from tests.client.stub import Reply, Stub, json_reply, status_report

Capture = pytest.CaptureFixture[str]
JSON = {"Content-Type": "application/dicom+json"}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment, "_SHORTEST_PAUSE", 0.01)


def send(capsys: Capture, *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main(["send", "--json", "--commit", *map(str, arguments)])
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, result


def write(folder: Path, *contents: bytes) -> list[str]:
    folder.mkdir()
    paths = [folder / f"{number}.dcm" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return list(map(str, paths))


def keeping(*absent: str) -> Callable[[str, bytes], Reply]:
    """Return a server that keeps all instances but those of ``absent``."""

    def answer(_: str, body: bytes) -> Reply:
        asked = json.loads(body)["00081199"]["Value"]
        failed = [each for each in asked if each["00081155"]["Value"][0] in absent]
        module: dict[str, Any] = {}
        if kept := [each for each in asked if each not in failed]:
            module["00081199"] = {"vr": "SQ", "Value": kept}
        if failed:
            reason = {"00081197": {"vr": "US", "Value": [0x0112]}}
            module["00081198"] = {"vr": "SQ", "Value": [{**each, **reason} for each in failed]}
        return json_reply(module, **JSON)

    return answer


def test_what_the_server_keeps_is_safe_to_delete(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.committed = keeping()
    paths = write(tmp_path / "in", instance(1, 1, 1), instance(1, 1, 2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 0
    assert sorted(result["committed"]) == paths
    assert (result["notCommitted"], result["commitmentFault"]) == ([], "")
    (asked,) = stub.requests("POST", "/commitment-requests/2.25.")
    assert asked.headers["content-type"] == "application/dicom+json"


def test_what_it_does_not_keep_is_not_safe_and_the_send_has_failed(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.committed = keeping(sop_uid(1, 1, 2))
    kept, other = write(tmp_path / "in", instance(1, 1, 1), instance(1, 1, 2))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert result["committed"] == [kept]
    assert result["notCommitted"] == [{"path": other, "reason": "0112"}]


def test_a_table_says_the_same_in_words(stub: Stub, tmp_path: Path, capsys: Capture) -> None:
    stub.committed = keeping(sop_uid(1, 1, 2))
    write(tmp_path / "in", instance(1, 1, 1), instance(1, 1, 2))
    assert main(["send", "--commit", str(tmp_path / "in"), "--url", stub.url]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "committed 1 of those stored: the server keeps them, they are safe to delete" in out
    assert "not committed, so not safe to delete: 0112" in out
    assert "the server does not commit to keep it" in out


def test_what_was_stored_before_is_asked_for_as_well(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    (path,) = write(tmp_path / "in", instance(1, 1, 1))
    with ZipFile(tmp_path / "in" / "more.zip", "w") as archive:
        archive.writestr("2.dcm", instance(1, 1, 2))
    assert main(["send", str(tmp_path / "in"), "--url", stub.url]) == 0
    capsys.readouterr()

    stub.committed = keeping()
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert result["committed"] == [path]
    # The instance of a file within a zip file is known only from the answer that stored it.
    assert [each["reason"] for each in result["notCommitted"]] == [""]
    assert code == 1
    main(["send", "--commit", str(tmp_path / "in"), "--url", stub.url])
    assert "was not asked about it" in " ".join(capsys.readouterr().out.split())
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--again")
    assert (code, len(result["committed"])) == (0, 2)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_server_without_storage_commitment_is_named(
    stub: Stub, tmp_path: Path, capsys: Capture, status: int
) -> None:
    stub.commitment = Reply(status=status)
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, result["committed"], len(result["stored"])) == (1, [], 1)
    assert f"offers no storage commitment at /commitment-requests ({status})" in str(
        result["commitmentFault"]
    )
    assert main(["send", "--commit", str(tmp_path / "in"), "--url", stub.url]) == 1
    assert "offers no storage commitment" in capsys.readouterr().out


def test_many_instances_are_asked_for_in_several_requests(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment, "MOST", 2)
    stub.committed = keeping()
    write(tmp_path / "in", *(instance(1, 1, number) for number in range(5)))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, len(result["committed"])) == (0, 5)
    asked = [seen.path for seen in stub.requests("POST", "/commitment-requests/")]
    assert len(set(asked)) == len(asked) == 3


def test_an_answer_that_comes_later_is_looked_up(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    asked: dict[str, bytes] = {}
    looked: list[str] = []

    def later(request: str, body: bytes) -> Reply:
        method, _, transaction = request.partition(" ")
        if method == "POST":
            asked[transaction] = body
            return Reply(status=202)
        looked.append(transaction)
        if len(looked) == 1:
            return Reply(status=202)
        return keeping()("", asked[transaction])

    stub.committed = later
    write(tmp_path / "in", instance(1))
    assert send(capsys, tmp_path / "in", "--url", stub.url)[0] == 0
    assert len(looked) == 2


def test_an_answer_that_never_comes_is_not_waited_for(
    stub: Stub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment, "LONGEST_WAIT", -1.0)
    stub.commitment = Reply(status=202)
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert code == 1
    assert "no answer within" in result["commitmentFault"]


def test_a_transaction_uid_that_is_in_use_is_replaced_once(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    transactions: list[str] = []

    def in_use(request: str, body: bytes) -> Reply:
        transactions.append(request)
        return Reply(status=409) if len(transactions) == 1 else keeping()(request, body)

    stub.committed = in_use
    write(tmp_path / "in", instance(1))
    assert send(capsys, tmp_path / "in", "--url", stub.url)[0] == 0
    assert len(set(transactions)) == 2


def test_a_server_that_is_busy_is_named_with_its_words(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.commitment = status_report(503, "found no index")
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--tries", 1)
    assert code == 1
    assert result["commitmentFault"].endswith("503: found no index")


def test_an_answer_that_names_no_instance_commits_to_none(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    stub.commitment = Reply(status=200, headers=JSON, body=b"{}")
    (path,) = write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, result["committed"]) == (1, [])
    assert result["notCommitted"] == [{"path": path, "reason": ""}]


@pytest.mark.parametrize("key", [KeyboardInterrupt, Stopped])
def test_an_interruption_leaves_the_report(
    stub: Stub,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    key: type[BaseException],
) -> None:
    stub.commitment = Reply(status=202)

    def wait(*_: object) -> None:
        raise key

    send_one = commitment.Commitment._send

    def then_wait(asking: commitment.Commitment, *request: Any) -> Any:  # noqa: ANN401 - passed on
        response = send_one(asking, *request)
        monkeypatch.setattr(Transport, "wait", wait)
        return response

    monkeypatch.setattr(commitment.Commitment, "_send", then_wait)
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url)
    assert (code, len(result["stored"])) == (1, 1)
    assert "interrupted" in result["commitmentFault"]


def test_a_server_that_is_gone_commits_to_nothing(
    stub: Stub, tmp_path: Path, capsys: Capture
) -> None:
    def cut(*_: object) -> Any:  # noqa: ANN401 - None cuts the connection
        return None

    stub.committed = cut
    write(tmp_path / "in", instance(1))
    code, result = send(capsys, tmp_path / "in", "--url", stub.url, "--tries", 1)
    assert code == 1
    assert "cannot be reached" in result["commitmentFault"]
