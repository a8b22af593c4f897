"""S3, DynamoDB, EventBridge and SQS: moto as a server, in a process of its own.

``python -m local.moto_server DESCRIPTOR HOSTS ORIGINS`` serves the listening socket with that
number until its standard input ends, which happens when the process that holds the other end ends,
however it ends. HOSTS and ORIGINS are comma-separated, and say who else may use it (``hosts``).
What moto lacks is added: the checks of signatures (``presigned``, ``signatures``); in S3 objects of
any size (``large_objects``) and events as AWS sends them (``s3_events``); in DynamoDB what it lacks
(``partiql``); and in EventBridge what needs no other library (``rules``).
"""

import logging
import os
import sys
from collections.abc import Iterable
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit
from threading import Lock, Thread
from typing import TYPE_CHECKING

# moto.server opens a port itself; it accepts neither a socket nor another application.
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler
from werkzeug.serving import make_server

from local import partiql, rules, s3_events
from local.hosts import OwnPages
from local.large_objects import create_app
from local.presigned import SignedRequests

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FILES = 8192


class OneDynamoDBRequestAtATime:
    """Lets through one DynamoDB request at a time: moto loses writes when threads race."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._lock = Lock()

    def __call__(self, environ: "WSGIEnvironment", respond: "StartResponse") -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
            return self._application(environ, respond)
        with self._lock:
            return list(self._application(environ, respond))


def _end_with_standard_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _allow_many_files() -> None:
    """Raise the limit of open files: every body that was copied from stays open."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    most = _FILES if hard == RLIM_INFINITY else min(_FILES, hard)
    setrlimit(RLIMIT_NOFILE, (max(soft, most), hard))


def main(descriptor: int, hosts: frozenset[str], origins: frozenset[str]) -> None:
    """Serve the listening socket ``descriptor``, also by ``hosts`` and to pages of ``origins``."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    Thread(target=_end_with_standard_input, daemon=True).start()
    _allow_many_files()
    s3_events.send_as_aws()
    partiql.insert_in_batches()
    rules.send_events_as_they_are()
    moto = OneDynamoDBRequestAtATime(DomainDispatcherApplication(create_app))
    make_server(
        "127.0.0.1",
        0,
        OwnPages(SignedRequests(moto), hosts, origins),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=descriptor,
    ).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *(frozenset(filter(None, each.split(","))) for each in sys.argv[2:]))
