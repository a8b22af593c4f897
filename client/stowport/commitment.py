"""Ask the server to commit to keep what it has stored, and so what is safe to delete (PS3.18 13).

Success is never inferred: what no answer names as committed is not committed. A server may answer
later (202); then its result is looked up.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import read_file_meta
from stowport.answers import read_answer
from stowport.credentials import NoToken
from stowport.ledger import Entry, Ledger, State
from stowport.messages import Request, Response, retry_after
from stowport.sopinstanceuids import HEAD
from stowport.transport import Stopped, Transport, Unreachable

MOST = 4000
"""Instances in a request: as many as this repository's service looks at before it answers."""

LONGEST_WAIT = 1800.0
"""How many seconds a server may take to answer after it has accepted a request."""

COMMITTED = 0
_STORED = (State.STORED, State.STORED_BEFORE)
_JSON = "application/dicom+json"
_SHORTEST_PAUSE = 1.0

UID = tuple[str, str]
"""SOP class and SOP instance."""


class NotCommitted(Exception):
    """The server has given no answer about a request; the text says why."""


class Commitment:
    """Asks the server at ``base_url``."""

    def __init__(self, transport: Transport, base_url: str) -> None:
        self._transport = transport.apart()  # a send that has given up has stopped its own
        self._url = f"{base_url.removesuffix('/').removesuffix('/studies')}/commitment-requests"

    def ask(self, ledger: Ledger) -> str:
        """Enter into ``ledger`` which stored files are committed; return why not all were asked.

        It is "" if the server has answered about all of them.
        """
        try:
            for entries in _batches(ledger.entries(*_STORED)):
                named = {entry.number: _uids(entry) for entry in entries}
                asked = {uids: None for uids in named.values() if uids}
                outcomes = self._request(list(asked)) if asked else {}
                for number, uids in named.items():
                    if uids in outcomes:
                        ledger.commit(number, outcomes[uids])
        except NotCommitted as error:
            return str(error)
        except (Unreachable, NoToken) as error:
            return f"storage commitment: {error}"
        except (KeyboardInterrupt, Stopped):
            return "storage commitment: interrupted before the server had answered"
        return ""

    def _request(self, instances: Sequence[UID]) -> Mapping[UID | None, int]:
        """Return for each instance that the answer names COMMITTED or its Failure Reason."""
        asked = payload(instances)
        url = f"{self._url}/{transaction_uid()}"
        response = self._send("POST", url, asked)
        if response.status == HTTPStatus.CONFLICT:
            url = f"{self._url}/{transaction_uid()}"
            response = self._send("POST", url, asked)
        waited_since = time.monotonic()
        while response.status == HTTPStatus.ACCEPTED:
            if time.monotonic() - waited_since > LONGEST_WAIT:
                raise NotCommitted(
                    f"storage commitment: no answer within {LONGEST_WAIT / 60:.0f} minutes"
                )
            self._transport.wait(max(retry_after(response), _SHORTEST_PAUSE))
            response = self._send("GET", url)
        if response.status != HTTPStatus.OK:
            raise NotCommitted(_refusal(response))
        answer = read_answer(response)
        return {
            (item.sop_class_uid, item.sop_instance_uid): (
                COMMITTED if item.failure is None else item.failure
            )
            for item in answer.items or ()
        }

    def _send(self, method: str, url: str, content: bytes = b"") -> Response:
        content_type = {"Content-Type": _JSON} if content else {}
        return self._transport.authorized(
            Request(
                method=method,
                url=url,
                headers={"Accept": _JSON, **content_type},
                size=len(content),
                blocks=lambda: (content,),
            )
        )


def transaction_uid() -> str:
    """Return a UID that nobody has used (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def payload(instances: Sequence[UID]) -> bytes:
    """Return a request that names ``instances`` by their own UIDs (PS3.18 J.1)."""
    items = [
        {
            "00081150": {"vr": "UI", "Value": [sop_class]},
            "00081155": {"vr": "UI", "Value": [instance]},
        }
        for sop_class, instance in instances
    ]
    return json.dumps({"00081199": {"vr": "SQ", "Value": items}}).encode()


def _refusal(response: Response) -> str:
    """Return why there is no answer; many servers have no storage commitment over the web."""
    if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
        said = read_answer(response).text or "and did not say why"
        return f"storage commitment: the server answered 503: {said}"
    return (
        "the server offers no storage commitment at /commitment-requests"
        f" ({response.status}): nothing is known to be safe to delete"
    )


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == MOST:
            yield batch
            batch = []
    if batch:
        yield batch


def _uids(entry: Entry) -> UID | None:
    """Return how the server knows the instance of a file, None if it is not certain.

    What was stored before is named by its File Meta Information.
    """
    if entry.sop_instance_uid:
        return entry.sop_class_uid, entry.sop_instance_uid
    try:
        with Path(entry.path).open("rb") as stream:
            meta = read_file_meta(memoryview(stream.read(HEAD)))
    except (OSError, InstanceRejected):  # also if it is in a zip file
        return None
    uids = meta.media_storage_sop_class_uid, meta.media_storage_sop_instance_uid
    return uids if all(uids) else None


def is_committed(entry: Entry) -> bool:
    """Tell whether the server has committed to keep the instance of a file."""
    return entry.state in _STORED and entry.commitment == COMMITTED


def not_committed(ledger: Ledger) -> Iterator[Entry]:
    """Yield the stored files that the server has not committed to keep."""
    return (entry for entry in ledger.entries(*_STORED) if not is_committed(entry))


def committed(ledger: Ledger) -> Iterator[Entry]:
    """Yield the stored files that are safe to delete, because the server keeps them."""
    return filter(is_committed, ledger.entries(*_STORED))
