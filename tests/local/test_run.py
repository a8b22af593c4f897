"""The command as people run it, in a process of its own."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import boto3.session
import pytest

from local import aws
from local.__main__ import main

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).parent / "stub" / "template.yaml"
STUB_COMMAND = f"""
import sys
from pathlib import Path
from local import aws
from local.__main__ import main
sys.exit(main(sys.argv[1:], Path({str(STUB)!r})))
"""
COMMAND = [sys.executable, "-m", "local"]
CT = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"


class Run:
    """The running command; ``lines`` is its output so far."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self.process = process
        self.directory = directory
        self.lines: list[str] = []

    def read_until(self, text: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if text in line:
                return self.lines[-1]
        raise AssertionError(f"{text!r} is not in {self.lines}")

    @property
    def port(self) -> int:
        """The port of the service."""
        return int(self.value("Service").rpartition(":")[2])

    def value(self, name: str) -> str:
        return next(
            line.split(maxsplit=1)[1] for line in self.lines if line.strip().startswith(name)
        )

    def post(self, body: bytes, path: str = "/studies", **headers: str) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", path, body, {"Content-Type": "application/dicom", **headers})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    def stop(self, number: signal.Signals) -> float:
        """Send the signal; return the seconds until the process ended."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - started


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the command is run, and where its state is."""
    return tmp_path


def environment(endpoint: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "AWS_ENDPOINT_URL": endpoint}


def command(
    directory: Path, *arguments: str, program: list[str] = COMMAND, endpoint: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*program, *arguments],
        cwd=directory,
        env=environment(endpoint),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@contextmanager
def running(
    directory: Path, *arguments: str, stub: bool = False, endpoint: str = ""
) -> Iterator[Run]:
    program = [sys.executable, "-c", STUB_COMMAND] if stub else COMMAND
    process = subprocess.Popen(
        [*program, "PORT=0", "AWS_PORT=0", *arguments],
        cwd=directory,
        env=environment(endpoint),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        run = Run(process, directory)
        try:
            run.read_until("One line for each request")
            yield run
        finally:
            process.kill()


@pytest.fixture(scope="module")
def shared_endpoint() -> Iterator[str]:
    """AWS for those that do not start one, which takes longer than what they test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "local")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        with aws.embedded(0) as endpoint:
            yield endpoint


def test_a_request_that_never_ends_is_refused_when_it_stops(
    directory: Path, shared_endpoint: str
) -> None:
    head = b"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
    with (
        running(directory, stub=True, endpoint=shared_endpoint) as run,
        socket.create_connection(("127.0.0.1", run.port)) as stalled,
    ):
        stalled.sendall(head)
        run.post(b"")
        # That it ends is all: how long it takes beyond the seconds it waits is the machine's load.
        run.stop(signal.SIGTERM)
        assert run.process.returncode == 0
        assert b"ErrorType: DEFAULT_5XX" in stalled.recv(65536)


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("stub"), stub=True) as run:
        yield run


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("service")) as run:
        yield run


def test_the_banner_says_what_serves_where(stub: Run) -> None:
    assert stub.lines[0] == "Ready"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", stub.value("Service"))
    assert re.match(r"http://127\.0\.0\.1:\d+ bucket stowport-archivebucket", stub.value("S3"))
    assert stub.value("DynamoDB").endswith("table stowport-IndexTable")
    assert stub.value("Access").startswith("Authentication=none")


def test_each_request_is_one_line_without_its_query(stub: Run) -> None:
    stub.post(b"abc", "/studies/1.2?patient=secret")
    line = stub.read_until("POST")
    assert re.fullmatch(r"\d\d:\d\d:\d\d POST /studies/1\.2 200 3 bytes \d+ ms", line)


def test_what_functions_print_goes_to_their_log(stub: Run) -> None:
    stub.post(b"", **{"X-Raise": "a value"})
    assert stub.read_until("POST").split()[3] == "502"
    log = (stub.directory / ".stowport" / "functions.log").read_text()
    assert "ValueError" in log
    assert "a value" not in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_it_quickly_and_well(directory: Path, number: signal.Signals) -> None:
    with running(directory, stub=True) as run:
        aws_port = int(run.value("S3").split()[0].rpartition(":")[2])
        connection = HTTPConnection("127.0.0.1", run.port)
        connection.connect()
        assert run.stop(number) < 2
        assert run.process.returncode == 0
        connection.close()
        with socket.socket() as unserved:
            assert unserved.connect_ex(("127.0.0.1", aws_port)) != 0
    assert not (directory / ".stowport" / "service.json").exists()


def test_a_request_under_way_is_answered_before_it_stops(
    directory: Path, shared_endpoint: str
) -> None:
    with running(directory, stub=True, endpoint=shared_endpoint) as run:
        statuses: list[int] = []
        thread = Thread(target=lambda: statuses.append(run.post(b"", **{"X-Sleep": "0.5"})))
        thread.start()
        time.sleep(0.2)
        run.stop(signal.SIGTERM)
        thread.join(5)
        assert (statuses, run.process.returncode) == ([200], 0)


@pytest.mark.parametrize("variable", ["PORT", "AWS_PORT"])
def test_a_busy_port_is_one_line(directory: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ports = {"PORT": 0, "AWS_PORT": 0, variable: port}
        result = command(directory, *(f"{name}={value}" for name, value in ports.items()))
    assert result.returncode == 1
    assert re.fullmatch(f"stowport: port {port} .*{variable}=number\n", result.stderr)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Undo what ``main`` does to the handling of signals."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("MaxSimultaneousRequest=1", "MaxSimultaneousRequest is not a parameter of the template"),
        ("MaxSimultaneousRequests=some", "MaxSimultaneousRequests is 'some'"),
        ("nonsense", "'nonsense' is not NAME=value"),
        ("PORT=http", "PORT is 'http'"),
        ("AWS_PORT=70000", "AWS_PORT is '70000'"),
    ],
)
def test_a_wrong_argument_is_one_line(
    capsys: pytest.CaptureFixture[str], argument: str, problem: str
) -> None:
    assert main(["PORT=0", "AWS_PORT=0", argument]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"stowport: {problem}[^\n]*\n", printed.err)


def test_the_curl_line_works_when_pasted_and_again(service: Run) -> None:
    pasted = next(line for line in service.lines if line.strip().startswith("curl"))
    for _ in range(2):
        shell = [*shlex.split(pasted), "-o", "/dev/null", "-w", "%{http_code}"]
        assert subprocess.run(shell, capture_output=True, check=True).stdout == b"200"


def test_the_sample_is_stored_and_shown(service: Run) -> None:
    result = command(service.directory, program=[sys.executable, "-m", "local.sample"])
    assert result.returncode == 0, result.stderr
    assert f"studies/{CT}/series/" in result.stdout
    item = json.loads(result.stdout[result.stdout.index("\n{\n") :])
    assert item["StudyInstanceUID"] == CT
    assert f"39206 bytes, equal to the file: {item['SHA256']}" in result.stdout
    assert re.search(r"GET http://\S+\n39206 bytes, equal to the file", result.stdout)


def test_an_endpoint_in_the_environment_is_used_and_none_is_started(
    directory: Path, shared_endpoint: str
) -> None:
    busy = f"AWS_PORT={shared_endpoint.rpartition(':')[2]}"
    with running(directory, busy, stub=True, endpoint=shared_endpoint) as run:
        assert run.value("S3") == f"{shared_endpoint} bucket stowport-archivebucket"


def test_other_names_of_this_machine_are_given_on_the_command_line(
    directory: Path, shared_endpoint: str
) -> None:
    names = "HOSTS=Laptop.example.org,other.example.org"
    with running(directory, names, stub=True, endpoint=shared_endpoint) as run:
        assert run.post(b"", Host="laptop.example.org:8080") == 200
        assert run.post(b"", Host="rebound.example.org:8080") == 400


def test_an_endpoint_that_does_not_answer_is_one_line(directory: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = command(directory, "PORT=0", endpoint=endpoint)
    assert result.returncode == 1
    assert re.fullmatch(f"stowport: AWS at {endpoint}: [^\n]*\n", result.stderr)


def test_it_serves_on_when_nobody_reads_its_lines(directory: Path, shared_endpoint: str) -> None:
    with running(directory, stub=True, endpoint=shared_endpoint) as run:
        assert run.process.stdout is not None
        run.process.stdout.close()
        assert [run.post(b"") for _ in range(3)] == [200, 200, 200]


def test_a_sample_without_a_service_is_one_line(directory: Path) -> None:
    result = command(directory, program=[sys.executable, "-m", "local.sample"])
    assert result.returncode == 1
    assert re.fullmatch("stowport: no local service is running[^\n]*\n", result.stderr)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A service that wants tokens and keeps an audit trail."""
    arguments = ("Authentication=oidc", "AuditRetentionDays=30")
    with running(tmp_path_factory.mktemp("guarded"), *arguments) as run:
        yield run


def test_with_oidc_a_token_with_the_scope_stores_and_no_other_request_does(guarded: Run) -> None:
    program = [sys.executable, "-m", "local.issuer", "token"]
    token = command(guarded.directory, program=program).stdout.strip()
    other = command(guarded.directory, "--scope", "other", program=program).stdout.strip()
    assert guarded.value("Access").startswith("Authentication=oidc")
    assert guarded.post(b"") == 401
    assert guarded.post(b"", Authorization=f"Bearer {other}") == 403
    assert guarded.post(b"", Authorization=f"Bearer {token}") == 400
    sample = [sys.executable, "-m", "local.sample"]
    assert command(guarded.directory, program=sample).returncode == 0


def test_what_was_stored_and_what_was_refused_is_in_the_audit_trail(guarded: Run) -> None:
    sample = [sys.executable, "-m", "local.sample"]
    assert command(guarded.directory, program=sample).returncode == 0
    assert guarded.post(b"") == 401
    words = shlex.split(guarded.value("Audit"))
    endpoint, group = words[words.index("--endpoint-url") + 1], words[words.index("tail") + 1]
    session = boto3.session.Session("local", "local", region_name="us-east-1")
    logs: Any = session.client("logs", endpoint_url=endpoint)
    found: set[str] = set()
    end = time.monotonic() + 30
    while not found >= {"110104", "110114"}:
        assert time.monotonic() < end
        time.sleep(0.1)
        events = logs.filter_log_events(logGroupName=group)["events"]
        found = {re.findall('EventID csd-code="([0-9]+)"', each["message"])[0] for each in events}


def stage(run: Run, key: str) -> None:
    """Put an object as whoever has keys may, which the command made up."""
    s3 = boto3.client(
        "s3",
        "us-east-1",
        endpoint_url=run.value("S3").split()[0],
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    s3.put_object(Bucket="stowport-archivebucket", Key=key, Body=b"abc")


def test_each_ingest_is_one_line(stub: Run) -> None:
    stage(stub, "staging/one")
    line = stub.read_until("staging/one")
    expected = r"\d\d:\d\d:\d\d stowport-IngestFunction staging/one attempt 1 done \d+ ms"
    assert re.fullmatch(expected, line)


def test_it_stops_quickly_and_well_while_it_ingests(directory: Path) -> None:
    with running(directory, stub=True) as run:
        stage(run, "staging/slowest")
        time.sleep(0.3)
        assert run.stop(signal.SIGTERM) < 10
        assert run.process.returncode == 0
