"""What is passed on as it is: OPTIONS, storage commitment, metadata and bulk data."""

import asyncio
import json
from collections.abc import Callable

import pytest

from stowport.messages import Response
from stowport.relay import messages
from stowport.relay.passing import passed_back
from tests.builders import (
    BOUNDARY,
    content_type,
    data_set,
    instance,
    multipart,
    part,
    sop_uid,
    study_uid,
)
from tests.client.relays import ServedRelay
from tests.client.stub import Reply, Stub

Serve = Callable[..., ServedRelay]

METADATA = content_type().replace("application/dicom", "application/dicom+json")
COMMITMENT = f"/commitment-requests/{study_uid(7)}"


def metadata(number: int = 1, bulk: bytes = b"\0" * 12) -> bytes:
    """Return the body of a request with metadata in JSON and bulk data."""
    rows = max(len(bulk) // 2400, 1)
    size = {"Rows": rows, "Columns": len(bulk) // 2 // rows}
    attributes = data_set(1, 1, number, **size).to_json_dict()
    attributes["7FE00010"] = {"vr": "OW", "BulkDataURI": "pixels"}
    return multipart(
        part(json.dumps([attributes]).encode(), Content_Type="application/dicom+json"),
        part(bulk, Content_Type="application/octet-stream", Content_Location="pixels"),
    )


def test_metadata_and_bulk_data_are_passed_on_byte_for_byte(stub: Stub, served: Serve) -> None:
    body = metadata()
    relay = served()
    answer = relay.post(body, f"/studies/{study_uid(1)}", METADATA, Accept="application/dicom+json")
    assert (answer.status, answer.stored) == (200, [sop_uid(1)])
    (seen,) = stub.seen
    assert seen.path == f"/studies/{study_uid(1)}"
    assert (seen.size, seen.headers["content-type"]) == (len(body), METADATA)
    assert seen.headers["accept"] == "application/dicom+json"


def test_large_metadata_goes_through_uploads(stub: Stub, served: Serve) -> None:
    stub.part_size = 1_000_000
    body = metadata(bulk=bytes(2_400_000))
    answer = served("--limit", "1MB").post(body, "/studies", METADATA)
    assert (answer.status, answer.stored) == (200, [sop_uid(1)])
    (upload,) = stub.uploads.values()
    upload.stream.seek(0)
    assert upload.stream.read() == body
    assert upload.content_type == METADATA
    assert {seen.headers["accept"] for seen in stub.requests("GET", "/uploads")} == {
        "application/dicom+xml"
    }


def test_metadata_that_the_server_has_no_room_for_is_final(stub: Stub, served: Serve) -> None:
    stub.has_uploads = False
    body = metadata(bulk=bytes(12_000))
    answer = served("--limit", "10kB").post(body, "/studies", METADATA)
    assert answer.status == 503
    assert "Retry-After" not in answer.headers
    assert "expected no more than 10000, because the server has no /uploads" in answer.text


def test_a_server_that_takes_no_metadata_is_named(stub: Stub, served: Serve) -> None:
    stub.script["POST"] = [Reply(status=415)]
    answer = served().post(metadata(), "/studies", METADATA)
    assert answer.status == 400
    assert "the server refused the metadata with 415" in answer.text


def test_metadata_that_is_too_large_for_a_post_goes_through_uploads(
    stub: Stub, served: Serve
) -> None:
    stub.script["POST"] = [Reply(status=413)]
    assert served().post(metadata(), "/studies", METADATA).status == 200
    assert len(stub.uploads) == 1


def test_an_upload_that_is_refused_is_the_relays_fault(stub: Stub, served: Serve) -> None:
    stub.script["PUT"] = [Reply(status=403)]
    answer = served("--limit", "1kB").post(metadata(), "/studies", METADATA)
    assert answer.status == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("cut", [1, 20])
def test_metadata_that_was_cut_off_is_not_passed_on(stub: Stub, served: Serve, cut: int) -> None:
    body = metadata().removesuffix(b"\r\n")[: -len(BOUNDARY) - cut]
    assert served().post(body, "/studies", METADATA).status == 400
    assert stub.seen == []


@pytest.mark.parametrize("status", [200, 202, 400, 404, 409, 503])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_storage_commitment_is_passed_through(
    stub: Stub, served: Serve, method: str, status: int
) -> None:
    stub.token = "secret"
    fields = {"Content-Type": "application/dicom+json", "Retry-After": "7", "Set-Cookie": "a=b"}
    stub.commitment = Reply(status=status, headers=fields, body=b'{"a": 1}')
    sent = b"[{}]" if method == "POST" else b""
    answer = served("--token", "secret", "--tries", "1").post(
        sent, COMMITMENT, "application/dicom+json", method, Authorization="Bearer other"
    )
    assert (answer.status, answer.body) == (status, b'{"a": 1}')
    assert answer.media_type == "application/dicom+json"
    assert answer.headers["Retry-After"] == "7"
    assert "Set-Cookie" not in answer.headers
    assert {(seen.method, seen.path, seen.size) for seen in stub.seen} == {
        (method, COMMITMENT, len(sent))
    }


def test_the_media_type_in_the_query_is_what_the_server_is_asked_for(
    stub: Stub, served: Serve
) -> None:
    served().get(f"{COMMITMENT}?accept=application/dicom%2Bjson", Accept="*/*")
    assert stub.seen[0].headers["accept"] == "application/dicom+json"
    assert stub.seen[0].path == COMMITMENT


@pytest.mark.parametrize("status", [302, 401, 403, 500, 502])
def test_what_the_server_has_against_the_relay_is_not_the_clients_fault(
    stub: Stub, served: Serve, status: int
) -> None:
    relay = served()
    stub.commitment = Reply(status=status)
    answer = relay.get(COMMITMENT)
    assert answer.status == 503
    assert str(status) in answer.text


def test_a_request_for_commitment_has_a_limit(
    stub: Stub, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stowport.relay.application.MAX_BODY", 10)
    answer = served().post(bytes(11), COMMITMENT)
    assert (answer.status, answer.headers["Retry-After"]) == (503, None)
    assert stub.seen == []


@pytest.mark.parametrize(
    "path", ["/", "/studies", f"/studies/{study_uid(1)}", "/commitment-requests", COMMITMENT]
)
def test_options_of_a_resource_of_the_service_is_passed_on(
    stub: Stub, served: Serve, path: str
) -> None:
    relay = served(url=f"{stub.url}/prod")
    answer = relay.post(b"", path, method="OPTIONS")
    assert (answer.status, answer.headers["X-Stub"]) == (200, f"/prod{path}")


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/../other",
        "/studies/../../other",
        "/studies/%2e%2e/%2e%2e/other",
        "/studies/1.2/3.4",
        "/studies/1.2?x#y",
        "/studies/x",
        "/uploads/1.2",
        "//example.org/studies",
        "/studies%3Fx",
    ],
)
def test_options_of_anything_else_is_not(stub: Stub, served: Serve, path: str) -> None:
    relay = served(url=f"{stub.url}/prod")
    answer = relay.post(b"", path, method="OPTIONS")
    passed = [seen.path for seen in stub.seen]
    assert answer.status == 400 or passed == ["/prod/studies/1.2"]


def test_answers_have_no_fields_of_the_connection_or_for_pages() -> None:
    headers = {
        "access-control-allow-origin": "*",
        "connection": "close",
        "content-encoding": "gzip",
        "x(y)": "no name of a field",
        "content-type": "text/plain",
        "transfer-encoding": "chunked",
        "www-authenticate": "Basic",
    }
    answer = passed_back(Response(status=400, headers=headers, warnings=("299 a", "299 b")))
    assert answer.headers == [
        ("content-type", "text/plain"), ("Warning", "299 a"), ("Warning", "299 b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a/b\r\nSet-Cookie: x", b"https://a/b??Set-Cookie: x"),
        ("https://a/\u2603\u00fc\0", b"https://a/???"),
        (" a\t", b"a?"),
    ],
)
def test_a_field_is_one_line_of_ascii(value: str, expected: bytes) -> None:
    sent: list[messages.Message] = []

    async def send(message: messages.Message) -> None:
        sent.append(message)

    answer = messages.Reply(status=200, headers=[("Location", value)], body=b"")
    asyncio.run(messages.reply(answer, send))
    assert dict(sent[0]["headers"])[b"location"] == expected


@pytest.mark.parametrize(
    "base",
    [
        "https://a.example.org/\r\nX: y",
        "https://\u00fc",
        "javascript:x",
        "https://a b",
        "https://<",
    ],
)
def test_a_retrieve_url_that_is_none_is_left_out(stub: Stub, served: Serve, base: str) -> None:
    stub.retrieve_base_url = base
    answer = served().store(instance(1), Accept="application/dicom+json")
    assert (answer.status, answer.stored) == (200, [sop_uid(1)])
    assert "Location" not in answer.headers
    assert answer.retrieve_url == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/commitment-requests"),
        ("GET", "/commitment-requests/x"),
        ("POST", "/commitment-requests/1.2/../3.4"),
        ("PUT", COMMITMENT),
        ("GET", "/studies/1.2"),
    ],
)
def test_what_is_no_resource_of_the_relay_is_not_passed_on(
    stub: Stub, served: Serve, method: str, path: str
) -> None:
    answer = served().post(b"", path, method=method)
    assert answer.status == 400
    assert "/commitment-requests/{TransactionUID}" in answer.text
    assert stub.seen == []
