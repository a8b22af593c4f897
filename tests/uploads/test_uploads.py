import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from threading import Event
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import uploads.handler
from archive.staging import LARGEST_PUT_BYTES, PART_BYTES
from archive.uploads import SECONDS_KNOWN, Uploads
from dicomweb.answer import response
from dicomweb.envelope import mediatypes
from events.instances import PERSONAL
from events.proxy import announcement_event, upload_event
from tests import builders
from tests.ingest.bodies import body_of
from tests.ingest.deployment import MULTIPART, LargeRequests, forget, invoke_ingest, invoke_uploads
from tests.store.deployment import event
from tests.store.lambdas import Context, Reply
from transaction import gateway

BASE = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
LARGEST = (10240 - 64) * 1024**2
SMALL = builders.instance()
ANNOUNCED = {"contentType": MULTIPART, "size": 5}


def test_an_answer_of_dynamodb_that_never_ends_is_not_waited_for(
    large: LargeRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = Event()
    upload = large.announce(5).id

    def never_ends(*_: object) -> None:
        assert let_go.wait(20)

    monkeypatch.setattr(Uploads, "find", never_ends)

    response = uploads.handler.lambda_handler(upload_event(upload), Context(2.2))
    let_go.set()

    assert response["statusCode"] == 503
    assert response["headers"]["Retry-After"]
    assert '"A700: ' in Reply(response).warnings[0]


def asked_by(principal: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Add what the authorizer found to an event."""
    context = {**sent["requestContext"], "authorizer": {"principalId": principal}}
    return {**sent, "requestContext": context}


def signed(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


class TestOffer:
    def test_it_names_the_upload_the_url_and_the_headers(self, large: LargeRequests) -> None:
        offer = large.announce(1000)
        assert offer.reply.status == 200
        assert offer.reply.headers["Content-Type"] == "application/json"
        assert re.fullmatch("[A-Za-z0-9_-]{32}", offer.id)
        assert offer.document["location"] == f"{BASE}/uploads/{offer.id}"
        assert offer.reply.headers["Location"] == offer.document["location"]
        assert offer.document["method"] == "PUT"
        assert offer.document["headers"] == {
            "Content-Type": MULTIPART,
            "Content-Length": "1000",
            "If-None-Match": "*",
        }
        assert urlsplit(offer.document["url"]).path == f"/{large.bucket}/staging/{offer.id}"

    def test_size_type_and_first_use_are_signed_and_so_enforced(self, large: LargeRequests) -> None:
        query = signed(large.announce(1000).document["url"])
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
        (names,) = query["X-Amz-SignedHeaders"]
        assert names.split(";") == ["content-length", "content-type", "host", "if-none-match"]

    def test_the_url_and_the_document_expire_together(self, large: LargeRequests) -> None:
        document = large.announce(1000).document
        assert signed(document["url"])["X-Amz-Expires"] == ["3600"]
        expires = datetime.fromisoformat(document["expires"])
        assert (expires - datetime.now(UTC)).total_seconds() == pytest.approx(3600, abs=30)

    def test_no_two_uploads_have_the_same_id(self, large: LargeRequests) -> None:
        assert large.announce(5).id != large.announce(5).id

    @pytest.mark.parametrize(
        ("size", "parts"),
        [
            (LARGEST_PUT_BYTES, 0),
            (LARGEST_PUT_BYTES + 1, 11),
            (LARGEST, -(-LARGEST // PART_BYTES)),
        ],
    )
    def test_what_is_too_large_for_one_put_goes_in_parts(
        self, large: LargeRequests, size: int, parts: int
    ) -> None:
        document = large.announce(size).document
        found = document.get("parts", [])
        assert len(found) == parts
        assert ("url" in document) == (not parts)
        assert sum(part["size"] for part in found) == (size if parts else 0)
        assert [part["offset"] for part in found] == [n * PART_BYTES for n in range(parts)]

    def test_every_part_is_signed_for_its_size_and_number(self, large: LargeRequests) -> None:
        for number, part in enumerate(large.announce(LARGEST).document["parts"], start=1):
            query = signed(part["url"])
            assert query["partNumber"] == [str(number)]
            assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
            assert part["headers"] == {"Content-Length": str(part["size"])}

    def test_an_upload_in_parts_is_completed_with_s3_s_own_document(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads.handler, "LARGEST_PUT_BYTES", 0)
        body = body_of(SMALL)
        offer = large.announce(len(body))
        (part,) = offer.document["parts"]
        put = {**part["headers"], "Content-Type": "application/octet-stream"}
        status, headers = large.send(part["url"], body, put, "PUT")
        assert status == 200
        complete = offer.document["complete"]
        document = (
            '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Part><PartNumber>1</PartNumber><ETag>{headers['ETag']}</ETag></Part>"
            "</CompleteMultipartUpload>"
        ).encode()
        sent = {"Content-Type": complete["contentType"]}
        assert large.send(complete["url"], document, sent, complete["method"])[0] == 200
        invoke_ingest(large.message(offer.id))
        assert large.look_up(offer.id).status == 200
        assert list(large.instances().values()) == [SMALL]

    def test_it_is_logged_with_its_size_and_counted(
        self, large: LargeRequests, log: StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        offer = large.announce(1000)
        line = json.loads(log.getvalue())
        assert (line["message"], line["upload"], line["size"]) == ("offer", offer.id, 1000)
        assert '"UploadsOffered":[1.0]' in capsys.readouterr().out


class TestRefusals:
    @pytest.mark.parametrize(
        ("announced", "found"),
        [
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("{", "not a JSON object"),
            ("[" * 100_000, "not a JSON object"),
            ({"size": 5}, "no contentType"),
            ({**ANNOUNCED, "contentType": 5}, "no contentType"),
            ({**ANNOUNCED, "contentType": "application/dicom\r\nX: y"}, "no contentType"),
            ({**ANNOUNCED, "contentType": "application/dic\u00f6m"}, "no contentType"),
            ({**ANNOUNCED, "contentType": "application/dicom;a=" + "b" * 1024}, "characters"),
            ({**ANNOUNCED, "contentType": "dicom"}, "without a media type"),
            ({**ANNOUNCED, "contentType": "text/plain"}, "not supported"),
            ({**ANNOUNCED, "contentType": "multipart/related"}, "no boundary"),
            ({"contentType": MULTIPART}, "no valid size"),
            ({**ANNOUNCED, "size": 0}, "no valid size"),
            ({**ANNOUNCED, "size": -1}, "no valid size"),
            ({**ANNOUNCED, "size": True}, "no valid size"),
            ({**ANNOUNCED, "size": 5.0}, "no valid size"),
            ({**ANNOUNCED, "size": "5"}, "no valid size"),
            ({**ANNOUNCED, "size": LARGEST + 1}, f"expected at most {LARGEST}"),
            ({**ANNOUNCED, "studyInstanceUID": "1.02"}, "not a UID"),
            ({**ANNOUNCED, "studyInstanceUID": 1}, "not a UID"),
        ],
    )
    def test_an_announcement_that_would_be_refused_unread_is_400(
        self, large: LargeRequests, announced: object, found: str
    ) -> None:
        reply = invoke_uploads(announcement_event(announced))
        assert (reply.status, reply.headers["Content-Type"]) == (400, "application/dicom+xml")
        assert found in reply.warnings[0]
        assert reply.values("TextValue")
        assert large.keys() == []

    def test_what_nobody_foresaw_is_503_and_does_not_quote(
        self, large: LargeRequests, log: StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> None:
            raise RuntimeError(PERSONAL["PatientName"])

        monkeypatch.setattr(uploads.handler, "read_announcement", fails)
        reply = large.announce(5).reply
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert PERSONAL["PatientName"] not in log.getvalue() + str(reply.response)
        assert '"error":"RuntimeError"' in log.getvalue()


class TestPendingUploads:
    """One sender cannot fill the queue: so many of its uploads may be pending."""

    @pytest.fixture(autouse=True)
    def two_at_most(self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch) -> None:
        assert large.bucket
        monkeypatch.setenv("MAX_PENDING_UPLOADS", "2")
        forget()

    @pytest.mark.parametrize("accept", ["application/dicom+xml", "application/dicom+json"])
    def test_one_more_is_503_until_another_has_ended(
        self, large: LargeRequests, log: StringIO, accept: str
    ) -> None:
        first = large.upload(body_of(SMALL))
        large.announce(5)
        log.truncate(0)
        event = announcement_event(ANNOUNCED)
        reply = invoke_uploads({**event, "multiValueHeaders": {"Accept": [accept]}})
        assert (reply.status, reply.headers["Retry-After"]) == (503, "60")
        assert reply.headers["Content-Type"] == accept
        assert "A700: found 2 pending uploads of this sender" in reply.warnings[0]
        assert "Location" not in reply.headers
        assert '"message":"refuse"' in log.getvalue()
        invoke_ingest(large.message(first))
        assert large.look_up(first).status == 200
        assert large.announce(5).reply.status == 200

    def test_one_of_another_sender_is_offered(self, large: LargeRequests) -> None:
        for _ in range(2):
            assert large.announce(5).reply.status == 200
        for status in (200, 200, 503):
            assert invoke_uploads(asked_by("max", announcement_event(ANNOUNCED))).status == status

    def test_one_that_is_refused_as_a_whole_has_ended(self, large: LargeRequests) -> None:
        for _ in range(3):
            upload = large.upload(b"--b0undary\r\n")
            invoke_ingest(large.message(upload))
            assert large.look_up(upload).status == 400

    def test_one_that_was_counted_but_not_offered_does_not_count(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(uploads.handler, "places", raising(RuntimeError("planted")))
            for _ in range(3):
                assert '"0110: ' in large.announce(5).reply.warnings[0]
        assert large.announce(5).reply.status == 200


class TestPromise:
    """Whatever happens, the status is of the closed set."""

    EVENTS: ClassVar = [
        announcement_event(ANNOUNCED),
        upload_event("0" * 32),
    ]

    @pytest.mark.usefixtures("large")
    @pytest.mark.parametrize("event", EVENTS, ids=["announce", "look up"])
    @pytest.mark.parametrize(
        "broken",
        [
            (uploads.handler, "settings"),
            (gateway, "read_request"),
            (mediatypes, "negotiate"),
            (gateway, "proxy_response"),
        ],
    )
    def test_a_request_that_cannot_be_read_or_answered_is_503(
        self,
        monkeypatch: pytest.MonkeyPatch,
        log: StringIO,
        broken: tuple[ModuleType, str],
        event: dict[str, Any],
    ) -> None:
        monkeypatch.setattr(*broken, raising(RuntimeError("Planted^Name")))
        reply = invoke_uploads(event)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert reply.warnings == [f'299 stowport "0110: {response.UNFORESEEN}"']
        assert '"error":"RuntimeError"' in log.getvalue()
        assert "Planted" not in log.getvalue() + str(reply.response)

    @pytest.mark.parametrize("broken", [{}, {"requestContext": None}, {"httpMethod": "POST"}])
    def test_what_is_no_event_of_the_gateway_is_503(
        self, large: LargeRequests, broken: dict[str, Any]
    ) -> None:
        assert invoke_uploads(broken).status == 503
        assert large.keys() == []


class TestLookUp:
    def test_it_is_pending_until_it_is_ingested(self, large: LargeRequests) -> None:
        upload = large.upload(body_of(SMALL))
        reply = large.look_up(upload)
        assert (reply.status, reply.headers["Retry-After"]) == (200, "1")
        assert reply.headers["Content-Type"] == "application/json"
        assert json.loads(reply.body) == {"id": upload, "state": "pending"}

    @pytest.mark.parametrize(
        ("size", "seconds"), [(1, "1"), (1_400_000_000, "1"), (3_000_000_000, "3"), (10**10, "5")]
    )
    def test_a_large_body_is_looked_at_less_often(
        self, large: LargeRequests, size: int, seconds: str
    ) -> None:
        reply = large.look_up(large.announce(size).id)
        assert (reply.status, reply.headers["Retry-After"]) == (200, seconds)

    @pytest.mark.parametrize("upload", ["0" * 32, "short", "../" * 10 + "ab", ""])
    def test_what_is_unknown_is_400(self, large: LargeRequests, upload: str) -> None:
        reply = large.look_up(upload)
        assert reply.status == 400
        assert "found no upload of this sender" in reply.warnings[0]

    def test_what_has_expired_is_unknown(self, large: LargeRequests) -> None:
        upload = large.announce(5).id
        expires = int(large.item(upload)["Expires"]["N"])
        assert expires == pytest.approx(time.time() + SECONDS_KNOWN, abs=30)
        large.change(upload, Expires={"N": str(int(time.time()) - 1)})
        assert large.look_up(upload).status == 400

    def test_an_upload_of_somebody_else_is_unknown(self, large: LargeRequests) -> None:
        offered = invoke_uploads(asked_by("erika", announcement_event(ANNOUNCED)))
        upload = json.loads(offered.body)["id"]
        assert large.look_up(upload).status == 400
        assert invoke_uploads(asked_by("max", upload_event(upload))).status == 400
        assert invoke_uploads(asked_by("erika", upload_event(upload))).status == 200

    def test_the_answer_has_retrieve_urls_if_there_is_a_base(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload = large.upload(body_of(SMALL))
        invoke_ingest(large.message(upload))
        monkeypatch.setenv("RETRIEVE_BASE_URL", "https://pacs.example.org/rs/")
        forget()
        study = f"https://pacs.example.org/rs/studies/{builders.study_uid()}"
        reply = large.look_up(upload)
        assert reply.headers["Location"] == reply.values("RetrieveURL")[0] == study


class TestFaults:
    """A fault of the table says nothing of an upload: its sender is to ask again."""

    FAULTS: ClassVar = [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"),
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetItem"),
        ReadTimeoutError(endpoint_url="https://example.org"),
        RuntimeError("Planted^Name"),
    ]
    IDS = ("throttled", "denied", "unanswered", "unforeseen")

    @pytest.mark.parametrize("fault", FAULTS, ids=IDS)
    def test_an_upload_that_cannot_be_looked_up_is_503_with_a700(
        self, large: LargeRequests, monkeypatch: pytest.MonkeyPatch, fault: Exception
    ) -> None:
        upload = large.announce(5).id
        monkeypatch.setattr(Uploads, "find", raising(fault))
        reply = large.look_up(upload)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert reply.warnings[0].split('"')[1].startswith("A700: ")
        assert "Planted" not in str(reply.response)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        list(zip(FAULTS, ["A700", "0110"] * 2, strict=True)),
        ids=IDS,
    )
    def test_an_upload_that_cannot_be_offered_is_503_too(
        self,
        large: LargeRequests,
        monkeypatch: pytest.MonkeyPatch,
        log: StringIO,
        fault: Exception,
        reason: str,
    ) -> None:
        monkeypatch.setattr(Uploads, "offer", raising(fault))
        reply = large.announce(5).reply
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert reply.warnings[0].split('"')[1].startswith(f"{reason}: ")
        assert ("unforeseen" in log.getvalue()) is (reason == "0110")


def raising(fault: Exception) -> Callable[..., None]:
    def fails(*_: object) -> None:
        raise fault

    return fails


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("announce", 200),
        ("announce-parts", 200),
        ("announce-to-study", 200),
        ("announce-nothing", 400),
        ("announce-too-much", 400),
        ("unknown", 400),
    ],
)
def test_the_committed_events_get_what_their_comments_say(
    large: LargeRequests, name: str, status: int
) -> None:
    assert invoke_uploads(event(f"uploads/{name}")).status == status
    assert large.items() == []


def test_the_committed_event_of_ingest_tells_of_an_unknown_upload(
    large: LargeRequests, log: StringIO
) -> None:
    invoke_ingest(event("ingest/unknown"))
    assert large.items() == []
    assert json.loads(log.getvalue())["message"] == "unknown"
