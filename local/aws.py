"""AWS for the laptop: the embedded one, or another at ``AWS_ENDPOINT_URL``."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local import resources
from local.template import REGION, Template

_ROOT = Path(__file__).parent.parent
_MADE_UP_KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


class AwsUnavailable(Exception):
    """The endpoint does not do what it is asked to; the text says why in one line."""


def listen(port: int, variable: str) -> socket.socket:
    """Return a socket that listens on a loopback ``port``, which ``variable`` chose."""
    try:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as error:
        raise AwsUnavailable(
            f"port {port} cannot be used ({error.strerror}): choose another with {variable}=number"
        ) from error
    # Connections inherit it. Otherwise the body of an answer waits for the client's delayed
    # acknowledgement of its head: 40 ms for each request on a connection except the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def embedded(port: int, hosts: str = "", origins: str = "") -> Iterator[str]:
    """Run AWS on a loopback ``port``; give its endpoint URL.

    ``hosts`` are other names of this machine, and ``origins`` those of web pages that may use it,
    each comma-separated (``local.hosts``).
    """
    with listen(port, "AWS_PORT") as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # In a separate session, so that Ctrl-C does not end it before the requests in progress.
        process = subprocess.Popen(  # noqa: S603  this interpreter, this package
            [sys.executable, "-m", "local.moto_server", str(listener.fileno()), hosts, origins],
            cwd=_ROOT,
            env={**_MADE_UP_KEYS, **os.environ},
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    with process:
        yield url


def use(endpoint: str) -> None:
    """Make boto3 talk to ``endpoint`` in this process.

    On loopback any keys will do, so some are made up if the environment has none.
    """
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    if not is_loopback(endpoint):
        return
    if "AWS_ACCESS_KEY_ID" not in os.environ:
        os.environ |= _MADE_UP_KEYS
    if "AWS_REGION" not in os.environ:
        os.environ.setdefault("AWS_DEFAULT_REGION", REGION)


def is_loopback(url: str) -> bool:
    """Return whether the host of ``url`` is this machine, by name or by address."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def create(template: Template) -> None:
    """Create the template's bucket, tables, queues and rules, unless they are there.

    Raises
    ------
    AwsUnavailable
        The endpoint cannot be reached or refuses.
    """
    try:
        resources.create(template)
    except (BotoCoreError, ClientError) as error:
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        raise AwsUnavailable(f"AWS at {endpoint}: {error}") from error
