from typing import Any

import pytest

from local.proxy_response import MalformedProxyResponse, response

OK: dict[str, Any] = {"statusCode": 200}


def headers(result: dict[str, Any]) -> list[tuple[str, str]]:
    return response({**OK, **result}, "*/*", []).headers


def test_a_result_becomes_status_headers_and_body() -> None:
    answer = response({**OK, "headers": {"Content-Type": "text/plain"}, "body": "é"}, "", [])
    assert (answer.status_code, answer.body) == (200, "é".encode())
    assert answer.headers == [("Content-Type", "text/plain")]


def test_a_status_may_be_text() -> None:
    assert response({"statusCode": "409"}, "", []).status_code == 409


def test_an_answer_without_content_type_is_json() -> None:
    assert headers({}) == [("Content-Type", "application/json")]


def test_both_kinds_of_headers_are_merged() -> None:
    merged = headers(
        {
            "headers": {"content-type": "a/b", "Warning": "one"},
            "multiValueHeaders": {"Warning": ["one", "two"]},
        }
    )
    assert merged == [("content-type", "a/b"), ("Warning", "one"), ("Warning", "two")]


def test_a_header_may_be_a_number_or_a_boolean() -> None:
    assert headers({"headers": {"Retry-After": 5, "X": True}})[:2] == [
        ("Retry-After", "5"),
        ("X", "true"),
    ]


@pytest.mark.parametrize("name", ["Date", "server", "WWW-Authenticate", "Content-Length"])
def test_a_header_of_the_gateways_own_is_remapped(name: str) -> None:
    assert headers({"headers": {name: "x"}})[0] == (f"x-amzn-Remapped-{name}", "x")


def test_warning_and_retry_after_are_not_remapped() -> None:
    assert dict(headers({"headers": {"Warning": "x", "Retry-After": "1"}})).keys() >= {
        "Warning",
        "Retry-After",
    }


@pytest.mark.parametrize("accept", ["image/png", "image/png, */*"])
def test_base64_is_decoded_for_a_client_that_accepts_a_binary_type(accept: str) -> None:
    result = {**OK, "body": "AP8=", "isBase64Encoded": True}
    assert response(result, accept, ["image/png"]).body == b"\x00\xff"


@pytest.mark.parametrize("accept", ["*/*", "", "text/plain, image/png"])
def test_base64_is_left_for_any_other_client(accept: str) -> None:
    result = {**OK, "body": "AP8=", "isBase64Encoded": True}
    assert response(result, accept, ["image/png"]).body == b"AP8="


@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        {},
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": None},
        {**OK, "cookies": []},
        {**OK, "body": 1},
        {**OK, "headers": ["a"]},
        {**OK, "headers": {"a": None}},
        {**OK, "headers": {"a": ["b"]}},
        {**OK, "headers": {"a b": "c"}},
        {**OK, "headers": {"a": "b\r\nc: d"}},
        {**OK, "headers": {"a": "\u20ac"}},
        {**OK, "multiValueHeaders": {"a": "b"}},
        {**OK, "body": "?", "isBase64Encoded": True},
    ],
)
def test_any_other_result_is_malformed(result: object) -> None:
    with pytest.raises(MalformedProxyResponse):
        response(result, "image/png", ["image/png"])
