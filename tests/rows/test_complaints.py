"""What users of other servers complained about, where no row of the standard says it.

Of the list r01-r18, r01 is row 112, r04 is 12, r06 is 2-4, r07 is 64, r08 is 59, r10 is 20 and
30, r11 is 26-28, r14 is 109, r15 is 8-13 and r16 is 18 and 25.
"""

import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import instance, multipart, part, series_uid, sop_uid, study_uid
from tests.rows.defects import lax

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.rows.faults import StoreFunction
    from tests.service import RunningService, Start

ORIGIN = "https://viewer.example"


def test_r02_a_payload_is_not_copied_part_by_part(store_function: "StoreFunction") -> None:
    payload = multipart(*[part(instance(1002, 1, one, PixelData=bytes(10**6))) for one in (1, 2)])
    store_function.keep_nothing()
    store_function.store(instance(1002))
    tracemalloc.start()
    answer = store_function.store_payload(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status == 200
    # The event's text and the payload that it is decoded to, and as much again for the decoding.
    assert peak < 4 * len(payload)


def test_r03_an_instance_that_storage_is_slow_with_does_not_hold_up_the_others(
    store_function: "StoreFunction", running: "RunningService"
) -> None:
    store_function.s3.delay(3.0, only=f"/{sop_uid(1003, 1, 2)}/")
    store_function.seconds = 3.0
    started = time.monotonic()
    answer = store_function.store(*[instance(1003, 1, number) for number in (1, 2, 3)])
    assert time.monotonic() - started < 2.5
    assert answer.status == 202
    assert answer.stored == [sop_uid(1003, 1, 1), sop_uid(1003, 1, 3)]
    assert answer.failed == [(sop_uid(1003, 1, 2), 0xA700)]
    assert running.store(instance(1003, 1, 2)).status == 200


def test_r05_of_senders_that_race_with_other_bytes_one_wins(running: "RunningService") -> None:
    contents = [instance(1005, PixelData=bytes([number]) * 32) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(running.store, contents))
    (winner,) = [number for number, answer in enumerate(sent) if answer.status == 200]
    lost = [answer for answer in sent if answer.status != 200]
    assert [answer.status for answer in lost] == [409] * 7
    assert all(answer.failed == [(sop_uid(1005), 0x0111)] for answer in lost)
    item = running.items(study_uid(1005))[f"instances/{series_uid(1005)}/{sop_uid(1005)}"]
    assert item["SHA256"]["S"] == sha256(contents[winner]).hexdigest()
    assert item["SHA256"]["S"] in running.objects(study_uid(1005))


def test_r09_one_warning_for_each_distinct_reason(running: "RunningService") -> None:
    answer = running.store(b"garbage", b"rubbish", instance(1009, SOPClassUID="1.2.840.10008.1.1"))
    assert [warning.split('"')[1].split(": ")[0] for warning in answer.warnings] == ["C000", "0122"]
    assert all(warning.startswith("299 ") and warning.isascii() for warning in answer.warnings)


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientBirthDate": "yesterday"},
        {"StudyTime": "noonish"},
        {"PatientSex": "of unknown length and case"},
        {"AccessionNumber": "A" * 200},
        {"SeriesNumber": None, "InstanceNumber": None, "Modality": ""},
        {"ReferringPhysicianName": "B\x00\x01\x02"},
    ],
    ids="-".join,
)
def test_r12_an_invalid_optional_value_is_no_reason_to_refuse(
    running: "RunningService", attributes: dict[str, Any]
) -> None:
    running.clear()
    content = lax(1012, 1, **attributes)
    assert running.store(content).status == 200
    assert running.objects(study_uid(1012)) == [sha256(content).hexdigest()]
    assert running.items(study_uid(1012))["study"]["PatientID"]["S"] == "PLANTED1012"


def test_r12_nor_is_a_character_set_that_nobody_knows(running: "RunningService") -> None:
    content = instance(1120, PatientName="Müller").replace(b"ISO_IR 192", b"ISO_IR 999")
    assert running.store(content).status == 200
    study = running.items(study_uid(1120))["study"]
    assert study["PatientID"]["S"] == "PLANTED1120"
    assert "PatientName" not in study


@pytest.mark.parametrize("media_type", ["application/dicom+xml", "application/dicom+json"])
def test_r13_metadata_that_holds_no_instance_is_refused(
    running: "RunningService", media_type: str
) -> None:
    content_type = f'multipart/related; type="{media_type}"; boundary=b0undary'
    body = multipart(part(b"[]", Content_Type=media_type), part(instance(1013)))
    answer = running.post(body, content_type=content_type)
    assert answer.status == 400
    assert "part 1: " in answer.warnings[0]
    assert running.objects(study_uid(1013)) == []


def allowed(answer: "Answer") -> object:
    return answer.headers["Access-Control-Allow-Origin"]


def test_r17_pages_of_an_allowed_origin_may_read_every_answer(
    chosen: "RunningService", service: "Start"
) -> None:
    assert allowed(chosen.store(instance(1017), Origin=ORIGIN)) == ORIGIN
    assert allowed(chosen.post(b"", Origin=ORIGIN)) == ORIGIN
    assert allowed(chosen.send("GET", "/studies", Origin=ORIGIN)) == "*"
    assert allowed(chosen.post(bytes(5_000_000), Origin=ORIGIN)) == "*"
    assert allowed(service(Authentication="oidc").post(b"", Origin=ORIGIN)) == "*"


def test_r17_pages_of_other_origins_may_not(
    chosen: "RunningService", running: "RunningService"
) -> None:
    assert allowed(chosen.store(instance(1017), Origin="https://evil.example")) is None
    assert allowed(running.store(instance(1017), Origin=ORIGIN)) is None


def test_r17_a_preflight_needs_no_token(service: "Start") -> None:
    oidc = service(Authentication="oidc")
    for path in ("/", "/studies", "/studies/1.2.3"):
        answer = oidc.send("OPTIONS", path, Access_Control_Request_Method="POST", Origin=ORIGIN)
        assert answer.status == 200


def test_r18_nothing_is_acknowledged_before_the_index_has_it(
    store_function: "StoreFunction", running: "RunningService"
) -> None:
    for call in ("BatchExecuteStatement", "PutItem"):
        store_function.refuse(f"dynamodb.{call}", "ProvisionedThroughputExceededException", 400)
    answer = store_function.store(instance(1018))
    assert answer.status == 503
    assert answer.failed == [(sop_uid(1018), 0xA700)]
    assert not any("instances/" in resource for resource in running.items(study_uid(1018)))
    assert running.store(instance(1018)).status == 200
    assert running.objects(study_uid(1018)) == [sha256(instance(1018)).hexdigest()]


def test_nothing_of_a_patient_is_in_an_answer_or_a_log(chosen: "RunningService") -> None:
    whole = instance(1099)
    sent = [
        chosen.store(whole),
        chosen.store(whole, path="/studies/1.2.3"),
        chosen.store(whole[:-40], instance(1099, Rows=9), instance(1099, PatientName="Planted")),
        chosen.store(lax(1099, 1, SOPInstanceUID="", PatientBirthDate="PLANTED")),
        chosen.store(whole.replace(b"ISO_IR 192", b"ISO_IR 999")),
        chosen.store(whole[200:], whole.replace(b"PN", b"pn"), whole.replace(b"\x10\0\x10\0", b"")),
        chosen.post(whole),
        chosen.post(multipart(part(whole))[:-9], content_type="text/plain"),
        chosen.post(whole, content_type="multipart/form-data; boundary=PLANTED"),
        chosen.post(multipart(whole)),
    ]
    assert {answer.status for answer in sent} == {200, 202, 400, 409}
    said = chosen.output() + "".join(f"{answer.headers}{answer.body!r}" for answer in sent)
    assert '"store"' in said
    assert "planted" not in said.lower()


def test_no_token_is_in_a_log(service: "Start") -> None:
    oidc = service(Authentication="oidc")
    tokens = [
        oidc.token(),
        oidc.token("other"),
        oidc.token(lifetime=-9),
        "Bearer a.planted-claims.planted-signature",
    ]
    for token in tokens:
        oidc.store(instance(1098), Authorization=token)
    output = oidc.output()
    for token in tokens:
        for piece in token.removeprefix("Bearer ").split(".")[1:]:
            assert piece not in output
