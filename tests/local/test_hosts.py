import pytest

from local.hosts import is_answered


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
