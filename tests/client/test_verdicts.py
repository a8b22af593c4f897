"""What is read from the answers of servers that are not ours."""

import json
from typing import Any

import pytest

from stowport.answers import read_answer
from stowport.bodies import Buffer, Part
from stowport.messages import Response
from stowport.verdicts import Verdict, judge, judge_alone

XML = """<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
<DicomAttribute tag="00081198" vr="SQ"><Item number="1">
<DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2</Value></DicomAttribute>
<DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.1</Value></DicomAttribute>
<DicomAttribute tag="00081197" vr="US"><Value number="1">273</Value></DicomAttribute>
</Item></DicomAttribute></NativeDicomModel>"""


def item(uid: str, tag: str = "00081199", **codes: int) -> dict[str, object]:
    attributes: dict[str, object] = {}
    if uid:
        attributes["00081150"] = {"vr": "UI", "Value": ["1.2"]}
        attributes["00081155"] = {"vr": "UI", "Value": [uid]}
    for name, code in codes.items():
        attributes[name.removeprefix("t")] = {"vr": "US", "Value": [code]}
    return {"vr": "SQ", "tag": tag, "Value": [attributes]}


def failed(uid: str, reason: int) -> dict[str, object]:
    """Return an item of Failed SOP Sequence, of Other Failures Sequence if there is no UID."""
    return item(uid, "00081198" if uid else "0008119A", t00081197=reason)


def module(*items: dict[str, object]) -> dict[str, object]:
    found: dict[str, Any] = {}
    for each in items:
        sequence = found.setdefault(str(each["tag"]), {"vr": "SQ", "Value": []})
        sequence["Value"] += each["Value"]
    return found


def verdicts(
    *uids: str,
    status: int = 200,
    body: str = "",
    media_type: str = "application/dicom+json",
    warnings: tuple[str, ...] = (),
) -> list[Verdict | None]:
    """Return the verdicts on parts of these UIDs; several of one part are separated by blanks."""
    parts = [
        Part(content=Buffer(memoryview(b"")), sop_instance_uids=frozenset(uid.split()))
        for uid in uids
    ]
    response = Response(
        status=status,
        headers={"content-type": media_type},
        body=body.encode(),
        warnings=warnings,
    )
    answer = read_answer(response)
    return [judge_alone(parts[0], answer)] if len(parts) == 1 else judge(parts, answer)


def alone(uid: str, *items: dict[str, object], status: int = 200) -> Verdict:
    (verdict,) = verdicts(uid, body=json.dumps(module(*items)), status=status)
    assert verdict
    return verdict


def test_a_module_in_xml() -> None:
    (verdict,) = verdicts("1.2.1", status=409, body=XML, media_type="application/dicom+xml")
    assert verdict
    assert (verdict.stored, verdict.reason) == (False, 0x0111)
    assert verdict.text == "an instance with this SOP Instance UID is stored already"


def test_a_module_in_an_array_and_with_a_charset() -> None:
    body = json.dumps([module(item("1"))])
    (verdict,) = verdicts("1", body=body, media_type="application/json; charset=utf-8")
    assert verdict
    assert verdict.stored


def test_a_warning_is_kept() -> None:
    body = json.dumps(module(item("1", t00081196=0xB007)))
    (verdict,) = verdicts("1", status=202, body=body)
    assert verdict
    assert (verdict.stored, verdict.reason, verdict.text) == (
        True,
        0xB007,
        "the data set does not match the SOP Class",
    )


def test_a_part_that_two_items_name_is_asked_for_again() -> None:
    body = json.dumps(module(item("1"), item("2"), failed("1", 0xC000)))
    first, second = verdicts("1", "2", body=body)
    assert first is None
    assert second
    assert second.stored


def test_a_part_that_no_item_names_is_asked_for_again() -> None:
    first, second = verdicts("1", "2", body=json.dumps(module(item("1"))))
    assert first
    assert first.stored
    assert second is None


def test_a_part_is_named_by_either_of_its_uids() -> None:
    body = json.dumps(module(item("1"), failed("2", 0xC000)))
    first, second = verdicts("9 1", "2 8", body=body)
    assert first
    assert first.stored
    assert second
    assert second.reason == 0xC000


@pytest.mark.parametrize("uid", ["9", ""])
def test_a_failure_without_the_uid_of_a_part_is_nobodys(uid: str) -> None:
    body = json.dumps(module(item("2"), failed(uid, 0xA900)))
    first, second = verdicts("1", "2", body=body)
    assert first is None
    assert second
    assert second.stored


def test_a_failure_without_uids_is_that_of_the_part_that_warning_numbers() -> None:
    body = json.dumps(module(item("2"), failed("", 0xC000), failed("", 0xC000)))
    said = ('299 host "C000: part 3: found no DICM prefix"',)
    first, second, third = verdicts("1", "2", "3", body=body, warnings=said)
    assert first is None
    assert second
    assert second.stored
    assert third
    assert (third.reason, third.text) == (0xC000, "found no DICM prefix")


@pytest.mark.parametrize(
    "said",
    [
        ('299 host "C000: part 1: not read"',),
        ('299 host "A900: part 2: no class"',),
        ('299 host "C000: part 2: not read"', '299 host "0110: part 2: failed"'),
        ('299 host "C000: part 7: not read"',),
    ],
    ids=["a part that is stored", "a reason without an item", "two reasons", "no such part"],
)
def test_a_number_that_contradicts_the_module_is_not_believed(said: tuple[str, ...]) -> None:
    body = json.dumps(module(item("1"), failed("", 0xC000), failed("", 0x0110)))
    first, second = verdicts("1", "2", body=body, warnings=said)
    assert second is None
    assert first is None or "part 1" not in said[0]


@pytest.mark.parametrize("status", [202, 409])
def test_failures_that_are_alike_are_not_dealt_out(status: int) -> None:
    body = json.dumps(module(failed("2", 0xC000), failed("", 0xC000)))
    first, second = verdicts("1", "2", status=status, body=body)
    assert first is None
    assert second
    assert second.reason == 0xC000


def test_what_the_server_had_no_resources_to_read_is_sent_again_together() -> None:
    body = json.dumps(module(item("1"), failed("", 0xA700), failed("", 0xA700)))
    said = ('299 host "A700: part 2: no time was left"',)
    first, *others = verdicts("1", "2", "3", status=202, body=body, warnings=said)
    assert first
    assert first.stored
    assert [each and (each.temporary, each.confirmed) for each in others] == [
        (True, True),
        (True, False),
    ]


def test_what_was_sent_alone_has_the_only_outcome_there_is() -> None:
    assert alone("1", failed("", 0xC000)).reason == 0xC000
    assert alone("1", failed("9", 0xC000), failed("", 0xC000)).reason == 0xC000
    assert alone("", item("9")).stored


def test_a_success_under_another_name_is_not_confirmed() -> None:
    verdict = alone("1", item("2"))
    assert not verdict.stored
    assert not verdict.confirmed
    assert "does not name this instance" in verdict.text


def test_several_outcomes_of_one_part_are_not_confirmed() -> None:
    verdict = alone("1", item("1"), failed("1", 0x0110))
    assert (verdict.stored, verdict.confirmed, verdict.reason) == (False, False, 0x0110)


def test_no_outcome_of_a_part_is_not_confirmed() -> None:
    (verdict,) = verdicts("1", body='{"00081199": {"vr": "SQ"}}')
    assert verdict
    assert not verdict.confirmed
    assert "does not name this instance" in verdict.text


def test_a_text_without_a_part_is_for_all_of_its_reason() -> None:
    body = json.dumps(module(item("1", "00081198", t00081197=0xC000)))
    (verdict,) = verdicts("1", body=body, warnings=('299 host "C000: not read"',))
    assert verdict
    assert verdict.text == "not read"


@pytest.mark.parametrize(
    ("status", "reason", "temporary"),
    [(400, 0xC000, False), (415, 0xC000, False), (500, 0x0110, False), (503, 0xA700, True)],
)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "<",
        "[]",
        "7",
        '{"00081199": 1}',
        '{"00081199": {}}',
        '{"00081199": {"Value": [{"00081155": {"vr": "UI", "Value": ["1"]}}]}}',
        '{"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [null]}}]}}',
    ],
)
def test_what_cannot_be_read_confirms_nothing(
    status: int, reason: int, body: str, *, temporary: bool
) -> None:
    for media_type in ("application/json", "text/xml", "text/html", ""):
        (verdict,) = verdicts("1", status=status, body=body, media_type=media_type)
        assert verdict
        assert not verdict.stored
        if "00081199" not in body:
            assert (verdict.reason, verdict.temporary) == (reason, temporary)


def test_a_warning_of_a_part_with_thousands_of_digits_is_of_no_part() -> None:
    response = Response(
        status=400, headers={}, warnings=(f'299 h "C000: part {"1" * 4301}: found text"',)
    )
    answer = read_answer(response)
    assert list(answer.texts) == [(0xC000, None)]
