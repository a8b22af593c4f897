import json
import socket
import threading
import time
from urllib.request import OpenerDirector, build_opener

import pytest

from authorizer import discovery
from authorizer.discovery import IssuerUnavailable, fetch_keys, is_protected
from tests.authorizer.loopback import CONFIGURATION, JWKS, Answer, LoopbackIssuer, signing_key


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example",
        "https://issuer.example/tenant/v2.0",
        "http://127.0.0.1:8090",
        "http://[::1]:8090",
        "http://localhost",
    ],
)
def test_https_and_loopback_are_protected(url: str) -> None:
    assert is_protected(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http://issuer.example",
        "http://127.0.0.1.issuer.example",
        "http://localhost@issuer.example",
        "http://[::1",
        "ftp://localhost",
        "file:///etc/passwd",
        "//issuer.example",
    ],
)
def test_anything_else_is_not_protected(url: str) -> None:
    assert not is_protected(url)


def test_the_keys_stand_where_the_configuration_says(issuer: LoopbackIssuer) -> None:
    assert fetch_keys(issuer.url) == [signing_key("first").jwk]
    assert issuer.requests == [CONFIGURATION, JWKS]


def test_the_trusted_certificates_are_read_once_for_both_documents(
    issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(*handlers: object) -> OpenerDirector:
        made.append(build_opener(*handlers))  # type: ignore[arg-type] # as they were given
        return made[-1]

    monkeypatch.setattr(discovery, "build_opener", counted)
    fetch_keys(issuer.url)
    assert issuer.requests == [CONFIGURATION, JWKS]
    assert len(made) == 1


def test_a_terminating_slash_is_removed_before_the_path_is_appended(
    issuer: LoopbackIssuer,
) -> None:
    tenant = issuer.url + "/tenant/"
    issuer.answer("/tenant" + CONFIGURATION, {"issuer": tenant, "jwks_uri": issuer.url + JWKS})

    assert fetch_keys(tenant) == [signing_key("first").jwk]


def test_the_configuration_of_an_issuer_with_a_path_is_below_that_path(
    issuer: LoopbackIssuer,
) -> None:
    tenant = issuer.url + "/tenant"
    issuer.answer("/tenant" + CONFIGURATION, {"issuer": tenant, "jwks_uri": issuer.url + JWKS})

    assert fetch_keys(tenant) == [signing_key("first").jwk]


def test_members_of_the_key_set_that_are_no_objects_are_left_out(issuer: LoopbackIssuer) -> None:
    issuer.publish("key", None, [], signing_key("first").jwk)

    assert fetch_keys(issuer.url) == [signing_key("first").jwk]


@pytest.mark.parametrize("other", ["https://other.example", None, 1])
def test_a_configuration_of_another_issuer_is_refused(
    issuer: LoopbackIssuer, other: object
) -> None:
    issuer.answer(CONFIGURATION, {"issuer": other, "jwks_uri": issuer.url + JWKS})

    with pytest.raises(IssuerUnavailable, match="another issuer"):
        fetch_keys(issuer.url)


def test_an_issuer_that_differs_by_a_slash_is_another(issuer: LoopbackIssuer) -> None:
    with pytest.raises(IssuerUnavailable, match="another issuer"):
        fetch_keys(issuer.url + "/")


@pytest.mark.parametrize("jwks_uri", [None, 1, "", "http://keys.example", "file:///etc/passwd"])
def test_an_unprotected_jwks_uri_is_not_followed(issuer: LoopbackIssuer, jwks_uri: object) -> None:
    issuer.answer(CONFIGURATION, {"issuer": issuer.url, "jwks_uri": jwks_uri})

    with pytest.raises(IssuerUnavailable, match="jwks_uri"):
        fetch_keys(issuer.url)


@pytest.mark.parametrize("keys", [None, {}, "keys"])
def test_a_key_set_without_keys_is_refused(issuer: LoopbackIssuer, keys: object) -> None:
    issuer.answer(JWKS, {"keys": keys})

    with pytest.raises(IssuerUnavailable, match="no keys"):
        fetch_keys(issuer.url)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(issuer: LoopbackIssuer, content: bytes) -> None:
    issuer.answers[JWKS] = Answer(content=content)

    with pytest.raises(IssuerUnavailable, match="did not answer with JSON"):
        fetch_keys(issuer.url)


@pytest.mark.parametrize("document", [[], None, "keys", 1])
def test_json_that_is_no_object_is_refused(issuer: LoopbackIssuer, document: object) -> None:
    issuer.answer(CONFIGURATION, document)

    with pytest.raises(IssuerUnavailable, match="not a JSON object"):
        fetch_keys(issuer.url)


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_an_error_status_makes_the_issuer_unavailable(issuer: LoopbackIssuer, status: int) -> None:
    issuer.answers[CONFIGURATION] = Answer(status)

    with pytest.raises(IssuerUnavailable, match="HTTPError"):
        fetch_keys(issuer.url)


def test_a_redirect_is_not_followed(issuer: LoopbackIssuer) -> None:
    issuer.answers[CONFIGURATION] = Answer(302, header=("Location", issuer.url + "/elsewhere"))

    with pytest.raises(IssuerUnavailable, match="HTTPError"):
        fetch_keys(issuer.url)
    assert issuer.requests == [CONFIGURATION]


def test_a_document_of_the_largest_size_is_read(issuer: LoopbackIssuer) -> None:
    content = json.dumps({"keys": []}).encode()
    issuer.answers[JWKS] = Answer(content=content.ljust(discovery.MAX_DOCUMENT))

    assert fetch_keys(issuer.url) == []


def test_a_larger_document_is_refused(issuer: LoopbackIssuer) -> None:
    content = json.dumps({"keys": []}).encode()
    issuer.answers[JWKS] = Answer(content=content.ljust(discovery.MAX_DOCUMENT + 1))

    with pytest.raises(IssuerUnavailable, match="ValueError"):
        fetch_keys(issuer.url)


def test_nobody_listening_makes_the_issuer_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        with pytest.raises(IssuerUnavailable, match="URLError"):
            fetch_keys(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_a_silent_issuer_is_waited_for_only_so_long(
    issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "TIMEOUT", 0.05)
    issuer.silent.set()

    with pytest.raises(IssuerUnavailable, match="TimeoutError"):
        fetch_keys(issuer.url)


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_document_that_comes_byte_by_byte_is_waited_for_only_so_long(
    issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(discovery, "TIMEOUT", 0.2)
    issuer.dripping.add(where)
    started = time.monotonic()

    with pytest.raises(IssuerUnavailable, match="TimeoutError"):
        fetch_keys(issuer.url)

    assert time.monotonic() - started < 1.5
    while any(thread.name == "issuer" for thread in threading.enumerate()):
        time.sleep(0.01)  # it ends although nobody waits for it


def test_an_issuer_url_that_cannot_be_asked_for_is_unavailable() -> None:
    with pytest.raises(IssuerUnavailable, match="InvalidURL"):
        fetch_keys("http://localhost:port")


def test_a_proxy_is_not_asked_for_a_loopback_issuer(
    issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    assert fetch_keys(issuer.url) == [signing_key("first").jwk]


def test_a_proxy_is_asked_for_an_issuer_elsewhere(
    issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", issuer.url)
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(IssuerUnavailable):
        fetch_keys("https://issuer.invalid")
    assert issuer.requests == ["issuer.invalid:443"]
