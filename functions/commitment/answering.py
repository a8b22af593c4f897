"""How an answer is worked out and kept, by the function that is asked or by the one that follows.

A transaction has one answer. It is kept before it is given, so that whoever asks again gets the
same.
"""

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache

from archive.errors import ArchiveError
from archive.queues import Queue
from archive.safekeeping import Safekeeping
from archive.sopinstances import NoInstanceIndex
from archive.transactions import Transaction, Transactions
from commitment import records
from commitment.settings import Settings
from dicomweb.commitment.outcomes import CommitmentOutcome
from transaction import journal


def work_out(
    transaction: Transaction, chosen: Settings, seconds: float
) -> list[CommitmentOutcome | ArchiveError]:
    """Look at each instance of a transaction; raises NoInstanceIndex.

    What went wrong unforeseen is logged. An ArchiveError is temporary, because an error that will
    not pass is an outcome.
    """
    request = records.unpack_request(transaction.request)
    outcomes = safekeeping(chosen).check(request.references, seconds=seconds)
    if no_index := [each for each in outcomes if isinstance(each, NoInstanceIndex)]:
        raise no_index[0]
    unforeseen = {
        type(each.unforeseen): each.unforeseen
        for each in outcomes
        if isinstance(each, ArchiveError) and each.unforeseen
    }
    for error in unforeseen.values():
        journal.log_unforeseen(error, request=transaction.digest)
    return [
        CommitmentOutcome.PROCESSING_FAILURE
        if isinstance(each, ArchiveError) and not each.temporary
        else each
        for each in outcomes
    ]


def known(
    outcomes: Sequence[CommitmentOutcome | ArchiveError],
) -> list[CommitmentOutcome] | None:
    """Return the outcomes if all of them could be found out."""
    found = [each for each in outcomes if isinstance(each, CommitmentOutcome)]
    return found if len(found) == len(outcomes) else None


def keep(
    transaction: Transaction, outcomes: Sequence[CommitmentOutcome], chosen: Settings
) -> Transaction | None:
    """Keep the answer; return the transaction with the answer that is there now, if any."""
    finished = transactions(chosen).finish(transaction, records.pack_outcomes(outcomes))
    if finished:
        counted = Counter(records.unpack_outcomes(finished.answer))
        committed = counted.pop(CommitmentOutcome.COMMITTED, 0)
        failed = {f"{reason:04X}": number for reason, number in counted.items()}
        found = {"request": transaction.digest, "committed": committed, "failed": failed}
        journal.logger.info("commit", extra=found)
        journal.count(InstancesCommitted=committed, InstancesNotCommitted=counted.total())
    return finished


def send(transaction: Transaction, chosen: Settings) -> None:
    """Let the function of the queue work out the answer; raises botocore's errors."""
    queue(chosen).send(json.dumps({"transaction": transaction.uid}))


@cache
def safekeeping(chosen: Settings) -> Safekeeping:
    """Return the archive of this environment, to look at."""
    return Safekeeping(
        bucket=chosen.archive_bucket, table=chosen.index_table, profile=chosen.storage_profile
    )


@cache
def transactions(chosen: Settings) -> Transactions:
    """Return the table of transactions of this environment."""
    return Transactions(chosen.commitment_table)


@cache
def queue(chosen: Settings) -> Queue:
    """Return the queue of this environment for requests that take longer."""
    return Queue(chosen.queue)
