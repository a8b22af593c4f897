from collections.abc import Iterator, Mapping

import pytest
from pydicom.dataset import Dataset

from dicomweb.errors import InstanceRejected
from dicomweb.metadata.builder import read_metadata
from dicomweb.metadata.elements import VALUE_REPRESENTATIONS
from dicomweb.metadata.metadata import Metadata, NotUnderstood, Reference
from dicomweb.metadata.notation import (
    BulkDataURI,
    Content,
    InlineBinary,
    Items,
    Values,
)
from dicomweb.reasons import FailureReason

MAY_BE_BULK_DATA = "DS FL FD IS LT OB OD OF OL OV OW SL SS ST SV UC UL UN US UT UV"

Stated = Mapping[int, tuple[str | None, Content["Stated"]]]


class Model:
    """The plainest notation: tags, each with its VR and content."""

    def attributes(self, item: Stated) -> Iterator[tuple[int, str | None, Content[Stated]]]:
        for tag, (vr, content) in item.items():
            yield tag, vr, content

    def find(self, item: Stated, tag: int) -> Content[Stated] | None:
        return item[tag][1] if tag in item else None

    def content(self, vr: str, attribute: Content[Stated]) -> Content[Stated]:
        if attribute == Values(["wrong"]):
            raise NotUnderstood(f"is wrong as {vr}")
        return attribute


def read(stated: Stated) -> Metadata:
    return read_metadata(Model(), stated)


def refused(stated: Stated) -> InstanceRejected:
    with pytest.raises(InstanceRejected) as caught:
        read(stated)
    return caught.value


@pytest.mark.parametrize("tag", [0x00020002, 0x00020010, 0x00020000])
def test_file_meta_is_left_out_and_told(tag: int) -> None:
    metadata = read({tag: ("UI", Values(["1.2"])), 0x00100020: ("LO", Values(["A"]))})

    assert list(metadata.data_set.keys()) == [0x00100020]
    assert metadata.discarded_file_meta


def test_file_meta_in_an_item_is_left_out_and_told() -> None:
    metadata = read({0x00081140: ("SQ", Items([{0x00020010: ("UI", Values())}]))})

    assert metadata.data_set.ReferencedImageSequence == [Dataset()]
    assert metadata.discarded_file_meta


@pytest.mark.parametrize("tag", [0x00080000, 0x00090000, 0x7FE00000])
def test_group_lengths_are_left_out(tag: int) -> None:
    assert read({tag: ("UL", Values([8]))}) == Metadata(data_set=Dataset(), bulk_data=[])


@pytest.mark.parametrize("tag", [0x00000000, 0x00000100, 0xFFFEE000, 0xFFFEE00D, 0xFFFE0000])
def test_what_is_no_element_of_a_data_set_is_refused(tag: int) -> None:
    assert str(refused({tag: ("UN", Values())})).endswith(": is no element of a data set")


@pytest.mark.parametrize(
    ("tag", "content", "vr"),
    [
        (0x00100020, Values(["A"]), "LO"),
        (0x00100010, Values(["A^B"]), "PN"),
        (0x00081140, Items([]), "SQ"),
        (0x00280106, Values([1]), "US"),
        (0x00280106, BulkDataURI("a"), "US"),
        (0x7FE00010, InlineBinary("AAAA"), "OW"),
        (0x7FE00010, BulkDataURI("a"), "OW"),
        (0x00283006, InlineBinary("AAAA"), "OW"),
        (0x00283006, Values([1, 2]), "US"),
        (0x60003000, InlineBinary("AAAA"), "OW"),
        (0x0F0E0001, InlineBinary("AAAA"), "UN"),
        (0x00091001, Values(), "UN"),
        (0x00090010, Values(["ACME"]), "LO"),
    ],
)
@pytest.mark.parametrize("stated", [None, ""])
def test_a_vr_that_is_not_stated_comes_from_the_dictionary(
    tag: int, content: Content[Stated], vr: str, stated: str | None
) -> None:
    assert vr == read({tag: (stated, content)}).data_set[tag].VR


@pytest.mark.parametrize("vr", ["ox", "OB or OW", "LOL", "??"])
def test_a_vr_that_is_none_is_refused(vr: str) -> None:
    assert str(refused({0x00100020: (vr, Values())})) == "(0010,0020): found a VR that is none"


@pytest.mark.parametrize("vr", sorted(VALUE_REPRESENTATIONS))
def test_bulk_data_is_for_the_vrs_that_may_be_long(vr: str) -> None:
    stated: Stated = {0x0F0E0001: (vr, BulkDataURI("a"))}

    if vr in MAY_BE_BULK_DATA:
        metadata = read(stated)
        assert metadata.bulk_data == [Reference(metadata.data_set, 0x0F0E0001, "a")]
        assert vr == metadata.data_set[0x0F0E0001].VR
        assert metadata.data_set[0x0F0E0001].is_empty
    else:
        assert "found bulk data, which VR" in str(refused(stated))


def test_refusals_name_the_way_the_reason_and_no_value() -> None:
    inner: Stated = {0x0F0E0001: ("UN", Values(["missing"]))}
    outer: Stated = {0x00081140: ("SQ", Items([{}, {0x00081140: ("SQ", Items([inner]))}]))}

    refusal = refused(outer)

    assert refusal.reason == FailureReason.MISSING_BULK_DATA
    assert str(refusal) == "(0008,1140)[2] > (0008,1140)[1] > (0F0E,0001): is missing"
