"""Checks of storage commitment (PS3.18 13)."""

from collections.abc import Sequence

from pydicom.uid import SecondaryCaptureImageStorage

from stowport.answers import Item, read_answer
from stowport.commitment import payload, transaction_uid
from stowport.messages import Response, retry_after
from stowport.smoke.storing import JSON, refused
from stowport.smoke.target import Failed, Target, expect

_MOST_LOOKS = 24


def _ask(target: Target, transaction: str, uids: Sequence[str]) -> Response:
    """Send a request for commitment, and return its answer, however late it comes."""
    path = f"/commitment-requests/{transaction}"
    asked = payload([(SecondaryCaptureImageStorage, uid) for uid in uids])
    response = target.send("POST", path, asked, {"Accept": JSON, "Content-Type": JSON})
    for _ in range(_MOST_LOOKS):
        if response.status != 202:  # noqa: PLR2004 - Accepted
            break
        target.transport.wait(retry_after(response))
        response = target.send("GET", path, headers={"Accept": JSON})
    return response


def commits(target: Target) -> str:
    """Ask for a stored instance and for one that is not, and again for the same."""
    stored, unknown = target.study.sop_instance_uid(1), target.study.sop_instance_uid(999_999)
    transaction = transaction_uid()
    for _ in range(2):
        items = read_answer(expect(_ask(target, transaction, (stored, unknown)), 200)).items or []
        found = {item.sop_instance_uid: _shown(item) for item in items}
        if found != {stored: "committed", unknown: "0112"}:
            raise Failed(f"found {sorted(found.values())}, expected committed and 0112")
    return ""


def _shown(item: Item) -> str:
    return "committed" if item.failure is None else f"{item.failure:04X}"


def refuses_other_requests(target: Target) -> str:
    """Ask for something else with the same Transaction UID."""
    transaction = transaction_uid()
    expect(_ask(target, transaction, [target.study.sop_instance_uid(1)]), 200)
    return refused(_ask(target, transaction, [target.study.sop_instance_uid(2)]), 409)


def knows_no_others(target: Target) -> str:
    """Look for the result of a request that nobody has sent."""
    path = f"/commitment-requests/{transaction_uid()}"
    return refused(target.send("GET", path, headers={"Accept": JSON}, also=frozenset((404,))), 404)
