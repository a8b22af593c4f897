import json
from io import StringIO

import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.ingest.bodies import body_of
from tests.ingest.deployment import (
    ATTEMPTS,
    LargeRequests,
    forget,
    invoke_dead_letters,
    invoke_ingest,
)

SMALL = builders.instance()


def test_the_upload_is_failed_and_its_message_and_its_body_are_kept(
    large: LargeRequests, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    upload = large.upload(body_of(SMALL))
    message = large.message(upload, ATTEMPTS)
    assert json.loads(large.look_up(upload).body)["state"] == "pending"
    invoke_dead_letters(message)
    reply = large.look_up(upload)
    assert (reply.status, "Retry-After" in reply.headers) == (503, False)
    assert large.keys() == [f"staging/{upload}"]
    (kept,) = large.failed_messages()
    assert kept["Body"] == message["Records"][0]["body"]
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (line["level"], line["message"], line["upload"]) == ("ERROR", "given up", upload)
    assert '"UploadsFailed":[1.0]' in capsys.readouterr().out


def test_a_kept_message_that_is_sent_to_ingest_again_stores_the_body(large: LargeRequests) -> None:
    upload = large.upload(body_of(SMALL))
    message = large.message(upload)
    invoke_dead_letters(message)
    (kept,) = large.failed_messages()
    invoke_ingest({"Records": [{**message["Records"][0], "body": kept["Body"]}]})
    assert large.look_up(upload).status == 200
    assert list(large.instances().values()) == [SMALL]


def test_a_body_that_is_copied_onto_itself_is_ingested_anew(large: LargeRequests) -> None:
    upload = large.upload(body_of(SMALL))
    invoke_dead_letters(large.message(upload))
    large.copy_onto_itself(upload)
    invoke_ingest(large.message(upload))
    assert large.look_up(upload).status == 200


def test_an_upload_that_is_done_stays_done_and_rings_nobody(
    large: LargeRequests, log: StringIO
) -> None:
    upload = large.upload(body_of(SMALL))
    message = large.message(upload)
    invoke_ingest(message)
    answer = large.look_up(upload).response
    invoke_dead_letters(message)
    assert large.look_up(upload).response == answer
    assert large.failed_messages() == []
    assert json.loads(log.getvalue().splitlines()[-1])["message"] == "used"


def test_a_message_whose_upload_is_unknown_is_kept_too(large: LargeRequests) -> None:
    upload = large.upload(body_of(SMALL))
    message = large.message(upload)
    large.forget(upload)
    invoke_dead_letters(message)
    assert len(large.failed_messages()) == 1


def test_a_message_that_cannot_be_kept_comes_again(
    large: LargeRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = large.upload(body_of(SMALL))
    monkeypatch.setenv("FAILED_UPLOADS_QUEUE", "https://sqs.us-east-1.amazonaws.com/1/absent")
    forget()
    with pytest.raises(ClientError, match="NonExistentQueue"):
        invoke_dead_letters(large.message(upload))
    assert large.look_up(upload).status == 503
