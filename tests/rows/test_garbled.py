"""Requests garbled at random: never a status outside the set, never a failure nobody foresaw."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import content_type, instance, multipart, part
from tests.rows.defects import encapsulated, nested, with_element

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService, Start

BODY = multipart(
    part(instance(4001)),
    part(encapsulated(4001, 2, 2)),
    part(with_element(4001, nested(3)), Content_ID="<c>"),
)
HEAD = (
    b"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
)
DELIMITER = re.compile(rb"\r\n--b0undary(?:--)?[ \t]*(?=\r\n|\Z)")
TELLING = [b"\xff\xff\xff\xff", b"\r\n--b0undary", b"\r\n--b0undary\r\n", b"SQ", b"UN", b"\0\0"]

Change = tuple[int, int, bytes]
"""Where, how many bytes go, and what comes instead."""


class Sender:
    """A sender that remembers the digests of the parts that it sent."""

    def __init__(self, running: "RunningService") -> None:
        self.running = running
        self.sent: set[str] = set()

    def send(self, media_type: bytes, body: bytes) -> "Answer":
        pieces = [piece.partition(b"\r\n\r\n") for piece in DELIMITER.split(b"\r\n" + body)]
        self.sent.update(sha256(content).hexdigest() for _, _, content in pieces)
        return self.running.raw(HEAD % (media_type, len(body)) + body)


@pytest.fixture(scope="module")
def sender(service: "Start") -> Iterator[Sender]:
    """A sender; at the end all that was stored is what it sent, and nothing was unforeseen."""
    sender = Sender(service(DuplicatePolicy="replace"))
    # Other modules may have stored into the same service before.
    before = set(sender.running.objects())
    yield sender
    assert set(sender.running.objects()) - before <= sender.sent
    assert '"unforeseen"' not in sender.running.output()


def garbled(text: bytes, changes: list[Change]) -> bytes:
    for start, length, instead in changes:
        text = text[:start] + instead + text[start + length :]
    return text


def changes_of(length: int, instead: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[Change]]:
    one = st.tuples(st.integers(0, length), st.integers(0, 40), instead)
    return st.lists(one, min_size=1, max_size=4)


def test_a_body_that_is_not_garbled_is_stored(sender: Sender) -> None:
    answer = sender.send(content_type().encode(), BODY)
    assert answer.status == 200
    assert len(answer.stored) == 3


@given(changes=changes_of(len(BODY), st.binary(max_size=8) | st.sampled_from(TELLING)))
def test_a_garbled_body_is_stored_as_it_is_or_refused(
    sender: Sender, changes: list[Change]
) -> None:
    answer = sender.send(content_type().encode(), garbled(BODY, changes))
    reasons = [reason for _, reason in answer.failed] + answer.other_failures
    assert {0x0110, 0xA700}.isdisjoint(reasons)
    assert answer.status in ({202} if answer.stored and reasons else {200, 400, 409})
    assert (answer.status == 200) == bool(answer.stored and not reasons)


@given(changes=changes_of(70, st.text('\t -~;=,"/äb').map(lambda text: text.encode("latin-1"))))
def test_a_garbled_content_type_is_understood_or_refused(
    sender: Sender, changes: list[Change]
) -> None:
    answer = sender.send(garbled(content_type().encode(), changes).strip(), BODY)
    assert answer.status in {200, 400}
