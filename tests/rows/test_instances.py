"""Rows 18-55, 107, 108, 129 and 130 of docs/conformance.md: the instances themselves."""

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomweb.part10.inflation import MAX_INFLATED_BYTES
from tests.builders import data_set, instance, part10, series_uid, sop_uid, study_uid
from tests.rows.defects import (
    data_set_offset,
    deflated,
    encapsulated,
    lax,
    nested,
    with_element,
    with_transfer_syntax,
    without_file_meta_uids,
)

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService, Start

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
ITEMS_OF_UNKNOWN = (
    b"\xfe\xff\x00\xe0\x0c\0\0\0\x08\x00\x00\x01\x04\0\0\0CODE\xfe\xff\xdd\xe0\0\0\0\0"
)
GARBAGE = b"This is no DICOM file." * 20


def digests(*contents: bytes) -> list[str]:
    return sorted(sha256(content).hexdigest() for content in contents)


def check_stored(running: "RunningService", row: int, content: bytes) -> None:
    answer = running.store(content)
    assert answer.status == 200, answer.warnings
    assert answer.sequences == {"00081199"}
    assert answer.stored == [sop_uid(row)]
    assert running.objects(study_uid(row)) == digests(content)


def check_warned(running: "RunningService", row: int, content: bytes) -> None:
    answer = running.store(content)
    assert answer.status == 202
    assert answer.sequences == {"00081199"}
    assert answer.stored == [sop_uid(row)]
    [item] = answer.data_set["00081199"]
    assert [int(reason) for reason in item["00081196"]] == [0xB007]
    assert '"B007: part 1: found ' in answer.warnings[0]
    assert running.objects(study_uid(row)) == digests(content)
    again = running.store(content)
    assert (again.status, again.warnings) == (202, answer.warnings)
    assert running.objects(study_uid(row)) == digests(content)


def check_failed(
    running: "RunningService", row: int, content: bytes, reason: int, uid: str = ""
) -> "Answer":
    answer = running.store(content)
    assert answer.status == 409
    assert answer.sequences == {"00081198"}
    assert answer.failed == [(uid or sop_uid(row), reason)]
    assert answer.retrieve_url == []
    assert f'"{reason:04X}: part 1: ' in answer.warnings[0]
    check_absent(running, row)
    return answer


def check_unnamed(running: "RunningService", row: int, content: bytes, reason: int) -> None:
    answer = running.store(content)
    assert answer.status == 400
    assert answer.sequences == {"0008119A"}
    assert answer.other_failures == [reason]
    check_absent(running, row)


def check_absent(running: "RunningService", row: int) -> None:
    assert running.objects(study_uid(row)) == []
    assert running.items(study_uid(row)) == {}


def test_row_018_two_of_a_study_into_that_study(chosen: "RunningService") -> None:
    contents = instance(18, 1, 1), instance(18, 2, 2)
    answer = chosen.store(*contents, path=f"/studies/{study_uid(18)}")
    url = f"https://pacs.example/dicomweb/studies/{study_uid(18)}"
    assert answer.status == 200
    assert answer.stored == [sop_uid(18, 1, 1), sop_uid(18, 2, 2)]
    assert answer.retrieve_url == [url]
    assert answer.headers["Location"] == url
    items = answer.data_set["00081199"]
    assert [item["00081190"] for item in items] == [
        [f"{url}/series/{series_uid(18, series)}/instances/{sop_uid(18, series, series)}"]
        for series in (1, 2)
    ]
    assert chosen.objects(study_uid(18)) == digests(*contents)


def test_row_019_two_of_two_studies_have_no_retrieve_url(chosen: "RunningService") -> None:
    answer = chosen.store(instance(190), instance(191))
    assert answer.status == 200
    assert len(answer.stored) == 2
    assert answer.retrieve_url == []
    assert answer.headers["Location"] is None


def test_row_020_one_of_the_target_study_and_one_of_another(running: "RunningService") -> None:
    answer = running.store(instance(20), instance(209), path=f"/studies/{study_uid(20)}")
    assert answer.status == 202
    assert answer.stored == [sop_uid(20)]
    assert answer.failed == [(sop_uid(209), 0xC409)]
    assert running.objects(study_uid(20)) == digests(instance(20))
    check_absent(running, 209)


def test_row_021_only_one_of_another_study(running: "RunningService") -> None:
    answer = running.store(instance(219), path=f"/studies/{study_uid(21)}")
    assert answer.status == 409
    assert answer.sequences == {"00081198"}
    assert answer.failed == [(sop_uid(219), 0xC409)]
    check_absent(running, 219)


@pytest.mark.parametrize("target", ["not-a-uid", "1.2.3%20", "%2e%2e", "1.2.3%0A", "%FF"])
def test_row_022_a_target_that_is_no_uid(running: "RunningService", target: str) -> None:
    answer = running.store(instance(22), path=f"/studies/{target}")
    assert answer.status == 400
    assert "not a UID" in answer.text
    check_absent(running, 22)


@pytest.mark.parametrize("target", ["1.02.3", "1." + "2" * 63, "1..2", "1.2.", ".1.2", "1"])
def test_row_023_a_target_that_is_nearly_a_uid(running: "RunningService", target: str) -> None:
    answer = running.store(instance(23), path=f"/studies/{target}")
    assert answer.status == 400
    assert "not a UID" in answer.text
    check_absent(running, 23)


def test_row_024_a_study_that_was_not_known_is_created(running: "RunningService") -> None:
    assert running.items(study_uid(24)) == {}
    answer = running.store(instance(24), path=f"/studies/{study_uid(24)}")
    assert answer.status == 200
    assert running.items(study_uid(24))["study"]["PatientID"]["S"] == "PLANTED24"


@pytest.mark.parametrize("path", ["/studies/", f"/studies/{study_uid(25)}/"])
def test_row_025_one_slash_at_the_end_is_ignored(running: "RunningService", path: str) -> None:
    answer = running.store(instance(25), path=path)
    assert answer.status == 200
    assert running.objects(study_uid(25)) == digests(instance(25))


def test_row_026_the_same_instance_again_changes_nothing(running: "RunningService") -> None:
    assert running.store(instance(26)).status == 200
    before = running.items(study_uid(26))
    again = running.store(instance(26))
    assert again.status == 200
    assert again.stored == [sop_uid(26)]
    assert running.items(study_uid(26)) == before
    assert running.objects(study_uid(26)) == digests(instance(26))


def test_row_027_other_bytes_under_the_same_uids_are_refused(running: "RunningService") -> None:
    other = instance(27, PixelData=bytes(32))
    running.store(instance(27))
    answer = running.store(other)
    assert answer.status == 409
    assert answer.failed == [(sop_uid(27), 0x0111)]
    assert running.objects(study_uid(27)) == digests(instance(27))


def test_row_027_other_bytes_become_current_where_that_is_chosen(chosen: "RunningService") -> None:
    other = instance(27, PixelData=bytes(32))
    chosen.store(instance(27))
    answer = chosen.store(other)
    assert answer.status == 200
    item = chosen.items(study_uid(27))[f"instances/{series_uid(27)}/{sop_uid(27)}"]
    assert [item["SHA256"]["S"]] == digests(other)
    assert chosen.objects(study_uid(27)) == digests(instance(27), other)


def test_row_028_the_same_instance_twice_in_a_request(running: "RunningService") -> None:
    answer = running.store(instance(28), instance(28))
    assert answer.status == 200
    assert answer.stored == [sop_uid(28), sop_uid(28)]
    assert running.objects(study_uid(28)) == digests(instance(28))


def test_row_028_other_bytes_under_the_same_uids_in_a_request(running: "RunningService") -> None:
    answer = running.store(instance(280), instance(280, PixelData=bytes(32)))
    assert answer.status == 202
    assert answer.stored == [sop_uid(280)]
    assert answer.failed == [(sop_uid(280), 0x0111)]
    assert running.objects(study_uid(280)) == digests(instance(280))


def test_row_029_the_same_sop_instance_uid_in_another_series_is_another_instance(
    running: "RunningService",
) -> None:
    first, other = instance(29), instance(29, SeriesInstanceUID=series_uid(29, 2))
    assert running.store(first).status == 200
    assert running.store(other).status == 200
    assert running.objects(study_uid(29)) == digests(first, other)


def test_row_030_a_valid_part_and_a_garbage_part(running: "RunningService") -> None:
    answer = running.store(instance(30), GARBAGE)
    assert answer.status == 202
    assert answer.sequences == {"00081199", "0008119A"}
    assert answer.stored == [sop_uid(30)]
    assert answer.other_failures == [0xC000]
    assert running.objects(study_uid(30)) == digests(instance(30))


@pytest.mark.parametrize("garbage", [GARBAGE, b"", b"\0" * 128, b"\0" * 128 + b"DICM"])
def test_row_031_only_a_garbage_part(running: "RunningService", garbage: bytes) -> None:
    check_unnamed(running, 31, garbage, 0xC000)


def test_row_032_a_file_without_preamble_and_prefix(running: "RunningService") -> None:
    check_unnamed(running, 32, instance(32)[132:], 0xC000)
    check_unnamed(running, 32, instance(32)[data_set_offset(instance(32)) :], 0xC000)


def test_row_033_a_file_meta_without_transfer_syntax(running: "RunningService") -> None:
    check_failed(running, 33, lax(33, 1, file_meta={"TransferSyntaxUID": None}), 0xC000)


@pytest.mark.parametrize("wrong", [-3, -1, 1, 4, 1000])
def test_row_034_a_wrong_group_length_in_the_file_meta(
    running: "RunningService", wrong: int
) -> None:
    content = bytearray(lax(34, 1, file_meta={"FileMetaInformationGroupLength": 0}))
    assert content[132:140] == b"\x02\0\0\0UL\x04\0"
    length = int.from_bytes(content[140:144], "little") + wrong
    content[140:144] = length.to_bytes(4, "little")
    running.clear()
    check_stored(running, 34, bytes(content))


def test_row_035_the_sop_instance_uid_of_the_file_meta_differs(running: "RunningService") -> None:
    other = {"MediaStorageSOPInstanceUID": sop_uid(35, 1, 2)}
    check_warned(running, 35, lax(35, 1, file_meta=other))


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.1", "1.2.3"])
def test_row_036_the_sop_class_uid_of_the_file_meta_differs(
    running: "RunningService", sop_class: str
) -> None:
    running.clear()
    check_warned(running, 36, lax(36, 1, file_meta={"MediaStorageSOPClassUID": sop_class}))


def test_row_037_no_study_instance_uid(running: "RunningService") -> None:
    check_failed(running, 37, lax(37, StudyInstanceUID=None), 0x0120)


def test_row_038_an_empty_series_instance_uid(running: "RunningService") -> None:
    check_failed(running, 38, lax(38, SeriesInstanceUID=""), 0x0121)


def test_row_039_no_sop_class_uid_anywhere(running: "RunningService") -> None:
    check_unnamed(running, 39, without_file_meta_uids(39, SOPClassUID=None), 0x0120)


@pytest.mark.parametrize("uid", ["1.2.abc", "1." + "2" * 63, "1.02.3", "1..2", "1.2."])
def test_row_040_a_sop_instance_uid_that_is_none(running: "RunningService", uid: str) -> None:
    check_failed(running, 40, lax(40, SOPInstanceUID=uid), 0x0117, uid)


def test_row_041_a_uid_that_is_padded_with_a_blank(running: "RunningService") -> None:
    uid = study_uid(41)
    assert len(uid) % 2
    content = instance(41).replace(uid.encode() + b"\0", uid.encode() + b" ")
    assert content != instance(41)
    check_stored(running, 41, content)
    assert running.items(study_uid(41))["study"]["StudyInstanceUID"]["S"] == uid


def test_row_042_empty_attributes_of_type_2(running: "RunningService") -> None:
    empty = instance(42, PatientName="", PatientID="", StudyDate="", ReferringPhysicianName="")
    check_stored(running, 42, empty)
    assert "PatientName" not in running.items(study_uid(42))["study"]


def test_row_043_no_patient_id(running: "RunningService") -> None:
    check_stored(running, 43, instance(43, PatientID=None))


@pytest.mark.parametrize("missing", [1, 8, 31, 33, 39, 200])
def test_row_044_a_file_that_was_cut_off(running: "RunningService", missing: int) -> None:
    check_failed(running, 44, instance(44)[:-missing], 0xC000)


def test_row_044_less_pixel_data_than_rows_and_columns_need(running: "RunningService") -> None:
    check_failed(running, 44, instance(44, Rows=5), 0xC000)


def test_row_044_pixels_that_are_described_and_not_there(running: "RunningService") -> None:
    check_warned(running, 440, instance(440, PixelData=None))
    spectrum = instance(441, PixelData=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.4.2")
    check_stored(running, 441, spectrum)
    item = running.items(study_uid(441))[f"instances/{series_uid(441)}/{sop_uid(441)}"]
    assert "NumberOfFrames" not in item


def test_row_044_nuls_behind_the_last_element_are_padding(running: "RunningService") -> None:
    check_stored(running, 442, instance(442) + bytes(512))
    check_failed(running, 443, instance(443) + b"\xff" * 512, 0xC000)


def test_row_045_more_pixel_data_than_rows_and_columns_need(running: "RunningService") -> None:
    check_stored(running, 45, instance(45, Rows=3))


def test_row_046_fragments_without_a_sequence_delimiter(running: "RunningService") -> None:
    content = encapsulated(46, 1, 1)
    assert content.endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")
    check_failed(running, 46, content[:-8], 0xC000)


@pytest.mark.parametrize("kind", ["none", "BOT", "EOT"])
def test_row_047_encapsulated_with_each_kind_of_offset_table(
    running: "RunningService", kind: str
) -> None:
    running.clear()
    check_stored(running, 47, encapsulated(47, 2, 2, kind=kind))


def test_row_048_fewer_fragments_than_frames(running: "RunningService") -> None:
    check_failed(running, 48, encapsulated(48, 2, 3), 0xC000)


def test_row_049_a_deflated_report(running: "RunningService") -> None:
    report = data_set(
        49, SOPClassUID=BASIC_TEXT_SR, Modality="SR", BitsAllocated=None, PixelData=None
    )
    content = part10(report, DeflatedExplicitVRLittleEndian)
    check_stored(running, 49, content)
    assert running.items(study_uid(49))["study"]["PatientID"]["S"] == "PLANTED49"


def test_row_049_a_deflated_image_only_where_any_storage_is_chosen(
    running: "RunningService", chosen: "RunningService"
) -> None:
    content = part10(data_set(490), DeflatedExplicitVRLittleEndian)
    check_failed(running, 490, content, 0xC122)
    check_stored(chosen, 490, content)


def test_row_049_a_deflated_image_where_the_standard_is_chosen(service: "Start") -> None:
    content = part10(data_set(491), DeflatedExplicitVRLittleEndian)
    check_stored(service(StorageProfile="standard"), 491, content)


def test_row_050_a_deflated_data_set_that_inflates_without_end(running: "RunningService") -> None:
    report = part10(data_set(50, SOPClassUID=BASIC_TEXT_SR, PixelData=None))
    plain = with_transfer_syntax(report, DeflatedExplicitVRLittleEndian)
    note = b"\x41\x00\x00\x00OB\0\0" + MAX_INFLATED_BYTES.to_bytes(4, "little")
    bomb = deflated(plain, note + bytes(MAX_INFLATED_BYTES))
    assert len(bomb) < 1_000_000
    check_failed(running, 50, bomb, 0xA700)


def test_row_051_explicit_vr_big_endian(running: "RunningService") -> None:
    check_failed(running, 51, with_transfer_syntax(instance(51), "1.2.840.10008.1.2.2"), 0xC122)


def test_row_051_explicit_vr_big_endian_even_where_any_storage_is_chosen(
    chosen: "RunningService",
) -> None:
    check_failed(chosen, 51, with_transfer_syntax(instance(51), "1.2.840.10008.1.2.2"), 0xC122)


def test_row_052_implicit_vr_little_endian(running: "RunningService") -> None:
    check_stored(running, 52, part10(data_set(52), ImplicitVRLittleEndian))


def test_row_053_a_transfer_syntax_that_nobody_knows(running: "RunningService") -> None:
    check_failed(running, 53, with_transfer_syntax(instance(53), "1.2.3.4"), 0xC122)


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.1.1", "1.2.840.10008.1.3.10", "1.2.3.4"])
def test_row_054_a_sop_class_that_is_not_for_storage(
    running: "RunningService", sop_class: str
) -> None:
    check_failed(running, 54, instance(54, SOPClassUID=sop_class), 0x0122)


def test_row_055_three_failures_for_three_reasons(running: "RunningService") -> None:
    answer = running.store(
        instance(55, 1, 1, SOPClassUID="1.2.840.10008.1.1"),
        with_transfer_syntax(instance(55), "1.2.3.4"),
        instance(559),
        path=f"/studies/{study_uid(55)}",
    )
    assert answer.status == 409
    assert answer.sequences == {"00081198"}
    assert answer.failed == [
        (sop_uid(55), 0x0122),
        (sop_uid(55), 0xC122),
        (sop_uid(559), 0xC409),
    ]
    assert [warning.split('"')[1][:4] for warning in answer.warnings] == ["0122", "C122", "C409"]


@pytest.mark.parametrize(
    "element",
    [
        b"\x09\x00\x10\x00LO\x04\x00ACME" + b"\x09\x00\x01\x10UN\0\0\x04\0\0\0abcd",
        b"\x09\x00\x10\x00LO\x04\x00ACME" + b"\x09\x00\x01\x10UN\0\0\x03\0\0\0abc",
        b"\x09\x00\x01\x10UN\0\0\xff\xff\xff\xff" + ITEMS_OF_UNKNOWN,
        b"\x09\x00\x01\x10ZZ\0\0\x02\0\0\0ab",
    ],
    ids=["creator", "odd length", "UN of undefined length", "VR of the future"],
)
def test_row_107_private_and_unknown_elements(running: "RunningService", element: bytes) -> None:
    running.clear()
    check_stored(running, 107, with_element(107, element))


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 58"], "Wang^XiaoDong=王^小东"),
        ("ISO_IR 203", "Cœur^€"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東"),
    ],
)
def test_row_108_names_in_other_character_sets(
    running: "RunningService", character_set: object, name: str
) -> None:
    content = instance(108, SpecificCharacterSet=character_set, PatientName=name)
    running.clear()
    check_stored(running, 108, content)
    assert running.items(study_uid(108))["study"]["PatientName"]["S"] == name


def test_row_129_sequences_500_deep(running: "RunningService") -> None:
    check_failed(running, 129, with_element(129, nested(500)), 0xC000)
    check_failed(running, 129, with_element(129, nested(65)), 0xC000)
    check_stored(running, 129, with_element(129, nested(64)))


@pytest.mark.parametrize("length", [0xFFFFFFF0, 0xFFFFFFFE, 0x7FFFFFFF])
def test_row_130_a_length_far_beyond_the_file(running: "RunningService", length: int) -> None:
    element = b"\x09\x00\x01\x10OB\0\0" + length.to_bytes(4, "little")
    check_failed(running, 130, with_element(130, element), 0xC000)
