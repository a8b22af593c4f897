"""Same work as a server: the cases, over 1 and 4 connections, against each server that is here."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from threading import Thread
from typing import Any

from local import rest_api
from local.aws import listen
from local.gateway import Gateway
from local.server import Server
from local.template import Template
from tests.bench import peers, processes
from tests.bench.figures import spread
from tests.bench.instances import CASES
from tests.bench.lambda_runtime import Deployment, Environment, Functions
from tests.bench.peers import Peer
from tests.bench.processes import NotHere
from tests.bench.setting import BUILT, ROOT, Setting, aws

CONNECTIONS = (1, 4)
REQUESTS = {"ct1": 60, "ct10": 12, "big1": 16, "tiny100": 6}
ROUNDS = 3
SLOW = {"tiny-pacs": 3}
"""By how much fewer requests a server gets that takes long: its spread says whether they do."""


class Target:
    """A server: the processes that are it, and one that sends what it gets."""

    def __init__(self, url: str, pids: Sequence[int], senders: "subprocess.Popen[str]") -> None:
        self.pids = pids
        self._url = url
        self._senders = senders

    def send(self, case: str, connections: int, count: int) -> dict[str, Any]:
        """Send ``count`` requests; return what came of them (``load.run``)."""
        given = {"url": self._url, "case": case, "connections": connections, "count": count}
        to, answers = self._senders.stdin, self._senders.stdout
        assert to
        assert answers
        to.write(json.dumps(given) + "\n")
        to.flush()
        result: dict[str, Any] = json.loads(answers.readline())
        return result


@contextmanager
def reached(url: str, pids: Sequence[int], inside: Sequence[str] = ()) -> Iterator[Target]:
    """Start a process that sends to a server; ``inside`` goes before a command to reach it."""
    command = [*inside, sys.executable, "-m", "tests.bench.load"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as senders:
        yield Target(url, pids, senders)


@contextmanager
def peer(start: Callable[[], AbstractContextManager[Peer]]) -> Iterator[Target]:
    with start() as it, reached(it.url, it.pids, it.inside) as target:
        yield target


@contextmanager
def stowport(setting: Setting) -> Iterator[Target]:
    with aws() as stand_in, served(setting.deployment, stand_in.endpoint, max(CONNECTIONS)) as it:
        yield it


@contextmanager
def served(
    deployment: Deployment,
    endpoint: str,
    number: int,
    *,
    handler: str = "store.handler.lambda_handler",
) -> Iterator[Target]:
    """Run a function in ``number`` real runtime clients, behind the local gateway."""
    with ExitStack() as stack:
        environments = [
            stack.enter_context(Environment(deployment, endpoint, handler=handler))
            for _ in range(number)
        ]
        template = Template(ROOT / "template.yaml", {"Authentication": "none"})
        functions = _OpenAccess(environments)
        gateway = Gateway(rest_api.read(template), functions, lambda *_: None)  # type: ignore[arg-type]  # invoke() is all that is asked
        listener = stack.enter_context(listen(0, "PORT"))
        server = Server(gateway, lambda: None)
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        stack.callback(thread.join, 10)
        stack.callback(setattr, server, "should_exit", True)
        port = listener.getsockname()[1]
        processes.wait_for_port(port)
        pids = [each.pid for each in environments]
        yield stack.enter_context(reached(f"http://127.0.0.1:{port}/studies", pids))


class _OpenAccess(Functions):
    """The authorizer is a function of its own and not measured: it lets everyone in."""

    def invoke(self, function: Any, event: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        if "authorizer" not in function.handler:
            return super().invoke(function, event)
        statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "bench", "policyDocument": policy, "context": {}}


SERVERS: dict[str, Callable[[Setting], AbstractContextManager[Target]]] = {
    "stowport": stowport,
    "Orthanc": lambda _: peer(peers.orthanc),
    "tiny-pacs": lambda _: peer(partial(peers.tiny_pacs, BUILT / "tiny-pacs/bin/tiny-pacs")),
}


def measure(setting: Setting) -> dict[str, Any]:
    """Take turns: in every round each server does each case, so that all see the same machine."""
    result: dict[str, Any] = {"rows": [], "left_out": {}}
    with ExitStack() as stack:
        targets: dict[str, Target] = {}
        for name, start in SERVERS.items():
            try:
                targets[name] = stack.enter_context(start(setting))
            except NotHere as reason:
                result["left_out"][name] = str(reason)
        for case in CASES:
            for connections in CONNECTIONS:
                result["rows"] += _case(setting, targets, case, connections)
    return result


def _case(
    setting: Setting, targets: dict[str, Target], case: str, connections: int
) -> list[dict[str, Any]]:
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in targets}
    count = max(connections, round(REQUESTS[case] * setting.scale))
    for number in range(setting.repeats(ROUNDS) + 1):
        for name, target in targets.items():
            done = round_of(target, case, connections, max(connections, count // SLOW.get(name, 1)))
            if number:  # the first is a warm-up
                rounds[name].append(done)
    return [_row(name, case, connections, done) for name, done in rounds.items()]


def round_of(target: Target, case: str, connections: int, count: int) -> dict[str, Any]:
    """Send ``count`` requests; return what the load says, and CPU and peak memory of the server."""
    for pid in target.pids:
        processes.forget_peak(pid)
    cpu = processes.cpu_seconds(target.pids)
    result = target.send(case, connections, count)
    result["server_cpu"] = processes.cpu_seconds(target.pids) - cpu
    result["peak"] = max(processes.peak_bytes(pid) for pid in target.pids)
    return result


def _row(name: str, case: str, connections: int, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    number = CASES[case].instances
    instances = [done["requests"] * number for done in rounds]
    wrong = [fault for done in rounds for fault in done["wrong"]]
    cpu = [done["server_cpu"] / sent for done, sent in zip(rounds, instances, strict=True)]
    wall = [done["elapsed"] / sent for done, sent in zip(rounds, instances, strict=True)]
    return {
        "server": name,
        "case": case,
        "connections": connections,
        "cpu_ms": spread(cpu, 1000),
        "wall_ms": spread(wall, 1000),
        "request_ms": spread([second for done in rounds for second in done["seconds"]], 1000)
        if any(done["seconds"] for done in rounds)
        else None,
        "peak_mb": round(max(done["peak"] for done in rounds) / 1e6),
        "requests": sum(done["requests"] for done in rounds),
        "failed": len(wrong),
    }
