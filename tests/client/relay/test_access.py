"""Whom the relay serves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stowport.relay.access import Access, read_tokens
from stowport.relay.arguments import network
from stowport.relay.messages import Request
from stowport.relay.refusals import Forbidden
from tests.builders import instance, study_uid
from tests.client.relays import ServedRelay
from tests.client.stub import Stub

Serve = Callable[..., ServedRelay]


def request(client: str) -> Request:
    return Request(method="POST", path="studies", headers={}, client=client)


@pytest.mark.parametrize("client", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"])
def test_a_client_of_an_allowed_network_is_served(client: str) -> None:
    networks = [network("192.0.2.0/24"), network("2001:db8::1")]
    Access(networks=networks).check(request(client))


@pytest.mark.parametrize("client", ["198.51.100.7", "2001:db8::2", "::1", ""])
def test_a_client_of_another_network_is_not(client: str) -> None:
    networks = [network("192.0.2.0/24"), network("2001:db8::1")]
    with pytest.raises(Forbidden, match="--allow"):
        Access(networks=networks).check(request(client))


def test_a_client_that_is_not_allowed_gets_403_and_stores_nothing(
    stub: Stub, served: Serve
) -> None:
    relay = served("--allow", "192.0.2.0/24")
    assert relay.store(instance(1)).status == 403
    assert relay.get("/health").status == 403
    assert stub.seen == []


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
@pytest.mark.parametrize("origin", ["https://viewer.example.org", "null", "http://127.0.0.1:8104"])
def test_a_web_page_is_refused_before_anything_is_stored(
    stub: Stub, served: Serve, method: str, origin: str
) -> None:
    relay = served()
    answer = relay.post(b"x", method=method, Origin=origin)
    assert answer.status == 403
    assert "Origin" in answer.text
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert stub.seen == []


def test_only_clients_with_a_token_are_served(stub: Stub, served: Serve, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("# of the CT\nfirst\n\nsecond\n", "ascii")
    relay = served("--client-tokens", str(tokens))
    for authorization in ("", "Bearer third", "Bearer", "Basic first", "Bearer first second"):
        answer = relay.store(instance(1), Authorization=authorization)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert relay.get("/metrics").status == 401
    assert relay.post(b"", f"/commitment-requests/{study_uid(1)}").status == 401
    assert relay.get("/health").status == relay.get("/ready").status == 200
    assert stub.seen == []
    for number, token in enumerate(("first", "second")):
        assert relay.store(instance(number), Authorization=f"Bearer {token}").status == 200
    assert "authorization" not in stub.seen[0].headers


def test_a_file_without_a_token_is_refused(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("# nothing\n", "ascii")
    with pytest.raises(ValueError, match="no token"):
        read_tokens(tokens)
