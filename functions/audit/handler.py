"""Write audit messages: of what the index table's stream tells, and of what was refused.

It has a trigger for each: the event source mapping of the stream, and a subscription to the access
log. After an exception, Lambda invokes the function with the same records or lines again.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.auditlog import AuditLog
from archive.deadline import Deadline
from archive.index import Index
from archive.items import Item, ItemKey
from audit import refusals, transfers
from audit.settings import Settings, settings
from transaction import journal


class TryAgain(Exception):
    """The messages are not in the audit log; the text names the type of what was raised."""


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Write the messages of ``event``; raises TryAgain if they are not all in the log."""
    try:
        write(event, settings(), context)
    except Exception as error:  # noqa: BLE001 - Lambda would log the message, which may quote a value
        journal.log_unforeseen(error)
        raise TryAgain(type(error).__name__) from None


def write(event: Mapping[str, Any], chosen: Settings, context: LambdaContext) -> None:
    """Make the messages of ``event`` and write them."""
    if "awslogs" in event:
        found = refusals.messages(event["awslogs"]["data"], chosen.audit_source)
    else:
        seconds = context.get_remaining_time_in_millis() / 1000
        found = transfers.messages(
            event["Records"],
            chosen.audit_source,
            lambda uids: studies(uids, chosen, Deadline(seconds)),
        )
    audit_log(chosen.audit_log_group).write(found)


def studies(uids: Sequence[str], chosen: Settings, deadline: Deadline) -> dict[str, Item]:
    """Return the study items of the index, by Study Instance UID."""
    keys = [ItemKey(uid, "study") for uid in uids]
    found = index(chosen.index_table).read(keys, deadline)
    return {key.study_instance_uid: item for key, item in found.items()}


@cache
def audit_log(group: str) -> AuditLog:
    """Return the audit log of this environment."""
    return AuditLog(group)


@cache
def index(table: str) -> Index:
    """Return the index of this environment."""
    return Index(table)
