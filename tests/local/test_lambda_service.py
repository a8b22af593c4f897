import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from local.lambda_service import (
    PAYLOAD_LIMIT,
    FunctionError,
    LambdaService,
    RequestTooLarge,
    TooManyRequests,
)
from local.template import Function

CODE = """
import os, sys

def respond(event, context):
    return {"event": event, "name": context.function_name, "memory": context.memory_limit_in_mb}

def environment(event, context):
    return dict(os.environ)

def wait(event, context):
    assert context.get_remaining_time_in_millis() > 0
    EVENTS[0].set()
    EVENTS[1].wait(5)
    return {}

def fail(event, context):
    raise ValueError("a value")

def leave(event, context):
    sys.exit(1)

def unsendable(event, context):
    return b"bytes"

def unencodable(event, context):
    return "\\ud800"

def grow(event, context):
    return "x" * event["size"]
"""


@dataclass
class Deployment:
    """Functions of a module of their own, invoked by the name of the handler."""

    directory: Path
    functions: dict[str, Function] = field(default_factory=dict)

    def add(self, name: str, *, timeout: float = 5, reserved: int | None = None) -> Function:
        self.functions[name] = Function(
            name=name,
            arn=f"arn:{name}",
            code=self.directory,
            handler=f"{self.module}.{name}",
            environment={"FUNCTION": name, f"ONLY_{name}": "1"},
            timeout=timeout,
            memory_size=128,
            reserved_concurrency=reserved,
            events=[],
        )
        return self.functions[name]

    @property
    def module(self) -> str:
        return f"functions_{self.directory.name.replace('-', '_')}"

    def start(self, **environment: str) -> LambdaService:
        return LambdaService(list(self.functions.values()), environment)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(tmp_path)
    deployment = Deployment(tmp_path)
    (tmp_path / f"{deployment.module}.py").write_text(CODE)
    return deployment


@pytest.fixture
def invoke(deployment: Deployment) -> Callable[..., Any]:
    def invoke(name: str, event: dict[str, Any] | None = None, timeout: float = 5) -> Any:  # noqa: ANN401  JSON
        function = deployment.add(name, timeout=timeout)
        return deployment.start().invoke(function, event or {})

    return invoke


def test_a_function_gets_event_and_context(invoke: Callable[..., Any]) -> None:
    assert invoke("respond", {"a": [1, None]}) == {
        "event": {"a": [1, None]},
        "name": "respond",
        "memory": "128",
    }


def test_an_event_arrives_as_json_makes_it(invoke: Callable[..., Any]) -> None:
    assert invoke("respond", {"a": (1, 2)})["event"] == {"a": [1, 2]}


def test_the_environment_is_the_functions_and_then_the_laptops(deployment: Deployment) -> None:
    first, _second = deployment.add("environment"), deployment.add("respond")
    environment = deployment.start(ONLY_environment="2").invoke(first, {})
    assert environment["ONLY_environment"] == "2"
    assert environment["ONLY_respond"] == "1"
    assert environment["FUNCTION"] == "environment"


@pytest.mark.parametrize(
    ("name", "error_type"),
    [
        ("fail", "ValueError"),
        ("leave", "SystemExit"),
        ("unsendable", "Runtime.MarshalError"),
        ("unencodable", "Runtime.MarshalError"),
    ],
)
def test_a_function_that_fails_is_a_function_error(
    invoke: Callable[..., Any], name: str, error_type: str
) -> None:
    with pytest.raises(FunctionError) as caught:
        invoke(name)
    assert caught.value.error_type == error_type


def test_a_failure_is_one_line_of_the_log_with_the_frames_and_not_the_message(
    invoke: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FunctionError, match="a value"):
        invoke("fail")
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert entry["errorType"] == "ValueError"
    assert "in fail" in entry["stackTrace"][0]
    assert "ValueError: a value" not in line


def test_a_request_and_a_result_may_be_6_mb_and_no_more(invoke: Callable[..., Any]) -> None:
    frame = len(json.dumps({"a": ""}, separators=(",", ":")))
    invoke("grow", {"size": PAYLOAD_LIMIT - 2})
    with pytest.raises(FunctionError) as caught:
        invoke("grow", {"size": PAYLOAD_LIMIT - 1})
    assert caught.value.error_type == "Function.ResponseSizeTooLarge"
    with pytest.raises(RequestTooLarge):
        invoke("respond", {"a": "x" * (PAYLOAD_LIMIT - frame + 1)})


def test_a_request_is_measured_in_bytes_of_utf_8(invoke: Callable[..., Any]) -> None:
    with pytest.raises(RequestTooLarge):
        invoke("grow", {"size": 1, "a": "é" * (PAYLOAD_LIMIT // 2)})


@dataclass
class Waiting:
    """An invocation of ``wait``, which goes on until ``finish`` is set."""

    service: LambdaService
    function: Function
    started: Event = field(default_factory=Event)
    finish: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        module = importlib.import_module(self.function.handler.partition(".")[0])
        vars(module)["EVENTS"] = (self.started, self.finish)
        self.thread = Thread(target=self.service.invoke, args=(self.function, {}))

    def __enter__(self) -> None:
        self.thread.start()
        assert self.started.wait(5)

    def __exit__(self, *_: object) -> None:
        self.finish.set()
        self.thread.join(5)


def test_over_its_reserved_concurrency_a_function_is_throttled(deployment: Deployment) -> None:
    function = deployment.add("wait", reserved=1)
    service = deployment.start()
    with Waiting(service, function), pytest.raises(TooManyRequests):
        service.invoke(function, {})
    with Waiting(service, function):
        pass


def test_a_reservation_is_the_functions_alone(deployment: Deployment) -> None:
    waiting, other = deployment.add("wait", reserved=1), deployment.add("respond", reserved=1)
    service = deployment.start()
    with Waiting(service, waiting):
        assert service.invoke(other, {})["name"] == "respond"


def test_a_function_with_nothing_reserved_for_it_is_never_invoked(deployment: Deployment) -> None:
    function = deployment.add("respond", reserved=0)
    with pytest.raises(TooManyRequests):
        deployment.start().invoke(function, {})


def test_an_invocation_ends_with_its_timeout_and_frees_its_slot(deployment: Deployment) -> None:
    function = deployment.add("wait", timeout=0.1, reserved=1)
    service = deployment.start()
    waiting = Waiting(service, function)
    for _ in range(2):
        with pytest.raises(FunctionError, match=r"timed out after 0\.10 seconds") as caught:
            service.invoke(function, {})
        assert caught.value.error_type == "Sandbox.Timedout"
    waiting.finish.set()
