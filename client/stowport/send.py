"""``stowport send``: files, folders, zip files and file-sets to a STOW-RS server."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from stowport.bodies import Part
from stowport.commitment import not_committed
from stowport.credentials import NoToken
from stowport.crew import Crew
from stowport.delivery import Delivery, Unusable
from stowport.finding import find
from stowport.journal import Journal
from stowport.ledger import Found, Ledger, State
from stowport.packing import pack
from stowport.progress import Meter, metered
from stowport.transport import Stopped, Transport, Unreachable
from stowport.verdicts import Verdict

REFUSED = 1
UNUSABLE = 2
INTERRUPTED = 130
"""The exit codes; the last one is that of shells after Ctrl-C."""

_LAST_SECONDS = 1.0
"""How long the requests under way may still be answered after Ctrl-C."""

_MEANT = (State.OUTSTANDING, State.STORED_BEFORE, State.REFUSED)
"""What is found if anything is that the user may have meant."""

_GIVE_UP = (Unusable, Unreachable, NoToken)


@dataclass(slots=True)
class Sent:
    """The result of a send; ``fault`` says why it ended early, if it did.

    ``not_asked`` says why the server was not asked to commit to all that is stored: "" if it was,
    None if that was not wanted.
    """

    ledger: Ledger = field(default_factory=Ledger)
    fault: str = ""
    interrupted: bool = False
    not_asked: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every instance that was found is stored."""
        left = self.ledger.count(State.REFUSED, State.OUTSTANDING)
        return not (left or self.fault or self.interrupted)


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

    def send(
        self,
        paths: Sequence[Path],
        journal: Journal,
        console: Console,
        *,
        follow_links: bool = False,
    ) -> Sent:
        """Find the instances below ``paths`` and send what ``journal`` does not hold yet.

        Ctrl-C ends it: requests under way are waited for a second, and uploads are given up. A
        second one raises KeyboardInterrupt.
        """
        sent = Sent()
        try:
            find(paths, sent.ledger, is_stored=journal.__contains__, follow_links=follow_links)
            if not sent.ledger.count(*_MEANT):
                sent.fault = _nothing(paths, sent.ledger)
            outstanding = sent.ledger.count(State.OUTSTANDING)
            size = sent.ledger.size(State.OUTSTANDING)
            with metered(console, outstanding, size) as meter:
                self._transport.tell = meter.say
                self._send_all(sent, journal, meter)
        except KeyboardInterrupt:
            if sent.interrupted:
                raise
            sent.interrupted = True
        except sqlite3.Error as error:
            sent.fault = f"the list of files does not fit into the temporary folder: {error}"
        return sent

    def _send_all(self, sent: Sent, journal: Journal, meter: Meter) -> None:
        crew: Crew[Sequence[Found]] = Crew(
            self._parallel, lambda founds: self._send_one(founds, sent, journal, meter)
        )
        try:
            for packed in self._packed(sent.ledger, crew):
                if self._transport.stop.is_set():
                    break
                crew.hand(packed)
            crew.finish()
        except KeyboardInterrupt:
            sent.interrupted = True
            self._transport.stop.set()
            crew.finish_within(_LAST_SECONDS)
        except sqlite3.Error:
            self._transport.stop.set()
            raise

    def _packed(self, ledger: Ledger, crew: Crew[Sequence[Found]]) -> Iterator[list[Found]]:
        """Yield the instances of each request, in waves that go one after the other.

        The large ones are first in a wave: they take longest.
        """
        limit = self._delivery.limit
        for wave in ledger.waves():
            crew.finish()
            by_part: dict[int, Found] = {}
            parts = _parts(ledger.outstanding(wave, limit), by_part)
            for packed in pack(parts, limit):
                yield [by_part.pop(id(part)) for part in packed]

    def _send_one(
        self, founds: Sequence[Found], sent: Sent, journal: Journal, meter: Meter
    ) -> None:
        """Send a request; one that shows that none can succeed ends the others as well."""
        try:
            verdicts = self._deliver(founds, meter)
        except Stopped:
            return
        except _GIVE_UP as error:
            with self._lock:
                if not self._transport.stop.is_set():
                    sent.fault = str(error)
            self._transport.stop.set()
            return
        judged = list(zip(founds, verdicts, strict=True))
        journal.add(found for found, verdict in judged if verdict.stored)
        for found, verdict in judged:
            sent.ledger.judge(found, verdict)

    def _deliver(self, founds: Sequence[Found], meter: Meter) -> list[Verdict]:
        counted, lock = 0, threading.Lock()

        def count(size: int) -> None:
            nonlocal counted
            with lock:  # the parts of an upload are put at the same time
                counted += size
            meter.count(size)

        verdicts = self._delivery.deliver([found.part for found in founds], self._study, count)
        meter.count(sum(found.size for found in founds) - counted)
        meter.done(len(founds))
        return verdicts


def _parts(founds: Iterator[Found], by_part: dict[int, Found]) -> Iterator[Part]:
    for found in founds:
        by_part[id(found.part)] = found
        yield found.part


def _nothing(paths: Sequence[Path], ledger: Ledger) -> str:
    places = ", ".join(map(str, paths))
    skipped = ledger.count(State.SKIPPED)
    others = f"{skipped} files without the DICM prefix" if skipped else "no files"
    return f"found no instance in {places}: {others}, expected at least one Part 10 file"


def exit_code(sent: Sent) -> int:
    """Return the exit code: 0 only if something was found, and all of it is stored."""
    if sent.interrupted:
        return INTERRUPTED
    if sent.fault:
        return UNUSABLE
    if sent.not_asked or (sent.not_asked is not None and next(not_committed(sent.ledger), None)):
        return REFUSED
    return 0 if sent.complete else REFUSED
