from collections.abc import Iterator, Mapping

import pytest
from pydicom.dataset import Dataset

from dicomweb.errors import InstanceRejected
from dicomweb.metadata.builder import read_metadata
from dicomweb.metadata.elements import VALUE_REPRESENTATIONS
from dicomweb.metadata.metadata import MetadataRejected, NotUnderstood
from dicomweb.metadata.notation import (
    BulkDataURI,
    Content,
    InlineBinary,
    Items,
    Values,
)
from dicomweb.outcomes import SOPReference
from dicomweb.reasons import FailureReason
from tests import shown

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
        return Items(list(attribute.items)) if isinstance(attribute, Items) else attribute


def read(stated: Stated) -> shown.Shown:
    return shown.shown(read_metadata(Model(), stated))


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
    assert read({tag: ("UL", Values([8]))}) == shown.Shown(data_set=Dataset(), bulk_data=[])


@pytest.mark.parametrize("tag", [0x00000000, 0x00000100, 0xFFFEE000, 0xFFFEE00D, 0xFFFE0000])
def test_what_is_no_element_of_a_data_set_is_refused(tag: int) -> None:
    assert str(refused({tag: ("UN", Values())})).endswith(
        ": found an attribute that cannot be in a data set"
    )


@pytest.mark.parametrize(
    ("tag", "content", "vr"),
    [
        (0x00100020, Values(["A"]), "LO"),
        (0x00100010, Values(["A^B"]), "PN"),
        (0x00081140, Items([]), "SQ"),
        (0x00280106, Values([1]), "US"),
        (0x00280106, Values([-1]), "SS"),
        (0x00280106, BulkDataURI("a"), "US"),
        (0x7FE00010, Values(), "OW"),
        (0x00281200, Values([1]), "US"),
        (0x00281200, BulkDataURI("a"), "OW"),
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
    assert (
        str(refused({0x00100020: (vr, Values())}))
        == "(0010,0020): found an unknown VR, expected one of PS3.5 Table 6.2-1"
    )


@pytest.mark.parametrize("vr", sorted(VALUE_REPRESENTATIONS))
def test_bulk_data_is_for_the_vrs_that_may_be_long(vr: str) -> None:
    stated: Stated = {0x0F0E0001: (vr, BulkDataURI("a"))}

    if vr in MAY_BE_BULK_DATA:
        metadata = read(stated)
        assert metadata.bulk_data == [shown.Referred(metadata.data_set, 0x0F0E0001, "a")]
        assert vr == metadata.data_set[0x0F0E0001].VR
        assert metadata.data_set[0x0F0E0001].is_empty
    else:
        assert "found bulk data, which VR" in str(refused(stated))


def test_refusals_name_the_way_the_reason_and_no_value() -> None:
    inner: Stated = {0x0F0E0001: ("UN", Values(["wrong"]))}
    outer: Stated = {0x00081140: ("SQ", Items([{}, {0x00081140: ("SQ", Items([inner]))}]))}

    refusal = refused(outer)

    assert refusal.reason == FailureReason.CANNOT_UNDERSTAND
    assert str(refusal) == "(0008,1140)[2] > (0008,1140)[1] > (0F0E,0001): is wrong as UN"


SIGNED: Stated = {0x00280103: (None, Values([1]))}
UNSIGNED: Stated = {0x00280103: ("US", Values([0]))}
PADDING: Stated = {0x00280120: (None, Values([5]))}


def in_items(stated: Stated, depth: int) -> Stated:
    for _ in range(depth):
        stated = {0x00081140: (None, Items([{}, stated]))}
    return stated


@pytest.mark.parametrize("depth", [0, 1, 3, 60])
@pytest.mark.parametrize(("around", "vr"), [({}, "US"), (UNSIGNED, "US"), (SIGNED, "SS")])
def test_us_or_ss_follows_pixel_representation_at_every_depth(
    depth: int, around: Stated, vr: str
) -> None:
    data_set = read({**in_items(PADDING, depth), **around}).data_set
    for _ in range(depth):
        data_set = data_set.ReferencedImageSequence[1]

    assert vr == data_set[0x00280120].VR


def test_the_nearest_pixel_representation_counts() -> None:
    data_set = read({**in_items({**PADDING, **UNSIGNED}, 1), **SIGNED, **PADDING}).data_set

    assert data_set[0x00280120].VR == "SS"
    assert data_set.ReferencedImageSequence[1][0x00280120].VR == "US"


@pytest.mark.parametrize(
    ("around", "number", "vr"), [(UNSIGNED, -5, "SS"), (SIGNED, 40000, "US"), (SIGNED, -5, "SS")]
)
def test_a_number_that_only_the_other_vr_can_hold_has_that(
    around: Stated, number: int, vr: str
) -> None:
    data_set = read({**around, 0x00280120: ("", Values([number]))}).data_set

    assert (data_set[0x00280120].VR, data_set.PixelPaddingValue) == (vr, number)


def test_one_pixel_representation_counts_for_several_attributes() -> None:
    several: Stated = {tag: (None, Values([1])) for tag in (0x00280106, 0x00280107, 0x00280120)}
    bits: Stated = {0x00280100: (None, Values([8])), 0x7FE00010: (None, InlineBinary("AAAA"))}
    data_set = read({**SIGNED, **several, **bits}).data_set

    assert {data_set[tag].VR for tag in several} == {"SS"}
    assert data_set[0x7FE00010].VR == "OB"


@pytest.mark.parametrize("number", [70000, -40000, "x", 1.5])
def test_a_number_that_neither_can_hold_is_refused(number: object) -> None:
    assert str(refused({0x00280120: (None, Values([number]))})).startswith("(0028,0120): found a")


@pytest.mark.parametrize("useless", [Values(), Values(["x"]), Values([1, 1]), Values(["wrong"])])
def test_a_pixel_representation_that_is_none_is_as_if_it_were_not_there(
    useless: Content[Stated],
) -> None:
    stated: Stated = {**PADDING, 0x00280103: ("LO", useless)}
    if useless == Values(["wrong"]):
        assert str(refused(stated)) == "(0028,0103): is wrong as LO"
    else:
        assert read(stated).data_set[0x00280120].VR == "US"


@pytest.mark.parametrize(
    ("bits", "tag", "number", "vr"),
    [
        (0x00280100, 0x7FE00010, 8, "OB"),
        (0x00280100, 0x7FE00010, 1, "OB"),
        (0x00280100, 0x7FE00010, 16, "OW"),
        (0x54001004, 0x54001010, 8, "OB"),
        (0x54001004, 0x54001010, 16, "OW"),
        (0x54001004, 0x5400100A, 8, "OB"),
        (0x54001004, 0x54000110, 16, "OW"),
        (0x00280100, 0x60003000, 8, "OW"),
    ],
)
@pytest.mark.parametrize("content", [InlineBinary("AAAA"), BulkDataURI("a")])
def test_ob_or_ow_follows_the_bits(
    bits: int, tag: int, number: int, vr: str, content: Content[Stated]
) -> None:
    data_set = read({bits: (None, Values([number])), tag: (None, content)}).data_set

    assert vr == data_set[tag].VR


def test_the_uri_of_bulk_data_has_2048_bytes_at_most() -> None:
    longest = "ü" * 1024
    assert read({0x0F0E0001: ("OB", BulkDataURI(longest))}).bulk_data[0].uri == longest
    for longer in (longest + "a", "a" * 2049):
        with pytest.raises(MetadataRejected, match="URI of more than 2048 bytes"):
            read({0x0F0E0001: ("OB", BulkDataURI(longer))})


CLASS: Stated = {0x00080016: ("UI", Values(["1.2 "]))}
NAMED: Stated = {**CLASS, 0x00080018: (None, Values(["1.2.3\0"]))}


@pytest.mark.parametrize(
    "bad",
    [
        {0x00280010: ("US", Values([70000]))},
        {0x00081140: ("SQ", Values([1]))},
        {0x00020010: ("UI", Values()), 0x00000000: ("UL", Values())},
        {0x00100020: ("XX", Values())},
        in_items({0x00280010: ("US", Values(["x"]))}, 5),
        in_items({}, 65),
    ],
)
def test_an_instance_that_is_refused_is_named_by_its_uids(bad: Stated) -> None:
    for stated in ({**NAMED, **bad}, {**bad, **NAMED}):
        refusal = refused(stated)
        assert isinstance(refusal, MetadataRejected)
        assert refusal.reference == SOPReference(sop_class_uid="1.2", sop_instance_uid="1.2.3")


def test_uids_of_vr_un_name_it_too() -> None:
    stated: Stated = {**CLASS, 0x00080018: ("UN", InlineBinary("MS4yLjMA"))}
    refusal = refused({**stated, 0x00100020: ("XX", Values())})

    assert isinstance(refusal, MetadataRejected)
    assert refusal.reference == SOPReference(sop_class_uid="1.2", sop_instance_uid="1.2.3")


@pytest.mark.parametrize(
    "uid",
    [
        {},
        {0x00080018: ("UI", Values())},
        {0x00080018: ("UI", Values([5]))},
        {0x00080018: ("UI", Values(["wrong"]))},
        {0x00080018: ("UI", InlineBinary("A"))},
        {0x00080018: ("UI", Values(["1.2", "1.3"]))},
    ],
)
def test_an_instance_whose_uids_cannot_be_read_has_no_name(uid: Stated) -> None:
    refusal = refused({**CLASS, **uid, 0x00100020: ("XX", Values())})

    assert isinstance(refusal, MetadataRejected)
    assert refusal.reference is None
