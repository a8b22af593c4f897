"""The attempts at an upload: how long they take, what they leave, and when the next one comes.

An attempt leaves nothing behind: a thread that still stores an instance holds the mapped body, and
so the disk that the next body needs. If such a thread never ends, Lambda ends the process.
"""

import gc
import time
from contextlib import suppress

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.archive import Archive
from archive.errors import CALL_FAILED
from archive.queues import Queue
from archive.uploads import SECONDS_UNSEEN
from ingest.messages import Message
from ingest.settings import Settings

SECONDS_TO_SECOND = 60
"""How long after a failure the second attempt comes; each further one takes four times as long."""


def is_last(message: Message, chosen: Settings) -> bool:
    """Tell whether the message comes no more."""
    return message.attempt >= chosen.max_attempts


def pending_until(message: Message, chosen: Settings, context: LambdaContext) -> int:
    """Return when this attempt and those that may follow must have ended, in seconds since 1970."""
    following = chosen.max_attempts - message.attempt
    if following > 0:
        seconds = following * chosen.visibility_timeout + SECONDS_UNSEEN
    else:
        seconds = context.get_remaining_time_in_millis() // 1000 + 1
    return int(time.time()) + seconds + 1


def let_go(archive: Archive) -> None:
    """Wait until no thread works for the attempt, after which nothing holds its body."""
    archive.wait()
    gc.collect()  # an exception and the frames that it passed through hold each other


def come_again(message: Message, queue: Queue, chosen: Settings) -> None:
    """Let the message come again soon, and after the last attempt to the dead-letter queue at once.

    If SQS does not do it, the message comes when it would after a crash.
    """
    seconds = min(SECONDS_TO_SECOND * 4 ** (message.attempt - 1), chosen.visibility_timeout)
    with suppress(*CALL_FAILED):
        queue.put_off(message.receipt, 0 if is_last(message, chosen) else seconds)
