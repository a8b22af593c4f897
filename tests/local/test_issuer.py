import json
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import jwt
import pytest

from local.issuer import Issuer, NoIssuer, main, mint

AUDIENCE = "stowport"
SCOPE = "studies:store"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    issuer = Issuer.start(tmp_path / "state", audience=AUDIENCE, scope=SCOPE)
    yield issuer
    issuer.stop()


def fetch(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=5) as response:
        document: dict[str, object] = json.load(response)
        return document


def verified(issuer: Issuer, token: str) -> dict[str, object]:
    configuration = fetch(f"{issuer.url}/.well-known/openid-configuration")
    keys = jwt.PyJWKSet.from_dict(fetch(str(configuration["jwks_uri"])))
    claims: dict[str, object] = jwt.decode(
        token, keys.keys[0], issuer=str(configuration["issuer"]), audience=AUDIENCE
    )
    return claims


def test_the_configuration_names_the_issuer_itself(issuer: Issuer) -> None:
    configuration = fetch(f"{issuer.url}/.well-known/openid-configuration")

    assert configuration["issuer"] == issuer.url
    assert issuer.url.startswith("http://127.0.0.1:")


def test_a_minted_token_verifies_with_the_served_key(issuer: Issuer) -> None:
    claims = verified(issuer, issuer.mint())

    assert claims["scope"] == SCOPE


def test_a_token_is_valid_for_an_hour(issuer: Issuer) -> None:
    claims = verified(issuer, issuer.mint())

    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 3600


@pytest.mark.parametrize("scope", ["", "other", "a b"])
def test_a_token_carries_the_scope_that_was_asked_for(issuer: Issuer, scope: str) -> None:
    claims = verified(issuer, mint(issuer.state, scope))

    assert claims["scope"] == scope


def test_a_token_can_be_minted_that_has_expired(issuer: Issuer) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(issuer, issuer.mint(lifetime=-1))


def test_the_private_key_is_not_served(issuer: Issuer) -> None:
    served = json.dumps(fetch(f"{issuer.url}/jwks.json"))

    assert '"d"' not in served


def test_only_the_owner_can_read_the_state(issuer: Issuer) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in issuer.state.iterdir()}

    assert modes == {"issuer.pem": 0o600, "issuer.json": 0o600}


def test_a_state_file_left_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    left_behind = tmp_path / "issuer.pem"
    left_behind.touch()
    left_behind.chmod(0o644)
    issuer = Issuer.start(tmp_path, audience=AUDIENCE)
    mode = stat.S_IMODE(left_behind.stat().st_mode)
    issuer.stop()

    assert mode == 0o600


def test_another_path_is_not_found(issuer: Issuer) -> None:
    with pytest.raises(HTTPError, match="404") as refusal:
        fetch(f"{issuer.url}/keys")

    refusal.value.close()


def test_a_busy_port_is_an_error(issuer: Issuer, tmp_path: Path) -> None:
    port = int(issuer.url.rpartition(":")[2])

    with pytest.raises(OSError, match="in use"):
        Issuer.start(tmp_path / "other", audience=AUDIENCE, port=port)


def test_a_stopped_issuer_mints_no_tokens(tmp_path: Path) -> None:
    issuer = Issuer.start(tmp_path, audience=AUDIENCE)
    issuer.stop()

    with pytest.raises(NoIssuer, match="no local issuer"):
        issuer.mint()


@pytest.mark.process
def test_the_command_line_prints_a_token_that_verifies(issuer: Issuer) -> None:
    command = [sys.executable, "-m", "local.issuer", "token", "--state", str(issuer.state)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    claims = verified(issuer, printed.stdout.strip())

    assert claims["scope"] == SCOPE


def test_the_command_line_takes_a_scope(issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["token", "--scope", "other", "--state", str(issuer.state)])
    claims = verified(issuer, capsys.readouterr().out.strip())

    assert status == 0
    assert claims["scope"] == "other"


def test_the_command_line_says_in_one_line_that_no_issuer_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["token", "--state", str(tmp_path)])
    said = capsys.readouterr()

    assert status == 1
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
