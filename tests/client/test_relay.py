"""``stowport relay`` between clients that send as they like and a server with limits."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from stowport.command import main
from tests.builders import content_type, instance, multipart, part, sop_uid, study_uid
from tests.client.relay.memory import measure
from tests.client.relays import RunningRelay
from tests.client.stub import Reply, Stub, status_report
from tests.interop.curl import curl

Start = Callable[..., RunningRelay]
MB = 1_000_000


def large(study: int, number: int = 1, size: int = 6 * MB) -> bytes:
    rows = size // 2000
    return instance(study, 1, number, PixelData=bytes(rows * 2000), Rows=rows, Columns=1000)


def digests(*contents: bytes) -> list[str]:
    return sorted(sha256(content).hexdigest() for content in contents)


def test_a_study_of_any_size_is_answered_as_one(stub: Stub, relay: Start) -> None:
    contents = [instance(1, 1, number) for number in range(300)]
    contents[7:7] = [large(1, 1000)]
    answer = relay("--limit", "20kB").store(*contents, path=f"/studies/{study_uid(1)}")
    assert answer.status == 200
    assert answer.sequences == {"00081199"}
    uids = [sop_uid(1, 1, number) for number in (*range(7), 1000, *range(7, 300))]
    assert answer.stored == uids
    assert sorted(stub.digests) == digests(*contents)
    assert len(stub.requests("PUT")) == 1
    assert max(seen.size for seen in stub.requests("POST", "/studies")) <= 20_000
    assert stub.uploads["u0"].study == study_uid(1)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/dicom+xml"),
        ("application/dicom+json", "application/dicom+json"),
        ("application/dicom+xml", "application/dicom+xml"),
    ],
)
def test_the_answer_has_the_media_type_that_the_client_asked_for(
    relay: Start, accept: str, media_type: str
) -> None:
    running = relay()
    answer = running.store(instance(1), Accept=accept)
    assert (answer.media_type, answer.stored) == (media_type, [sop_uid(1)])
    report = running.post(b"", Accept=accept)
    assert (report.status, report.media_type) == (400, media_type)


def test_each_part_has_its_outcome_whatever_request_it_went_in(stub: Stub, relay: Start) -> None:
    contents = [instance(1), instance(2), b"garbage", instance(1, 1, 2)[:-10], instance(1, 1, 3)]
    answer = relay("--limit", "1kB").store(*contents, path=f"/studies/{study_uid(1)}")
    assert answer.status == 202
    assert answer.stored == [sop_uid(1), sop_uid(1, 1, 3)]
    assert answer.failed == [(sop_uid(2), 0xC409), (sop_uid(1, 1, 2), 0xC000)]
    assert answer.other_failures == [0xC000]
    assert any('"C409: part 2: ' in warning for warning in answer.warnings)
    assert any('"C000: part 3: ' in warning for warning in answer.warnings)
    assert len(stub.digests) == 2


def test_parts_have_the_clients_own_numbers_and_the_servers_words(stub: Stub, relay: Start) -> None:
    whole = instance(1)
    contents = [instance(1, 1, 2), whole, whole[:-10], instance(1, 1, 3), b"garbage", instance(2)]
    answer = relay().store(*contents, path=f"/studies/{study_uid(1)}")
    assert answer.stored == [sop_uid(1, 1, 2), sop_uid(1), sop_uid(1, 1, 3)]
    assert answer.failed == [(sop_uid(1), 0xC000), (sop_uid(2), 0xC409)]
    assert answer.other_failures == [0xC000]
    numbers = [warning.partition(' "')[2].partition(": found")[0] for warning in answer.warnings]
    assert numbers[0].startswith("C000: part 3: the data set breaks at byte ")
    assert numbers[1].startswith("C409: part 6")
    assert len(stub.requests("POST", "/studies")) == 3


@pytest.mark.parametrize(
    ("contents", "status"),
    [([b"garbage", b"more"], 400), ([instance(1)[:-10], b"garbage"], 409)],
)
def test_nothing_stored_has_the_status_of_the_standard(
    relay: Start, contents: list[bytes], status: int
) -> None:
    assert relay("--limit", "1kB").store(*contents).status == status


def test_retrieve_urls_are_the_servers(stub: Stub, relay: Start) -> None:
    stub.retrieve_base_url = "https://archive.example.org"
    answer = relay("--limit", "1kB").store(instance(1), instance(1, 1, 2))
    url = f"https://archive.example.org/studies/{study_uid(1)}"
    assert answer.retrieve_url == [url]
    assert answer.headers["Location"] == url
    item = answer.data_set["00081199"][1]
    assert item["00081190"][0].startswith(url + "/series/")
    assert item["00081190"][0].endswith("/instances/" + sop_uid(1, 1, 2))


def test_a_body_that_was_cut_off_stores_nothing(stub: Stub, relay: Start) -> None:
    body = multipart(part(instance(1)), part(instance(2)))
    answer = relay("--limit", "1kB").post(body[:-20])
    assert answer.status == 400
    assert "close delimiter" in answer.text
    assert stub.seen == []


@pytest.mark.parametrize("after", [bytes(40), b"\n", b"\0\r\n--b0undary\r\n"])
def test_after_the_close_delimiter_nothing_counts(stub: Stub, relay: Start, after: bytes) -> None:
    contents = [instance(1), instance(2)]
    body = multipart(*map(part, contents)).removesuffix(b"\r\n")
    answer = relay().post(body + after)
    assert answer.status == 200
    assert stub.digests == digests(*contents)


def test_a_client_that_leaves_stores_nothing(stub: Stub, relay: Start) -> None:
    running = relay()
    body = multipart(part(instance(1)))
    head = (
        f"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type()}\r\n"
        f"Content-Length: {len(body) + 1}\r\n\r\n"
    )
    with socket.create_connection(running.address) as connection:
        connection.sendall(head.encode() + body)
    assert running.store(instance(2)).status == 200
    assert stub.digests == digests(instance(2))


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/studies"), ("POST", "/"), ("POST", "/studies/x"), ("DELETE", "/studies/1.2.3")],
)
def test_what_the_relay_does_not_have_is_refused_in_the_closed_set(
    stub: Stub, relay: Start, method: str, path: str
) -> None:
    answer = relay().post(b"", path, method=method)
    assert answer.status == 400
    assert "/studies" in answer.text
    assert stub.seen == []


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
@pytest.mark.parametrize("host", ["rebound.example.org", "rebound.example.org:8104", "[::1", "a b"])
def test_a_name_that_was_made_to_mean_this_machine_is_refused(
    stub: Stub, relay: Start, method: str, host: str
) -> None:
    answer = relay().post(multipart(part(instance(1))), method=method, Host=host)
    assert answer.status == 400
    assert "--host" in answer.text
    assert stub.seen == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "192.0.2.7:8104", "[::1]:8104"])
def test_another_name_of_the_relay_is_answered(stub: Stub, relay: Start, host: str) -> None:
    assert relay().store(instance(1), Host=host).status == 200
    assert stub.digests == digests(instance(1))


def test_a_name_that_it_was_started_with_is_answered(stub: Stub, relay: Start) -> None:
    running = relay("--host", "relay.example.org", "--host", "Other")
    for number, host in enumerate(("relay.example.org:8104", "OTHER"), 1):
        assert running.store(instance(number), Host=host).status == 200
    assert stub.digests == digests(instance(1), instance(2))


def test_a_client_of_http_1_0_needs_no_host(stub: Stub, relay: Start) -> None:
    body = multipart(part(instance(1)))
    head = (
        f"POST /studies HTTP/1.0\r\nContent-Type: {content_type()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(relay().address) as connection:
        connection.sendall(head.encode() + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert stub.digests == digests(instance(1))


def test_a_compressed_request_is_refused(stub: Stub, relay: Start) -> None:
    body = multipart(part(instance(1)))
    assert relay().post(body, Content_Encoding="gzip").status == 400
    assert stub.seen == []


def test_options_are_passed_on(relay: Start) -> None:
    answer = relay().post(b"", "/studies", method="OPTIONS")
    assert answer.status == 200
    assert answer.headers["Allow"] == "OPTIONS, POST"
    assert answer.headers["X-Stub"] == "/studies"


def test_the_relay_holds_the_credentials(stub: Stub, relay: Start) -> None:
    stub.token = "secret"
    running = relay("--token", "secret")
    assert running.store(instance(1)).status == 200
    assert running.store(instance(2), Authorization="Bearer None").status == 200


@pytest.mark.parametrize("arguments", [(), ("--token", "other"), ("--token-command", "false")])
def test_credentials_that_are_refused_are_the_relays_fault_and_not_the_clients(
    stub: Stub, relay: Start, arguments: tuple[str, ...]
) -> None:
    stub.token = "secret"
    answer = relay(*arguments).store(instance(1))
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert answer.failed == [(sop_uid(1), 0xA700)]


def test_a_busy_server_is_waited_for(stub: Stub, relay: Start) -> None:
    stub.script["POST"] = [status_report(503, "busy", Retry_After="0"), None]
    answer = relay().store(instance(1))
    assert answer.status == 200


def test_what_is_too_large_for_a_server_without_uploads_is_refused(
    stub: Stub, relay: Start
) -> None:
    stub.has_uploads = False
    answer = relay(alone=True).store(instance(1), large(2))
    assert answer.status == 202
    assert answer.failed == [(sop_uid(2), 0xA700)]
    assert "too large" in answer.warnings[0]


def test_a_server_that_has_no_uploads_for_now_is_not_one_without_them(
    stub: Stub, relay: Start
) -> None:
    started = relay()
    stub.script["POST"] = [Reply(status=500)]
    assert started.store(large(2)).status == 503
    assert started.store(large(2)).status == 200


def test_codes_that_only_the_server_knows_are_said_in_words(stub: Stub, relay: Start) -> None:
    item = '{"00081150":{"vr":"UI","Value":["1.2"]},"00081155":{"vr":"UI","Value":["%s"]},'
    module = '{"00081198":{"vr":"SQ","Value":[' + item % sop_uid(1)
    module += '"00081197":{"vr":"US","Value":[292]}}]}}'
    headers = {"Content-Type": "application/dicom+json; charset=utf-8"}
    stub.script["POST"] = [Reply(status=409, headers=headers, body=module.encode())]
    answer = relay().store(instance(1))
    assert answer.status == 409
    assert answer.failed == [(sop_uid(1), 0x0110)]
    assert "0124" in answer.warnings[0]


def test_a_port_in_use_is_one_line(relay: Start) -> None:
    host, port = relay().address
    assert main(["relay", "--listen", f"{host}:{port}", "--url", "http://127.0.0.1:9"]) == 2


def test_dicomweb_client_sends_through_it_unchanged(stub: Stub, relay: Start) -> None:
    client = DICOMwebClient(url=relay().url)
    contents = [large(1, number, 2 * MB) for number in range(4)]
    data_sets = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(each)) for each in contents]
    module = client.store_instances(data_sets)
    assert len(module.ReferencedSOPSequence) == 4
    assert len(stub.digests) == 4


def test_curl_sends_through_it_unchanged(stub: Stub, relay: Start) -> None:
    content = large(1)
    said = curl(
        "-H", f"Content-Type: {content_type()}", "-H", "Transfer-Encoding: chunked",
        "-H", "Expect: 100-continue", "--data-binary", "@-", f"{relay().url}/studies",
        sent=multipart(part(content)),
    )  # fmt: skip
    assert said.status == 200
    assert stub.digests == digests(content)


def test_a_body_is_never_in_memory_as_a_whole(relay: Start, tmp_path: Path) -> None:
    running = relay("--spool", str(tmp_path), alone=True)
    running.store(instance(1))
    before, most, _ = measure(running, 100)
    assert 0 < most - before < 40 * MB
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_leaves_the_client_to_try_again(relay: Start) -> None:
    answer = relay("--tries", "2", url="http://127.0.0.1:9").store(instance(1))
    assert answer.status == 503
    assert "cannot be reached" in answer.warnings[0]


def test_a_relay_that_is_stopped_answers_what_is_under_way(stub: Stub, relay: Start) -> None:
    stub.script["POST"] = [status_report(503, "busy", Retry_After="300")] * 9
    running = relay(alone=True)
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.append(running.store(instance(1)).status))
    sender.start()
    while not stub.seen:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGINT)
    sender.join(timeout=60)
    assert answers == [503]


def test_retrieve_urls_and_warnings_of_servers_with_their_own_ways(
    stub: Stub, relay: Start
) -> None:
    module = {
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": ["1.2"]},
                    "00081155": {"vr": "UI", "Value": [sop_uid(1)]},
                    "00081190": {"vr": "UR", "Value": ["https://archive.example.org/wado?x"]},
                    "00081196": {"vr": "US", "Value": [0xB0FF]},
                }
            ],
        }
    }
    headers = {
        "Content-Type": "application/dicom+json",
        "Warning": '299 host "B0FF: part 1: odd but stored"',
    }
    body = json.dumps(module).encode()
    stub.script["POST"] = [Reply(status=202, headers=headers, body=body)]
    answer = relay().store(instance(1))
    assert answer.status == 202
    assert answer.retrieve_url == []
    (said,) = answer.warnings
    assert said.endswith('"B000: part 1: the server gave warning reason B0FF odd but stored"')
    assert answer.data_set["00081199"][0]["00081196"] == ["45056"]


def test_options_of_a_server_that_is_down_is_503(relay: Start) -> None:
    answer = relay("--tries", "1", url="http://127.0.0.1:9").post(b"", method="OPTIONS")
    assert answer.status == 503


def test_what_may_be_stored_later_is_503_whatever_else_was_sent(stub: Stub, relay: Start) -> None:
    stub.script["POST"] = [status_report(503, "busy", Retry_After="0")] * 2
    answer = relay("--tries", "1").store(b"garbage", instance(1), instance(2)[:-10])
    assert answer.status == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("status", [500, 501, 507])
def test_a_failure_of_the_server_is_503(stub: Stub, relay: Start, status: int) -> None:
    stub.script["POST"] = [Reply(status=status)] * 9
    answer = relay("--tries", "1").store(instance(1))
    assert answer.status == 503
    assert answer.failed[0][0] == sop_uid(1)


def test_an_upload_that_is_refused_is_the_relays_fault(stub: Stub, relay: Start) -> None:
    stub.script["PUT"] = [Reply(status=403)]
    assert relay().store(large(1)).status == 503
