"""What became of each part that was sent, as far as the server has said it.

An answer names instances by UID and does not number them, so the items are dealt out: first by
SOP Instance UID, then the failures that are left over to the parts that are, in order. Success
is never inferred: what the answer does not name as stored is not.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from dicomweb.outcomes import SOPReference
from dicomweb.reasons import FailureReason
from stowport.answers import Answer, Item
from stowport.bodies import Part

_UNREADABLE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one part: ``reason`` is its Failure Reason, or Warning Reason if stored.

    ``reference`` is how the answer names it; ``temporary`` means that to send it again helps.
    """

    stored: bool
    reason: int | None = None
    text: str = ""
    temporary: bool = False
    reference: SOPReference | None = None
    retrieve_url: str = ""


def failure(reason: int, text: str, *, temporary: bool = False) -> Verdict:
    """Return the verdict on a part that no answer names."""
    return Verdict(stored=False, reason=reason, text=text, temporary=temporary)


def judge(parts: Sequence[Part], answer: Answer) -> list[Verdict]:
    """Return the verdict on each of the parts of a request, in order."""
    if answer.items is None:
        return [_on_the_whole(answer)] * len(parts)
    named: dict[str, deque[Item]] = defaultdict(deque)
    for item in answer.items:
        named[item.sop_instance_uid].append(item)
    mine = [
        named[part.sop_instance_uid].popleft()
        if part.sop_instance_uid and named[part.sop_instance_uid]
        else None
        for part in parts
    ]
    taken = {id(item) for item in mine if item}
    rest = iter([each for each in answer.items if each.failure and id(each) not in taken])
    return [
        _on(item or next(rest, None), number, answer) for number, item in enumerate(mine, start=1)
    ]


def _on(item: Item | None, number: int, answer: Answer) -> Verdict:
    if item is None:
        return failure(
            FailureReason.PROCESSING_FAILURE, "the server's answer does not name this instance"
        )
    reason = item.warning if item.failure is None else item.failure
    return Verdict(
        stored=item.failure is None,
        reason=reason,
        text=answer.texts.get((reason, number))
        or answer.texts.get((reason, None))
        or _meaning(reason),
        temporary=item.failure == FailureReason.OUT_OF_RESOURCES,
        reference=_reference(item),
        retrieve_url=item.retrieve_url,
    )


def _reference(item: Item) -> SOPReference | None:
    if not (item.sop_class_uid and item.sop_instance_uid):
        return None
    return SOPReference(sop_class_uid=item.sop_class_uid, sop_instance_uid=item.sop_instance_uid)


def _on_the_whole(answer: Answer) -> Verdict:
    """Judge all parts alike, by an answer that names none of them."""
    text = answer.text or f"the server answered {answer.status} and did not say why"
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return failure(FailureReason.OUT_OF_RESOURCES, text, temporary=True)
    if answer.status in _UNREADABLE:
        return failure(FailureReason.CANNOT_UNDERSTAND, text)
    if answer.status < HTTPStatus.BAD_REQUEST:
        text = f"the server answered {answer.status} and did not say what it has stored"
    return failure(FailureReason.PROCESSING_FAILURE, text)


def _meaning(reason: int | None) -> str:
    """Return the words of a reason that the server put in none of its own."""
    try:
        return FailureReason(reason).name.replace("_", " ").capitalize() if reason else ""
    except ValueError:
        return ""
