import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from http import HTTPStatus
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from capabilities import handler
from capabilities.settings import allowed_origins, retrieves
from dicomweb.answer import capabilities, response
from events.proxy import options_event
from local.template import Template
from tests.store.deployment import EVENTS, ROOT, event, function
from tests.store.lambdas import Reply
from transaction import gateway, journal

BASE = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
ORIGIN = "https://viewer.example.org"
ASKED = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"
RESOURCES = {
    "/": ("OPTIONS", "POST, OPTIONS"),
    "/studies": ("OPTIONS, POST", "POST, OPTIONS"),
    "/studies/{study}": ("OPTIONS, POST", "POST, OPTIONS"),
    "/uploads": ("POST, OPTIONS", "POST, OPTIONS"),
    "/uploads/{id}": ("GET, OPTIONS", "GET, OPTIONS"),
    "/commitment-requests/{transaction}": ("GET, POST, OPTIONS", "GET, POST, OPTIONS"),
}


@pytest.fixture(autouse=True)
def origins(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.delenv("ALLOWED_ORIGINS", raising=False)
    monkeypatch.delenv("RETRIEVE", raising=False)
    allowed_origins.cache_clear()
    retrieves.cache_clear()
    yield monkeypatch
    allowed_origins.cache_clear()
    retrieves.cache_clear()


@pytest.fixture
def allowed(origins: pytest.MonkeyPatch) -> None:
    origins.setenv("ALLOWED_ORIGINS", f"{ORIGIN}, https://other.example.org")


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    stream = StringIO()
    monkeypatch.setattr(journal.logger.registered_handler, "stream", stream)
    return stream


def asked(sent: dict[str, Any]) -> Reply:
    return Reply(json.loads(json.dumps(handler.lambda_handler(sent, LambdaContext()))))


def fails(*_: object, **__: object) -> None:
    raise RuntimeError("Planted^Name")


@pytest.mark.parametrize("name", [path.stem for path in (EVENTS / "capabilities").glob("*.json")])
def test_the_committed_events_are_answered_200(name: str) -> None:
    assert asked(event(f"capabilities/{name}")).status == HTTPStatus.OK


def test_options_describes_the_resources_below_the_base_that_was_asked() -> None:
    reply = asked(event("capabilities/base"))
    assert reply.headers == {"Content-Type": "application/vnd.sun.wadl+xml", "Allow": "OPTIONS"}
    assert f'<resources base="{BASE}">' in reply.body
    assert 'path="studies/{StudyInstanceUID}"' in reply.body


def test_options_on_a_resource_describes_that_one() -> None:
    sent = event("capabilities/preflight", resource="/studies/{study}", path="/studies/1.2.3")
    sent["requestContext"]["path"] = "/dicomweb/studies/1.2.3"
    reply = asked(sent)
    assert reply.body.count("<resource path") == reply.body.count("Store Study Instances") == 1
    assert f'base="{BASE}"' in reply.body


@pytest.mark.parametrize("resource", ["/uploads", "/uploads/{id}"])
def test_what_is_not_the_standards_has_no_description(resource: str) -> None:
    reply = asked(options_event(resource, ASKED))
    assert (reply.headers["Content-Type"], reply.body) == ("application/json", "{}")


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_preflight_is_refused_unless_origins_are_allowed(resource: str) -> None:
    reply = asked(options_event(resource, ASKED))
    assert (reply.status, reply.headers["Allow"]) == (HTTPStatus.OK, RESOURCES[resource][0])
    assert not [name for name in reply.headers if name.startswith("Access-Control")]


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("resource", RESOURCES)
def test_a_preflight_of_an_allowed_origin_may_send_a_token(resource: str) -> None:
    reply = asked(options_event(resource, ASKED))
    del reply.headers["Content-Type"]
    assert reply.headers == {
        "Allow": RESOURCES[resource][0],
        "Access-Control-Allow-Origin": ORIGIN,
        "Access-Control-Allow-Methods": RESOURCES[resource][1],
        "Access-Control-Allow-Headers": (
            "Accept, Authorization, Content-Type, If-None-Match, X-Requested-With"
        ),
        "Access-Control-Max-Age": "600",
        "Access-Control-Expose-Headers": (
            "Content-Location, ETag, Location, Repr-Digest, Retry-After, Warning, WWW-Authenticate"
        ),
        "Vary": "Origin",
    }


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("resource", "allow", "methods"),
    [
        ("/studies", "OPTIONS, POST", "POST, OPTIONS"),
        ("/studies/{study}", "OPTIONS, POST, GET, HEAD", "POST, GET, HEAD, OPTIONS"),
        ("/studies/{study}/series", "OPTIONS, GET", "GET, OPTIONS"),
        (INSTANCE, "OPTIONS, GET, HEAD", "GET, HEAD, OPTIONS"),
        (f"{INSTANCE}/metadata", "OPTIONS, GET", "GET, OPTIONS"),
    ],
)
def test_where_it_retrieves_a_page_may_get(
    origins: pytest.MonkeyPatch, resource: str, allow: str, methods: str
) -> None:
    origins.setenv("RETRIEVE", "on")
    reply = asked(options_event(resource, {**ASKED, "Access-Control-Request-Method": "GET"}))
    assert reply.headers["Allow"] == allow
    assert reply.headers["Access-Control-Allow-Methods"] == methods


def test_where_it_does_not_retrieve_nothing_can_be_done_with_an_instance() -> None:
    assert asked(options_event(INSTANCE)).headers["Allow"] == "OPTIONS"


@pytest.mark.usefixtures("allowed")
def test_what_is_no_preflight_is_not_answered_as_one() -> None:
    headers = asked(options_event("/studies", {"Origin": ORIGIN})).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Methods" not in headers


@pytest.mark.usefixtures("allowed")
def test_a_preflight_of_another_origin_is_refused() -> None:
    headers = asked(options_event("/studies", {**ASKED, "Origin": "https://evil.example"})).headers
    assert headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("room", "step"),
    [
        (capabilities, "describe"),
        (handler, "allowed_origins"),
        (gateway, "read_request"),
        (gateway, "preflight_headers"),
        (gateway, "proxy_response"),
    ],
)
def test_what_nobody_foresaw_is_503_and_logged_without_its_message(
    log: StringIO, monkeypatch: pytest.MonkeyPatch, room: ModuleType, step: str
) -> None:
    monkeypatch.setattr(room, step, fails)
    reply = asked(event("capabilities/preflight"))
    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert reply.headers == {"Content-Type": "application/dicom+xml", "Retry-After": "5"}
    assert reply.warnings == [f'299 stowport "0110: {response.UNFORESEEN}"']
    assert '"error":"RuntimeError"' in log.getvalue()
    assert "Planted" not in log.getvalue() + str(reply.response)


@pytest.mark.parametrize("broken", [{}, {"requestContext": None}, {"httpMethod": "OPTIONS"}])
def test_what_is_no_event_of_the_gateway_is_503(broken: dict[str, Any]) -> None:
    assert asked(broken).status == HTTPStatus.SERVICE_UNAVAILABLE


def test_capabilities_are_neither_logged_nor_counted(log: StringIO) -> None:
    printed = StringIO()
    with redirect_stdout(printed):
        asked(event("capabilities/base"))
    assert log.getvalue() + printed.getvalue() == ""


def test_no_request_without_a_token_runs_a_function_that_may_touch_data() -> None:
    template = Template(
        ROOT / "template.yaml", {"OidcIssuer": "https://a.example", "OidcAudience": "a"}
    )
    without_token = {
        each.name
        for each in template.functions
        for event in each.events
        if event["Type"] == "Api" and event["Properties"].get("Auth") == {"Authorizer": "NONE"}
    }
    assert without_token == {function("CapabilitiesFunction").name}


@pytest.mark.process
def test_it_starts_without_what_stores() -> None:
    program = "import sys, capabilities.handler; print(' '.join(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(done.stdout.split())
    assert "dicomweb.answer.capabilities" in imported
    assert not imported & {"archive", "obstore", "store", "uploads", "PIL"}
