import csv
from collections import Counter
from importlib.resources import files

import pytest
from pydicom._uid_dict import UID_dictionary

from dicomweb.conformance import (
    StorageProfile,
    is_deflated,
    is_encapsulated,
    is_implicit_vr,
    is_video,
    sop_class_groups,
    sop_class_iods,
    takes_sop_class,
    takes_transfer_syntax,
    transfer_syntax_groups,
    transfer_syntax_iods,
)

PROFILES = list(StorageProfile)
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_LOSSLESS_PROCESS_14 = "1.2.840.10008.1.2.4.57"
CLASSES = {uid: group for uid, group in sop_class_groups().items() if group != "-"}
NO_INSTANCES = {
    "1.2.840.10008.1.3.10": "Media Storage Directory Storage",
    "1.2.840.10008.1.20.1": "Storage Commitment Push Model SOP Class",
}
"""Current, with Storage in their name, but for a directory (PS3.10) and a service."""

NEWER_THAN_PYDICOM = {
    "CT For Processing Image Storage",
    "Enhanced CT For Processing Image Storage",
    "Legacy Converted Enhanced CT For Processing Image Storage",
    "Height Map Segmentation Storage",
    "Label Map Segmentation Storage",
    "Waveform Acquisition Presentation State Storage",
    "Waveform Presentation State Storage",
    "Deflated Image Frame Compression",
    "JPEG XL",
    "JPEG XL JPEG Recompression",
    "JPEG XL Lossless",
}
IMAGES_BY_ANOTHER_NAME = {
    "Corneal Topography Map Storage",
    "DICOS 2D AIT Storage",
    "DICOS 3D AIT Storage",
    "DICOS Quadrupole Resonance (QR) Storage",
    "Enhanced US Volume Storage",
    "Height Map Segmentation Storage",
    "Label Map Segmentation Storage",
    "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage",
    "Ophthalmic Thickness Map Storage",
    "Parametric Map Storage",
    "RT Dose Storage",
    "Segmentation Storage",
}
"""Classes of pixel data without the word Image in their name."""

REAL_TIME_VIDEO = "1.2.840.10008.1.2.7."
"""SMPTE ST 2110, which is for streams: PS3.18 Table 8.7.3-2 leaves it out, in a note."""

NAMES = {
    row["uid"]: row["name"]
    for table in ("sop_classes.tsv", "transfer_syntaxes.tsv")
    for row in csv.DictReader(
        files("dicomweb").joinpath(table).read_text("utf-8").splitlines(), delimiter="\t"
    )
}
OTHER_CLASSES = set(sop_class_groups()) - set(CLASSES)


def syntaxes_of(profile: StorageProfile, sop_class_uid: str) -> set[str]:
    return {
        uid
        for uid in (*transfer_syntax_groups(), EXPLICIT_VR_BIG_ENDIAN, "1.2.3.4", "")
        if takes_transfer_syntax(profile, sop_class_uid, uid)
    }


def test_every_class_of_the_statement_is_in_one_group() -> None:
    assert Counter(CLASSES.values()) == {"Image": 76, "Other": 136, "SR": 21, "Video": 3}
    assert len(CLASSES) == 236


@pytest.mark.parametrize("group", ["Image", "Other", "SR", "Video"])
def test_every_class_of_a_group_takes_the_syntaxes_of_the_group_and_no_others(group: str) -> None:
    expected = {uid for uid, groups in transfer_syntax_groups().items() if group in groups}
    assert expected

    for uid, its_group in CLASSES.items():
        assert takes_sop_class(StorageProfile.CONFORMANCE, uid)
        if its_group == group:
            assert syntaxes_of(StorageProfile.CONFORMANCE, uid) == expected


def test_the_groups_take_as_many_syntaxes_as_the_statement_says() -> None:
    counts = Counter(group for groups in transfer_syntax_groups().values() for group in groups)

    assert counts == {"Image": 14, "Video": 17, "SR": 3, "Other": 2}


def test_classes_outside_the_statement_are_taken_only_by_the_profile_for_any() -> None:
    assert len(OTHER_CLASSES) == 33
    for uid in OTHER_CLASSES:
        assert not takes_sop_class(StorageProfile.CONFORMANCE, uid)
        assert syntaxes_of(StorageProfile.CONFORMANCE, uid) == set()
        assert takes_sop_class(StorageProfile.ANY_STORAGE, uid)


def test_the_profile_for_any_takes_every_known_syntax_for_every_class() -> None:
    for uid in sop_class_groups():
        assert syntaxes_of(StorageProfile.ANY_STORAGE, uid) == set(transfer_syntax_groups())


def current(kind: str) -> set[str]:
    """Return what pydicom's dictionary has of PS3.6 and does not call retired."""
    return {
        uid
        for uid, (_, known, _, retired, _) in UID_dictionary.items()
        if known == kind and not retired
    }


def test_the_profile_of_the_standard_takes_every_current_storage_class() -> None:
    storage = {uid for uid in current("SOP Class") if "Storage" in UID_dictionary[uid][0]}
    taken = {uid for uid in NAMES if takes_sop_class(StorageProfile.STANDARD, uid)}

    assert storage - taken == set(NO_INSTANCES)
    unknown = {NAMES[uid] for uid in taken if uid not in UID_dictionary}
    assert unknown < NEWER_THAN_PYDICOM


def test_the_profile_of_the_standard_takes_the_retired_classes_that_others_take() -> None:
    retired = {uid for uid in CLASSES if uid in UID_dictionary and UID_dictionary[uid][3]}

    assert len(retired) == 18
    assert all(takes_sop_class(StorageProfile.STANDARD, uid) for uid in retired)


def test_the_profile_of_the_standard_takes_no_private_class() -> None:
    private = {uid for uid in sop_class_groups() if not uid.startswith("1.2.840.10008.")}

    assert len(private) == 58
    for uid in sop_class_groups():
        assert takes_sop_class(StorageProfile.STANDARD, uid) == (uid not in private)
        assert (uid in private) == (syntaxes_of(StorageProfile.STANDARD, uid) == set())


def test_an_image_of_the_standard_takes_every_current_syntax_that_a_file_may_have() -> None:
    in_files = {uid for uid in current("Transfer Syntax") if not uid.startswith(REAL_TIME_VIDEO)}

    for uid in (uid for uid, iod in sop_class_iods().items() if iod == "image"):
        taken = syntaxes_of(StorageProfile.STANDARD, uid)
        assert in_files <= taken
        assert {NAMES[syntax] for syntax in taken - in_files} <= NEWER_THAN_PYDICOM


def test_what_is_no_image_of_the_standard_takes_the_syntaxes_that_encapsulate_nothing() -> None:
    for uid in (uid for uid, iod in sop_class_iods().items() if iod == "other"):
        assert syntaxes_of(StorageProfile.STANDARD, uid) == {
            "1.2.840.10008.1.2",
            "1.2.840.10008.1.2.1",
            "1.2.840.10008.1.2.1.99",
        }


def test_the_standard_takes_all_pairs_of_the_statement_but_for_private_classes() -> None:
    for uid in (uid for uid in CLASSES if sop_class_iods()[uid] != "-"):
        assert syntaxes_of(StorageProfile.CONFORMANCE, uid) <= syntaxes_of(
            StorageProfile.STANDARD, uid
        )


def test_an_image_is_what_has_the_name_or_is_known_as_one() -> None:
    for uid, iod in sop_class_iods().items():
        if iod != "-":
            named = "Image" in NAMES[uid] or NAMES[uid] in IMAGES_BY_ANOTHER_NAME
            assert (iod == "image") == named, NAMES[uid]


def test_every_syntax_is_for_images_of_the_standard() -> None:
    assert all("image" in iods for iods in transfer_syntax_iods().values())


@pytest.mark.parametrize(
    ("sop_class", "syntax"),
    [
        ("1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.1.2.4.102"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.1.2.5"),
        ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1.99"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.1.2.1.99"),
        ("1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.1.2.1.98"),
    ],
    ids=["ultrasound in H.264", "segmentation in RLE", "deflated CT", "deflated PDF", "slide"],
)
def test_the_standard_has_pairs_that_the_statement_has_not(sop_class: str, syntax: str) -> None:
    assert not takes_transfer_syntax(StorageProfile.CONFORMANCE, sop_class, syntax)
    assert takes_transfer_syntax(StorageProfile.STANDARD, sop_class, syntax)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_misprinted_lossless_jpeg_stands_for_process_14(profile: StorageProfile) -> None:
    for uid, group in CLASSES.items():
        taken = takes_transfer_syntax(profile, uid, JPEG_LOSSLESS_PROCESS_14)
        image = sop_class_iods()[uid] if profile is StorageProfile.STANDARD else group
        assert taken == (image.lower() == "image" or profile is StorageProfile.ANY_STORAGE)
        assert not takes_transfer_syntax(profile, uid, "1.2.840.10008.1.2.4.54")


@pytest.mark.parametrize("profile", PROFILES)
def test_big_endian_is_never_taken(profile: StorageProfile) -> None:
    assert not any(
        takes_transfer_syntax(profile, uid, EXPLICIT_VR_BIG_ENDIAN) for uid in sop_class_groups()
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "uid", ["", "1.2.840.10008.1.1", "1.2.840.10008.1.3.10", "1.2.3", "1.2.840.10008.5.1.4.1.1"]
)
def test_what_is_no_storage_class_is_never_taken(profile: StorageProfile, uid: str) -> None:
    assert not takes_sop_class(profile, uid)


def test_the_tables_hold_current_uids_of_the_standard_once() -> None:
    for table, kind in (("sop_classes.tsv", "SOP Class"), ("transfer_syntaxes.tsv", "Transfer")):
        text = files("dicomweb").joinpath(table).read_text(encoding="utf-8")
        uids = [row["uid"] for row in csv.DictReader(text.splitlines(), delimiter="\t")]
        known = [uid for uid in uids if uid in UID_dictionary]
        assert len(uids) == len(set(uids))
        assert all(UID_dictionary[uid][1].startswith(kind) for uid in known)


def test_only_implicit_vr_little_endian_has_no_vr() -> None:
    assert [uid for uid in transfer_syntax_groups() if is_implicit_vr(uid)] == ["1.2.840.10008.1.2"]


def test_the_deflated_syntaxes_are_those_named_so() -> None:
    deflated = {uid for uid in transfer_syntax_groups() if is_deflated(uid)}

    assert deflated == {
        uid
        for uid in transfer_syntax_groups()
        if uid in UID_dictionary
        and "Deflate" in UID_dictionary[uid][0]
        and "Frame" not in UID_dictionary[uid][0]
    } | {"1.2.840.10008.1.2.4.205"}


def test_pixel_data_is_native_in_the_uncompressed_syntaxes_and_by_reference() -> None:
    native = {uid for uid in transfer_syntax_groups() if not is_encapsulated(uid)}

    assert native == {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        *(f"1.2.840.10008.1.2.4.{number}" for number in (94, 95, 204, 205)),
    }


def test_video_is_what_only_video_classes_may_use() -> None:
    video = {uid for uid in transfer_syntax_groups() if is_video(uid)}

    assert len(video) == 16
    assert "1.2.840.10008.1.2.4.50" not in video
    assert "1.2.840.10008.1.2.4.102" in video
