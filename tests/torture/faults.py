"""The faults: what can happen to a call on its way to AWS, in AWS, and on its way back."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import Never
from zlib import crc32

from tests.torture.messages import Answer, Request, of_dynamodb, of_s3

Backend = Callable[[Request], Answer]


class Reset(Exception):
    """The connection is reset."""


class Close(Exception):
    """The connection ends, in good order."""


class Hang(Exception):
    """Nothing more comes over the connection."""


class Late(Hang):
    """Nothing comes over the connection, and the request reaches AWS when nobody waits for it."""


class Expected(Enum):
    """What a sender may be told of an instance that such a fault concerns."""

    STORED = "stored, as if nothing had happened"
    PASSES = "stored, or A700"
    LASTS = "stored, or 0110"


Damage = Callable[[Request, Backend, Random], Iterator[bytes]]


@dataclass(frozen=True)
class Fault:
    """A fault: ``damage`` gives the bytes that come back, and may end the connection.

    After one that ``recovers``, the next attempt at the call is expected to succeed. ``calls``
    are the only ones that it can happen to, if any are named.
    """

    name: str
    expected: Expected
    damage: Damage
    recovers: bool = True
    calls: frozenset[str] = frozenset()
    service: str = ""

    def fits(self, call: str) -> bool:
        is_of_s3 = call.endswith(("Object", "Upload", "PartCopy"))
        service = "s3" if is_of_s3 else "sqs" if call == "SendMessage" else "dynamodb"
        return self.service in ("", service) and (not self.calls or call in self.calls)


def _ending(end: type[Exception], *, after_effect: bool = False) -> Damage:
    def damage(request: Request, backend: Backend, _random: Random) -> Never:
        if after_effect:
            backend(request)
        raise end

    return damage


def _cut_head(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    head = backend(request).head
    yield head[: random.randrange(1, len(head) - 1)]
    raise Close


def _cut_body(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    answer = backend(request)
    if not answer.body:
        yield answer.head[:-2]
    else:
        yield answer.head + answer.body[: random.randrange(len(answer.body))]
    raise Close


def _slow(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    content = bytes(backend(request))
    middle = random.randrange(1, len(content))
    for piece in (content[:middle], content[middle:]):
        time.sleep(0.03)
        yield piece


def _dripping(request: Request, backend: Backend, _random: Random) -> Iterator[bytes]:
    for byte in bytes(backend(request)):
        yield bytes([byte])
        time.sleep(0.2)


def _wrong_crc(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    if request.is_of_s3:  # it is S3 that finds it
        code = random.choice(("BadDigest", "XAmzContentChecksumMismatch", "IncompleteBody"))
        yield bytes(of_s3(400, code))
        return
    answer = backend(request)
    wrong = str(crc32(answer.body) ^ 1)
    yield bytes(replace(answer, headers={**answer.headers, "x-amz-crc32": wrong}))


def _damaged(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    answer = backend(request)
    right = {**answer.headers, "x-amz-crc32": str(crc32(answer.body))}
    at = random.randrange(len(answer.body))
    body = answer.body[:at] + bytes([answer.body[at] ^ 1]) + answer.body[at + 1 :]
    yield bytes(Answer(answer.status, right, body))


def _page(_request: Request, _backend: Backend, _random: Random) -> Iterator[bytes]:
    yield bytes(Answer(200, {"Content-Type": "text/html"}, b"<html>Log in to the network</html>"))


def _lying(_request: Request, _backend: Backend, _random: Random) -> Iterator[bytes]:
    yield bytes(of_s3(200, "InternalError"))


def _redirect(request: Request, _backend: Backend, _random: Random) -> Iterator[bytes]:
    """S3 always says where to (docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html)."""
    there = f"http://{request.headers['host']}{request.target}"
    yield bytes(of_s3(307, "TemporaryRedirect", Location=there))


def _refusing(status: int, *codes: str) -> Damage:
    def refuse(request: Request, _backend: Backend, random: Random) -> Iterator[bytes]:
        code = random.choice(codes)
        if request.is_of_s3:
            yield bytes(of_s3(status, code))
        else:
            document = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "-"}
            yield bytes(of_dynamodb(document, status))

    return refuse


def _per_item(request: Request, backend: Backend, random: Random) -> Iterator[bytes]:
    """Let DynamoDB leave some or all items of a call."""
    document = request.document
    if "Statements" in document:
        yield bytes(_left_statements(request, backend, random))
        return
    ((table, wanted),) = document["RequestItems"].items()
    left = [key for key in wanted["Keys"] if random.random() < 0.5] or wanted["Keys"]
    rest = [key for key in wanted["Keys"] if key not in left]
    found: dict[str, object] = {"Responses": {table: []}}
    if rest:
        asked = request.changed({"RequestItems": {table: {**wanted, "Keys": rest}}})
        found = backend(asked).document
    yield bytes(of_dynamodb({**found, "UnprocessedKeys": {table: {**wanted, "Keys": left}}}))


def _whole_batch(request: Request, _backend: Backend, _random: Random) -> Iterator[bytes]:
    refused = {"Error": {"Code": "ThrottlingError", "Message": "-"}}
    yield bytes(of_dynamodb({"Responses": [refused for _ in request.document["Statements"]]}))


def _left_statements(request: Request, backend: Backend, random: Random) -> Answer:
    document = request.document
    statements = document["Statements"]
    left = {n for n in range(len(statements)) if random.random() < 0.5} or {0}
    rest = [each for n, each in enumerate(statements) if n not in left]
    done = iter(())
    if rest:
        asked = request.changed({**document, "Statements": rest})
        done = iter(backend(asked).document["Responses"])
    codes = ("ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict")
    refused = [{"Error": {"Code": random.choice(codes), "Message": "-"}} for _ in statements]
    return of_dynamodb(
        {"Responses": [refused[n] if n in left else next(done) for n in range(len(statements))]}
    )


_PER_ITEM = frozenset({"BatchGetItem", "BatchExecuteStatement"})
_STATES_CHECKSUM = frozenset({"PutObject"})
_SAYS_SOMETHING = frozenset({"BatchGetItem", "BatchExecuteStatement"})
P, L = Expected.PASSES, Expected.LASTS

BATCHES_LEFT = Fault("batches left", P, _whole_batch, calls=frozenset({"BatchExecuteStatement"}))
"""DynamoDB leaves every item of a batch, so that each is written by itself."""

FAULTS = (
    Fault("reset before the effect", P, _ending(Reset)),
    Fault("reset after the effect", P, _ending(Reset, after_effect=True)),
    Fault("head cut off", P, _cut_head),
    Fault("body cut off", P, _cut_body),
    Fault("slow", Expected.STORED, _slow),
    Fault("byte by byte", P, _dripping, recovers=False),
    Fault("hangs before the effect", P, _ending(Hang)),
    Fault("hangs after the effect", P, _ending(Hang, after_effect=True)),
    Fault("effect comes late", P, _ending(Late)),
    Fault("damaged on the way there", P, _wrong_crc, calls=_STATES_CHECKSUM),
    Fault("wrong CRC", P, _wrong_crc, service="dynamodb"),
    Fault("damaged on the way back", P, _damaged, calls=_SAYS_SOMETHING),
    Fault("a page instead", P, _page),
    Fault("lying 200", P, _lying, service="s3"),
    Fault("lying 200", P, _refusing(200, "InternalServerError"), service="dynamodb"),
    Fault("500", P, _refusing(500, "InternalError"), service="s3"),
    Fault("500", P, _refusing(500, "InternalServerError"), service="dynamodb"),
    Fault("503", P, _refusing(503, "SlowDown", "ServiceUnavailable")),
    Fault("throttled", P, _refusing(400, "ThrottlingException"), service="dynamodb"),
    Fault(
        "throughput exceeded",
        P,
        _refusing(400, "ProvisionedThroughputExceededException", "RequestLimitExceeded"),
        service="dynamodb",
    ),
    Fault("throttled per item", P, _per_item, calls=_PER_ITEM),
    Fault("access denied", L, _refusing(403, "AccessDenied"), service="s3"),
    Fault("access denied", L, _refusing(400, "AccessDeniedException"), service="dynamodb"),
    Fault("token expired", P, _refusing(400, "ExpiredToken"), service="s3"),
    Fault("token expired", P, _refusing(400, "ExpiredTokenException"), service="dynamodb"),
    Fault("clock skewed", P, _refusing(403, "RequestTimeTooSkewed"), service="s3"),
    Fault("clock skewed", P, _refusing(400, "InvalidSignatureException"), service="dynamodb"),
    Fault("307", P, _redirect, service="s3"),
    Fault("301", L, _refusing(301, "PermanentRedirect"), service="s3"),
    Fault("name is wrong", L, _refusing(404, "NoSuchBucket"), service="s3"),
    Fault("name is wrong", L, _refusing(400, "ResourceNotFoundException"), service="dynamodb"),
)
"""Every fault but one that a call cannot tell: that nobody listens (``Proxy.refuse``)."""
