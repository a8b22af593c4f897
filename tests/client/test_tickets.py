"""The ticket of an upload is believed only where it cannot do harm."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stowport.tickets import BadTicket, read_ticket

SERVICE = "https://archive.example.org/prod/uploads"
S3 = "https://bucket.s3.amazonaws.com/staging/1?X-Amz-Signature=0"


def whole(**changes: object) -> dict[str, Any]:
    headers = {"Content-Type": "multipart/related", "If-None-Match": "*", "Content-Length": "9"}
    return {"id": "1", "url": S3, "headers": headers} | changes


def in_parts(**changes: object) -> dict[str, Any]:
    parts = [{"offset": 0, "size": 5, "url": S3}, {"offset": 5, "size": 4, "url": S3}]
    complete = {"method": "POST", "url": S3, "contentType": "application/xml"}
    return {"id": "1", "parts": parts, "complete": complete} | changes


def test_a_ticket_is_read_and_the_length_is_not_a_field_of_it() -> None:
    ticket = read_ticket(json.dumps(whole()).encode(), SERVICE, 9)
    (target,) = ticket.targets
    assert (target.url, target.offset, target.size) == (S3, 0, 9)
    assert target.headers == {"Content-Type": "multipart/related", "If-None-Match": "*"}
    assert ticket.complete is None


def test_a_ticket_in_parts_is_read() -> None:
    ticket = read_ticket(json.dumps(in_parts()).encode(), SERVICE, 9)
    assert [(target.offset, target.size) for target in ticket.targets] == [(0, 5), (5, 4)]
    assert ticket.complete == (S3, "application/xml")


def part(**changes: object) -> dict[str, object]:
    return {"offset": 0, "size": 9, "url": S3} | changes


@pytest.mark.parametrize(
    "ticket",
    [
        whole(url=S3.replace("https", "http")),
        whole(url=S3.replace("https", "file")),
        whole(url="//bucket.s3.amazonaws.com/1"),
        whole(url="https:///etc/passwd"),
        whole(url="https://user:testing@bucket.s3.amazonaws.com/1"),
        whole(url="https://[::1"),
        whole(url="https://bucket\r\nX: y"),
        whole(url="https://bucket:99999/1"),
        whole(url="https://bucket:x/1"),
        whole(url="https://bucket:0/1"),
        whole(url=None),
        whole(headers={"Authorization": "Bearer x"}),
        whole(headers={"Cookie": "x"}),
        whole(headers={"Host": "other"}),
        whole(headers={"Transfer-Encoding": "chunked"}),
        whole(headers={"Content-Type": "a\r\nX: y"}),
        whole(headers={"x-amz-é": "y"}),
        whole(headers={"x-amz-a:b": "y"}),
        whole(headers={"x-amz-a b": "y"}),
        whole(headers={"x-amz-a": 1}),
        whole(headers=[]),
        whole(id=7),
        in_parts(parts=[]),
        in_parts(parts=[part(size=8)]),
        in_parts(parts=[part(size=10)]),
        in_parts(parts=[part(offset=1, size=8)]),
        in_parts(parts=[part(size=-1), part(offset=-1, size=10)]),
        in_parts(parts=[part(), part(offset=9, size=0)]),
        in_parts(parts=[part(offset="0")]),
        in_parts(parts=[part(url="http://bucket/")]),
        in_parts(complete={"url": "http://bucket/", "contentType": "application/xml"}),
        in_parts(complete={"url": S3, "contentType": "a\nb"}),
        in_parts(complete={}),
        [],
        None,
    ],
)
def test_a_ticket_that_could_do_harm_is_refused(ticket: object) -> None:
    with pytest.raises(BadTicket):
        read_ticket(json.dumps(ticket).encode(), SERVICE, 9)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"9" * 5000])
def test_a_ticket_that_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(BadTicket):
        read_ticket(content, SERVICE, 9)


def test_a_service_on_the_laptop_is_http_and_so_is_its_ticket() -> None:
    ticket = whole(url=S3.replace("https", "http"))
    assert read_ticket(json.dumps(ticket).encode(), "http://127.0.0.1:8080/uploads", 9).targets


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(S3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "url", "headers", "parts", "offset", "size", "complete"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(_json)
def test_no_ticket_is_an_unforeseen_error(ticket: object) -> None:
    with suppress(BadTicket):
        assert read_ticket(json.dumps(ticket).encode(), SERVICE, 9).targets
