"""Whom the relay serves: it stores with its own credentials for everyone that it lets in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

from dicomweb.errors import MalformedRequest
from stowport.relay.hosts import is_answered
from stowport.relay.messages import Request
from stowport.relay.refusals import Forbidden, Unauthorized

Network = IPv4Network | IPv6Network


@dataclass(slots=True, kw_only=True)
class Access:
    """Addresses, names and bearer tokens that are let in.

    ``networks`` are those whose clients may send; none means all. ``names`` are those by which
    clients may address the relay (``hosts``). ``tokens`` are those of its clients; none means
    that they need none.
    """

    names: Collection[str] = frozenset()
    networks: Sequence[Network] = ()
    tokens: Sequence[str] = ()

    def check(self, request: Request) -> None:
        """Raise Forbidden or MalformedRequest for a client that is not served at all."""
        if self.networks and not self._is_known(request.client):
            raise Forbidden(
                "found a client address that the relay does not serve, expected one that it was"
                " started with (--allow)"
            )
        if not is_answered(request.headers.get("host"), self.names):
            raise MalformedRequest(
                "found a Host that the relay does not answer to, expected its address, localhost or"
                " a name that it was started with (--host)"
            )
        if "origin" in request.headers:
            # With it, a browser sends what a page of that origin asked for (Fetch, CORS).
            raise Forbidden(
                "found an Origin, expected none: the relay serves no web pages, which send to the"
                " service itself"
            )

    def check_token(self, request: Request) -> None:
        """Raise Unauthorized if the relay asks for a token, and the request has none of them."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip().encode("latin-1")
        known = [compare_digest(given, each.encode()) for each in self.tokens]
        if known and not (scheme.lower() == "bearer" and any(known)):
            raise Unauthorized(
                "found no bearer token that the relay accepts, expected one that it was started"
                " with (--client-tokens)"
            )

    def _is_known(self, client: str) -> bool:
        try:
            address = ip_address(client)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def read_tokens(path: Path) -> list[str]:
    """Return the tokens of a file, one on each line; lines that begin with # are skipped.

    Raises OSError, and ValueError if there is none.
    """
    lines = [line.strip() for line in path.read_text("ascii").splitlines()]
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens:
        raise ValueError(f"{path}: found no token, expected one on each line")
    return tokens
