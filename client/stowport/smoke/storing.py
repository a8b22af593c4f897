"""Checks of what is stored, and of the answers in each media type."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from dicomweb.reasons import FailureReason
from stowport.answers import Answer, read_answer
from stowport.bodies import Buffer, Part, RelatedBody
from stowport.messages import Response
from stowport.smoke.target import Failed, LeftOut, Target, described, expect, expect_field

XML, JSON = "application/dicom+xml", "application/dicom+json"

_BOUNDARY = "stowport-smoke"


def post(target: Target, *contents: bytes, path: str = "/studies", accept: str = "") -> Response:
    """Send Part 10 files in one request."""
    body = RelatedBody([Part(content=Buffer(memoryview(content))) for content in contents])
    headers = {"Content-Type": body.content_type, "Accept": accept}
    return target.send("POST", path, b"".join(body.blocks()), headers)


def confirmed(response: Response, uids: Sequence[str]) -> Answer:
    """Return the answer if it is 200 and confirms exactly these instances; raises Failed."""
    answer = read_answer(expect(response, 200))
    stored = [item.sop_instance_uid for item in answer.items or [] if item.failure is None]
    if sorted(stored) != sorted(uids):
        raise Failed(f"found {len(stored)} instances confirmed in {described(response)}")
    return answer


def refused(response: Response, *statuses: int) -> str:
    """Return the reason in words of a refusal with one of these statuses; raises Failed."""
    answer = read_answer(expect(response, *statuses))
    if not (answer.text or answer.texts or answer.items):
        raise Failed(f"found no reason in {described(response)}, expected one")
    return answer.text or next(iter(answer.texts.values()), "")


def stores(target: Target) -> str:
    """Store an instance whose pixel data has all values of a byte."""
    uid = target.study.sop_instance_uid(1)
    response = post(target, target.study.instance(1))
    confirmed(response, [uid])
    return response.media_type


def stores_again(target: Target) -> str:
    """Store the same bytes a second time."""
    content = target.study.instance(2)
    for _ in range(2):
        confirmed(post(target, content), [target.study.sop_instance_uid(2)])
    return ""


def stores_ten(target: Target) -> str:
    """Store ten instances in one request."""
    numbers = range(10, 20)
    response = post(target, *map(target.study.instance, numbers))
    confirmed(response, [target.study.sop_instance_uid(number) for number in numbers])
    return ""


def decides_about_other_bytes(target: Target) -> str:
    """Send other bytes under the UIDs of a stored instance."""
    confirmed(post(target, target.study.instance(3)), [target.study.sop_instance_uid(3)])
    response = expect(post(target, target.study.instance(3, pixel=1)), 200, 409)
    if response.status == HTTPStatus.OK:
        return "DuplicatePolicy is replace"
    reasons = {item.failure for item in read_answer(response).items or []}
    if reasons != {FailureReason.DUPLICATE_SOP_INSTANCE}:
        raise Failed(f"found reasons {reasons}, expected 0111")
    return "DuplicatePolicy is reject"


def stores_single_part(target: Target) -> str:
    """Send an instance as the whole body, of type application/dicom."""
    headers = {"Content-Type": "application/dicom"}
    response = target.send("POST", "/studies", target.study.instance(4), headers)
    confirmed(response, [target.study.sop_instance_uid(4)])
    return ""


def stores_metadata(target: Target) -> str:
    """Send metadata in JSON, and bulk data."""
    content_type = f'multipart/related; type="{JSON}"; boundary={_BOUNDARY}'
    content = target.study.metadata(5, _BOUNDARY)
    response = target.send("POST", "/studies", content, {"Content-Type": content_type})
    confirmed(response, [target.study.sop_instance_uid(5)])
    return ""


def stores_into_a_study(target: Target) -> str:
    """Store into the study of the instance, and not into another."""
    content, study = target.study.instance(6), target.study
    confirmed(post(target, content, path=f"/studies/{study.instance_uid}"), _uids(target, 6))
    expect(post(target, content, path=f"/studies/{study.another}"), 409)
    return ""


def stores_beside_a_failure(target: Target) -> str:
    """Store an instance beside one that breaks off: 202, and Warning says why."""
    response = post(target, target.study.instance(7), target.study.instance(8)[:-10])
    items = read_answer(expect(response, 202)).items or []
    stored = [item.sop_instance_uid for item in items if item.failure is None]
    if stored != _uids(target, 7):
        raise Failed(f"found {len(stored)} stored in {described(response)}, expected one")
    expect_field(response, "Warning", "C000")
    return ""


def takes_capitals(target: Target) -> str:
    """Send ``Multipart/Related``: media types are compared without case (RFC 9110 8.3.1)."""
    body = RelatedBody([Part(content=Buffer(memoryview(target.study.instance(9))))])
    content_type = body.content_type.replace("multipart/related", "Multipart/Related")
    response = target.send(
        "POST", "/studies", b"".join(body.blocks()), {"Content-Type": content_type}
    )
    if response.status == HTTPStatus.BAD_REQUEST:
        return "refused: the gateway compares binary types with case"
    confirmed(response, _uids(target, 9))
    return ""


def answers_in(expected: str, accept: str, query: str = "") -> Callable[[Target], str]:
    """Return the check that an answer to ``accept`` is of the media type ``expected``."""

    def answers(target: Target) -> str:
        response = post(target, target.study.instance(1), path=f"/studies{query}", accept=accept)
        confirmed(response, _uids(target, 1))
        if response.media_type != expected:
            raise Failed(f"found {response.media_type}, expected {expected}")
        return ""

    return answers


def shows_origins(target: Target) -> str:
    """Let a page of the given origin read the answer."""
    if not target.origin:
        raise LeftOut("needs --origin, a web origin of AllowedOrigins")
    headers = {"Content-Type": "application/dicom", "Origin": target.origin}
    response = target.send("POST", "/studies", target.study.instance(1), headers)
    confirmed(response, _uids(target, 1))
    expect_field(response, "Access-Control-Allow-Origin")
    return ""


def _uids(target: Target, number: int) -> list[str]:
    return [target.study.sop_instance_uid(number)]
