import pytest

from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import (
    FileMeta,
    PreamblePolicy,
    check_preamble,
    is_file,
    read_file_meta,
    uid_text,
)
from dicomweb.reasons import FailureReason
from tests import builders
from tests.encoded import explicit


def test_the_uids_of_the_file_meta_are_read_and_where_the_data_set_begins() -> None:
    content = builders.instance()

    file_meta = read_file_meta(memoryview(content))

    assert file_meta == FileMeta(
        media_storage_sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        media_storage_sop_instance_uid=builders.sop_uid(),
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        data_set_offset=content.index(b"\x08\0\x05\0CS"),
    )


def test_uids_that_are_absent_are_empty() -> None:
    content = bytes(128) + b"DICM" + explicit(0x00020001, "OB", b"\0\1")

    file_meta = read_file_meta(memoryview(content))

    assert file_meta == FileMeta(
        media_storage_sop_class_uid="",
        media_storage_sop_instance_uid="",
        transfer_syntax_uid="",
        data_set_offset=len(content),
    )


def test_the_preamble_is_not_looked_at() -> None:
    content = builders.instance()

    assert read_file_meta(memoryview(b"II*\0" + content[4:])) == read_file_meta(memoryview(content))


@pytest.mark.parametrize("head", [b"", b"II*\0\x10", b"MM\0*\0", b"II+\0\x08", b"MM\0+\0"])
def test_zeros_and_the_head_of_a_tiff_file_are_a_preamble_under_each_policy(head: bytes) -> None:
    content = memoryview(head + builders.instance()[len(head) :])
    for policy in PreamblePolicy:
        check_preamble(content, policy)


@pytest.mark.parametrize("place", [0, 64, 127])
@pytest.mark.parametrize("head", [b"M", b"\x7f"])
def test_another_preamble_is_refused_if_the_deployment_says_so(head: bytes, place: int) -> None:
    content = bytearray(builders.instance())
    content[place : place + 1] = head
    check_preamble(memoryview(content), PreamblePolicy.KEEP)
    with pytest.raises(InstanceRejected, match="expected 128 bytes of zero") as refused:
        check_preamble(memoryview(content), PreamblePolicy.REFUSE)
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize("content", [b"", bytes(132), b"DICM" + bytes(200), bytes(128) + b"DIC"])
def test_what_has_no_prefix_is_no_file(content: bytes) -> None:
    assert not is_file(memoryview(content))
    with pytest.raises(InstanceRejected, match="no DICM prefix") as refused:
        read_file_meta(memoryview(content))
    assert refused.value.reason is FailureReason.CANNOT_UNDERSTAND


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"1.2.3\0", "1.2.3"),
        (b"1.2.3 ", "1.2.3"),
        (b"1.2.34", "1.2.34"),
        (b"", ""),
        (b"1.2\xff", "1.2\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_uid_is_read_without_its_padding(value: bytes, text: str) -> None:
    assert uid_text(memoryview(value)) == text
