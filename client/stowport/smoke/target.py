"""The deployment that is checked: requests to it, and what may come back."""

from collections.abc import Mapping
from dataclasses import dataclass

from stowport.messages import Request, Response
from stowport.smoke.instances import Study
from stowport.transport import Transport

STATUSES = frozenset((200, 202, 400, 401, 403, 409, 503))
"""The statuses of the service; nothing of its own has another."""

_SHOWN = 160


class Failed(Exception):
    """What was found differs from what was expected; the message says both."""


class LeftOut(Exception):
    """The check cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The service at ``url``; ``study`` is that of this run.

    ``has_token`` says whether requests have a bearer token, which the transport adds;
    ``other_token`` is a token without the required scope, ``origin`` a web origin that may store,
    ``upload`` the bytes of the body that is uploaded, ``burst`` how many requests are sent at once.
    """

    url: str
    transport: Transport
    study: Study
    has_token: bool = False
    other_token: str | None = None
    origin: str | None = None
    upload: int = 0
    burst: int = 0
    emulator: bool = False

    def send(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        also: frozenset[int] = frozenset(),
    ) -> Response:
        """Send one request once, with credentials unless ``headers`` has Authorization.

        Raises Failed if the status is neither of the service nor in ``also``, and what Transport
        raises. An empty Authorization is not sent.
        """
        given = dict(headers or {})
        request = Request(
            method=method,
            url=f"{self.url}{path}",
            headers={name: value for name, value in given.items() if value},
            size=len(content),
            blocks=lambda: (content,),
        )
        send = self.transport.exchange if "Authorization" in given else self.transport.authorized
        response = send(request)
        if response.status not in STATUSES | also:
            raise Failed(f"found {described(response)}, expected a status of {sorted(STATUSES)}")
        return response


def expect(response: Response, *statuses: int) -> Response:
    """Return ``response`` if it has one of these statuses; raises Failed."""
    if response.status not in statuses:
        expected = " or ".join(map(str, statuses))
        raise Failed(f"found {described(response)}, expected {expected}")
    return response


def expect_field(response: Response, name: str, value: str = "") -> None:
    """Raise Failed unless the header field ``name`` is there and contains ``value``."""
    found = response.headers.get(name.lower())
    if found is None or value not in found:
        expected = f"one with {value}" if value else "one"
        raise Failed(f"found {name} {found!r} in a {response.status}, expected {expected}")


def described(response: Response) -> str:
    """Return status, media type and the start of the body, in one line."""
    text = " ".join(response.body[:_SHOWN].decode("utf-8", "replace").split())
    return f"{response.status} {response.media_type} {text}".strip()
