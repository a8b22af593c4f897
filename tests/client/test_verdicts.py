"""What is read from the answers of servers that are not ours."""

import json

import pytest

from stowport.answers import read_answer
from stowport.bodies import Buffer, Part
from stowport.messages import Response
from stowport.verdicts import Verdict, judge

XML = """<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
<DicomAttribute tag="00081198" vr="SQ"><Item number="1">
<DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2</Value></DicomAttribute>
<DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.1</Value></DicomAttribute>
<DicomAttribute tag="00081197" vr="US"><Value number="1">273</Value></DicomAttribute>
</Item></DicomAttribute></NativeDicomModel>"""


def item(uid: str, tag: str = "00081199", **codes: int) -> dict[str, object]:
    attributes: dict[str, object] = {
        "00081150": {"vr": "UI", "Value": ["1.2"]},
        "00081155": {"vr": "UI", "Value": [uid]},
    }
    for name, code in codes.items():
        attributes[name.removeprefix("t")] = {"vr": "US", "Value": [code]}
    return {"vr": "SQ", "tag": tag, "Value": [attributes]}


def module(*items: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for each in items:
        tag = str(each.pop("tag"))
        found[tag] = {"vr": "SQ", "Value": each["Value"]}
    return found


def verdicts(
    *uids: str,
    status: int = 200,
    body: str = "",
    media_type: str = "application/dicom+json",
    warnings: tuple[str, ...] = (),
) -> list[Verdict]:
    parts = [Part(content=Buffer(memoryview(b"")), sop_instance_uid=uid) for uid in uids]
    response = Response(
        status=status,
        headers={"content-type": media_type},
        body=body.encode(),
        warnings=warnings,
    )
    return judge(parts, read_answer(response))


def test_a_module_in_xml() -> None:
    (verdict,) = verdicts("1.2.1", status=409, body=XML, media_type="application/dicom+xml")
    assert (verdict.stored, verdict.reason) == (False, 0x0111)
    assert verdict.text == "Duplicate sop instance"


def test_a_module_in_an_array_and_with_a_charset() -> None:
    body = json.dumps([module(item("1"))])
    (verdict,) = verdicts("1", body=body, media_type="application/json; charset=utf-8")
    assert verdict.stored


def test_a_warning_is_kept() -> None:
    body = json.dumps(module(item("1", t00081196=0xB007)))
    (verdict,) = verdicts("1", status=202, body=body)
    assert (verdict.stored, verdict.reason, verdict.text) == (True, 0xB007, "")


def test_one_item_is_for_one_part() -> None:
    first, second = verdicts("1", "1", body=json.dumps(module(item("1"))))
    assert first.stored
    assert not second.stored
    assert "does not name" in second.text


def test_a_success_under_another_name_is_nobodys() -> None:
    (verdict,) = verdicts("1", body=json.dumps(module(item("2"))))
    assert not verdict.stored


def test_a_failure_under_another_name_is_that_of_the_part_that_is_left() -> None:
    failed = item("9", "00081198", t00081197=0xA900)
    first, second = verdicts("1", "2", body=json.dumps(module(item("2"), failed)))
    assert first.reason == 0xA900
    assert second.stored


def test_a_text_without_a_part_is_for_all_of_its_reason() -> None:
    body = json.dumps(module(item("1", "00081198", t00081197=0xC000)))
    (verdict,) = verdicts("1", body=body, warnings=('299 host "C000: not read"',))
    assert verdict.text == "not read"


@pytest.mark.parametrize(
    ("status", "reason", "temporary"),
    [(400, 0xC000, False), (415, 0xC000, False), (500, 0x0110, False), (503, 0xA700, True)],
)
@pytest.mark.parametrize("body", ["", "{", "<", "[]", "7", '{"00081199": 1}', '{"00081199": {}}'])
def test_what_cannot_be_read_confirms_nothing(
    status: int, reason: int, body: str, *, temporary: bool
) -> None:
    for media_type in ("application/json", "text/xml", "text/html", ""):
        (verdict,) = verdicts("1", status=status, body=body, media_type=media_type)
        assert not verdict.stored
        if "00081199" not in body:
            assert (verdict.reason, verdict.temporary) == (reason, temporary)
