"""Rows 1-17 and 56-68 of docs/conformance.md: what is around the instances."""

import base64
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.builders import content_type, instance, multipart, part, sop_uid, study_uid

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import RunningService

CRLF = b"\r\n"


def check_stored(running: "RunningService", answer: "Answer", row: int, *contents: bytes) -> None:
    assert answer.status == 200
    assert answer.sequences == {"00081199"}
    assert answer.stored == [sop_uid(row, 1, number + 1) for number in range(len(contents))]
    digests = sorted(sha256(content).hexdigest() for content in contents)
    assert running.objects(study_uid(row)) == digests


def check_refused(running: "RunningService", answer: "Answer", row: int, found: str) -> None:
    assert answer.status == 400
    assert found in answer.text
    assert answer.retrieve_url == []
    assert not answer.sequences
    assert running.objects(study_uid(row)) == []
    assert running.items(study_uid(row)) == {}


def test_row_001_a_valid_ct_is_stored(running: "RunningService") -> None:
    answer = running.store(instance(1))
    check_stored(running, answer, 1, instance(1))
    assert answer.retrieve_url == [f"{running.base_url}/studies/{study_uid(1)}"]
    assert set(running.items(study_uid(1))) == {
        "study",
        "series/1.2.826.0.1.3680043.8.498.20.2.1.1",
        f"instances/1.2.826.0.1.3680043.8.498.20.2.1.1/{sop_uid(1)}",
    }


def test_row_002_the_type_parameter_may_be_unquoted(running: "RunningService") -> None:
    media_type = "multipart/related; type=application/dicom; boundary=b0undary"
    answer = running.post(multipart(part(instance(2))), content_type=media_type)
    check_stored(running, answer, 2, instance(2))


@pytest.mark.parametrize(
    "media_type",
    [
        'Multipart/Related; TYPE="application/dicom"; Boundary=b0undary',
        'MULTIPART/RELATED;BOUNDARY=b0undary;Type="Application/DICOM"',
        'multipart/related ; boundary = "b0undary" ; type = "application/dicom"',
    ],
)
def test_row_003_case_and_order_of_parameters_do_not_matter(
    running: "RunningService", media_type: str
) -> None:
    answer = running.post(multipart(part(instance(3))), content_type=media_type)
    check_stored(running, answer, 3, instance(3))


def test_row_003_a_content_type_may_be_folded(running: "RunningService") -> None:
    body = multipart(part(instance(33)))
    fields = [
        b"POST /studies HTTP/1.1", b"Host: localhost", b"Connection: close",
        b"Content-Type: multipart/related;", b'  type="application/dicom";', b"\tboundary=b0undary",
        b"Content-Length: %d" % len(body),
    ]  # fmt: skip
    answer = running.raw(CRLF.join([*fields, b"", body]))
    check_stored(running, answer, 33, instance(33))


def test_row_004_a_boundary_of_all_special_characters(running: "RunningService") -> None:
    boundary = "=_(a):/b?,c+'d"
    body = multipart(part(instance(4)), boundary=boundary)
    answer = running.post(body, content_type=content_type(f'"{boundary}"'))
    check_stored(running, answer, 4, instance(4))


@pytest.mark.parametrize("length", [70, 71, 73, 200])
def test_row_005_a_boundary_of_70_and_of_73_characters(
    running: "RunningService", length: int
) -> None:
    boundary = "b" * length
    body = multipart(part(instance(5)), boundary=boundary)
    answer = running.post(body, content_type=content_type(boundary))
    check_stored(running, answer, 5, instance(5))


def test_row_005_a_boundary_of_201_characters_is_refused(running: "RunningService") -> None:
    boundary = "b" * 201
    body = multipart(part(instance(500)), boundary=boundary)
    answer = running.post(body, content_type=content_type(boundary))
    check_refused(running, answer, 500, "a boundary of 201 characters")


def test_row_006_no_boundary_parameter(running: "RunningService") -> None:
    media_type = 'multipart/related; type="application/dicom"'
    answer = running.post(multipart(part(instance(6))), content_type=media_type)
    check_refused(running, answer, 6, "no boundary parameter")


def test_row_007_a_boundary_that_is_not_in_the_body(running: "RunningService") -> None:
    answer = running.post(multipart(part(instance(7))), content_type=content_type("another"))
    check_refused(running, answer, 7, "no delimiter line")


def test_row_008_preamble_and_epilogue_are_ignored(running: "RunningService") -> None:
    body = b"This is a MIME message.\r\n" + multipart(part(instance(8))) + b"The end.\r\n"
    check_stored(running, running.post(body), 8, instance(8))


@pytest.mark.parametrize("before", [b"", CRLF])
def test_row_009_with_and_without_a_line_end_before_the_first_delimiter(
    running: "RunningService", before: bytes
) -> None:
    answer = running.post(before + multipart(part(instance(9))))
    check_stored(running, answer, 9, instance(9))


@pytest.mark.parametrize("after", [b"", CRLF, CRLF + CRLF, b"\n", bytes(40), b"--b0undary\r\n"])
def test_row_010_anything_or_nothing_after_the_close_delimiter(
    running: "RunningService", after: bytes
) -> None:
    answer = running.post(multipart(part(instance(10))).removesuffix(CRLF) + after)
    check_stored(running, answer, 10, instance(10))


def test_row_011_blanks_and_tabs_after_a_delimiter(running: "RunningService") -> None:
    padded = multipart(part(instance(11))).replace(b"--b0undary\r\n", b"--b0undary \t \r\n")
    answer = running.post(padded.replace(b"--b0undary--", b"--b0undary--\t "))
    check_stored(running, answer, 11, instance(11))


@pytest.mark.parametrize("missing", [3, 4, 12, 16, 40, 300])
def test_row_012_a_body_that_was_cut_off(running: "RunningService", missing: int) -> None:
    whole = multipart(part(instance(12, 1, 1)), part(instance(12, 1, 2)))
    answer = running.post(whole[:-missing])
    check_refused(running, answer, 12, "part 2")


@pytest.mark.parametrize("inside", [b"\r\n--b0und", b"\r\n--b0undaryX\r\n", b"\r\n\r\n--b0undary-"])
def test_row_013_content_that_looks_like_a_delimiter(
    running: "RunningService", inside: bytes
) -> None:
    content = instance(13, PixelData=(inside * 4).ljust(128, b"-"))
    running.clear()
    check_stored(running, running.store(content), 13, content)


def test_row_014_content_that_ends_in_a_line_end(running: "RunningService") -> None:
    content = instance(14, PixelData=bytes(30) + CRLF)
    assert content.endswith(CRLF)
    check_stored(running, running.store(content), 14, content)


def test_row_015_lines_that_end_with_lf_only(running: "RunningService") -> None:
    body = b"--b0undary\nContent-Type: application/dicom\n\n" + instance(15) + b"\n--b0undary--\n"
    check_refused(running, running.post(body), 15, "no delimiter line")


@pytest.mark.parametrize("body", [b"--b0undary--", b"--b0undary--\r\n", b"\r\n--b0undary--\r\n"])
def test_row_016_no_part_at_all(running: "RunningService", body: bytes) -> None:
    check_refused(running, running.post(body), 16, "no part before the close delimiter")


def test_row_017_an_empty_body(running: "RunningService") -> None:
    check_refused(running, running.post(b""), 17, "an empty payload")


def test_row_056_the_file_meta_wins_over_the_transfer_syntax_of_the_part(
    running: "RunningService",
) -> None:
    media_type = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50"
    answer = running.post(multipart(part(instance(56), Content_Type=media_type)))
    check_stored(running, answer, 56, instance(56))
    resource = f"instances/1.2.826.0.1.3680043.8.498.20.2.56.1/{sop_uid(56)}"
    item = running.items(study_uid(56))[resource]
    assert item["TransferSyntaxUID"]["S"] == "1.2.840.10008.1.2.1"


def test_row_057_other_parameters_of_the_content_type_are_ignored(
    running: "RunningService",
) -> None:
    media_type = content_type() + "; transfer-syntax=1.2.840.10008.1.2.4.50; charset=utf-8"
    answer = running.post(multipart(part(instance(57))), content_type=media_type)
    check_stored(running, answer, 57, instance(57))


def test_row_058_a_part_without_content_type(running: "RunningService") -> None:
    answer = running.post(multipart(part(instance(58), Content_Type="")))
    check_stored(running, answer, 58, instance(58))


def test_row_058_a_part_of_unknown_type_that_is_a_file(running: "RunningService") -> None:
    file = part(instance(580), Content_Type="application/octet-stream")
    check_stored(running, running.post(multipart(file)), 580, instance(580))
    text = running.post(multipart(part(b"text", Content_Type="application/octet-stream")))
    assert text.status == 400
    assert text.other_failures == [0xC000]


def test_row_059_a_part_of_another_media_type_is_not_stored(running: "RunningService") -> None:
    text = part(instance(59, 1, 2), Content_Type="text/plain")
    answer = running.post(multipart(part(instance(59)), text))
    assert answer.status == 202
    assert answer.stored == [sop_uid(59)]
    assert answer.other_failures == [0xC000]
    assert len(running.objects(study_uid(59))) == 1
    alone = running.post(multipart(text))
    assert alone.status == 400
    assert alone.other_failures == [0xC000]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (b"Content-Type: application/dicom\r\ncontent-type: text/plain\r\n", "twice"),
        (b"X: " + b"x" * 9000 + CRLF, "does not end"),
        (b"X: " + b"x" * 1_000_000 + CRLF, "does not end"),
    ],
    ids=["twice", "9 kB", "1 MB"],
)
def test_row_060_a_part_header_that_is_doubled_or_too_long(
    running: "RunningService", fields: bytes, found: str
) -> None:
    answer = running.post(multipart(fields + CRLF + instance(60)))
    check_refused(running, answer, 60, found)


def test_row_060_a_part_header_that_is_folded(running: "RunningService") -> None:
    fields = b"Content-Type: application/dicom;\r\n transfer-syntax=1.2.840.10008.1.2.1" + CRLF
    answer = running.post(multipart(fields + CRLF + instance(600)))
    check_stored(running, answer, 600, instance(600))


@pytest.mark.parametrize("length", ["0", "12", "999999999", "many"])
def test_row_061_the_content_length_of_a_part_is_not_relied_upon(
    running: "RunningService", length: str
) -> None:
    answer = running.post(multipart(part(instance(61), Content_Length=length)))
    check_stored(running, answer, 61, instance(61))


def test_row_062_a_part_that_only_claims_to_be_compressed(running: "RunningService") -> None:
    weasis = part(instance(620), Content_Encoding="gzip, identity")
    check_stored(running, running.post(multipart(weasis)), 620, instance(620))


def test_row_062_a_part_in_base64_is_not_stored(running: "RunningService") -> None:
    encoded = part(base64.encodebytes(instance(62)), Content_Transfer_Encoding="base64")
    answer = running.post(multipart(encoded))
    assert answer.status == 400
    assert answer.other_failures == [0xC000]
    assert "Content-Transfer-Encoding" in answer.warnings[0]
    assert running.objects(study_uid(62)) == []


def test_row_063_a_single_file_without_multipart(running: "RunningService") -> None:
    answer = running.post(instance(63), content_type="application/dicom")
    check_stored(running, answer, 63, instance(63))


def test_row_064_a_form_of_a_browser(running: "RunningService") -> None:
    media_type = "multipart/form-data; boundary=b0undary"
    field = part(instance(64), Content_Disposition='form-data; name="file"; filename="a.dcm"')
    answer = running.post(multipart(field), content_type=media_type)
    check_refused(running, answer, 64, "found multipart/form-data, expected multipart/related")
    assert "curl -H 'Content-Type: multipart/related' -F" in answer.warnings[0]


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/zip", "application/octet-stream", "nonsense"]
)
def test_row_065_other_media_types(running: "RunningService", media_type: str) -> None:
    answer = running.post(instance(65), content_type=media_type)
    check_refused(running, answer, 65, "media type")


def test_row_066_no_content_type_at_all(running: "RunningService") -> None:
    answer = running.post(multipart(part(b"text")), content_type=None)
    check_refused(running, answer, 66, "no Content-Type")


def test_row_067_the_type_of_the_first_part_stands_for_a_missing_type_parameter(
    running: "RunningService",
) -> None:
    media_type = "multipart/related; boundary=b0undary"
    answer = running.post(multipart(part(instance(67))), content_type=media_type)
    check_stored(running, answer, 67, instance(67))
    other = multipart(part(b"<p/>", Content_Type="text/html"), part(instance(67)))
    refused = running.post(other, content_type=media_type)
    assert refused.status == 400
    assert not refused.sequences


def test_row_068_the_start_parameter(running: "RunningService") -> None:
    first, second = instance(68, 1, 1), instance(68, 1, 2)
    body = multipart(part(first, Content_ID="<a>"), part(second, Content_ID="<b>"))
    answer = running.post(body, content_type=content_type() + '; start="<b>"')
    check_stored(running, answer, 68, first, second)
