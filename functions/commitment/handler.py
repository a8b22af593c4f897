"""Storage commitment, step by step: the transactions Request and Result Check (PS3.18 13.4, 13.5).

The answer is given at once if it is known in time. Otherwise the function of the queue works it
out, and the sender asks for it. Whatever dies, the same request or a look at its result starts the
work again.
"""

import time
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.errors import CALL_FAILED, archive_error
from archive.sopinstances import NoInstanceIndex
from archive.transactions import Transaction
from commitment import records
from commitment.answering import keep, known, send, transactions, work_out
from commitment.settings import Settings, settings
from dicomweb.answer import response
from dicomweb.answer.response import StoreResponse
from dicomweb.commitment import requestmodule, responsemodule
from dicomweb.commitment.outcomes import CommitmentOutcome
from dicomweb.envelope import mediatypes
from dicomweb.errors import MalformedRequest, RequestRejected
from dicomweb.uids import is_uid
from transaction import gateway, journal
from transaction.gateway import RETRY_AFTER_SECONDS, StoreRequest
from transaction.invocation import answered, in_time

MOST_AT_ONCE = 4000
"""How many instances are looked at before the answer; a request of more goes to the queue."""

SECONDS_TO_ANSWER = 2.0
"""How much of the function's time is kept back for the answer."""

SECONDS_TO_KEEP = 4.0
"""How much more is kept back for keeping the answer, or for handing the request over."""

SECONDS_OF_A_FUNCTION = 30
"""After so long, a function that works out an answer has ended."""

_BUSY = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    CommitmentOutcome.RESOURCE_LIMITATION,
    "the request cannot be answered for now: send it again",
)


class Refused(Exception):
    """The request is refused, with ``status`` and ``reason``; ``str()`` of it is the text."""

    def __init__(self, status: HTTPStatus, reason: CommitmentOutcome, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request. Whatever happens, the status is of the closed set."""
    return answered(
        event,
        lambda request: serve_in_time(event, request, settings(), context),
        lambda: settings().allowed_origins,
    )


def serve_in_time(
    event: dict[str, Any], request: StoreRequest, chosen: Settings, context: LambdaContext
) -> StoreResponse:
    """Answer before the function's time ends, even if an answer of AWS comes byte by byte."""
    seconds = context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER
    media_type = mediatypes.negotiate(request.headers.get("accept"), request.accept_parameter)
    end = time.monotonic() + seconds
    try:
        return in_time(seconds, serve, event, request, media_type, chosen, end)
    except TimeoutError:
        return refuse(request, media_type, *_BUSY)


def serve(
    event: dict[str, Any], request: StoreRequest, media_type: str, chosen: Settings, end: float
) -> StoreResponse:
    """Answer a request or a look at its result, or say why not."""
    try:
        check_transaction_uid(request)
        if request.method == "POST":
            return ask(gateway.take_payload(event, request), request, media_type, chosen, end)
        return check(request, media_type, chosen)
    except NoInstanceIndex as error:
        found = (HTTPStatus.SERVICE_UNAVAILABLE, CommitmentOutcome.PROCESSING_FAILURE, str(error))
        return replace(refuse(request, media_type, *found), given_up=True)
    except Exception as error:  # noqa: BLE001 - else there is no reason in the answer
        return refuse(request, media_type, *refusal_of(error, request))


def check_transaction_uid(request: StoreRequest) -> None:
    """Raise MalformedRequest unless the transaction in the URL is a UID (PS3.18 13.4.1.1)."""
    if not is_uid(request.transaction):
        raise MalformedRequest(
            "found a transaction in the URL that is not a UID, expected"
            " /commitment-requests/{TransactionUID}"
        )


def refusal_of(error: Exception, request: StoreRequest) -> tuple[HTTPStatus, response.Reason, str]:
    """Return status, reason and text for a request that ``error`` ended."""
    if isinstance(error, Refused):
        return error.status, error.reason, str(error)
    if isinstance(error, RequestRejected):
        return response.refusal_of(error)
    if not archive_error(error).temporary:
        journal.log_unforeseen(error, request_id=request.request_id)
    return _BUSY


def refuse(
    request: StoreRequest, media_type: str, status: HTTPStatus, reason: response.Reason, text: str
) -> StoreResponse:
    """Record a refusal, and return its answer."""
    journal.record_refusal(status, reason, text, request_id=request.request_id)
    return response.refusal(status, reason, text, media_type)


def ask(
    payload: bytes, request: StoreRequest, media_type: str, chosen: Settings, end: float
) -> StoreResponse:
    """Answer a request for commitment, or say that the answer comes later.

    Raises Refused (409) if the Transaction UID is in use for another request, MalformedRequest,
    NoInstanceIndex, and botocore's errors.
    """
    asked = requestmodule.read(request.headers.get("content-type"), payload)
    packed, digest = records.pack_request(asked)
    now = int(time.time())
    new = Transaction(
        uid=request.transaction,
        principal=request.principal,
        created=now,
        expires=now + chosen.seconds_known,
        request=packed,
        digest=digest,
        until=now + SECONDS_OF_A_FUNCTION,
    )
    there = transactions(chosen).begin(new)
    if there and there != new:  # the same one is there if DynamoDB's first answer was lost
        if not there.is_same(new):
            raise Refused(
                HTTPStatus.CONFLICT,
                CommitmentOutcome.DUPLICATE_TRANSACTION_UID,
                "found a Transaction UID that is in use for another request, expected a new one",
            )
        if there.answer:
            return give(there, media_type)
        if not is_abandoned(there):
            return accepted(media_type)
        new = replace(there, until=now + SECONDS_OF_A_FUNCTION)
        if not transactions(chosen).take_over(there, new.until):
            return accepted(media_type)
    try:
        return answer(new, len(asked.references), media_type, chosen, end)
    except Exception:
        let_go(new, chosen)
        raise


def is_abandoned(transaction: Transaction) -> bool:
    """Tell whether nobody works out the answer any more."""
    return time.time() >= transaction.until


def answer(
    transaction: Transaction, instances: int, media_type: str, chosen: Settings, end: float
) -> StoreResponse:
    """Work out the answer to a transaction and give it, or hand the transaction over."""
    if instances <= MOST_AT_ONCE:
        seconds = end - time.monotonic() - SECONDS_TO_KEEP
        outcomes = known(work_out(transaction, chosen, seconds))
        if outcomes is not None:
            finished = keep(transaction, outcomes, chosen)
            return give(finished, media_type) if finished else accepted(media_type)
    hand_over(transaction, chosen)
    return accepted(media_type)


def hand_over(transaction: Transaction, chosen: Settings) -> None:
    """Let the function of the queue work out the answer.

    The time that its attempts may take is written first: whoever looks meanwhile waits.
    """
    until = int(time.time()) + chosen.max_attempts * chosen.visibility_timeout
    if transactions(chosen).take_over(transaction, until):
        try:
            send(transaction, chosen)
        except Exception:
            let_go(replace(transaction, until=until), chosen)
            raise


def let_go(transaction: Transaction, chosen: Settings) -> None:
    """Let the next request start the work again at once; else it does so when the time is over."""
    with suppress(*CALL_FAILED):
        transactions(chosen).take_over(transaction, 0)


def check(request: StoreRequest, media_type: str, chosen: Settings) -> StoreResponse:
    """Give the answer to a transaction, or say that it comes later.

    Raises Refused (404) if the sender has none with this Transaction UID, and botocore's errors.
    """
    found = transactions(chosen).find(request.transaction)
    if found is None or found.principal != request.principal:
        raise Refused(
            HTTPStatus.NOT_FOUND,
            CommitmentOutcome.NO_SUCH_OBJECT_INSTANCE,
            "found no request for commitment of this sender with this Transaction UID, expected one"
            f" of the last {chosen.seconds_known // 86400} days",
        )
    if found.answer:
        return give(found, media_type)
    if is_abandoned(found):
        hand_over(found, chosen)
    return accepted(media_type)


def give(transaction: Transaction, media_type: str) -> StoreResponse:
    """Return the answer of a transaction that has one."""
    asked = records.unpack_request(transaction.request)
    return responsemodule.report(asked, records.unpack_outcomes(transaction.answer), media_type)


def accepted(media_type: str) -> StoreResponse:
    """Say that the answer comes later: without a payload (PS3.18 Table 13.4.3-1)."""
    return StoreResponse(
        status=HTTPStatus.ACCEPTED,
        media_type=media_type,
        body="",
        headers={"Retry-After": RETRY_AFTER_SECONDS},
    )
