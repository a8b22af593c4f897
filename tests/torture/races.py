"""Senders of the same UIDs at the same time, over a network that delays and doubles requests."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

from archive.entries import DuplicatePolicy
from tests.torture.deployment import Broken, Deployment, Study, store_request
from tests.torture.faults import Backend, Expected, Fault, Late
from tests.torture.messages import Request
from tests.torture.proxy import Plan
from tests.torture.storing import acknowledged_by

SENDERS = 4
_FAULTY = 0.3


def _delayed(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    time.sleep(random.uniform(0, 0.05))
    yield bytes(backend(request))


def _doubled(request: Request, backend: Backend, _random: Random) -> Iterator[bytes]:
    yield bytes(backend(request))
    raise Late


_NETWORK = (
    Fault("delayed", Expected.STORED, _delayed),
    Fault("comes twice", Expected.PASSES, _doubled),
)


class Weather(Plan):
    """Delays and doubles some of all requests, by chance."""

    def __init__(self, random: Random) -> None:
        super().__init__(_NETWORK[0], "", once=False)
        self._random = random

    def fault(self, _: Request) -> Fault | None:
        with self._lock:
            if self._random.random() > _FAULTY:
                return None
            self.hits += 1
            return self._random.choice(_NETWORK)


def race(deployment: Deployment, random: Random) -> int:
    """Let senders race; return how many requests were delayed or doubled. Raises Broken."""
    policy = random.choice(list(DuplicatePolicy))
    study = Study(random.choice((1, 10)))
    versions = [study.contents(random.choice((1, 1, 2, 3))) for _ in range(SENDERS)]
    deployment.choose(policy)
    with deployment.proxy.planned(Weather(random)) as weather, ThreadPoolExecutor() as pool:
        sending = [pool.submit(store_request, list(each.values()), 30) for each in versions]
        acknowledged = [acknowledged_by(each.result()) for each in sending]
    _check(deployment, study, policy, versions, acknowledged)
    before = deployment.stored(study.uid)
    if len(before) != len(study.sizes):
        raise Broken("not all instances are stored, whoever sent them")
    deployment.proxy.deliver()
    if deployment.stored(study.uid) != before:
        raise Broken("a delayed duplicate changed what is stored")
    return weather.hits


def _check(
    deployment: Deployment,
    study: Study,
    policy: DuplicatePolicy,
    versions: list[dict[str, bytes]],
    acknowledged: list[set[str]],
) -> None:
    stored = deployment.stored(study.uid)
    objects = {deployment.object(key) for key in deployment.keys(f"studies/{study.uid}/")}
    for version, uids in zip(versions, acknowledged, strict=True):
        if any(version[uid] not in objects for uid in uids):
            raise Broken("an acknowledged object is not there")
        lost = [uid for uid in uids if stored[uid] != version[uid]]
        if policy is DuplicatePolicy.REJECT and lost:
            raise Broken("two versions of an instance were acknowledged")
    if any(
        content not in {version[uid] for version in versions} for uid, content in stored.items()
    ):
        raise Broken("something is stored that was not sent")
