import base64
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from local import gateway

if TYPE_CHECKING:
    from tests.local.conftest import Api, Reply

MULTIPART = "multipart/related; boundary=b"
HEAD = b"POST /studies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n\r\n"
LARGEST_EVENT = 6 * 1024 * 1024 + 100


def raw(api: "Api", *pieces: bytes) -> bytes:
    """Send ``pieces`` on one connection, waiting for an answer between them; return all answers."""
    answer = b""
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as connection:
        for piece in pieces:
            answer += connection.recv(65536) if answer or piece is not pieces[0] else b""
            connection.sendall(piece)
        while received := connection.recv(65536):
            answer += received
    return answer


def test_a_binary_body_arrives_in_base64_and_byte_for_byte(api: "Api") -> None:
    body = bytes(range(256)) * 40
    event = api.post(body=body, content_type=MULTIPART).seen["event"]
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_a_body_of_any_other_type_arrives_as_text_and_ruined(api: "Api") -> None:
    event = api.post(body=b"a\xff\xfeb", content_type="application/dicom").seen["event"]
    assert event["isBase64Encoded"] is False
    assert event["body"] == "a\ufffd\ufffdb"


def test_a_chunked_body_arrives_whole(api: "Api") -> None:
    def chunks() -> Iterator[bytes]:
        for number in range(50):
            yield bytes([number]) * 1000

    event = api.send("POST", "/studies", chunks(), content_type=MULTIPART).seen["event"]
    assert base64.b64decode(event["body"]) == b"".join(bytes([n]) * 1000 for n in range(50))


def test_a_client_that_expects_100_continue_gets_it_before_it_sends_the_body(api: "Api") -> None:
    head = HEAD % b"Content-Length: 2\r\nExpect: 100-continue"
    answer = raw(api, head, b"ab")
    assert answer.startswith(b"HTTP/1.1 100 ")
    assert b"\r\n\r\nHTTP/1.1 200 OK" in answer
    assert b'"body": "ab"' in answer


def test_a_client_that_expects_100_continue_is_not_asked_for_a_body_over_10_mb(api: "Api") -> None:
    answer = raw(api, HEAD % b"Content-Length: 10485761\r\nExpect: 100-continue")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_connection_serves_one_request_after_another(api: "Api") -> None:
    connection = api.connection()
    sockets = set()
    for number in range(3):
        connection.request("POST", "/studies", str(number))
        assert json.loads(connection.getresponse().read())["event"]["body"] == str(number)
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1


def test_a_connection_goes_on_after_a_body_that_was_too_large(api: "Api") -> None:
    connection = api.connection()
    connection.request("POST", "/studies", bytes(gateway.BODY_LIMIT + 1))
    refused = connection.getresponse()
    refused.read()
    connection.request("POST", "/studies", b"next")
    assert (refused.status, connection.getresponse().status) == (400, 200)
    connection.close()


def test_a_chunked_body_over_10_mb_is_refused_while_it_is_sent(api: "Api") -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 12 * 1024 * 1024:
            sent += 1024 * 1024
            yield bytes(1024 * 1024)

    reply = api.send("POST", "/studies", endless(), content_type=MULTIPART)
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (400, "REQUEST_TOO_LARGE")


def test_a_body_of_just_10_mb_passes_the_gateway_and_fails_at_lambda(api: "Api") -> None:
    reply = api.post(body=bytes(gateway.BODY_LIMIT), content_type=MULTIPART)
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (400, "REQUEST_TOO_LARGE")


def test_the_event_may_be_6_mb_and_no_more(api: "Api") -> None:
    headers: dict[str, Any] = {"content_type": "text/plain", "x_result": '{"statusCode": 200}'}
    seen = api.post(content_type="text/plain").seen["event"]
    room = LARGEST_EVENT - len(json.dumps(seen, separators=(",", ":")))
    # The header that tells the result makes up for what is not in the first event.
    assert api.post(body=b"x" * (room - 200), **headers).status == 200
    reply = api.post(body=b"x" * room, **headers)
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (400, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("path", ["/studies", "/studies/"])
def test_one_trailing_slash_is_ignored(api: "Api", path: str) -> None:
    event = api.post(path).seen["event"]
    assert (event["resource"], event["path"]) == ("/studies", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/studies"),
        ("POST", "/"),
        ("POST", "/Studies"),
        ("POST", "/studies//"),
        ("POST", "/studies/1/series"),
        ("POST", "//studies"),
        ("OPTIONS", "*"),
        ("HEAD", "/studies"),
    ],
)
def test_what_is_no_method_of_a_resource_has_no_authentication_token(
    api: "Api", method: str, path: str
) -> None:
    reply = api.send(method, path)
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (
        400,
        "MISSING_AUTHENTICATION_TOKEN",
    )


def test_the_root_is_a_resource_too(api: "Api") -> None:
    assert api.send("OPTIONS", "/").seen["event"]["resource"] == "/"


def test_a_path_parameter_is_decoded_and_may_hold_a_slash(api: "Api") -> None:
    event = api.post("/studies/1.2%2F3%20?a=1").seen["event"]
    assert event["pathParameters"] == {"study": "1.2/3 "}
    assert event["path"] == "/studies/1.2%2F3%20"


def test_without_a_token_the_answer_is_the_templates_unauthorized(api: "Api") -> None:
    reply = api.post("/guarded", x_echo="as sent")
    assert reply.status == 401
    assert reply.headers["content-type"] == "application/dicom+xml"
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["echo"] == "as sent"
    assert (
        reply.body == b'<refused type="UNAUTHORIZED" id="%s"/>' % reply.headers["request"].encode()
    )


def test_what_the_policy_allows_reaches_the_function_with_the_authorizers_context(
    api: "Api",
) -> None:
    event = api.post("/guarded", b"x", authorization="Allow").seen["event"]
    authorizer = event["requestContext"]["authorizer"]
    assert authorizer["principalId"] == "someone"
    assert (authorizer["type"], authorizer["has_body"]) == ("REQUEST", False)


OUTPUTS = {
    "no policy": {"principalId": "a"},
    "no principal": {"policyDocument": {"Statement": []}},
    "not a mapping": [],
    "nested context": {"principalId": "a", "context": {"a": {}}, "policyDocument": {}},
}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"authorization": "Deny"}, "ACCESS_DENIED"),
        ({"authorization": "x", "x_raise": "no issuer"}, "AUTHORIZER_FAILURE"),
        *(
            ({"authorization": "x", "x_output": json.dumps(output)}, kind)
            for output, kind in zip(
                OUTPUTS.values(), ["AUTHORIZER_CONFIGURATION_ERROR"] * len(OUTPUTS), strict=True
            )
        ),
    ],
)
def test_whatever_else_the_authorizer_does_keeps_the_function_from_being_invoked(
    api: "Api", headers: dict[str, Any], kind: str
) -> None:
    assert api.post("/guarded", **headers).headers["x-amzn-errortype"] == kind


@pytest.mark.parametrize(
    "headers",
    [
        {"x_raise": "a fault"},
        {"x_result": "{}"},
        {"x_result": '{"statusCode": 200, "surplus": 1}'},
        {"x_result": '{"statusCode": 200, "body": {"a": 1}}'},
        {"x_grow": str(LARGEST_EVENT)},
        {"x_sleep": "1.2"},
    ],
)
def test_a_function_that_gives_no_proxy_response_is_a_default_5xx(
    api: "Api", headers: dict[str, Any]
) -> None:
    reply = api.post(**headers)
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (502, "DEFAULT_5XX")
    assert b"a fault" not in reply.body


def test_a_function_that_the_gateway_does_not_wait_for_is_an_integration_timeout(
    api: "Api", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "INTEGRATION_TIMEOUT", 0.05)
    assert api.post(x_sleep="0.3").headers["x-amzn-errortype"] == "INTEGRATION_TIMEOUT"


def test_requests_run_in_parallel(api: "Api") -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: api.post(x_sleep="0.5"), range(8)))
    assert [reply.status for reply in replies] == [200] * 8
    assert time.monotonic() - started < 8 * 0.5 / 2


def test_over_the_reserved_concurrency_there_is_only_success_and_integration_failure(
    api_with_one_slot: "Api",
) -> None:
    def post(_: int) -> "Reply":
        return api_with_one_slot.post(x_sleep="0.5")

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(post, range(8)))
    assert {reply.status for reply in replies} == {200, 503}
    throttled = {r.headers["x-amzn-errortype"] for r in replies if r.status == 503}
    assert throttled == {"INTEGRATION_FAILURE"}
    assert api_with_one_slot.post().status == 200


def test_a_binary_body_is_decoded_only_for_a_client_that_accepts_a_binary_type_first(
    api: "Api",
) -> None:
    result = {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain"},
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    first = api.post(x_result=json.dumps(result), accept="image/png, text/plain")
    second = api.post(x_result=json.dumps(result), accept="text/plain, image/png")
    assert (first.body, second.body) == (b"\x00\xff", b"AP8=")


def test_a_client_that_leaves_before_its_body_is_complete_is_forgotten(api: "Api") -> None:
    before = len(api.log)
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as connection:
        connection.sendall(
            b"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
        )
    assert api.post().status == 200
    assert len(api.log) == before + 1


def test_the_senders_address_is_the_connections_whatever_a_header_says(api: "Api") -> None:
    event = api.post(x_forwarded_for="10.0.0.1").seen["event"]
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    forwarded = [v for name, v in event["headers"].items() if name.lower() == "x-forwarded-for"]
    assert forwarded == ["127.0.0.1"]


def test_what_is_no_http_is_a_bad_request(api: "Api") -> None:
    assert raw(api, b"garbage\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_every_answer_is_logged_with_its_request_and_time(api: "Api") -> None:
    api.post("/studies/1.2?patient=secret", b"abc")
    request, response, seconds = api.log[-1]
    assert (request.method, request.path, len(request.body)) == ("POST", "/studies/1.2", 3)
    assert response.status_code == 200
    assert 0 < seconds < 1


@pytest.mark.parametrize("host", ["rebound.example.org", "rebound.example.org:8080", "192.0.2.1"])
def test_a_name_that_was_made_to_mean_this_machine_is_refused(api: "Api", host: str) -> None:
    reply = api.post(Host=host)
    assert reply.status == 400
    assert reply.headers["x-amzn-errortype"] == "BAD_REQUEST_PARAMETERS"


@pytest.mark.parametrize("host", ["localhost:1", "[::1]:8080", "host.docker.internal:8080"])
def test_another_name_of_this_machine_is_answered(api: "Api", host: str) -> None:
    assert api.post(Host=host).seen["event"]["headers"]["host"] == host
