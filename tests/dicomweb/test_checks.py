from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb import checks
from dicomweb.checks import ImagePixel
from dicomweb.conformance import StorageProfile
from dicomweb.errors import InstanceRejected
from dicomweb.part10.walker import (
    DOUBLE_FLOAT_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    PIXEL_DATA,
    PixelData,
)
from dicomweb.reasons import FailureReason
from dicomweb.uids import is_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
VERIFICATION = "1.2.840.10008.1.1"
DICOMDIR = "1.2.840.10008.1.3.10"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"
MPEG4 = "1.2.840.10008.1.2.4.102"
CONFORMANCE, STANDARD, ANY_STORAGE = StorageProfile
KEYWORD = "Study Instance UID (0020,000D)"


def refused(reason: FailureReason, check: Callable[[], None]) -> str:
    with pytest.raises(InstanceRejected) as refusal:
        check()
    assert refusal.value.reason is reason
    assert str(refusal.value).isascii()
    return str(refusal.value)


@pytest.mark.parametrize(
    "uid", ["1.2", "0.0", "1.2.840.10008.1.2", "2.25." + "9" * 39, "1." + "1" * 62, "1.0.10"]
)
def test_a_uid_is_components_of_digits_up_to_64_characters(uid: str) -> None:
    assert is_uid(uid)


@pytest.mark.parametrize(
    "uid",
    [
        *(
            "",
            "1",
            ".",
            "1.",
            ".1",
            "1..2",
            "1.02",
            "01.2",
            "00.1",
            "1.2 ",
            " 1.2",
            "1.2\n",
            "1.2\0",
        ),
        *("a.b", "1.2a", "1.-2", "1,2", "not-a-uid", "1.\u0662", "1.\u00b2", "1." + "1" * 63),
    ],
)
def test_anything_else_is_no_uid(uid: str) -> None:
    assert not is_uid(uid)


@given(st.lists(st.integers(0, 10**20), min_size=2, max_size=4))
def test_numbers_joined_by_dots_are_a_uid_if_they_fit(components: list[int]) -> None:
    uid = ".".join(map(str, components))
    assert is_uid(uid) == (len(uid) <= 64)


def test_sop_class_that_is_taken_passes() -> None:
    checks.check_sop_class(CT, CONFORMANCE)
    checks.check_sop_class(CT, STANDARD)
    checks.check_sop_class(CT, ANY_STORAGE)


@pytest.mark.parametrize("profile", list(StorageProfile))
@pytest.mark.parametrize("uid", [VERIFICATION, DICOMDIR, "1.2.3.4", "", "<planted>"])
def test_sop_class_that_is_no_storage_class_is_refused_with_0122(
    uid: str, profile: StorageProfile
) -> None:
    text = refused(
        FailureReason.SOP_CLASS_NOT_SUPPORTED, lambda: checks.check_sop_class(uid, profile)
    )

    assert (uid if is_uid(uid) else "no UID") in text
    assert "planted" not in text


@pytest.mark.parametrize(
    ("syntax", "sop_class"), [(EXPLICIT, CT), (JPEG, CT), (EXPLICIT, ENCAPSULATED_PDF)]
)
def test_transfer_syntax_of_the_group_passes(syntax: str, sop_class: str) -> None:
    checks.check_transfer_syntax(syntax, sop_class, CONFORMANCE)
    checks.check_transfer_syntax(syntax, sop_class, STANDARD)


@pytest.mark.parametrize(
    ("syntax", "sop_class", "profile"),
    [
        (JPEG, ENCAPSULATED_PDF, CONFORMANCE),
        (MPEG4, CT, CONFORMANCE),
        (BIG_ENDIAN, CT, CONFORMANCE),
        (JPEG, ENCAPSULATED_PDF, STANDARD),
        (BIG_ENDIAN, CT, STANDARD),
        (BIG_ENDIAN, CT, ANY_STORAGE),
        ("1.2.3.4", CT, ANY_STORAGE),
        ("planted", CT, ANY_STORAGE),
    ],
)
def test_transfer_syntax_of_another_group_is_refused_with_c122(
    syntax: str, sop_class: str, profile: StorageProfile
) -> None:
    text = refused(
        FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
        lambda: checks.check_transfer_syntax(syntax, sop_class, profile),
    )

    assert (syntax if is_uid(syntax) else "no UID") in text
    assert "planted" not in text


def test_transfer_syntax_is_named_or_refused_with_c000() -> None:
    checks.check_transfer_syntax_is_named(EXPLICIT)
    refused(FailureReason.CANNOT_UNDERSTAND, lambda: checks.check_transfer_syntax_is_named(""))


@pytest.mark.parametrize(
    ("uid", "reason"),
    [
        (None, FailureReason.MISSING_ATTRIBUTE),
        ("", FailureReason.MISSING_ATTRIBUTE_VALUE),
        ("1.02", FailureReason.INVALID_OBJECT_INSTANCE),
        ("planted", FailureReason.INVALID_OBJECT_INSTANCE),
        ("1." + "1" * 63, FailureReason.INVALID_OBJECT_INSTANCE),
    ],
)
def test_uid_that_is_missing_empty_or_malformed_is_refused_with_0120_0121_0117(
    uid: str | None, reason: FailureReason
) -> None:
    text = refused(reason, lambda: checks.check_uid(KEYWORD, uid))

    assert KEYWORD in text
    assert "planted" not in text
    checks.check_uid(KEYWORD, "1.2.3")


def test_identity_without_one_of_the_four_uids_is_refused_with_0120() -> None:
    uids = dict.fromkeys(checks.IDENTITY, "1.2.3")
    checks.check_identity(uids)
    for tag, keyword in checks.IDENTITY.items():
        others = {each: uid for each, uid in uids.items() if each != tag}
        text = refused(FailureReason.MISSING_ATTRIBUTE, partial(checks.check_identity, others))
        assert keyword in text


def test_study_other_than_the_target_is_refused_with_c409() -> None:
    checks.check_study("1.2.3", "1.2.3")
    checks.check_study("1.2.3", None)
    refused(FailureReason.STUDY_INSTANCE_UID_MISMATCH, lambda: checks.check_study("1.2.3", "1.2.4"))


def native(length: int, tag: int = PIXEL_DATA) -> PixelData:
    return PixelData(tag=tag, length=length, fragments=None)


def encapsulated(fragments: int) -> PixelData:
    return PixelData(tag=PIXEL_DATA, length=0, fragments=fragments)


def test_encapsulation_other_than_that_of_the_transfer_syntax_is_refused_with_c000() -> None:
    for syntax in (EXPLICIT, JPEG, MPEG4):
        checks.check_encapsulation(None, syntax)
    checks.check_encapsulation(native(2), EXPLICIT)
    checks.check_encapsulation(encapsulated(1), JPEG)
    assert "found native pixel data, expected encapsulated" in refused(
        FailureReason.CANNOT_UNDERSTAND, lambda: checks.check_encapsulation(native(2), JPEG)
    )
    assert "found encapsulated pixel data, expected native" in refused(
        FailureReason.CANNOT_UNDERSTAND,
        lambda: checks.check_encapsulation(encapsulated(1), EXPLICIT),
    )


@pytest.mark.parametrize(
    ("fragments", "frames", "syntax"),
    [
        *((1, 1, JPEG), (3, 2, JPEG), (2, 2, JPEG), (1, 500, MPEG4), (1, 0, JPEG)),
        *((1, 30, f"1.2.840.10008.1.2.4.{part_2}") for part_2 in (92, 93)),
    ],
)
def test_fragments_for_every_frame_or_of_a_video_or_components_pass(
    fragments: int, frames: int, syntax: str
) -> None:
    checks.check_fragments(encapsulated(fragments), frames, syntax)
    checks.check_fragments(native(0), frames, syntax)
    checks.check_fragments(None, frames, syntax)


@pytest.mark.parametrize(
    ("fragments", "frames", "syntax"), [(0, 1, JPEG), (0, 0, JPEG), (1, 2, JPEG), (0, 9, MPEG4)]
)
def test_fragments_fewer_than_frames_are_refused_with_c000(
    fragments: int, frames: int, syntax: str
) -> None:
    text = refused(
        FailureReason.CANNOT_UNDERSTAND,
        lambda: checks.check_fragments(encapsulated(fragments), frames, syntax),
    )
    assert f"found {fragments} fragments" in text


def image(
    bits: int | None = 16, samples: int | None = 1, photometric: str = "MONOCHROME2"
) -> ImagePixel:
    return ImagePixel(
        rows=5,
        columns=3,
        samples_per_pixel=samples,
        bits_allocated=bits,
        photometric_interpretation=photometric,
    )


@pytest.mark.parametrize(
    ("image_pixel", "tag", "frames", "length"),
    [
        (image(), PIXEL_DATA, 1, 30),
        (image(), PIXEL_DATA, 0, 30),
        (image(), PIXEL_DATA, 4, 120),
        (image(8, 3, "RGB"), PIXEL_DATA, 1, 45),
        (image(8, 3, "YBR_FULL_422"), PIXEL_DATA, 1, 30),
        (image(8, 3, "YBR_PARTIAL_422"), PIXEL_DATA, 1, 30),
        (image(16, 3, "YBR_PARTIAL_422"), PIXEL_DATA, 2, 120),
        (image(1), PIXEL_DATA, 1, 2),
        (image(1), PIXEL_DATA, 4, 8),  # 60 bits: frames of one bit are not padded
        (image(1), PIXEL_DATA, 15, 29),  # 225 bits: the last one needs a byte of its own
        (image(None), FLOAT_PIXEL_DATA, 1, 60),
        (image(8), DOUBLE_FLOAT_PIXEL_DATA, 2, 240),
        (image(None), PIXEL_DATA, 1, 0),
        (image(16, None), PIXEL_DATA, 1, 0),
    ],
)
def test_native_pixel_data_shorter_than_described_is_refused_with_c000(
    image_pixel: ImagePixel, tag: int, frames: int, length: int
) -> None:
    for padding in (0, 1, 1000):
        checks.check_native_pixel_data(native(length + padding, tag), image_pixel, frames)
    if length:
        text = refused(
            FailureReason.CANNOT_UNDERSTAND,
            lambda: checks.check_native_pixel_data(native(length - 1, tag), image_pixel, frames),
        )
        assert f"found {length - 1} bytes of pixel data, expected {length} for these rows" in text


@pytest.mark.parametrize(
    "described",
    [
        replace(image(), rows=None),
        replace(image(), columns=None),
        replace(image(), samples_per_pixel=None),
        replace(image(), bits_allocated=None),
    ],
)
def test_native_pixel_data_of_a_frame_that_is_not_described_may_have_any_length(
    described: ImagePixel,
) -> None:
    assert described.bits_a_frame(PIXEL_DATA) == 0


def test_native_pixel_data_is_measured_only_if_it_is_there_and_native() -> None:
    checks.check_native_pixel_data(None, image(), 1)
    checks.check_native_pixel_data(encapsulated(1), image(), 1)


def test_every_rule_has_tests_of_its_name() -> None:
    rules = [name.removeprefix("check_") for name in vars(checks) if name.startswith("check_")]
    tests = [name for name in globals() if name.startswith("test_")]

    assert rules
    for rule in rules:
        assert any(name.startswith(f"test_{rule}_") for name in tests), rule
