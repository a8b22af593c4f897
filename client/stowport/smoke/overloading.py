"""The check of too many requests at once, which is made only if it is asked for."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from stowport.messages import Response
from stowport.smoke.storing import post
from stowport.smoke.target import Failed, LeftOut, Target, expect, expect_field


def throttles(target: Target) -> str:
    """Send many requests at once: each is stored, or is 503 with Retry-After."""
    if not target.burst:
        raise LeftOut("needs --burst, more requests at once than the deployment takes")
    content = target.study.instance(1)
    with ThreadPoolExecutor(target.burst) as pool:
        answers = list(pool.map(lambda _: post(target, content), range(target.burst)))
    found = Counter(expect(answer, 200, 503).status for answer in answers)
    for answer in answers:
        _check_refusal(answer)
    if not found[503]:
        raise Failed(f"found {found[200]} answers of 200, expected some of 503")
    return f"{found[200]} times 200, {found[503]} times 503"


def _check_refusal(answer: Response) -> None:
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        expect_field(answer, "Retry-After")
        expect_field(answer, "Content-Type", "application/dicom+")
