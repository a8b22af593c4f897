"""Every refusal has words: answers of servers that are not ours, as they send them."""

import json
from pathlib import Path

import pytest

from dicomweb.reasons import FailureReason, WarningReason
from stowport.answers import read_answer
from stowport.bodies import Buffer, Part
from stowport.command import main
from stowport.meanings import meaning
from stowport.messages import Response
from stowport.said import said, target_of_redirect
from stowport.verdicts import Verdict, judge_alone
from tests.builders import instance
from tests.client.stub import Reply, Stub

GOOGLE = """<NativeDicomModel><DicomAttribute tag="00081198" vr="SQ" keyword="FailedSOPSequence">
<Item number="1"><DicomAttribute tag="00081197" vr="US" keyword="FailureReason">
<Value number="1">272</Value></DicomAttribute><DicomAttribute tag="00090097" vr="LT"
keyword="FailureDetail" privateCreator="GOOGLE"><Value number="1">already exists</Value>
</DicomAttribute></Item></DicomAttribute></NativeDicomModel>"""

ORTHANC = """{"Details": "a part is not DICOM", "HttpError": "Unsupported Media Type",
"HttpStatus": 415, "Message": "Unsupported media type", "OrthancStatus": 3000}"""


def azure(tag: str, code: int, *comments: str) -> str:
    name = "00081196" if tag == "00081199" else "00081197"
    item: dict[str, object] = {
        "00081150": {"vr": "UI", "Value": ["1.2"]},
        "00081155": {"vr": "UI", "Value": ["1.2.1"]},
        name: {"vr": "US", "Value": [code]},
    }
    if comments:
        failed = [{"00000902": {"vr": "LO", "Value": [comment]}} for comment in comments]
        item["00741048"] = {"vr": "SQ", "Value": failed}
    return json.dumps({tag: {"vr": "SQ", "Value": [item]}})


def verdict(status: int, body: str, media_type: str) -> Verdict:
    headers = {"content-type": media_type} if media_type else {}
    answer = read_answer(Response(status=status, headers=headers, body=body.encode()))
    part = Part(content=Buffer(memoryview(b"")), sop_instance_uids=frozenset(("1.2.1",)))
    return judge_alone(part, answer)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (272, "the server could not process the instance"),
        (43264, "the data set does not match the SOP Class, or its values are not valid"),
        (43265, "the study is not the one that the request was for"),
        (45070, "an instance with these UIDs is stored already: delete it there to replace it"),
        (45071, "another request is storing this instance, or failed halfway: send it again"),
        (42872, "the Patient ID is not the one that the study has on the server"),
        (50329, "the server cannot read the instance as DICOM"),
        (42753, "the server is out of resources"),
        (49400, "the server cannot understand the instance"),
        (0x0999, "the server gives the reason 0999, which the standard does not define"),
    ],
)
def test_a_failure_reason_without_a_text_has_our_words(code: int, words: str) -> None:
    found = verdict(409, azure("00081198", code), "application/dicom+json")
    assert (found.stored, found.reason) == (False, code)
    assert found.text.startswith(words)


def test_what_azure_says_of_attributes_is_the_text() -> None:
    comments = ("(0020,000d) is no UID", "(0010,0020) is too long")
    found = verdict(409, azure("00081198", 43264, *comments), "application/dicom+json")
    assert found.text == "(0020,000d) is no UID; (0010,0020) is too long"
    found = verdict(202, azure("00081199", 1, comments[0]), "application/dicom+json")
    assert (found.stored, found.reason, found.text) == (True, 1, comments[0])
    found = verdict(202, azure("00081199", 45063), "application/dicom+json")
    assert (found.stored, found.text) == (True, "the data set does not match the SOP Class")


@pytest.mark.parametrize("tag", ["00090097", "00091097"])
def test_what_google_says_in_its_private_attribute_is_the_text(tag: str) -> None:
    found = verdict(409, GOOGLE.replace("00090097", tag), "application/dicom+xml")
    assert (found.stored, found.reason, found.text) == (False, 272, "already exists")


def test_orthancs_module_without_a_media_type_is_read() -> None:
    found = verdict(409, azure("00081198", 272), "")
    assert (found.reason, found.confirmed) == (272, True)
    found = verdict(409, GOOGLE, "")
    assert found.text == "already exists"


def test_orthancs_refusal_that_names_nothing_is_a_refusal() -> None:
    body = json.dumps({"00081198": {"vr": "SQ"}, "00081199": {"vr": "SQ"}})
    found = verdict(400, body, "")
    assert (found.stored, found.confirmed, found.reason) == (False, True, 0xC000)
    assert found.text == "the server answered 400 and did not say why"
    assert not verdict(200, body, "application/dicom+json").confirmed


@pytest.mark.parametrize(
    ("status", "media_type", "body", "words"),
    [
        (
            415,
            "application/json",
            ORTHANC,
            "Unsupported media type: a part is not DICOM",
        ),
        (400, "application/json", '{"Message": "Bad request", "Details": ""}', "Bad request"),
        (
            403,
            "application/json",
            '{"error": {"code": 403, "message": "Permission denied", "status": "X"}}',
            "Permission denied",
        ),
        (400, "application/json", '[{"error": {"message": "bad"}}]', "bad"),
        (406, "application/json", '"Accept is not supported."', "Accept is not supported."),
        (400, "application/x-amz-json-1.1", '{"message":"no\\n such store"}', "no such store"),
        (
            400,
            "application/problem+json",
            '{"title": "Bad", "detail": "no room", "status": 400}',
            "no room",
        ),
        (400, "application/problem+json", '{"title": "Bad Request"}', "Bad Request"),
        (404, "text/plain", "  no such\r\n page ", "no such page"),
        (400, "", "no type, no markup", "no type, no markup"),
        (
            502,
            "text/html",
            "<html><head><title>502 Bad &amp; Gateway</title></head></html>",
            "502 Bad & Gateway",
        ),
        (
            403,
            "application/xml",
            "<?xml version='1.0'?><Error><Code>X</Code><Message>No access</Message></Error>",
            "No access",
        ),
        (400, "application/json", "{", ""),
        (400, "application/json", "[" * 100_000, ""),
        (400, "application/json", "[]", ""),
        (400, "application/json", '{"message": 7}', ""),
        (400, "text/html", "<html></html>", ""),
        (400, "text/plain", "", ""),
    ],
)
def test_what_a_server_says_in_other_words_is_found(
    status: int, media_type: str, body: str, words: str
) -> None:
    headers = {"content-type": media_type} if media_type else {}
    assert said(Response(status=status, headers=headers, body=body.encode())) == words
    found = verdict(status, body, media_type)
    expected = f"{status}: {words}" if words else f"{status} and did not say why"
    assert found.text.endswith(f"the server answered {expected}")


def test_a_long_text_is_cut() -> None:
    response = Response(status=400, headers={"content-type": "text/plain"}, body=b"word " * 9999)
    assert 200 < len(said(response)) <= 300


def test_every_reason_of_the_service_has_words_of_its_own() -> None:
    for reason in (*FailureReason, *WarningReason):
        assert "does not define" not in meaning(reason)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_with_its_target_and_not_followed(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    target = f"{stub.url}/login?state=secret#x"
    stub.script["POST"] = [Reply(status=status, headers={"Location": target})]
    assert main(["send", str(tmp_path), "--url", stub.url, "--token", "x"]) == 2
    said_to_user = " ".join(capsys.readouterr().out.split())
    assert f"a redirect ({status}) to {stub.url}/login, which is not followed" in said_to_user
    assert "secret" not in said_to_user
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://us:testing@login.example.org/in?x#y", "https://login.example.org/in"),
        ("/elsewhere", "/elsewhere"),
        ("https://[", ""),
        ("https://a/\x1b[31m", ""),
        (None, ""),
    ],
)
def test_the_target_of_a_redirect_is_shown_without_secrets(
    location: str | None, target: str
) -> None:
    headers = {"location": location} if location is not None else {}
    assert target_of_redirect(Response(status=302, headers=headers)) == target


def test_what_aws_says_of_credentials_is_shown(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.dcm").write_bytes(instance(1))
    body = b'{"message": "not authorized to perform: medical-imaging:StoreDICOM"}'
    stub.script["POST"] = [
        Reply(status=403, headers={"Content-Type": "application/json"}, body=body)
    ]
    assert main(["send", str(tmp_path), "--url", stub.url]) == 2
    assert "(403): not authorized to perform: medical-imaging:StoreDICOM" in capsys.readouterr().out
