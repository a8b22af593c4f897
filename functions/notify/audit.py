"""Write the audit trail of what was stored, by the table's stream, and of what was refused.

A second function on the stream, so that neither events nor audit messages wait for the other. It is
also subscribed to the access log. After an exception, Lambda invokes it with the same records or
lines again. What cannot be read is put into the queue of audit failures, and stops nothing else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.auditlog import AuditLog
from archive.commits import Commit
from archive.partitions import Partitions
from archive.queues import Queue
from notify import refusals, transfers
from notify.records import batches, is_commit
from notify.settings import AuditSettings, audit_settings
from transaction import journal


class TryAgain(Exception):
    """The messages are not in the audit log; the text names the type of what was raised."""


def lambda_handler(event: Mapping[str, Any], _: LambdaContext) -> None:
    """Write the messages of ``event``; raises TryAgain if they are not all in the log."""
    chosen = audit_settings()
    try:
        if "awslogs" in event:
            messages = refusals.messages(event["awslogs"]["data"], chosen.audit_source)
        else:
            messages = list(of_stores(event["Records"], chosen))
        audit_log(chosen.audit_trail).write(messages)
    except Exception as error:  # noqa: BLE001 - Lambda would log the message, which may quote a value
        journal.log_unforeseen(error)
        raise TryAgain(type(error).__name__) from None


def of_stores(records: Sequence[Mapping[str, Any]], chosen: AuditSettings) -> Iterator[str]:
    """Yield the messages of what ``records`` say was stored, by study and request."""
    for batch in batches(list(commits(records, chosen))):
        study = partitions(chosen.index_table).study(batch.study_instance_uid)
        yield from transfers.messages(batch, chosen.audit_source, study)


def commits(records: Sequence[Mapping[str, Any]], chosen: AuditSettings) -> Iterator[Commit]:
    """Yield the commits among ``records``."""
    for record in filter(is_commit, records):
        try:
            yield Commit.of(record["dynamodb"]["NewImage"])
        except (KeyError, ValueError) as error:
            journal.log_unforeseen(error)
            failures(chosen.audit_failures_queue).send(json.dumps(record["dynamodb"]["Keys"]))


@cache
def audit_log(group: str) -> AuditLog:
    """Return the audit log of this environment."""
    return AuditLog(group)


@cache
def partitions(table: str) -> Partitions:
    """Return the index of this environment."""
    return Partitions(table)


@cache
def failures(url: str) -> Queue:
    """Return the queue of audit failures of this environment."""
    return Queue(url)
