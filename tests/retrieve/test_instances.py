"""An instance is returned as it was sent: redirected to, or wrapped (PS3.18 10.4)."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from email import message_from_bytes
from hashlib import sha256
from io import StringIO
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from pydicom.uid import ImplicitVRLittleEndian

import retrieve.handler
import retrieve.instances
from archive.items import Item
from archive.retrieval import Retrieval
from dicomweb.retrieval import body
from events.instances import ct
from retrieve.settings import settings
from store.settings import settings as of_storing
from tests.builders import data_set, instance, part10, series_uid, sop_uid, study_uid
from tests.retrieve.conftest import Get, Keep
from tests.store.deployment import EVENTS, Deployment, event
from tests.store.lambdas import Context, Reply

BASE = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
CONTENT = instance()
DIGEST = sha256(CONTENT).hexdigest()
UIDS = (study_uid(), series_uid(), sop_uid())
URL = f"{BASE}/studies/{UIDS[0]}/series/{UIDS[1]}/instances/{UIDS[2]}"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
WRAPPED = 'multipart/related; type="application/dicom"'


def parts(reply: Reply) -> list[tuple[dict[str, str], bytes]]:
    """Return the parts of a multipart answer, read by Python's own parser of MIME."""
    assert reply.response["isBase64Encoded"]
    content = b64decode(reply.body)
    head = f"Content-Type: {reply.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + content)
    found = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        boundary = f"--{message.get_boundary()}".encode()
        start = content.index(b"\r\n\r\n", content.index(boundary)) + 4
        length = int(part["Content-Length"])
        found.append((dict(part.items()), content[start : start + length]))
        content = content[start + length :]
    assert content == f"\r\n--{message.get_boundary()}--\r\n".encode()
    return found


def digest(content: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(content).digest()).decode()}:"


@pytest.fixture(scope="module")
def one(keep: Keep) -> bytes:
    keep(CONTENT)
    return CONTENT


@pytest.fixture(scope="module")
def study(keep: Keep) -> tuple[bytes, ...]:
    contents = tuple(instance(3, series, number) for series in (1, 2) for number in (1, 2))
    keep(*contents, instance(4))
    return contents


class TestOneInstance:
    @pytest.mark.parametrize(
        "accept",
        [
            "application/dicom",
            "*/*",
            "application/*",
            "",
            f"application/dicom; transfer-syntax={EXPLICIT}",
            "application/dicom; transfer-syntax=*",
            "application/dicom, */*; q=0, application/dicom; q=0",
            f"{WRAPPED}; q=0.5, application/dicom",
            f"application/dicom, {WRAPPED}",
            "text/html, image/avif, */*; q=0.8",
            "garbage, application/dicom; q=0.1",
        ],
    )
    def test_by_itself_it_is_a_redirect_to_its_bytes_in_s3(
        self, one: bytes, get: Get, accept: str
    ) -> None:
        reply = get(*UIDS, headers={"Accept": accept})
        assert reply.status == 303
        assert reply.body == ""
        assert reply.headers["ETag"] == f'"{DIGEST}"'
        assert reply.headers["Repr-Digest"] == digest(one)
        assert reply.headers["Content-Location"] == URL
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Vary"] == "Accept"
        with urlopen(reply.headers["Location"]) as answer:
            assert answer.read() == one
            assert answer.headers["Content-Type"] == (
                f"application/dicom; transfer-syntax={EXPLICIT}"
            )

    def test_the_url_of_s3_is_valid_for_five_minutes(self, one: bytes, get: Get) -> None:
        del one
        query = parse_qs(urlsplit(get(*UIDS).headers["Location"]).query)
        assert query["X-Amz-Expires"] == ["300"]
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]

    def test_head_leads_to_a_head_of_the_same_bytes(self, one: bytes, get: Get) -> None:
        reply = get(*UIDS, method="HEAD", headers={"Accept": "*/*"})
        assert reply.status == 303
        with urlopen(Request(reply.headers["Location"], method="HEAD")) as answer:
            assert int(answer.headers["Content-Length"]) == len(one)

    @pytest.mark.parametrize(
        "accept",
        [
            WRAPPED,
            "multipart/related; type=application/dicom",
            "multipart/related",
            f"{WRAPPED}; transfer-syntax=*",
            f"{WRAPPED}; transfer-syntax={EXPLICIT}",
            f"{WRAPPED}; transfer-syntax={IMPLICIT}, {WRAPPED}; transfer-syntax=*; q=0.1",
            f"{WRAPPED}, application/dicom; q=0.9",
            f"{WRAPPED}, application/dicom; q=0",
            f"{WRAPPED}, */*",
        ],
    )
    def test_wrapped_it_is_the_only_part(self, one: bytes, get: Get, accept: str) -> None:
        reply = get(*UIDS, headers={"Accept": accept})
        assert reply.status == 200
        ((fields, content),) = parts(reply)
        assert content == one
        assert fields["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
        assert fields["Content-Location"] == URL
        assert reply.headers["Content-Location"] == URL
        assert reply.headers["ETag"] == f'W/"{DIGEST}"'
        assert reply.headers["Repr-Digest"] == digest(b64decode(reply.body))

    def test_head_of_the_wrapped_instance_has_its_fields_and_no_body(
        self, one: bytes, get: Get
    ) -> None:
        del one
        asked = {"Accept": WRAPPED}
        head, whole = get(*UIDS, method="HEAD", headers=asked), get(*UIDS, headers=asked)
        assert head.status == 200
        assert head.headers == whole.headers
        assert head.body == ""

    @pytest.mark.parametrize(
        ("accept", "known"),
        [
            ("*/*", f'"{DIGEST}"'),
            (WRAPPED, f'W/"{DIGEST}"'),
            (WRAPPED, f'"{DIGEST}"'),
            ("*/*", "*"),
            ("*/*", f'"other", W/"{DIGEST}"'),
        ],
    )
    def test_whoever_has_it_already_is_told_so(
        self, one: bytes, get: Get, accept: str, known: str
    ) -> None:
        del one
        reply = get(*UIDS, headers={"Accept": accept, "If-None-Match": known})
        assert reply.status == 304
        assert reply.body == ""
        assert DIGEST in reply.headers["ETag"]
        assert "Location" not in reply.headers

    def test_whoever_has_another_gets_it(self, one: bytes, get: Get) -> None:
        del one
        assert get(*UIDS, headers={"Accept": "*/*", "If-None-Match": '"other"'}).status == 303

    def test_the_accept_parameter_has_precedence_as_far_as_the_field_allows(
        self, one: bytes, get: Get
    ) -> None:
        del one
        both = f"{WRAPPED}, application/dicom"
        single = {"accept": "application/dicom"}
        assert get(*UIDS, headers={"Accept": both}, query=single).status == 303
        assert get(*UIDS, headers={"Accept": WRAPPED}, query=single).status == 200

    def test_after_a_replacement_the_new_bytes_are_returned(
        self, keep: Keep, get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DUPLICATE_POLICY", "replace")
        of_storing.cache_clear()
        first, other = instance(7), instance(7, StudyID="other")
        keep(first)
        keep(other)
        of_storing.cache_clear()
        uids = study_uid(7), series_uid(7), sop_uid(7)
        ((_, content),) = parts(get(*uids, headers={"Accept": WRAPPED}))
        assert content == other


class TestRefusals:
    @pytest.mark.parametrize(
        "uids",
        [
            (study_uid(99), UIDS[1], UIDS[2]),
            (UIDS[0], series_uid(99), UIDS[2]),
            (UIDS[0], UIDS[1], sop_uid(1, 1, 99)),
        ],
    )
    def test_what_is_not_stored_is_404(self, one: bytes, get: Get, uids: tuple[str, ...]) -> None:
        del one
        reply = get(*uids)
        assert reply.status == 404
        assert reply.values("TextValue") == ["found no stored instance with the UIDs of the URL"]

    @pytest.mark.parametrize("wrong", ["1.2.03", "Planted", "1" * 65])
    def test_what_is_not_a_uid_is_400_and_not_repeated(self, get: Get, wrong: str) -> None:
        reply = get(UIDS[0], wrong, UIDS[2])
        assert reply.status == 400
        assert "found a series in the URL that is not a UID" in reply.body
        assert wrong not in reply.body

    @pytest.mark.parametrize(
        "accept",
        [
            "image/jpeg",
            "application/dicom+json",
            'multipart/related; type="image/jpeg"',
            "application/dicom; q=0",
            "*/*; q=0",
        ],
    )
    def test_what_is_no_instance_is_406(self, one: bytes, get: Get, accept: str) -> None:
        del one
        reply = get(*UIDS, headers={"Accept": accept})
        assert reply.status == 406
        assert "expected application/dicom or multipart/related" in reply.body
        assert reply.warnings

    @pytest.mark.parametrize("media_type", ["application/dicom", WRAPPED])
    def test_what_would_need_transcoding_is_406_and_named(
        self, keep: Keep, get: Get, media_type: str
    ) -> None:
        keep(part10(data_set(6), ImplicitVRLittleEndian))
        uids = study_uid(6), series_uid(6), sop_uid(6)
        reply = get(*uids, headers={"Accept": f"{media_type}; transfer-syntax={EXPLICIT}"})
        assert reply.status == 406
        assert f"found {IMPLICIT} as the transfer syntax" in reply.body

    def test_what_does_not_fit_into_an_answer_is_406_with_the_way_that_works(
        self, one: bytes, get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(body, "MAX_BODY_BYTES", len(one))
        reply = get(*UIDS, headers={"Accept": WRAPPED})
        assert reply.status == 406
        assert "ask with Accept: application/dicom" in reply.body
        both = {"Accept": f"{WRAPPED}, application/dicom; q=0.1"}
        assert get(*UIDS, headers=both).status == 303

    def test_bytes_that_the_gateway_would_not_pass_on_are_406(self, one: bytes, get: Get) -> None:
        del one
        reply = get(*UIDS, headers={"Accept": f"image/png, {WRAPPED}"})
        assert reply.status == 406
        assert "as the first media type in Accept" in reply.body

    def test_a_refusal_is_json_if_json_is_accepted(self, get: Get) -> None:
        reply = get(study_uid(97), headers={"Accept": "application/dicom+json, */*"})
        assert reply.status == 404
        assert "0040A160" in json.loads(reply.body)


class TestSeveralInstances:
    @pytest.mark.parametrize(
        ("uids", "count"), [((study_uid(3),), 4), ((study_uid(3), series_uid(3)), 2)]
    )
    def test_a_study_or_series_is_one_body_if_it_fits(
        self, study: tuple[bytes, ...], get: Get, uids: tuple[str, ...], count: int
    ) -> None:
        reply = get(*uids, headers={"Accept": WRAPPED})
        assert reply.status == 200
        assert [content for _, content in parts(reply)] == list(study[:count])
        assert reply.headers["Content-Location"] == BASE + "/" + "/".join(
            ("studies", uids[0], "series", *uids[1:]) if len(uids) > 1 else ("studies", uids[0])
        )
        assert all(fields["Content-Location"].startswith(BASE) for fields, _ in parts(reply))

    @pytest.mark.parametrize(
        ("accept", "why"),
        [
            ("*/*", "first media type in Accept"),
            ("application/dicom", "first media type in Accept"),
            (f"image/png, {WRAPPED}", "first media type in Accept"),
            (f"png, {WRAPPED}", "first media type in Accept"),
            (f"image/png; q=2, {WRAPPED}", "first media type in Accept"),
            (f", {WRAPPED}", "first media type in Accept"),
            ("image/png", "found no media type of an instance"),
            (f"{WRAPPED}; transfer-syntax={IMPLICIT}", "nothing is transcoded"),
        ],
    )
    def test_otherwise_406_lists_the_urls_of_the_instances(
        self, study: tuple[bytes, ...], get: Get, accept: str, why: str
    ) -> None:
        reply = get(study_uid(3), headers={"Accept": accept})
        assert reply.status == 406
        assert reply.headers["Content-Type"] == "application/json"
        urls = json.loads(reply.body)
        assert len(urls) == len(study)
        assert urls[0].endswith(f"/series/{series_uid(3)}/instances/{sop_uid(3)}")
        assert why in reply.warnings[0]

    def test_one_that_does_not_fit_is_listed(
        self, study: tuple[bytes, ...], get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(body, "MAX_BODY_BYTES", sum(map(len, study)))
        reply = get(study_uid(3), headers={"Accept": WRAPPED})
        assert reply.status == 406
        assert len(json.loads(reply.body)) == len(study)
        assert "do not fit into one answer" in reply.warnings[0]

    def test_more_than_can_be_read_while_the_client_waits_are_listed(
        self, study: tuple[bytes, ...], get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(body, "MAX_PARTS", len(study) - 1)
        reply = get(study_uid(3), headers={"Accept": WRAPPED})
        assert reply.status == 406
        assert len(json.loads(reply.body)) == len(study)

    def test_no_more_is_read_of_the_index_than_is_listed(
        self, study: tuple[bytes, ...], get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retrieve.instances, "_MOST_URLS", 2)
        read: list[Item] = []
        items = Retrieval.items

        def counted(*asked: Any) -> Iterator[Item]:  # noqa: ANN401 - passed on
            for item in items(*asked):
                read.append(item)
                yield item

        monkeypatch.setattr(Retrieval, "items", counted)
        reply = get(study_uid(3), headers={"Accept": "*/*"})
        assert len(json.loads(reply.body)) == len(read) == 2 < len(study)

    def test_several_are_read_at_a_time(
        self, study: tuple[bytes, ...], get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        together = Barrier(len(study))
        read = Retrieval._read_once

        def meet(*asked: Any) -> bytes:  # noqa: ANN401 - passed on
            together.wait(5)
            return read(*asked)

        monkeypatch.setattr(Retrieval, "_read_once", meet)
        reply = get(study_uid(3), headers={"Accept": WRAPPED})
        assert [content for _, content in parts(reply)] == list(study)

    def test_as_many_as_fit_fit_into_the_answer_of_a_function(self) -> None:
        uid = "1." + "2" * 62
        base = f"https://{'dicomweb.' * 8}example.org/archive"
        url = f"{base}/studies/{uid}/series/{uid}/instances/{uid}"
        kind = f"application/dicom; transfer-syntax={uid}"
        number = max(number for number in range(1, 10_000) if body.fits([0] * number))
        head = body.encode([body.Part(media_type=kind, location=url, sha256="", content=b"")])
        assert (body.MAX_BODY_BYTES + number * (len(head[1]) - 512)) * 4 / 3 < 6_200_000

    def test_an_unknown_one_is_404(self, study: tuple[bytes, ...], get: Get) -> None:
        del study
        assert get(study_uid(98), headers={"Accept": WRAPPED}).status == 404
        assert get(study_uid(3), series_uid(98), headers={"Accept": WRAPPED}).status == 404


class TestFailures:
    def test_bytes_that_do_not_have_the_digest_are_never_returned(
        self, one: bytes, get: Get, log: StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del one
        monkeypatch.setattr(Retrieval, "_read_once", lambda *_: b"other bytes")
        reply = get(*UIDS, headers={"Accept": WRAPPED})
        assert reply.status == 503
        assert "unforeseen" in log.getvalue()

    def test_bytes_that_were_damaged_on_their_way_are_read_again(
        self, one: bytes, get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = [b"damaged", one]
        monkeypatch.setattr(Retrieval, "_read_once", lambda *_: answers.pop(0))
        ((_, content),) = parts(get(*UIDS, headers={"Accept": WRAPPED}))
        assert content == one

    def test_an_object_that_is_gone_is_503(
        self, keep: Keep, get: Get, deployment: Deployment
    ) -> None:
        keep(instance(5))
        uids = study_uid(5), series_uid(5), sop_uid(5)
        (key,) = [key for key in deployment.objects() if study_uid(5) in key.split("/")]
        deployment._s3.delete_object(Bucket=settings().archive_bucket, Key=key)
        assert get(*uids, headers={"Accept": WRAPPED}).status == 503

    def test_an_answer_that_is_cut_off_is_asked_for_again(
        self, one: bytes, get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, failures = Retrieval._read_once, [1, 1]

        def cut_off(retrieval: Retrieval, key: str, wanted: dict[str, str]) -> bytes:
            if failures:
                failures.pop()
                raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
            return whole(retrieval, key, wanted)

        monkeypatch.setattr(Retrieval, "_read_once", cut_off)
        ((_, content),) = parts(get(*UIDS, headers={"Accept": WRAPPED}))
        assert content == one

    def test_a_busy_archive_is_503_and_the_client_may_ask_again(
        self, get: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def busy(*_: object) -> None:
            raise ClientError(
                {
                    "Error": {"Code": "ProvisionedThroughputExceededException"},
                    "ResponseMetadata": {
                        "HTTPStatusCode": 400,
                        "RequestId": "",
                        "HostId": "",
                        "HTTPHeaders": {},
                        "RetryAttempts": 0,
                    },
                },
                "GetItem",
            )

        monkeypatch.setattr(Retrieval, "find", busy)
        reply = get(*UIDS)
        assert reply.status == 503
        assert reply.headers["Retry-After"]
        assert "ask again" in reply.body

    def test_whatever_fails_the_answer_is_503(
        self, deployment: Deployment, log: StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del deployment

        def fails(*_: object) -> None:
            raise RuntimeError("Planted^Name")

        monkeypatch.setattr("transaction.gateway.read_request", fails)
        response = retrieve.handler.lambda_handler({}, Context(28))
        assert response["statusCode"] == 503
        assert "Planted" not in log.getvalue()


class TestPages:
    @pytest.fixture
    def allowed(self, get: Get, monkeypatch: pytest.MonkeyPatch) -> Iterator[Get]:
        monkeypatch.setenv("ALLOWED_ORIGINS", "https://viewer.example.org")
        settings.cache_clear()
        yield get
        settings.cache_clear()

    def test_a_page_may_read_the_answer_and_its_fields(self, one: bytes, allowed: Get) -> None:
        del one
        asked = {"Accept": WRAPPED, "Origin": "https://viewer.example.org"}
        reply = allowed(*UIDS, headers=asked)
        assert reply.headers["Access-Control-Allow-Origin"] == "https://viewer.example.org"
        exposed = reply.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"ETag", "Repr-Digest", "Content-Location"} <= set(exposed)
        assert reply.headers["Vary"] == "Accept, Origin"


def test_the_committed_events_are_answered_as_what_was_stored(
    keep: Keep, deployment: Deployment
) -> None:
    del deployment
    keep(ct())
    answers = {
        path.stem: retrieve.handler.lambda_handler(event(f"retrieve/{path.stem}"), Context(28))
        for path in (EVENTS / "retrieve").glob("*.json")
    }
    statuses = {name: answer["statusCode"] for name, answer in answers.items()}
    assert statuses == {"instance": 303, "instances-of-study": 200}
    assert answers["instance"]["headers"]["ETag"] == f'"{sha256(ct()).hexdigest()}"'
