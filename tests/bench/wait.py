"""What a sender waits for: the time to the answer, beside the chain of calls that it needs.

The stand-in for AWS takes its time to answer (``latencies``). The chain of a request is made of the
times that the stand-in took for this very request (``chain``). The peers answer the same requests
in the same run; the database of Orthanc is as near to it as it can be.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any

from tests.bench import chain, peers
from tests.bench.figures import percentiles, spread
from tests.bench.latencies import LATENCIES
from tests.bench.peers import Peer
from tests.bench.processes import NotHere
from tests.bench.servers import Target, peer, round_of, served
from tests.bench.setting import Aws, Setting, aws, function


@dataclass(frozen=True, slots=True)
class Sending:
    """``requests`` of a case in each of the rounds, over ``connections``."""

    case: str
    requests: int
    connections: int = 1


TEN_AT_ONCE = "ct10, ten at once"
SENDINGS = {
    "ct1": Sending("ct1", 60),
    "ct10": Sending("ct10", 36),
    "big1": Sending("big1", 36),
    "tiny100": Sending("tiny100", 14),
    TEN_AT_ONCE: Sending("ct10", 40, connections=10),
}
ROUNDS = 3
_MOST_AT_ONCE = max(sending.connections for sending in SENDINGS.values())

STOWPORT, AT_ONCE = "Stowport", "a function that answers at once"
PEERS: dict[str, Callable[[], AbstractContextManager[Peer]]] = {
    "Orthanc with PostgreSQL": peers.orthanc_with_postgresql,
    "Orthanc with SQLite": peers.orthanc,
}
_ANSWERS_AT_ONCE = """\
def handler(event, context):
    headers = {"Content-Type": "application/dicom+json"}
    return {"statusCode": 200, "headers": headers, "body": '{"00081199": {"Value": []}}'}
"""
CHAIN = "the chain of calls alone"


def measure(setting: Setting) -> dict[str, Any]:
    """Take turns, as in the section ``servers``."""
    result: dict[str, Any] = {"left_out": {}}
    with ExitStack() as stack:
        stand_in = stack.enter_context(aws(LATENCIES))
        store = setting.deployment
        echo = replace(store, task=function("answers_at_once", _ANSWERS_AT_ONCE))
        targets = {
            STOWPORT: stack.enter_context(served(store, stand_in.endpoint, _MOST_AT_ONCE)),
            AT_ONCE: stack.enter_context(
                served(echo, stand_in.endpoint, _MOST_AT_ONCE, handler="function.handler")
            ),
        }
        for name, start in PEERS.items():
            try:
                targets[name] = stack.enter_context(peer(start))
            except NotHere as reason:
                result["left_out"][name] = str(reason)
        result["sendings"] = {
            name: _sending(setting, stand_in, targets, sending)
            for name, sending in SENDINGS.items()
        }
    return result


def _sending(
    setting: Setting, stand_in: Aws, targets: dict[str, Target], sending: Sending
) -> dict[str, Any]:
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in targets}
    chains: dict[str, float] = {}
    beyond: list[dict[str, float]] = []
    count = max(sending.connections, round(sending.requests * setting.scale))
    for number in range(ROUNDS + 1):
        for name, target in targets.items():
            warm_up = number == 0
            requests = sending.connections if warm_up else count
            done = round_of(target, sending.case, sending.connections, requests)
            calls = chain.by_study(stand_in.calls())
            if warm_up:
                continue
            rounds[name].append(done)
            if name == STOWPORT:
                for study, seconds in _stored(done):
                    chains[study] = chain.of(calls[study])
                    beyond.append(chain.beyond(calls[study], seconds))
    return {
        "chain": percentiles(list(chains.values())),
        "over_chain": _over_chain(rounds, chains),
        "beyond_ms": {
            where: round(statistics.median(each[where] for each in beyond) * 1000, 1)
            for where in beyond[0]
        },
        "servers": {name: _server(done) for name, done in rounds.items()},
        "seconds": {
            name: sorted(round(second, 5) for second in seconds)
            for name, seconds in {
                CHAIN: list(chains.values()),
                **{name: _seconds(done) for name, done in rounds.items()},
            }.items()
        },
    }


def _over_chain(
    rounds: dict[str, list[dict[str, Any]]], chains: dict[str, float]
) -> dict[str, float]:
    """Return the median over all requests of how many times its chain a request took.

    ``rest`` is that of the time without the median of what answers at once. It says nothing where
    requests wait for one another.
    """
    answered = dict(each for done in rounds[STOWPORT] for each in _stored(done))
    at_once = statistics.median(_seconds(rounds[AT_ONCE]))
    whole = [answered[study] / seconds for study, seconds in chains.items()]
    rest = [(answered[study] - at_once) / seconds for study, seconds in chains.items()]
    return {
        "whole": round(statistics.median(whole), 2),
        "rest": round(statistics.median(rest), 2),
    }


def _stored(done: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the studies that a round has stored, and the seconds of each."""
    for study, seconds in zip(done["studies"], done["seconds"], strict=True):
        if study:
            yield study, seconds


def _seconds(rounds: list[dict[str, Any]]) -> list[float]:
    return [second for done in rounds for second in done["seconds"]]


def _server(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "answer": percentiles(_seconds(rounds)),
        "cpu_ms": spread([done["server_cpu"] / done["requests"] for done in rounds], 1000, 1),
        "requests": sum(done["requests"] for done in rounds),
        "failed": sum(len(done["wrong"]) for done in rounds),
    }
