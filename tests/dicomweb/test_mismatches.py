import pytest

from dicomweb import conformance, mismatches

CT = "1.2.840.10008.5.1.4.1.1.2"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
ENDOSCOPIC_VIDEO = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
NOT_IMAGES = {
    "RT Dose": "1.2.840.10008.5.1.4.1.1.481.2",
    "MR Spectroscopy": "1.2.840.10008.5.1.4.1.1.4.2",
    "Raw Data": "1.2.840.10008.5.1.4.1.1.66",
    "Enhanced SR": "1.2.840.10008.5.1.4.1.1.88.22",
    "Encapsulated PDF": "1.2.840.10008.5.1.4.1.1.104.1",
    "unknown": "1.2.3.4",
}
KEYWORD = "SOP Instance UID (0008,0018)"


@pytest.mark.parametrize("in_file_meta", ["1.2.4", "planted"])
def test_a_file_meta_that_names_another_instance_is_said_without_its_value(
    in_file_meta: str,
) -> None:
    text = mismatches.file_meta(KEYWORD, in_file_meta, "1.2.3")

    assert text.startswith(f"found a {KEYWORD} in the data set that differs from")
    assert "planted" not in text


@pytest.mark.parametrize("in_file_meta", ["1.2.3", ""])
def test_a_file_meta_that_agrees_or_is_silent_is_nothing(in_file_meta: str) -> None:
    assert not mismatches.file_meta(KEYWORD, in_file_meta, "1.2.3")


@pytest.mark.parametrize("sop_class", [CT, SEGMENTATION, ENDOSCOPIC_VIDEO])
def test_an_image_whose_pixels_are_described_has_pixel_data(sop_class: str) -> None:
    assert "no pixel data" in mismatches.pixel_data(sop_class, described=True, there=False)
    assert not mismatches.pixel_data(sop_class, described=True, there=True)
    assert not mismatches.pixel_data(sop_class, described=False, there=False)


@pytest.mark.parametrize("sop_class", NOT_IMAGES.values(), ids=NOT_IMAGES)
def test_a_class_that_may_lack_pixel_data_is_not_told_so(sop_class: str) -> None:
    assert not mismatches.pixel_data(sop_class, described=True, there=False)


def test_the_other_images_are_classes_of_the_table_that_are_in_no_group_of_images() -> None:
    groups = conformance.sop_class_groups()

    assert {groups[each] for each in mismatches._OTHER_IMAGES} == {"Other", "-"}
