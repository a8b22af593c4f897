"""Tell that nothing came to a study for some time.

For each study of a batch, a message comes back after that time. If an instance was stored since,
another message is under way, and this one is dropped. So the instances of a study do not contend
for an item that counts them. The study is told of twice if its last two messages were both sent
after its last instance was stored.
"""

import json
import time

from archive.buses import EventBus
from archive.partitions import Partitions
from archive.queues import Queue
from notify.events import named_attributes, study_quiet
from notify.settings import Settings
from notify.studies import COUNTED, counted
from transaction import journal

_SECONDS_OF_CLOCKS = 1.0
"""How far the clocks of two functions may differ. Who is told once too often loses nothing."""


class Untold(Exception):
    """EventBridge did not take the event: the message has to come again."""


def ask_later(study_instance_uid: str, queue: Queue, seconds: int) -> None:
    """Let ``queue`` ask after so many ``seconds`` whether the study is quiet."""
    message = {"studyInstanceUID": study_instance_uid, "sent": time.time()}
    queue.send(json.dumps(message), delay=seconds)


def tell(message: str, partitions: Partitions, bus: EventBus, chosen: Settings) -> None:
    """Tell that the study of ``message`` is quiet, unless another message of it will come.

    An instance that was stored after this message was sent is in a later record of the stream, and
    so in a later message. Raises Untold.
    """
    asked = json.loads(message)
    uid, sent = asked["studyInstanceUID"], asked["sent"]
    # Most senders number their instances upwards: the newest ones come first.
    items = partitions.items(uid, only=COUNTED, backwards=True)
    study = counted(uid, items, until=sent + _SECONDS_OF_CLOCKS)
    if study is None or not study.instances:  # without instances, somebody has deleted it
        return
    item = partitions.study(uid) if chosen.attributes else {}
    named = named_attributes(item, chosen.attributes)
    event = study_quiet(study, chosen.quiet_seconds, chosen.archive_bucket, named)
    if refused := bus.put([event]):
        raise Untold(refused[0])
    journal.logger.info("quiet", extra={"instances": study.instances})
