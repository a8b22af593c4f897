"""``stowport send``: files, folders and file-sets to a STOW-RS server."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from dicomweb.reasons import FailureReason
from stowport.credentials import NoToken
from stowport.delivery import Delivery, Unusable
from stowport.finding import Found, Search, find
from stowport.journal import Journal
from stowport.packing import fits, pack, waves
from stowport.progress import Meter, metered
from stowport.transport import Stopped, Transport, Unreachable
from stowport.verdicts import Verdict, failure

REFUSED = 1
UNUSABLE = 2
INTERRUPTED = 130
"""The exit codes; the last one is that of shells after Ctrl-C."""

_GIVE_UP = (Unusable, Unreachable, NoToken)


@dataclass(slots=True)
class Sent:
    """The result of a send; ``fault`` says why it ended early, if it did."""

    stored: list[Found] = field(default_factory=list)
    stored_before: list[Found] = field(default_factory=list)
    refused: list[tuple[Path, Verdict]] = field(default_factory=list)
    warned: list[tuple[Path, Verdict]] = field(default_factory=list)
    not_sent: int = 0
    skipped: int = 0
    fault: str = ""
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every instance that was found is stored."""
        return not (self.refused or self.not_sent or self.fault or self.interrupted)


class Sender:
    """Sends several requests at a time and keeps the journal."""

    def __init__(
        self, transport: Transport, delivery: Delivery, study: str | None, parallel: int
    ) -> None:
        self._transport = transport
        self._delivery = delivery
        self._study = study
        self._parallel = parallel
        self._lock = threading.Lock()

    def send(self, paths: Sequence[Path], journal: Journal, console: Console) -> Sent:
        """Find the instances below ``paths`` and send what ``journal`` does not hold yet.

        Ctrl-C ends it after the requests under way; uploads under way are given up.
        """
        search = find(paths)
        sent = _so_far(search, journal)
        if not (search.found or search.missing):
            sent.fault = _nothing(paths, search)
        before = set(map(id, sent.stored_before))
        outstanding = [found for found in search.found if id(found) not in before]
        size = sum(found.size for found in outstanding)
        with metered(console, len(outstanding), size) as meter:
            self._send_all(outstanding, sent, journal, meter)
        sent.not_sent = len(outstanding) - len(sent.stored) - _answered(sent, outstanding)
        return sent

    def _send_all(
        self, outstanding: Sequence[Found], sent: Sent, journal: Journal, meter: Meter
    ) -> None:
        with ThreadPoolExecutor(self._parallel) as pool:
            try:
                for wave in self._waves(outstanding):
                    futures = [
                        pool.submit(self._send_one, packed, sent, journal, meter) for packed in wave
                    ]
                    for future in futures:
                        future.result()
            except KeyboardInterrupt:
                sent.interrupted = True
                self._transport.stop.set()
                pool.shutdown(cancel_futures=True)

    def _waves(self, outstanding: Sequence[Found]) -> Iterator[list[list[Found]]]:
        """Yield the instances of each request, in waves that go one after the other.

        The large ones are first in a wave: they take longest.
        """
        limit = self._delivery.limit
        by_part = {id(found.part): found for found in outstanding}
        for wave in waves([found.part for found in outstanding]):
            wave.sort(key=lambda part: fits(part, limit))
            yield [[by_part[id(part)] for part in packed] for packed in pack(wave, limit)]

    def _send_one(
        self, founds: Sequence[Found], sent: Sent, journal: Journal, meter: Meter
    ) -> None:
        """Send a request; one that shows that none can succeed ends the others as well."""
        try:
            verdicts = self._deliver(founds, meter)
        except Stopped:
            return
        except _GIVE_UP as error:
            sent.fault = sent.fault or str(error)
            self._transport.stop.set()
            return
        judged = list(zip(founds, verdicts, strict=True))
        journal.add(found for found, verdict in judged if verdict.stored)
        with self._lock:
            for found, verdict in judged:
                _note(found, verdict, sent)

    def _deliver(self, founds: Sequence[Found], meter: Meter) -> list[Verdict]:
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            counted += size
            meter.count(size)

        verdicts = self._delivery.deliver([found.part for found in founds], self._study, count)
        meter.count(sum(found.size for found in founds) - counted)
        meter.done(len(founds))
        return verdicts


def _so_far(search: Search, journal: Journal) -> Sent:
    sent = Sent(skipped=search.skipped)
    sent.stored_before = [found for found in search.found if found in journal]
    sent.refused = [
        (path, failure(FailureReason.CANNOT_UNDERSTAND, text)) for path, text in search.missing
    ]
    return sent


def _nothing(paths: Sequence[Path], search: Search) -> str:
    places = ", ".join(map(str, paths))
    others = f"{search.skipped} files without the DICM prefix" if search.skipped else "no files"
    return f"found no instance in {places}: {others}, expected at least one Part 10 file"


def _note(found: Found, verdict: Verdict, sent: Sent) -> None:
    if not verdict.stored:
        sent.refused.append((found.path, verdict))
        return
    sent.stored.append(found)
    if verdict.reason is not None:
        sent.warned.append((found.path, verdict))


def _answered(sent: Sent, outstanding: Sequence[Found]) -> int:
    paths = {found.path for found in outstanding}
    return sum(path in paths for path, _ in sent.refused)


def exit_code(sent: Sent) -> int:
    """Return the exit code: 0 only if something was found, and all of it is stored."""
    if sent.interrupted:
        return INTERRUPTED
    if sent.fault:
        return UNUSABLE
    return 0 if sent.complete else REFUSED
