"""Functions are killed under load, at random moments, and what they began is begun again."""

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from random import Random
from typing import Any

import ingest.handler
import store.handler
import store.settings
from archive.entries import DuplicatePolicy
from ingest.settings import settings
from tests.ingest.deployment import invoke_ingest
from tests.torture.deployment import Broken, Deployment, Study, body_of, store_request
from tests.torture.ingesting import is_done
from tests.torture.storing import SIZES, acknowledged_by, check

LOAD = 3
"""How many workers run at the same time."""

_PROCESSES = multiprocessing.get_context("forkserver")
# What a worker has imported before it begins; conftest leaves no way to a real AWS account.
_PROCESSES.set_forkserver_preload(["tests.conftest", "tests.torture.kills"])


def serve(variables: Mapping[str, str], contents: Sequence[bytes], to: Connection) -> None:
    """Be a store function with one request; answer it when told to."""
    _become(variables)
    store.handler.archive(store.settings.settings())
    _wait_at(to)
    reply = store_request(contents, 60)
    to.send((reply.status, acknowledged_by(reply)))


def work(variables: Mapping[str, str], message: Mapping[str, Any], to: Connection) -> None:
    """Be an ingest function with one message; take it when told to."""
    _become(variables)
    ingest.handler.archive(settings())
    _wait_at(to)
    invoke_ingest(message)
    to.send((200, set()))


def _become(variables: Mapping[str, str]) -> None:
    os.environ |= dict(variables)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _wait_at(start: Connection) -> None:
    start.send("ready")
    start.recv()


@dataclass
class Worker:
    """A function in a process of its own."""

    process: BaseProcess
    answers: Connection

    def answer_before(self, seconds: float) -> tuple[int, set[str]] | None:
        """Return the answer; kill the worker if there is none after ``seconds``, which is None."""
        with closing(self.answers):
            self.answers.send("go")
            self.answers.poll(seconds)
            self.process.kill()
            self.process.join()
            try:
                answer: tuple[int, set[str]] = self.answers.recv()
            except (EOFError, ConnectionResetError):
                return None
        return answer


def _start(target: Callable[..., None], *arguments: object) -> Worker:
    answers, to = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=target, args=(*arguments, to))
    process.start()
    to.close()
    if not answers.poll(60) or answers.recv() != "ready":
        raise Broken("a worker did not start")
    return Worker(process, answers)


def _answers(
    workers: Sequence[Worker], studies: Sequence[Study], random: Random
) -> list[tuple[int, set[str]] | None]:
    """Let all begin, and kill each at a random moment that it may not reach."""
    moments = [random.uniform(0, 0.02 + 0.01 * len(study.sizes)) for study in studies]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(Worker.answer_before, workers, moments))


def kill_stores(deployment: Deployment, random: Random) -> int:
    """Kill functions that store; return how many of them had not answered. Raises Broken.

    Two of them store the same study.
    """
    policy = random.choice(list(DuplicatePolicy))
    variables = {**deployment.variables, "DUPLICATE_POLICY": policy}
    studies = [Study(random.choice(SIZES)) for _ in range(LOAD - 1)]
    studies.append(studies[0])
    workers = [_start(serve, variables, list(study.contents().values())) for study in studies]
    answers = _answers(workers, studies, random)
    for study, answer in zip(studies, answers, strict=True):
        check(deployment, study.uid, answer[1] if answer else set(), study.contents())
    for study in studies:
        sent = study.contents()
        reply = deployment.store(list(sent.values()), policy, 60)
        if reply.status != 200:
            raise Broken(f"sent again: status {reply.status}, reasons {reply.failure_reasons}")
        check(deployment, study.uid, sent.keys(), sent)
    return answers.count(None)


def kill_ingests(deployment: Deployment, random: Random) -> int:
    """Kill functions that ingest; return how many of them had not ended. Raises Broken."""
    studies = [Study(random.choice(SIZES), with_large=deployment.copies) for _ in range(LOAD)]
    uploads = [deployment.stage(body_of(list(each.contents().values()))) for each in studies]
    messages = [deployment.message(upload) for upload in uploads]
    workers = [_start(work, deployment.variables, message) for message in messages]
    answers = _answers(workers, studies, random)
    for study in studies:
        check(deployment, study.uid, set(), study.contents())
    for study, upload, message in zip(studies, uploads, messages, strict=True):
        invoke_ingest(message)
        sent = study.contents()
        check(deployment, study.uid, sent.keys(), sent)
        if not is_done(deployment, upload):
            raise Broken("the message came again, and the upload is not done")
    return answers.count(None)
