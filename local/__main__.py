"""``python -m local NAME=value ...``: the service on a laptop, until Ctrl-C or SIGTERM.

A NAME is a parameter of ``template.yaml``, or PORT (8080), AWS_PORT (5050), HOSTS: other names of
this machine, comma-separated, or WEBHOOK: a URL to which each event is posted. Standard output has
the banner and then one line for each request, each ingest and each event; what the functions print
goes to ``.stowport/functions.log``, as it goes to CloudWatch Logs on AWS.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, redirect_stdout, suppress
from pathlib import Path
from typing import TextIO

from local import access_log, aws, bus, event_source, rest_api, stream_source
from local.access_log import AccessLog
from local.aws import AwsUnavailable
from local.banner import banner
from local.gateway import Gateway
from local.intrinsics import TemplateError
from local.issuer import Issuer
from local.lambda_service import LambdaService
from local.messages import Request, Response
from local.server import Server
from local.service import STATE, Service, announced
from local.template import Template

TEMPLATE = Path(__file__).parent.parent / "template.yaml"
FUNCTIONS_LOG = STATE / "functions.log"

_AUDIENCE = "stowport-local"
_LAST_PORT = 65535
_LONGEST_PATH = 120


class ArgumentError(ValueError):
    """What is wrong with the command line, in one line."""


def main(arguments: Sequence[str], template: Path = TEMPLATE) -> int:
    """Run the service until it is told to stop; return the exit status."""
    # SIGTERM is treated like Ctrl-C: uvicorn finishes requests in progress and passes it on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(_assignments(arguments), template)
    except KeyboardInterrupt:
        return 0
    except (ArgumentError, AwsUnavailable, TemplateError) as error:
        sys.stderr.write(f"stowport: {error}\n")
        return 1
    return 0


def _run(values: dict[str, str], path: Path) -> None:
    port, aws_port = _port(values, "PORT", 8080), _port(values, "AWS_PORT", 5050)
    hosts, webhook = values.pop("HOSTS", "").lower(), _webhook(values)
    with ExitStack() as stack:
        listener = stack.enter_context(aws.listen(port, "PORT"))
        parameters = _with_issuer({"Authentication": "none", **values}, path, stack)
        template = Template(path, parameters)
        _use_disk()
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        embedded = not endpoint
        origins = template.parameters.get("AllowedOrigins", "")
        endpoint = endpoint or stack.enter_context(aws.embedded(aws_port, hosts, origins))
        aws.use(endpoint)
        running = Service(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            endpoint=endpoint,
            bucket=template.bucket,
            table=template.table,
            authentication=template.parameters["Authentication"],
            audit_trail=template.audit_trail,
        )
        console = sys.stdout
        log = FUNCTIONS_LOG.open("w", buffering=1, encoding="utf-8")
        stack.enter_context(redirect_stdout(stack.enter_context(log)))
        functions = LambdaService(template.functions, {"AWS_ENDPOINT_URL": endpoint})
        aws.create(template)
        stack.enter_context(announced(running))
        sources = event_source.read(template)
        log_event = _event_log(console)
        bus_name = template.parameters.get("EventBusName", "default")
        stack.enter_context(bus.watched(bus_name, webhook, log_event))
        stack.enter_context(event_source.mapped(sources, functions, log_event))
        streams = stream_source.read(template)
        stack.enter_context(stream_source.mapped(streams, functions, log_event))
        own = frozenset(filter(None, hosts.split(",")))
        api = rest_api.read(template)
        lines = AccessLog(api.access_log, access_log.read(template), functions, _event_log(console))
        gateway = Gateway(api, functions, _request_log(console), own, lines.write)
        text = banner(running, embedded=embedded, functions_log=FUNCTIONS_LOG)
        Server(gateway, lambda: _print(console, text)).run([listener])


def _use_disk() -> None:
    """Keep bodies and objects on the disk of this directory: ``/tmp`` may be in memory."""
    directory = STATE / "tmp"
    directory.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TMPDIR", str(directory.resolve()))


def _assignments(arguments: Sequence[str]) -> dict[str, str]:
    for argument in arguments:
        if "=" not in argument:
            raise ArgumentError(f"{argument!r} is not NAME=value")
    return dict(argument.split("=", 1) for argument in arguments)


def _port(values: dict[str, str], name: str, default: int) -> int:
    text = values.pop(name, str(default))
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise ArgumentError(f"{name} is {text!r}; it must be a number from 0 to {_LAST_PORT}")
    return int(text)


def _webhook(values: dict[str, str]) -> str:
    url = values.pop("WEBHOOK", "")
    if url and not url.startswith(("http://", "https://")):
        raise ArgumentError(f"WEBHOOK is {url!r}; it must be an http or https URL")
    return url


def _with_issuer(parameters: Mapping[str, str], path: Path, stack: ExitStack) -> dict[str, str]:
    """Start a local issuer if tokens are wanted and none is named; return the parameters for it."""
    if parameters["Authentication"] != "oidc" or parameters.get("OidcIssuer"):
        return {**parameters}
    # Read with none, because with oidc the template demands the issuer that this is for.
    known = Template(path, {**parameters, "Authentication": "none"}).parameters
    scope = " ".join(filter(None, (known["RequiredScope"], known.get("ReadScope"))))
    audience = parameters.get("OidcAudience") or _AUDIENCE
    issuer = Issuer.start(STATE, audience=audience, scope=scope)
    stack.callback(issuer.stop)
    return {**parameters, "OidcIssuer": issuer.url, "OidcAudience": audience}


def _request_log(console: TextIO) -> Callable[[Request, Response, float], None]:
    def log(request: Request, response: Response, seconds: float) -> None:
        path = request.path[:_LONGEST_PATH]
        _print(
            console,
            f"{time.strftime('%H:%M:%S')} {request.method} {path} {response.status_code} "
            f"{len(request.body)} bytes {seconds * 1000:.0f} ms\n",
        )

    return log


def _event_log(console: TextIO) -> Callable[[str], None]:
    return lambda line: _print(console, f"{time.strftime('%H:%M:%S')} {line}\n")


def _print(console: TextIO, text: str) -> None:
    # The reader of the lines may end before the service does.
    with suppress(BrokenPipeError):
        console.write(text)
        console.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
