from pathlib import Path
from typing import Any

from local import proxy_event, rest_api
from local.messages import Request
from local.template import Template

API = rest_api.read(Template(Path(__file__).parent / "stub" / "template.yaml", {}))
ROUTE = next(route for route in API.routes if route.resource == "/studies/{study}")
HEADERS = [
    ("host", "127.0.0.1:8080"),
    ("accept", "application/dicom+xml"),
    ("x-twice", "a"),
    ("x-twice", "b"),
    ("user-agent", "test"),
    ("transfer-encoding", "chunked"),
    ("connection", "keep-alive"),
]


def event(query: str = "", body: bytes = b"", headers: list[tuple[str, str]] = HEADERS) -> Any:  # noqa: ANN401  JSON
    request = Request(
        method="POST",
        path="/studies/1.2",
        query=query,
        headers=headers,
        body=body,
        source_ip="127.0.0.1",
    )
    return proxy_event.event(request, ROUTE, API, {"study": "1.2"})


def test_an_event_has_the_keys_of_a_rest_api() -> None:
    assert set(event()) == {
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
        "body",
        "isBase64Encoded",
    }


def test_a_repeated_header_has_its_last_value_and_all_of_them() -> None:
    seen = event()
    assert seen["headers"]["x-twice"] == "b"
    assert seen["multiValueHeaders"]["x-twice"] == ["a", "b"]


def test_headers_of_the_connection_are_not_handed_on() -> None:
    assert not {"transfer-encoding", "connection"} & set(event()["headers"])


def test_headers_say_how_the_request_came() -> None:
    headers = event()["headers"]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Port"] == "8080"
    assert headers["X-Forwarded-Proto"] == "http"


def test_a_repeated_query_parameter_has_its_last_value_and_all_of_them() -> None:
    seen = event("a=1&a=2%20&b=")
    assert seen["queryStringParameters"] == {"a": "2 ", "b": ""}
    assert seen["multiValueQueryStringParameters"] == {"a": ["1", "2 "], "b": [""]}


def test_what_is_absent_is_null() -> None:
    seen = event()
    assert seen["queryStringParameters"] is None
    assert seen["multiValueQueryStringParameters"] is None
    assert seen["stageVariables"] is None
    assert (seen["body"], seen["isBase64Encoded"]) == (None, False)


def test_the_request_context_names_request_sender_and_stage() -> None:
    context = event()["requestContext"]
    assert context["domainName"] == "127.0.0.1"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["resourcePath"] == "/studies/{study}"
    assert context["stage"] == "stub"
    assert len(context["requestId"]) == 36


def test_the_method_arn_names_stage_method_and_path() -> None:
    request = Request(
        method="POST", path="/studies/1.2/", query="a=1", headers=[], body=b"", source_ip=""
    )
    arn = proxy_event.method_arn(request, API)
    assert arn == "arn:aws:execute-api:us-east-1:123456789012:local/stub/POST/studies/1.2"
