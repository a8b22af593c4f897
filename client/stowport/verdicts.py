"""The verdict on each part that was sent, according to the server's answer.

An answer names instances by UID and does not number them (PS3.18 Table I.1-1), and does not name
unreadable ones at all. An item is assigned to a part only if it can belong to no other; a part
without an item has to be sent again alone. Success is never inferred: an instance that the answer
does not name as stored is not stored.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from dicomweb.outcomes import SOPReference
from dicomweb.reasons import FailureReason
from stowport.answers import Answer, Item
from stowport.bodies import Part
from stowport.meanings import meaning

_UNREADABLE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one part: ``reason`` is its Failure Reason, or Warning Reason if stored.

    ``reference`` is how the answer names it; ``temporary`` means that it may be stored if it is
    sent again. If it is not ``confirmed``, the server has not said whether it is stored.
    """

    stored: bool
    reason: int | None = None
    text: str = ""
    temporary: bool = False
    confirmed: bool = True
    reference: SOPReference | None = None
    retrieve_url: str = ""


def failure(reason: int, text: str, *, temporary: bool = False) -> Verdict:
    """Return the verdict on a part that is not stored."""
    return Verdict(stored=False, reason=reason, text=text, temporary=temporary)


def unconfirmed(text: str, *, temporary: bool = False) -> Verdict:
    """Return the verdict on a part that may or may not be stored."""
    return Verdict(
        stored=False,
        reason=FailureReason.OUT_OF_RESOURCES if temporary else FailureReason.PROCESSING_FAILURE,
        text=f"not confirmed: {text}",
        temporary=temporary,
        confirmed=False,
    )


def judge(parts: Sequence[Part], answer: Answer) -> list[Verdict | None]:
    """Return the verdict on each of several parts of a request, in order.

    None for a part whose outcome cannot be told from that of another. The UIDs of all parts are
    known, and no two parts share one. If all failures without UIDs are for lack of resources, the
    parts that are not named are sent again together, and not one by one.
    """
    if answer.items is None:
        return [_on_the_whole(answer)] * len(parts)
    named = [_named(part, answer.items) for part in parts]
    unnamed = _unnamed_failures(answer.items, named)
    untold = None
    if set(unnamed) == {FailureReason.OUT_OF_RESOURCES}:
        untold = unconfirmed(_words(FailureReason.OUT_OF_RESOURCES, 0, answer), temporary=True)
    verdicts = [
        _tied(own, _numbered(answer, number), unnamed, number, answer)
        for number, own in enumerate(named, start=1)
    ]
    return [
        verdict or (None if own else untold) for verdict, own in zip(verdicts, named, strict=True)
    ]


def judge_alone(part: Part, answer: Answer) -> Verdict:
    """Return the verdict on the only part of a request, to which the whole answer applies."""
    if answer.items is None:
        return _on_the_whole(answer, next(iter(answer.texts.values()), ""))
    if not answer.items and answer.status >= HTTPStatus.BAD_REQUEST:
        # Orthanc refuses what it cannot read with a module that names nothing.
        return _on_the_whole(answer)
    if not answer.items:
        return unconfirmed("the server's answer does not name this instance")
    own = [item for item in _named(part, answer.items) if item.failure is None]
    item = own[0] if own else answer.items[0]
    if any(_reason(each) != _reason(item) for each in answer.items):
        return unconfirmed("the server's answer has several outcomes for this one instance")
    if item.failure is None and not own and part.sop_instance_uids:
        return unconfirmed(
            "the server's answer does not name this instance: it names another as stored"
        )
    return _on(item, None, answer)


def _named(part: Part, items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.sop_instance_uid in part.sop_instance_uids]


def _reason(item: Item) -> tuple[bool, int | None]:
    """Return whether the instance failed, and the Failure or Warning Reason."""
    failed = item.failure is not None
    return failed, item.failure if failed else item.warning


def _unnamed_failures(items: Sequence[Item], named: Iterable[Iterable[Item]]) -> Counter[int]:
    """Return how often each Failure Reason is given without the UID of any part."""
    claimed = {id(item) for own in named for item in own}
    return Counter(
        item.failure for item in items if item.failure is not None and id(item) not in claimed
    )


def _numbered(answer: Answer, number: int) -> set[int]:
    """Return the reasons that Warning gives for "part N", as this service does."""
    return {reason for reason, part in answer.texts if part == number and reason is not None}


def _tied(
    own: Sequence[Item], said: set[int], unnamed: Counter[int], number: int, answer: Answer
) -> Verdict | None:
    """Return the verdict on a part from its ``own`` item, or from the reason for its number."""
    if len(own) == 1 and said <= {_reason(own[0])[1]}:
        return _on(own[0], number, answer)
    if not own and len(said) == 1:
        (reason,) = said
        if unnamed[reason]:
            unnamed[reason] -= 1
            return _on(Item(failure=reason), number, answer)
    return None


def _on(item: Item, number: int | None, answer: Answer) -> Verdict:
    _, reason = _reason(item)
    return Verdict(
        stored=item.failure is None,
        reason=reason,
        text=item.text or _words(reason, number, answer),
        temporary=item.failure == FailureReason.OUT_OF_RESOURCES,
        reference=_reference(item),
        retrieve_url=item.retrieve_url,
    )


def _words(reason: int | None, number: int | None, answer: Answer) -> str:
    """Return the words about a reason; without a ``number`` all apply to the only part."""
    if number is None:
        said = next((text for (given, _), text in answer.texts.items() if given == reason), "")
    else:
        said = answer.texts.get((reason, number)) or answer.texts.get((reason, None), "")
    return said or (meaning(reason) if reason else "")


def _reference(item: Item) -> SOPReference | None:
    if not (item.sop_class_uid and item.sop_instance_uid):
        return None
    return SOPReference(sop_class_uid=item.sop_class_uid, sop_instance_uid=item.sop_instance_uid)


def _in_other_words(answer: Answer) -> str:
    if answer.said:
        return f"the server answered {answer.status}: {answer.said}"
    return f"the server answered {answer.status} and did not say why"


def _on_the_whole(answer: Answer, said: str = "") -> Verdict:
    """Judge all parts alike, by an answer that names none of them."""
    text = answer.text or said or _in_other_words(answer)
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return failure(FailureReason.OUT_OF_RESOURCES, text, temporary=True)
    if answer.status < HTTPStatus.BAD_REQUEST:
        return unconfirmed(
            f"the server answered {answer.status} and did not say what it has stored"
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unconfirmed(text)
    guessed = (
        FailureReason.CANNOT_UNDERSTAND
        if answer.status in _UNREADABLE
        else FailureReason.PROCESSING_FAILURE
    )
    given = {reason for reason, _ in answer.texts if reason is not None}
    return failure(given.pop() if len(given) == 1 else guessed, text)
