"""Rows 109-120 and 126-128 of docs/conformance.md: transfer, limits, access, faults, load."""

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import pytest

from tests import answers
from tests.builders import content_type, instance, multipart, part, sop_uid, study_uid

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.rows.faults import StoreFunction
    from tests.service import RunningService, Start

MB = 1024 * 1024


def check_stored(running: "RunningService", row: int, answer: "Answer") -> None:
    assert answer.status == 200
    assert answer.stored == [sop_uid(row)]
    assert running.objects(study_uid(row)) == [sha256(instance(row)).hexdigest()]


def request(row: int, *fields: str, path: str = "/studies") -> tuple[bytes, bytes]:
    """Return the head and the body of a request, without Content-Length."""
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type()}", *fields)
    return "\r\n".join((*lines, "", "")).encode(), multipart(part(instance(row)))


def large(row: int, size: int) -> bytes:
    """Return a valid body of ``size`` bytes."""
    body = multipart(part(instance(row)))
    return b" " * (size - len(body) - 2) + b"\r\n" + body


@pytest.mark.parametrize("chunk", [1, 7, 300, 100_000])
def test_row_109_a_chunked_body_without_content_length(
    running: "RunningService", chunk: int
) -> None:
    head, body = request(109, "Transfer-Encoding: chunked")
    chunks = [body[start : start + chunk] for start in range(0, len(body), chunk)]
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks)
    check_stored(running, 109, running.raw(head + encoded + b"0\r\n\r\n"))


def test_row_110_a_client_that_waits_for_100_continue(running: "RunningService") -> None:
    head, body = request(110, "Expect: 100-continue", f"Content-Length: {len(request(110)[1])}")
    with socket.create_connection(running.address, 30) as connection:
        connection.sendall(head)
        interim = connection.recv(1000)
        assert interim.startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        response = HTTPResponse(connection)
        response.begin()
        check_stored(running, 110, answers.read(response))


def test_row_111_a_compressed_body_is_refused(running: "RunningService") -> None:
    body = multipart(part(instance(111)))
    for sent in (gzip.compress(body), body):
        answer = running.post(sent, Content_Encoding="gzip")
        assert answer.status == 400
        assert "Content-Encoding" in answer.text
    assert running.objects(study_uid(111)) == []


def test_row_111_the_identity_coding_is_no_coding(running: "RunningService") -> None:
    answer = running.post(multipart(part(instance(1110))), Content_Encoding="identity")
    check_stored(running, 1110, answer)


@pytest.mark.parametrize("size", [4_800_000, 9 * MB, 10 * MB, 10 * MB + 1, 12 * MB])
def test_row_112_a_body_over_the_limits(running: "RunningService", size: int) -> None:
    answer = running.post(large(112, size))
    assert answer.status == 400
    assert "too large" in answer.text
    assert "C000" in answer.warnings[0]
    assert running.objects(study_uid(112)) == []


def test_row_112_a_body_of_4_600_000_bytes_is_within_the_limits(running: "RunningService") -> None:
    check_stored(running, 1120, running.post(large(1120, 4_600_000)))


def check_denied(answer: "Answer", status: int) -> None:
    assert answer.status == status
    assert answer.media_type == "application/dicom+xml"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.retrieve_url == []
    assert answer.text


def test_row_113_no_token(service: "Start") -> None:
    running = service(Authentication="oidc")
    check_denied(running.store(instance(113)), 401)
    assert running.objects(study_uid(113)) == []


@pytest.mark.parametrize("token", ["abc", "a.b.c", ""])
def test_row_114_a_token_that_is_none(service: "Start", token: str) -> None:
    running = service(Authentication="oidc")
    check_denied(running.store(instance(114), Authorization=f"Bearer {token}"), 401)
    assert running.objects(study_uid(114)) == []


def test_row_114_a_token_that_has_expired_or_was_altered(service: "Start") -> None:
    running = service(Authentication="oidc")
    head, claims, signature = running.token().split(".")
    altered = f"{head}.{claims}.{signature[::-1]}"
    for token in (running.token(lifetime=-3600), altered, running.token().removeprefix("Bearer ")):
        check_denied(running.store(instance(1140), Authorization=token), 401)
    assert running.objects(study_uid(1140)) == []


@pytest.mark.parametrize("scope", ["", "openid", "stowport/storeX", "STOWPORT/STORE"])
def test_row_115_a_token_without_the_scope(service: "Start", scope: str) -> None:
    running = service(Authentication="oidc")
    check_denied(running.store(instance(115), Authorization=running.token(scope)), 403)
    assert running.objects(study_uid(115)) == []


def test_row_115_a_token_with_the_scope(service: "Start") -> None:
    running = service(Authentication="oidc")
    answer = running.store(instance(1150), Authorization=running.token())
    check_stored(running, 1150, answer)


def test_row_116_storage_that_is_throttled(
    store_function: "StoreFunction", running: "RunningService"
) -> None:
    store_function.s3.refuse(503, "SlowDown")
    answer = store_function.store(instance(116))
    assert answer.status == 503
    assert answer.failed == [(sop_uid(116), 0xA700)]
    assert answer.headers["Retry-After"].isdecimal()
    assert f"instances/{sop_uid(116)}" not in "".join(running.items(study_uid(116)))


def test_row_116_storage_that_cannot_be_reached(
    store_function: "StoreFunction", running: "RunningService"
) -> None:
    store_function.cut_off()
    answer = store_function.store(instance(1160))
    assert answer.status == 503
    assert answer.failed == [(sop_uid(1160), 0xA700)]
    assert answer.headers["Retry-After"].isdecimal()
    assert running.items(study_uid(1160)) == {}


def store_three(store_function: "StoreFunction", row: int, reason: int) -> None:
    answer = store_function.store(*[instance(row, 1, number) for number in (1, 2, 3)])
    assert answer.status == 202
    assert answer.stored == [sop_uid(row, 1, 1), sop_uid(row, 1, 3)]
    assert answer.failed == [(sop_uid(row, 1, 2), reason)]


def test_row_117_storage_that_is_throttled_for_one_of_three(
    store_function: "StoreFunction", running: "RunningService"
) -> None:
    store_function.s3.refuse(503, "SlowDown", only=f"/{sop_uid(117, 1, 2)}/")
    store_three(store_function, 117, 0xA700)
    assert len(running.objects(study_uid(117))) == 2


def test_row_117_storage_that_denies_one_of_three(
    store_function: "StoreFunction", running: "RunningService"
) -> None:
    store_function.s3.refuse(403, "AccessDenied", only=f"/{sop_uid(1170, 1, 2)}/")
    store_three(store_function, 1170, 0x0110)
    assert len(running.objects(study_uid(1170))) == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
@pytest.mark.parametrize("path", ["/studies", "/studies/1.2.3"])
def test_row_119_other_methods(running: "RunningService", method: str, path: str) -> None:
    answer = running.send(method, path)
    retrieves = method in ("GET", "HEAD") and path != "/studies"
    assert answer.status == (404 if retrieves else 403)
    assert answer.media_type == "application/dicom+xml"


@pytest.mark.parametrize(
    "path", ["/studies/1.2.3/series/1.2.4", "/studies/1.2.3/series", "/series", "/studies//", "/"]
)
def test_row_120_other_resources(running: "RunningService", path: str) -> None:
    answer = running.store(instance(120), path=path)
    assert answer.status == 403
    assert "no such resource" in answer.text
    assert running.objects(study_uid(120)) == []


def test_row_126_twenty_at_once_store_one(running: "RunningService") -> None:
    with ThreadPoolExecutor(20) as pool:
        sent = list(pool.map(running.store, [instance(126)] * 20))
    for answer in sent:
        check_stored(running, 126, answer)
    assert len(running.items(study_uid(126))) == 3


def test_row_127_a_client_that_left_and_sends_again(running: "RunningService") -> None:
    head, body = request(127, f"Content-Length: {len(request(127)[1])}")
    with socket.create_connection(running.address, 30) as connection:
        connection.sendall(head + body)
    check_stored(running, 127, running.raw(head + body))
    assert len(running.items(study_uid(127))) == 3


def test_row_128_a_thousand_instances_in_a_request(store_function: "StoreFunction") -> None:
    store_function.keep_nothing()
    answer = store_function.store(*[instance(128, 1, number) for number in range(1, 1001)])
    assert answer.status == 200
    assert answer.stored == [sop_uid(128, 1, number) for number in range(1, 1001)]


def test_row_128_a_hundred_instances_in_a_request_are_kept(running: "RunningService") -> None:
    contents = [instance(1280, 1, number) for number in range(1, 101)]
    answer = running.store(*contents)
    assert answer.status == 200
    assert len(answer.stored) == 100
    digests = sorted(sha256(content).hexdigest() for content in contents)
    assert running.objects(study_uid(1280)) == digests
