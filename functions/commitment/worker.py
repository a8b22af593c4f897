"""Work out the answers that take longer than a request: one message, one transaction.

Every step may be repeated. What could not be found out is tried again with the next attempt; after
the last one it is 0213, so that a request for which there is a message ends with an answer.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.errors import CALL_FAILED, ArchiveError
from archive.sopinstances import NoInstanceIndex
from archive.transactions import Transaction
from commitment import records
from commitment.answering import keep, known, queue, transactions, work_out
from commitment.settings import Settings, settings
from dicomweb.commitment.outcomes import CommitmentOutcome
from transaction import journal

SECONDS_TO_KEEP = 20.0
"""How much of the function's time is kept back for keeping the answer."""

SECONDS_TO_SECOND = 30
"""How long after a failure the second attempt comes; each further one takes four times as long."""


class TryAgain(Exception):
    """The message has to come again, until its attempts are used up."""


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Work out the answer that a message asks for; an exception makes the message come again."""
    chosen = settings()
    (record,) = event["Records"]
    attempt = int(record["attributes"]["ApproximateReceiveCount"])
    transaction = transactions(chosen).find(json.loads(record["body"])["transaction"])
    if transaction is None or transaction.answer:
        journal.logger.info("used")
        return
    seconds = context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_KEEP
    outcomes = look(transaction, chosen, seconds)
    if attempt >= chosen.max_attempts:
        keep(transaction, [final(each) for each in outcomes], chosen)
    elif (found := known(outcomes)) is not None:
        keep(transaction, found, chosen)
    else:
        come_again(record["receiptHandle"], attempt, chosen)
        raise TryAgain(f"attempt {attempt}")


def look(
    transaction: Transaction, chosen: Settings, seconds: float
) -> list[CommitmentOutcome | ArchiveError]:
    """Return the outcomes; without the index by SOP Instance UID, no instance has a known one."""
    try:
        return work_out(transaction, chosen, seconds)
    except NoInstanceIndex as error:
        journal.logger.error("no index", extra={"request": transaction.digest})
        return [error for _ in records.unpack_request(transaction.request).references]


def final(outcome: CommitmentOutcome | ArchiveError) -> CommitmentOutcome:
    """Return the outcome after the last attempt: 0213 for what another might have found out."""
    if isinstance(outcome, CommitmentOutcome):
        return outcome
    if outcome.temporary:
        return CommitmentOutcome.RESOURCE_LIMITATION
    return CommitmentOutcome.PROCESSING_FAILURE


def come_again(receipt: str, attempt: int, chosen: Settings) -> None:
    """Let the message come again soon; if SQS does not do it, it comes as after a crash."""
    seconds = min(SECONDS_TO_SECOND * 4 ** (attempt - 1), chosen.visibility_timeout)
    with suppress(*CALL_FAILED):
        queue(chosen).put_off(receipt, seconds)
