"""What the gateway refuses gets to the function that is subscribed to the access log."""

from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from local import access_log, rest_api
from local.access_log import AccessLog
from local.gateway import Gateway
from local.intrinsics import TemplateError
from local.lambda_service import FunctionError, LambdaService
from local.messages import Request
from local.template import Function, Template
from notify.refusals import messages
from tests.dicomweb.audit.test_messages import event, read, roles

AUDITED = {
    "AuditRetentionDays": "2557",
    "OidcIssuer": "https://issuer.example",
    "OidcAudience": "stowport",
}


class Functions(LambdaService):
    """An authorizer that says ``verdict``; what other functions are given is ``handed_over``."""

    def __init__(self, verdict: object) -> None:
        self.verdict = verdict
        self.handed_over: Queue[dict[str, Any]] = Queue()

    def invoke(self, function: Function, event: dict[str, Any]) -> object:
        if function.name.endswith("AuthorizerFunction"):
            if isinstance(self.verdict, Exception):
                raise self.verdict
            return self.verdict
        if "awslogs" in event:
            self.handed_over.put(event)
        return {"statusCode": 200}


@pytest.fixture(scope="module")
def template() -> Template:
    return Template(Path(__file__).parents[2] / "template.yaml", AUDITED)


def refused(template: Template, verdict: object, log: "Queue[str]") -> Functions:
    """Send one request to a gateway whose authorizer says ``verdict``."""
    functions = Functions(verdict)
    api = rest_api.read(template)
    lines = AccessLog(api.access_log, access_log.read(template), functions, log.put)
    gateway = Gateway(api, functions, lambda *_: None, access_log=lines.write)
    request = Request(
        method="POST",
        path="/studies/1.2.3",
        query="",
        headers=[("host", "localhost")],
        body=b"",
        source_ip="127.0.0.1",
    )
    gateway.answer(request)
    return functions


def denial(effect: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"}
    return {"principalId": "1f0e3dad", "policyDocument": {"Statement": [statement]}}


def test_a_refused_token_is_handed_over(template: Template) -> None:
    log: Queue[str] = Queue()
    functions = refused(template, FunctionError("Expired", "Unauthorized"), log)
    (message,) = messages(functions.handed_over.get(timeout=5)["awslogs"]["data"], "stowport")
    assert event(read(message))[:3] == ("110114", "DCM", "User Authentication")
    assert roles(read(message))[0][0] == "127.0.0.1"
    assert log.get(timeout=5).endswith(" done")


def test_a_denied_principal_is_handed_over_with_the_resource_and_not_the_path(
    template: Template,
) -> None:
    functions = refused(template, denial("Deny"), Queue())
    (message,) = messages(functions.handed_over.get(timeout=5)["awslogs"]["data"], "stowport")
    assert event(read(message))[:3] == ("110113", "DCM", "Security Alert")
    assert roles(read(message))[1][0] == "1f0e3dad"
    assert "/studies/{study}" in message
    assert "1.2.3" not in message


@pytest.mark.parametrize("verdict", [FunctionError("Issuer", "unavailable"), denial("Allow")])
def test_nothing_else_is_handed_over(
    template: Template,
    verdict: object,
) -> None:
    assert refused(template, verdict, Queue()).handed_over.empty()


def test_a_function_that_fails_is_told_of(template: Template) -> None:
    class Failing(Functions):
        def invoke(self, *_: object) -> object:
            raise FunctionError("TryAgain", "")

    log: Queue[str] = Queue()
    subscriptions = access_log.read(template)
    lines = AccessLog(
        '{"requestId": "$context.requestId", "responseType": "$context.error.responseType"}',
        subscriptions,
        Failing(None),
        log.put,
    )
    lines.write({"requestId": "18", "error.responseType": "ACCESS_DENIED"})
    assert log.get(timeout=5).endswith(" access log 18 failed (FunctionError)")


def test_without_an_audit_trail_nobody_is_subscribed() -> None:
    path = Path(__file__).parents[2] / "template.yaml"
    template = Template(path, {**AUDITED, "AuditRetentionDays": "off"})
    assert access_log.read(template) == []
    assert template.audit_trail == ""


def test_another_filter_pattern_is_not_supported() -> None:
    with pytest.raises(TemplateError, match=r"status = 4\*"):
        access_log._terms("{ $.status = 4* }")
