"""``stowport smoke`` with the service of ``make run``, and with servers that are wrong."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from stowport.command import main
from stowport.credentials import Credentials
from stowport.smoke.checks import CHECKS
from stowport.smoke.instances import PATIENT_ID, ROOT, Study
from stowport.smoke.overloading import throttles
from stowport.smoke.target import Failed, Target
from stowport.transport import Transport
from tests.client.stub import Reply, Stub

if TYPE_CHECKING:
    from tests.service import RunningService, Start

Capture = pytest.CaptureFixture[str]

ORIGIN = "https://viewer.example.org"
HERE = ("--emulator", "--upload", "10MB")
ONLY_AWS = {check.name for check in CHECKS if check.only_aws}
THROTTLING = "too many requests at once are 503"


def smoke(capsys: Capture, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["smoke", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def named(result: dict[str, Any], kind: str) -> dict[str, str]:
    """Return what was found by the checks with this result, by their names."""
    return {each["check"]: each["found"] for each in result["checks"] if each["result"] == kind}


def test_the_local_service_passes_all_that_not_only_aws_can_show(
    service: "Start", capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = service(Authentication="oidc", AllowedOrigins=ORIGIN)
    monkeypatch.setenv("STOWPORT_TOKEN", running.token().removeprefix("Bearer "))
    monkeypatch.setenv("STOWPORT_OTHER_TOKEN", running.token("other").removeprefix("Bearer "))
    code, result = smoke(capsys, "--url", running.base_url, "--origin", ORIGIN, *HERE)
    assert named(result, "FAIL") == {}
    assert code == 0
    assert set(named(result, "left out")) == {*ONLY_AWS, THROTTLING}
    assert len(named(result, "pass")) == len(CHECKS) - len(ONLY_AWS) - 1
    assert stored_as_a_test(running, result["studyInstanceUID"])


def stored_as_a_test(running: "RunningService", study: str) -> bool:
    return study.startswith(ROOT) and PATIENT_ID in json.dumps(running.items(study))


def test_too_many_requests_at_once_are_checked_if_that_is_asked_for(service: "Start") -> None:
    assert "503" in throttles(target(service(MaxSimultaneousRequests="1").base_url, burst=12))


def test_a_service_that_takes_all_requests_at_once_fails_that_check(stub: Stub) -> None:
    with pytest.raises(Failed, match="found 2 answers of 200, expected some of 503"):
        throttles(target(stub.url, burst=2))


def target(url: str, burst: int) -> Target:
    transport = Transport(Credentials(), connections=burst, tries=1)
    return Target(url=url, transport=transport, study=Study.new(), burst=burst)


@pytest.mark.parametrize(
    ("size", "pixels"), [(0, 256), (5_000_000, 2224**2), (20_500_000, 3200**2)]
)
def test_a_large_instance_is_as_large_as_the_upload_and_10_mb_at_most(
    size: int, pixels: int
) -> None:
    content = Study.new().large(1, size)
    assert pixels < len(content) < pixels + 1000


def test_what_is_left_out_says_what_it_needs(stub: Stub, capsys: Capture) -> None:
    reasons = named(smoke(capsys, "--url", stub.url, "--emulator")[1], "left out")
    assert set(reasons) > ONLY_AWS
    assert "needs a token" in reasons["no token is 401"]
    assert "needs --origin" in reasons["a preflight of an allowed origin"]
    assert "STOWPORT_OTHER_TOKEN" in reasons["a token without the scope is 403"]
    assert "needs --burst" in reasons[THROTTLING]


def test_a_line_is_printed_for_each_check_and_how_the_instances_are_found(
    stub: Stub, capsys: Capture
) -> None:
    assert main(["smoke", "--url", stub.url, "--emulator"]) == 1
    lines = capsys.readouterr().out.splitlines()
    for check, line in zip(CHECKS, lines, strict=False):
        assert check.name in line
    assert any(line.startswith("pass") for line in lines)
    assert ROOT in lines[-2]


def test_a_status_outside_the_closed_set_fails(stub: Stub, capsys: Capture) -> None:
    stub.script["POST"] = [Reply(status=500, body=b"oops")]
    code, result = smoke(capsys, "--url", stub.url, "--emulator")
    assert code == 1
    assert "found 500" in named(result, "FAIL")["an instance is stored"]


def test_an_answer_that_confirms_nothing_fails(stub: Stub, capsys: Capture) -> None:
    stub.script["POST"] = [Reply(status=200, body=b"")]
    _, result = smoke(capsys, "--url", stub.url, "--emulator")
    assert "found 0 instances confirmed" in named(result, "FAIL")["an instance is stored"]


def test_a_server_that_cannot_be_reached_fails_every_request(capsys: Capture) -> None:
    code, result = smoke(capsys, "--url", "http://127.0.0.1:9", "--emulator")
    assert code == 1
    assert not named(result, "pass")
    assert "cannot be reached" in named(result, "FAIL")["an instance is stored"]
