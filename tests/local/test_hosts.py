from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from local.hosts import OwnPages, is_answered

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "127.1.2.3:8080",
        "localhost:8080",
        "LOCALHOST",
        "service.localhost",
        "[::1]:8080",
        "host.docker.internal:5050",
        "Laptop.example.org:8080",
    ],
)
def test_names_of_this_machine_are_answered(host: str) -> None:
    assert is_answered(host, {"laptop.example.org"})


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8080",
        "rebound.example.org",
        "rebound.example.org:8080",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "example.org@127.0.0.1.example.org",
        "192.168.1.1",
        "[::1",
        "0.0.0.0:8080",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_answered(host, {"laptop.example.org"})


def answered(origins: frozenset[str], **environ: str) -> bool:
    """Tell whether a request with the origin ``null`` reaches the emulated AWS."""
    reached = []

    def application(_environ: dict[str, Any], _respond: "StartResponse") -> list[bytes]:
        reached.append(True)
        return []

    def respond(status: str, _headers: list[tuple[str, str]], *_: object) -> Any:  # noqa: ANN401 - WSGI's
        assert status.startswith(str(int(HTTPStatus.FORBIDDEN)))

    request = {"HTTP_ORIGIN": "null", "HTTP_HOST": "127.0.0.1", "REQUEST_METHOD": "GET", **environ}
    OwnPages(application, (), origins)(request, respond)
    return bool(reached)


@pytest.mark.parametrize(
    "preflight", [{}, {"REQUEST_METHOD": "OPTIONS", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}]
)
def test_a_page_reads_by_a_presigned_url_after_a_redirect(preflight: dict[str, str]) -> None:
    presigned = {"QUERY_STRING": "X-Amz-Signature=1", **preflight}
    pages = frozenset({"https://viewer.example.org"})
    assert answered(pages, **presigned)
    assert not answered(frozenset(), **presigned)


@pytest.mark.parametrize(
    "environ",
    [
        {"QUERY_STRING": ""},
        {"QUERY_STRING": "X-Amz-Signature=1", "REQUEST_METHOD": "PUT"},
    ],
)
def test_another_page_without_an_origin_does_nothing_else(environ: dict[str, str]) -> None:
    assert not answered(frozenset({"https://viewer.example.org"}), **environ)
