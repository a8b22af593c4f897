"""``stowport relay``: a relay from its arguments."""

import argparse
import os
import socket
import sys
from pathlib import Path

from stowport.delivery import Delivery
from stowport.relay import log, server
from stowport.relay.access import Access, read_tokens
from stowport.relay.application import Relay
from stowport.relay.forwarding import Forwarding
from stowport.relay.listener import Certificates
from stowport.relay.metadata import WholeRequests
from stowport.relay.metrics import Metrics
from stowport.relay.monitoring import Monitoring
from stowport.relay.passing import PassThrough
from stowport.relay.places import Places
from stowport.relay.spool import Spool
from stowport.relay.target import GuardedTransport, Probe, Target
from stowport.transport import Transport

_PASSING = 8
_FEW_TRIES = 2
"""Of what is passed on as it is, and of probes: a single connection may be cut."""


def run(chosen: argparse.Namespace, connection: Transport) -> int:
    """Serve until told to end; return the exit code of a relay that cannot start."""
    try:
        serving, listener = prepared(chosen, connection)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"stowport: {_in_words(error)}\n")
        return 2
    server.serve(serving, listener)
    # A pool of threads is waited for when a program ends, and a server may keep a request for long.
    sys.stdout.flush()
    os._exit(0)


def prepared(
    chosen: argparse.Namespace, connection: Transport
) -> tuple[server.Server, socket.socket]:
    """Return a server for the relay, and the socket that it listens on; check the target.

    Raises OSError and ValueError for files that cannot be used, or an address that is in use.
    """
    certificates = _certificates(chosen)
    access = _access(chosen)
    listener = server.listen(*chosen.listen)
    target = Target(chosen.url)
    probing = connection.apart(tries=_FEW_TRIES)
    guarded = GuardedTransport.around(connection, target)
    relay = _relay(chosen, guarded, GuardedTransport.around(probing, target), access, target)

    def reload() -> None:
        try:
            if certificates:
                certificates.reload()
            access.tokens = _tokens(chosen.client_tokens)
        except (OSError, ValueError) as error:
            log.write(event="reload", fault=_in_words(error))
        else:
            log.write(event="reload")

    def stop() -> None:
        connection.stop.set()
        probing.stop.set()

    scheme = "https" if certificates else "http"
    log.write(event="listening", url=f"{scheme}://{_place(listener)}/studies", target=chosen.url)
    Probe(target, probing, _say).start()
    config = server.configured(
        relay, certificates, clients=chosen.clients, keep_alive=chosen.keep_alive
    )
    return server.Server(config, reload, stop), listener


def _place(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _relay(
    chosen: argparse.Namespace,
    connection: GuardedTransport,
    once: GuardedTransport,
    access: Access,
    target: Target,
) -> Relay:
    delivery = Delivery(connection, chosen.url, chosen.limit)
    whole = WholeRequests(connection, chosen.url, chosen.limit)
    return Relay(
        access=access,
        forwarding=Forwarding(delivery, whole, target, chosen.parallel),
        pass_through=PassThrough(connection=once, target=target),
        monitoring=Monitoring(
            target=target,
            spool=Spool(chosen.spool, max_body=chosen.max_body, max_size=chosen.max_spool),
            places=Places(chosen.clients, "store"),
            metrics=Metrics(),
        ),
        passing=Places(_PASSING, "pass"),
        patience=chosen.patience,
        log=log.write,
    )


def _access(chosen: argparse.Namespace) -> Access:
    return Access(
        names=frozenset((chosen.listen[0].lower(), *chosen.host)),
        networks=chosen.allow,
        tokens=_tokens(chosen.client_tokens),
    )


def _tokens(place: Path | None) -> list[str]:
    return read_tokens(place) if place else []


def _certificates(chosen: argparse.Namespace) -> Certificates | None:
    if not chosen.listen_cert:
        return None
    return Certificates(chosen.listen_cert, chosen.listen_key, chosen.client_ca)


def _say(down: str, unusable: str) -> None:
    log.write(event="target", up=not (down or unusable), fault=down or unusable)


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
