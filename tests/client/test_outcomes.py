"""Whatever a server names, leaves out, says twice or in another order: each file its own outcome.

The server here decides about every file as it likes, reads more than the sender does, and never
says what is not so. What is reported of a file has to be what the server did with it, or that it
is not confirmed.
"""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from dicomweb.outcomes import Stored
from dicomweb.payloads import read_parts
from stowport.bodies import Buffer, Part
from stowport.delivery import Delivery
from stowport.messages import Request, Response
from stowport.packing import pack, waves
from stowport.relay.forwarding import Forwarding, received_in
from stowport.relay.metadata import WholeRequests
from stowport.relay.target import Target
from stowport.sopinstanceuids import HEAD, sop_instance_uids
from stowport.transport import Transport, Unreachable
from stowport.verdicts import Verdict
from tests.builders import content_type, data_set, multipart, part, part10

REASONS = (0xC000, 0x0110, 0xA700, 0xC409)
UIDS = tuple(f"1.2.3.{number}" for number in range(4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file: its UIDs, and what the server makes of it. ``readable`` is for the sender."""

    file_meta: str
    data_set: str
    readable: bool
    reason: int | None
    warning: int | None
    named_by: str
    busy: int


samples = st.builds(
    Sample,
    file_meta=st.sampled_from(("", *UIDS)),
    data_set=st.sampled_from(UIDS),
    readable=st.booleans(),
    reason=st.none() | st.sampled_from(REASONS),
    warning=st.none() | st.sampled_from((0xB000, 0xB007)),
    named_by=st.sampled_from(("data set", "file meta", "nothing")),
    busy=st.integers(0, 1),
)


@cache
def built(file_meta: str, data_set_uid: str, number: int) -> bytes:
    image = data_set(SOPInstanceUID=data_set_uid, InstanceNumber=number)
    return part10(image, file_meta={"MediaStorageSOPInstanceUID": file_meta or None})


def content(sample: Sample, number: int) -> bytes:
    whole = built(sample.file_meta, sample.data_set, number)
    if sample.readable:
        return whole
    return whole.replace(b"\x08\x00\x16\x00UI", b"\x08\x00\x16\x00\0\0")


@dataclass(slots=True)
class Server:
    """Stands for the Transport: it is what the network and the server do to a request."""

    chance: random.Random
    cut: float = 0.0
    outcomes: tuple[int, ...] = (0, 1, 1, 1, 1, 1, 2)
    samples: dict[bytes, Sample] = field(default_factory=dict)
    reasons: dict[bytes, int] = field(default_factory=dict)
    warnings: dict[bytes, int | None] = field(default_factory=dict)
    connections: int = 1
    stored: dict[str, bytes] = field(default_factory=dict)
    busy: dict[bytes, int] = field(default_factory=dict)

    def authorized(self, request: Request) -> Response:
        body = b"".join(map(bytes, request.blocks()))
        _, parts = read_parts(request.headers["Content-Type"], body)
        contents = [bytes(part.content) for part in parts]
        for each in contents:
            self._decide(each)
        if self.chance.random() < self.cut:
            raise Unreachable("cut off")
        return self._answer(contents)

    def _decide(self, each: bytes) -> None:
        sample = self.samples[each]
        self.reasons.pop(each, None)
        if self.stored.get(sample.data_set) == each:
            return
        if self.busy.setdefault(each, sample.busy):
            self.busy[each] -= 1
            self.reasons[each] = 0xA700
        elif sample.reason is not None:
            self.reasons[each] = sample.reason
        elif sample.data_set in self.stored:
            self.reasons[each] = 0x0111
        else:
            self.stored[sample.data_set] = each

    def _answer(self, contents: Sequence[bytes]) -> Response:
        items = []
        said: dict[int, list[str]] = defaultdict(list)
        for number, each in enumerate(contents, start=1):
            reason = self.reasons.get(each)
            warning = None if reason else self.samples[each].warning
            times = self.chance.choice(self.outcomes)
            items += [self._item(each, reason, warning)] * times
            if reason or warning:
                said[reason or warning or 0].append(f"part {number}: {self.words(each)}")
        self.chance.shuffle(items)
        module: dict[str, Any] = {"00081190": {"vr": "UR"}}
        for tag, item in items:
            module.setdefault(tag, {"vr": "SQ", "Value": []})["Value"].append(item)
        return Response(
            status=self._status(contents),
            headers={"content-type": "application/dicom+json"},
            body=json.dumps(module).encode(),
            warnings=tuple(self._warnings(said)),
        )

    def _status(self, contents: Sequence[bytes]) -> int:
        failed = [each for each in contents if each in self.reasons]
        if len(failed) == len(contents):
            return self.chance.choice((400, 409))
        return 202 if failed else 200

    def _item(
        self, each: bytes, reason: int | None, warning: int | None
    ) -> tuple[str, dict[str, object]]:
        sample = self.samples[each]
        item: dict[str, object] = {}
        by_file_meta = sample.named_by == "file meta" and sample.file_meta
        uid = sample.file_meta if by_file_meta else sample.data_set
        if uid and (sample.named_by != "nothing" or not reason):
            item["00081150"] = {"vr": "UI", "Value": ["1.2"]}
            item["00081155"] = {"vr": "UI", "Value": [uid]}
        if reason:
            item["00081197"] = {"vr": "US", "Value": [reason]}
            return ("00081198" if item.get("00081155") else "0008119A"), item
        if warning:
            item["00081196"] = {"vr": "US", "Value": [warning]}
        return "00081199", item

    def words(self, each: bytes) -> str:
        return f"words for {list(self.samples).index(each)}"

    def _warnings(self, said: dict[int, list[str]]) -> list[str]:
        style = self.chance.choice(("none", "first", "all"))
        shown = {"none": 0, "first": 1, "all": None}[style]
        return [
            f'299 host "{reason:04X}: {text}"'
            for reason, texts in said.items()
            for text in texts[:shown]
        ]


def deliver(server: Server, parts: list[Part]) -> list[Verdict | None]:
    """Send as the sender and the relay do; None where the send has ended without an answer."""
    delivery = Delivery(cast("Transport", server), "http://host")
    verdicts: dict[int, Verdict] = {}
    for wave in waves(parts):
        for packed in pack(wave, delivery.limit):
            try:
                answered = delivery.deliver(packed, None)
            except Unreachable:
                continue
            verdicts.update(zip(map(id, packed), answered, strict=True))
    return [verdicts.get(id(part)) for part in parts]


def send(files: list[Sample], server: Server) -> list[tuple[bytes, Verdict | None]]:
    contents = [content(sample, number) for number, sample in enumerate(files)]
    server.samples.update(zip(contents, files, strict=True))
    views = [memoryview(each) for each in contents]
    parts = [
        Part(content=Buffer(view), sop_instance_uids=sop_instance_uids(view[:HEAD]))
        for view in views
    ]
    return list(zip(contents, deliver(server, parts), strict=True))


def check(server: Server, sent: bytes, verdict: Verdict) -> None:
    stored = sent in server.stored.values()
    assert verdict.stored == stored
    if not stored and not verdict.text.startswith("the server answered 4"):
        assert verdict.reason == server.reasons[sent]
    if verdict.text.startswith("words for"):
        assert verdict.text == server.words(sent)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(samples, min_size=1, max_size=8),
    st.integers(0, 2**32),
    st.sampled_from((0.0, 0.0, 0.2)),
)
def test_what_is_reported_of_a_file_is_what_the_server_did_with_it_or_not_confirmed(
    files: list[Sample], seed: int, cut: float
) -> None:
    server = Server(random.Random(seed), cut=cut)
    for sent, verdict in send(files, server):
        if verdict and verdict.confirmed:
            check(server, sent, verdict)


@settings(max_examples=60, deadline=None)
@given(st.lists(samples, min_size=1, max_size=8), st.integers(0, 2**32))
def test_a_server_that_says_it_once_of_every_part_has_every_file_confirmed(
    files: list[Sample], seed: int
) -> None:
    server = Server(random.Random(seed), outcomes=(1,))
    for sent, verdict in send(files, server):
        assert verdict
        assert verdict.confirmed or verdict.temporary
        check(server, sent, verdict)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(samples, min_size=1, max_size=8),
    st.integers(0, 2**32),
    st.sampled_from((0.0, 0.0, 0.2)),
)
def test_the_relay_answers_for_each_part_by_its_number_in_the_clients_request(
    files: list[Sample], seed: int, cut: float
) -> None:
    server = Server(random.Random(seed), cut=cut)
    contents = [content(sample, number) for number, sample in enumerate(files)]
    server.samples.update(zip(contents, files, strict=True))
    connection = cast("Transport", server)
    whole = WholeRequests(connection, "http://host", 1)
    forwarding = Forwarding(Delivery(connection, "http://host"), whole, Target("http://host"), 1)
    _, parts = read_parts(content_type(), multipart(*map(part, contents)))
    outcomes, _ = forwarding.send(parts, received_in(parts), None)
    for number, (sent, outcome) in enumerate(zip(contents, outcomes, strict=True), start=1):
        stored = sent in server.stored.values()
        if isinstance(outcome, Stored):
            assert stored
            assert outcome.warning == files[number - 1].warning
        elif "not confirmed" not in outcome.text:
            assert not stored
            assert outcome.text.startswith(f"part {number}: ")
        if "words for" in outcome.text:
            assert outcome.text == f"part {number}: {server.words(sent)}"
