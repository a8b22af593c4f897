"""``make deploy-local``: deploy the stack into an emulated AWS, use it, change it and delete it.

``python -m tests.emulated [GROUP ...]``: a GROUP of ``groups.py``, or ``all``, is deployed as well,
each in a stack of its own. The exit status is 1 if something failed, a group apart: what the
emulator does not have is said, and fails nothing.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from http import HTTPStatus

import boto3
import urllib3

from archive.objects import key_of
from stowport.command import main as stowport
from tests.builders import instance, series_uid, sop_uid, study_uid
from tests.emulated import hosted
from tests.emulated.groups import GROUPS, TOGETHER
from tests.emulated.stack import EXAMPLES, NotDeployed, Stack, emulated, say
from tests.local.test_bus import Webhook

_STUDY = 4711
_SECONDS = 60.0
"""For an answer: a start of the function is in it, on a machine that may be busy."""
_UPLOAD = "5MB"
"""Below the size from which ingest copies inside S3: MiniStack answers InvalidPart to a copy."""


def main(*groups: str) -> int:
    """Make the steps; return the exit status."""
    with emulated() as endpoint:
        stack = Stack(endpoint)
        steps: list[tuple[str, Callable[[], None]]] = [
            ("sam deploy makes the stack", stack.deploy),
            ("the smoke test passes", lambda: _smoke(stack)),
            ("what is sent is in S3, byte for byte", lambda: _stored(stack)),
            ("what is retrieved is what was sent", lambda: _retrieved(stack)),
            ("sam deploy changes a parameter", lambda: stack.deploy(DuplicatePolicy="replace")),
            ("the change has taken effect", lambda: _replaced(stack)),
            ("the examples hear of what is stored", lambda: _told(stack, endpoint)),
            ("sam deploy sets the optional parameters", lambda: stack.deploy(**TOGETHER)),
            ("the hosted relay makes a stack", hosted.deploy),
            ("sam delete deletes the stack", lambda: _deleted(stack)),
        ]
        failed = sum(not _made(name, step) for name, step in steps)
        for name in GROUPS if "all" in groups else groups:
            other = Stack(endpoint, f"stowport-{name}")
            _made(f"group {name}", partial(other.deploy, **GROUPS[name]))
    return int(failed > 0)


def _made(name: str, step: Callable[[], None]) -> bool:
    started = time.monotonic()
    try:
        step()
    except (NotDeployed, AssertionError) as error:
        say(f"FAIL  {name}: {error}")
        return False
    say(f"pass  {name} ({time.monotonic() - started:.0f} s)")
    return True


def _smoke(stack: Stack) -> None:
    arguments = ["smoke", "--url", stack.base_url, "--emulator", "--upload", _UPLOAD]
    assert stowport(arguments) == 0, "the smoke test failed"


def _stored(stack: Stack) -> None:
    content = instance(_STUDY)
    assert _answer(stack, content) == HTTPStatus.OK
    assert _kept(stack) == [sha256(content).hexdigest()]


def _retrieved(stack: Stack) -> None:
    path = f"/studies/{study_uid(_STUDY)}/series/{series_uid(_STUDY)}/instances/{sop_uid(_STUDY)}"
    asked = {"Accept": "application/dicom"}
    answer = urllib3.request(
        "GET", stack.base_url + path, headers=asked, redirect=False, timeout=_SECONDS
    )
    assert answer.status == HTTPStatus.SEE_OTHER, answer.status
    found = urllib3.request("GET", answer.headers["Location"], timeout=_SECONDS)
    assert found.data == instance(_STUDY), "other bytes"


def _replaced(stack: Stack) -> None:
    other = instance(_STUDY, WindowCenter=999)
    assert _answer(stack, other) == HTTPStatus.OK, "other bytes were not stored with replace"
    assert _kept(stack) == [sha256(other).hexdigest()]


def _told(stack: Stack, endpoint: str) -> None:
    """Let the examples tell a server of this process, which is both of their servers.

    MiniStack's stream has no record of what PartiQL inserts, as it does new instances, so one is
    replaced.
    """
    changes = {"StudyQuietSeconds": "5", "EventAttributes": "PatientID,StudyDate"}
    stack.deploy(DuplicatePolicy="replace", **changes)
    others = Webhook(*[HTTPStatus.OK] * 9)
    first, content = (instance(_STUDY + 1, WindowCenter=center) for center in (1, 2))
    examples = Stack(endpoint, "stowport-examples", EXAMPLES)
    try:
        examples.deploy(
            ArchiveBucketName=stack.outputs["ArchiveBucketName"],
            FhirUrl=others.url.replace("events", "fhir"),
            StowUrl=others.url.replace("events", "stow"),
        )
        for one in (first, content):
            assert _answer(stack, one) == HTTPStatus.OK
        _, sent = _received(others, "POST /stow/studies")
        assert content in sent, "the instance was not sent on byte for byte"
        _, resource = _received(others, "PUT /fhir/ImagingStudy")
        assert study_uid(_STUDY + 1) in resource.decode()
        assert _logged(examples, "StartedFunction", '{"start": ')
    finally:
        others.end()
    examples.delete()


def _logged(stack: Stack, function: str, text: str) -> bool:
    """Wait until a line of the log of ``function`` begins with ``text``."""
    logs, end = boto3.client("logs"), time.monotonic() + _SECONDS
    prefix = f"/aws/lambda/{stack.name}-{function}"
    while time.monotonic() < end:
        for group in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
            lines = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            if any(line["message"].startswith(text) for line in lines):
                return True
        time.sleep(0.1)
    return False


def _received(server: Webhook, path: str) -> tuple[str, bytes]:
    """Return the first request of ``server`` whose path begins with ``path``, when it is there."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        for _, sent, body in server.received:
            if sent.startswith(path):
                return sent, body
        time.sleep(0.1)
    raise AssertionError(f"found {[sent for _, sent, _ in server.received]}, expected {path}")


def _deleted(stack: Stack) -> None:
    stack.delete()
    assert stack.status == "DELETE_COMPLETE", f"found {stack.status}, expected DELETE_COMPLETE"


def _answer(stack: Stack, content: bytes) -> int:
    url, headers = f"{stack.base_url}/studies", {"Content-Type": "application/dicom"}
    return urllib3.request(
        "POST", url, body=content, headers=headers, retries=False, timeout=_SECONDS
    ).status


def _kept(stack: Stack) -> list[str]:
    """Return the digests of the objects that the study's items lead to."""
    outputs = stack.outputs
    found = boto3.client("dynamodb").query(
        TableName=outputs["IndexTableName"],
        KeyConditionExpression="StudyInstanceUID = :study AND begins_with(#resource, :instances)",
        ExpressionAttributeNames={"#resource": "Resource"},
        ExpressionAttributeValues={
            ":study": {"S": study_uid(_STUDY)},
            ":instances": {"S": "instances/"},
        },
        ConsistentRead=True,
    )
    keys = [key_of(item) for item in found["Items"]]
    s3, bucket = boto3.client("s3"), outputs["ArchiveBucketName"]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    return [sha256(body).hexdigest() for body in bodies]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
