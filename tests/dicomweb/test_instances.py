import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.config import disable_value_validation
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from dicomweb.candidates import Candidate
from dicomweb.conformance import StorageProfile
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed, SOPReference
from dicomweb.payloads import candidates
from dicomweb.reasons import FailureReason, WarningReason
from tests import builders, sample_files, strategies
from tests.encoded import UNDEFINED, explicit, item, nested, sequence
from tests.processor_time import GENEROUS, growth

MIB = 1 << 20
SOP = builders.sop_uid().encode()
REFERENCE = SOPReference(sop_class_uid=CTImageStorage, sop_instance_uid=builders.sop_uid())


def received(
    content: bytes,
    target: str | None = None,
    profile: StorageProfile = StorageProfile.CONFORMANCE,
    content_type: str = "application/dicom",
) -> SOPInstance | Failed:
    headers = {"content-type": content_type}
    part = BodyPart(number=3, headers=headers, content=memoryview(content))
    [candidate] = candidates("application/dicom", [part], url="", study_instance_uid=target)
    return receive(candidate, study_instance_uid=target, profile=profile)


def kept(
    content: bytes,
    target: str | None = None,
    profile: StorageProfile = StorageProfile.CONFORMANCE,
) -> SOPInstance:
    instance = received(content, target, profile)
    assert isinstance(instance, SOPInstance), instance
    return instance


def failed(
    content: bytes,
    target: str | None = None,
    profile: StorageProfile = StorageProfile.CONFORMANCE,
    content_type: str = "application/dicom",
) -> Failed:
    failure = received(content, target, profile, content_type)
    assert isinstance(failure, Failed), failure
    assert failure.text.startswith("part 3: ")
    assert failure.text.isascii()
    assert not failure.temporary
    assert failure.final, "the bytes are the reason"
    return failure


def ui(tag: int, uid: str) -> bytes:
    return explicit(tag, "UI", uid.encode() + b"\0" * (len(uid) % 2))


def file_of(data_set: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    file_meta = (
        ui(0x00020002, CTImageStorage) + ui(0x00020003, builders.sop_uid()) + ui(0x00020010, syntax)
    )
    length = explicit(0x00020000, "UL", len(file_meta).to_bytes(4, "little"))
    return bytes(128) + b"DICM" + length + file_meta + data_set


def with_data_set(data_set: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a file whose data set is the identity of an instance and these bytes."""
    identity = [
        ui(0x00080016, CTImageStorage),
        ui(0x00080018, builders.sop_uid()),
        ui(0x0020000D, builders.study_uid()),
        ui(0x0020000E, builders.series_uid()),
    ]
    return file_of(b"".join(identity) + data_set, syntax)


def deflated(data_set: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data_set) + stream.flush()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_an_instance_is_kept_as_it_was_sent_with_its_identity(syntax: str) -> None:
    content = builders.part10(builders.data_set(study=7, series=2, number=5), syntax)

    instance = kept(content, target=builders.study_uid(7))

    assert instance.content.obj is content
    assert instance.reference == SOPReference(
        sop_class_uid=CTImageStorage, sop_instance_uid=builders.sop_uid(7, 2, 5)
    )
    assert instance.study_instance_uid == builders.study_uid(7)
    assert instance.series_instance_uid == builders.series_uid(7, 2)
    assert instance.transfer_syntax_uid == syntax
    assert instance.number_of_frames == 1
    assert instance.attributes.study["PatientID"] == "PLANTED7"
    assert "PLANTED" not in repr(instance)


EXPECTED_REFUSALS = {
    "palettes/winter.dcm": 0xC000,  # SOP Instance UID twice
    "charset_files/chrSQEncoding.dcm": 0x0120,
    "charset_files/chrSQEncoding1.dcm": 0x0120,
    "test_files/ExplVR_BigEnd.dcm": 0xC122,
    "test_files/MR_small_bigendian.dcm": 0xC122,
    "test_files/MR_small_expb.dcm": 0xC122,
    "test_files/MR_truncated.dcm": 0xC000,
    "test_files/SC_rgb_jpeg.dcm": 0xC000,
    "test_files/SC_rgb_small_odd_big_endian.dcm": 0xC122,
    "test_files/UN_sequence.dcm": 0x0120,
    "test_files/empty_charset_LEI.dcm": 0x0120,
    "test_files/liver_expb_1frame.dcm": 0xC122,
    "test_files/meta_missing_tsyntax.dcm": 0xC000,
    "test_files/nested_priv_SQ.dcm": 0x0120,
    "test_files/no_meta_group_length.dcm": 0x0120,
    "test_files/priv_SQ.dcm": 0x0120,
    "test_files/rtdose_expb.dcm": 0xC122,
    "test_files/rtdose_expb_1frame.dcm": 0xC122,
    "test_files/rtplan_truncated.dcm": 0xC000,
}


WARNED = {
    "charset_files/chrJapMulti.dcm",
    "charset_files/chrJapMultiExplicitIR6.dcm",
    "charset_files/chrKoreanMulti.dcm",
    "test_files/badVR.dcm",
    "test_files/rtdose.dcm",
    "test_files/rtdose_1frame.dcm",
    "test_files/rtplan.dcm",
}


NUMBER_OF_FRAMES_IS_1A = "test_files/badVR.dcm"


def expected_refusal(name: str) -> int | None:
    if "DICOMDIR" in name:
        return 0x0122
    if name.startswith("palettes/") and "winter" not in name:
        return 0x0120
    if "JPEGLSNearLossless" in name or "jls_lossy" in name:
        return 0x0120
    return EXPECTED_REFUSALS.get(name)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", sample_files.FILES)
def test_a_real_file_is_kept_with_the_uids_that_pydicom_reads_or_refused(name: str) -> None:
    content = sample_files.FILES[name].read_bytes()

    instance = received(content, profile=StorageProfile.ANY_STORAGE)

    if isinstance(instance, Failed):
        assert instance.reason == expected_refusal(name)
        return
    assert expected_refusal(name) is None
    read = pydicom.dcmread(BytesIO(content))
    assert instance.sop_class_uid == read.SOPClassUID
    assert instance.sop_instance_uid == read.SOPInstanceUID
    assert instance.study_instance_uid == read.StudyInstanceUID
    assert instance.series_instance_uid == read.SeriesInstanceUID
    assert instance.transfer_syntax_uid == read.file_meta.TransferSyntaxUID
    stated = 1 if name == NUMBER_OF_FRAMES_IS_1A else read.get("NumberOfFrames") or 1
    frames = int(stated) if "PixelData" in read else None
    assert instance.number_of_frames == frames
    assert instance.content.obj is content
    assert (instance.warning is not None) == (name in WARNED)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (builders.instance(SOPClassUID=None), FailureReason.MISSING_ATTRIBUTE),
        (builders.instance(SOPInstanceUID=""), FailureReason.MISSING_ATTRIBUTE_VALUE),
        (builders.instance(StudyInstanceUID=None), FailureReason.MISSING_ATTRIBUTE),
        (builders.instance(SeriesInstanceUID=""), FailureReason.MISSING_ATTRIBUTE_VALUE),
        (
            builders.instance(SOPClassUID="1.2.840.10008.1.1"),
            FailureReason.SOP_CLASS_NOT_SUPPORTED,
        ),
        (
            builders.part10(
                builders.data_set(SOPClassUID="1.2.840.10008.1.1"),
                file_meta={"MediaStorageSOPClassUID": None},
            ),
            FailureReason.SOP_CLASS_NOT_SUPPORTED,
        ),
        (
            builders.part10(
                builders.data_set(SOPClassUID=None),
                file_meta={"MediaStorageSOPClassUID": "1.2.840.10008.1.3.10"},
            ),
            FailureReason.SOP_CLASS_NOT_SUPPORTED,
        ),
        (
            builders.part10(builders.data_set(), file_meta={"TransferSyntaxUID": "1.2.3.4"}),
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
        ),
        (
            builders.part10(
                builders.data_set(),
                file_meta={"TransferSyntaxUID": "1.2.3.4", "MediaStorageSOPClassUID": None},
            ),
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
        ),
        (
            builders.instance().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0"),
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
        ),
        (
            builders.part10(builders.data_set(), file_meta={"TransferSyntaxUID": None}),
            FailureReason.CANNOT_UNDERSTAND,
        ),
        (
            with_data_set(explicit(0x7FE00010, "OW", bytes(32)), JPEGBaseline8Bit),
            FailureReason.CANNOT_UNDERSTAND,
        ),
        (builders.instance(Rows=5), FailureReason.CANNOT_UNDERSTAND),
        (builders.instance(NumberOfFrames=2), FailureReason.CANNOT_UNDERSTAND),
        (builders.instance() + b"trailing garbage", FailureReason.CANNOT_UNDERSTAND),
        (builders.instance() + b"\xff" * 512, FailureReason.CANNOT_UNDERSTAND),
        (builders.instance() + bytes(512) + b"\1", FailureReason.CANNOT_UNDERSTAND),
        (with_data_set(nested(500)), FailureReason.CANNOT_UNDERSTAND),
        (
            with_data_set(explicit(0x7FE00010, "OW", bytes(1000), 0xFFFFFFF0)),
            FailureReason.CANNOT_UNDERSTAND,
        ),
        (
            with_data_set(explicit(0x7FE00010, "OB", item(), UNDEFINED), JPEGBaseline8Bit),
            FailureReason.CANNOT_UNDERSTAND,
        ),
        (
            with_data_set(sequence(0x7FE00010, item(), vr="OB", undefined=True), JPEGBaseline8Bit),
            FailureReason.CANNOT_UNDERSTAND,
        ),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_reason_of_the_rule(
    content: bytes, reason: FailureReason
) -> None:
    assert failed(content).reason is reason


MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
VERIFICATION = "1.2.840.10008.1.1"


@pytest.mark.parametrize("profile", list(StorageProfile))
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    "file_meta",
    [
        {"MediaStorageSOPInstanceUID": "1.2.3"},
        {"MediaStorageSOPInstanceUID": "not-a-uid"},
        {"MediaStorageSOPInstanceUID": "1.2.3", "MediaStorageSOPClassUID": None},
        {"MediaStorageSOPClassUID": MR},
        {"MediaStorageSOPClassUID": ENHANCED_SR},
        {"MediaStorageSOPClassUID": VERIFICATION},
        {"MediaStorageSOPClassUID": "1.2.3"},
        {"MediaStorageSOPClassUID": MR, "MediaStorageSOPInstanceUID": "1.2.3"},
    ],
)
def test_a_file_meta_of_another_instance_is_a_warning_and_the_data_set_is_stored(
    file_meta: dict[str, str | None], syntax: str, profile: StorageProfile
) -> None:
    with disable_value_validation():
        content = builders.part10(builders.data_set(), syntax, file_meta=file_meta)

    instance = kept(content, profile=profile)

    assert instance.content.obj is content
    assert instance.reference == REFERENCE
    assert instance.warning is WarningReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS
    assert instance.text.startswith("part 3: found a SOP ")
    differing = [tag for tag in file_meta if file_meta[tag]]
    assert instance.text.count("differs from the one in the File Meta") == len(differing)


def test_a_file_meta_that_agrees_or_says_nothing_is_no_warning() -> None:
    nothing = {"MediaStorageSOPClassUID": None, "MediaStorageSOPInstanceUID": None}
    for content in (
        builders.instance(),
        builders.part10(builders.data_set(), file_meta=nothing),
        builders.instance().replace(builders.sop_uid().encode() + b"\0", b"%b " % SOP, 1),
    ):
        instance = kept(content)
        assert (instance.warning, instance.text) == (None, "")


def test_class_and_transfer_syntax_are_judged_by_the_data_set_whatever_the_file_meta_says() -> None:
    image = {"MediaStorageSOPClassUID": MR}
    verification = builders.data_set(SOPClassUID=VERIFICATION)
    report = builders.data_set(SOPClassUID=ENHANCED_SR, PixelData=None)
    deflated_image = builders.part10(
        builders.data_set(),
        DeflatedExplicitVRLittleEndian,
        file_meta={"MediaStorageSOPClassUID": ENHANCED_SR},
    )

    assert failed(builders.part10(verification, file_meta=image)).reason == 0x0122
    assert failed(builders.part10(report, JPEGBaseline8Bit, file_meta=image)).reason == 0xC122
    assert failed(deflated_image).reason == 0xC122


@pytest.mark.parametrize("missing", ["SOPClassUID", "SOPInstanceUID"])
def test_without_its_uids_a_data_set_is_refused_whatever_the_file_meta_names(missing: str) -> None:
    nothing: dict[str, Any] = {missing: None}
    image = builders.data_set(**nothing)
    file_meta = {"MediaStorageSOPClassUID": CTImageStorage, "MediaStorageSOPInstanceUID": "1.2.3"}

    assert failed(builders.part10(image, file_meta=file_meta)).reason == 0x0120
    setattr(image, missing, "")
    assert failed(builders.part10(image, file_meta=file_meta)).reason == 0x0121


def test_what_cannot_be_read_and_is_of_no_storage_class_by_its_file_meta_is_refused_for_that() -> (
    None
):
    directory = {"MediaStorageSOPClassUID": "1.2.840.10008.1.3.10"}
    content = builders.part10(builders.data_set(SOPClassUID=None), file_meta=directory)

    assert failed(content[:-5]).reason == 0x0122
    big_endian = content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0")
    assert failed(big_endian).reason == 0x0122


@pytest.mark.parametrize("file_meta", [MR, "1.2.3", None])
def test_what_breaks_off_is_judged_and_named_by_the_data_set_as_far_as_it_goes(
    file_meta: str | None,
) -> None:
    others = {"MediaStorageSOPClassUID": file_meta, "MediaStorageSOPInstanceUID": file_meta}
    failure = failed(builders.part10(builders.data_set(), file_meta=others)[:-5])

    assert (failure.reason, failure.reference) == (0xC000, REFERENCE)
    verification = builders.part10(builders.data_set(SOPClassUID=VERIFICATION), file_meta=others)
    assert failed(verification[:-5]).reason == 0x0122


def test_an_instance_without_class_is_named_by_its_own_instance_uid() -> None:
    other = {"MediaStorageSOPClassUID": CTImageStorage, "MediaStorageSOPInstanceUID": "1.2.3"}
    failure = failed(builders.part10(builders.data_set(SOPClassUID=None), file_meta=other))

    assert (failure.reason, failure.reference) == (0x0120, REFERENCE)


RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
DESCRIPTION = ("Rows", "Columns", "BitsAllocated")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("pixel_data", [None, b""])
@pytest.mark.parametrize("described", [*DESCRIPTION, None])
@pytest.mark.parametrize(
    ("sop_class", "warned"),
    [(CTImageStorage, True), (SEGMENTATION, True), (RT_DOSE, False), (ENHANCED_SR, False)],
)
def test_pixels_described_and_not_there_are_a_warning_if_the_class_has_pixel_data(
    sop_class: str, warned: bool, described: str | None, pixel_data: bytes | None, syntax: str
) -> None:
    others: dict[str, Any] = dict.fromkeys(set(DESCRIPTION) - {described})
    image = builders.data_set(SOPClassUID=sop_class, PixelData=pixel_data, **others)
    content = builders.part10(image, syntax)

    instance = kept(content, profile=StorageProfile.ANY_STORAGE)

    assert instance.content.obj is content
    assert instance.number_of_frames is None
    assert bool(instance.warning) is (warned and described is not None)
    assert ("no pixel data" in instance.text) is bool(instance.warning)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("FloatPixelData", bytes(64)),
        ("DoubleFloatPixelData", bytes(128)),
        ("PixelDataProviderURL", "https://host.example/pixels"),
    ],
)
def test_pixels_described_beside_other_pixel_data_or_its_url_are_no_warning(
    keyword: str, value: object
) -> None:
    other: dict[str, Any] = {keyword: value}
    instance = kept(builders.instance(PixelData=None, **other))

    assert instance.warning is None
    assert instance.number_of_frames == 1


def test_pixel_data_that_is_empty_or_in_an_item_is_not_there() -> None:
    icon = explicit(0x7FE00010, "OW", bytes(2))
    inner = sequence(0x00880200, item(icon))
    rows = explicit(0x00280010, "US", b"\4\0")
    assert kept(with_data_set(rows + inner)).warning is WarningReason(0xB007)
    url = explicit(0x00287FE0, "UR", b"")
    assert kept(with_data_set(rows + url)).warning is WarningReason(0xB007)
    empty = explicit(0x00280010, "US") + explicit(0x00280100, "US")
    assert kept(with_data_set(empty)).warning is None


def test_a_candidates_own_warning_is_the_reason_and_both_are_said() -> None:
    content = memoryview(builders.instance(PixelData=None))
    offered = Candidate(number=3, item=2, content=lambda: content)
    discarded = replace(offered, warning=WarningReason.ELEMENTS_DISCARDED, text="found group 0002")
    options: dict[str, Any] = {
        "study_instance_uid": None,
        "profile": StorageProfile.CONFORMANCE,
    }

    instance = receive(discarded, **options)
    assert isinstance(instance, SOPInstance)
    assert instance.warning is WarningReason.ELEMENTS_DISCARDED
    assert instance.text.startswith("part 3, instance 2: found group 0002; found Rows (0028,0010)")
    alone = receive(offered, **options)
    assert isinstance(alone, SOPInstance)
    assert alone.warning is WarningReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS


CASES = Path(__file__).parent / "part10" / "cases"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.dcm")), ids=lambda path: path.name)
def test_a_file_of_a_kind_that_is_in_circulation_is_kept_as_it_was_sent(path: Path) -> None:
    content = path.read_bytes()

    instance = kept(content)

    assert instance.content.obj is content
    assert instance.warning is None
    assert instance.attributes.left_out == set()


@pytest.mark.parametrize("number", [1, 2, 7, 8, 9, 11, 12, 512, 70_000, 200_000])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_nuls_after_the_data_set_are_padding(syntax: str, number: int) -> None:
    content = builders.part10(builders.data_set(), syntax)
    padded = content + bytes(number)

    instance = kept(padded)

    assert instance.content.obj is padded
    assert (instance.warning, instance.attributes) == (None, kept(content).attributes)
    for end in (b"\1", b"\xff" * 16, b" " * 16):
        assert failed(padded + end).reason is FailureReason.CANNOT_UNDERSTAND


def test_the_data_set_names_the_instance_if_it_can_and_else_the_file_meta_does() -> None:
    other = builders.part10(builders.data_set(), file_meta={"MediaStorageSOPInstanceUID": "1.2.3"})

    assert failed(other, target="1.2.3.4").reference == REFERENCE
    assert failed(builders.instance(Rows=5)).reference == REFERENCE
    cut_off = other[: other.index(b"\x08\0\x18\0") + 9]
    assert failed(cut_off).reference == SOPReference(
        sop_class_uid=CTImageStorage, sop_instance_uid="1.2.3"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage" * 100,
        bytes(128) + b"DICM",
        bytes(128) + b"DICM" + b"\xff" * 100,
        builders.instance()[132:],
        file_of(b"garbage")[:140],
        file_of(b"").replace(builders.sop_uid().encode(), b"\1" * len(builders.sop_uid())),
        file_of(b"").replace(CTImageStorage.encode(), b"\n" * len(CTImageStorage)),
        builders.part10(
            builders.data_set(SOPInstanceUID=None), file_meta={"MediaStorageSOPInstanceUID": None}
        ),
    ],
)
def test_what_has_no_two_readable_uids_is_not_named(content: bytes) -> None:
    assert failed(content).reference is None


def test_a_study_other_than_the_target_is_refused_and_named() -> None:
    failure = failed(builders.instance(study=2), target=builders.study_uid(1))

    assert failure.reason is FailureReason.STUDY_INSTANCE_UID_MISMATCH
    assert failure.reference


@pytest.mark.parametrize("padding", [b"\0", b" ", b"\0\0\0", b"  "])
def test_uids_are_read_without_their_padding(padding: bytes) -> None:
    uids = (CTImageStorage, builders.sop_uid(), builders.study_uid(), builders.series_uid())
    tags = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
    content = file_of(
        b"".join(
            explicit(tag, "UI", uid.encode() + padding) for tag, uid in zip(tags, uids, strict=True)
        )
    )

    assert kept(content).reference == REFERENCE


def test_a_malformed_uid_is_refused_with_0117() -> None:
    content = builders.instance().replace(
        builders.series_uid().encode(), b"x" * len(builders.series_uid())
    )

    assert failed(content).reason is FailureReason.INVALID_OBJECT_INSTANCE


@pytest.mark.parametrize("frames", [b"-5", b"0 ", b"x ", b"", b"1.5 "])
def test_a_number_of_frames_that_is_none_counts_as_one(frames: bytes) -> None:
    pixel_data = explicit(0x7FE00010, "OW", bytes(2))
    content = with_data_set(explicit(0x00280008, "IS", frames) + pixel_data)
    assert kept(content).number_of_frames == 1
    assert kept(content[: -len(pixel_data)]).number_of_frames is None


@pytest.mark.parametrize("frames", [b"2 ", b"2.000000", b"+2"])
def test_frames_are_counted(frames: bytes) -> None:
    image = builders.data_set(NumberOfFrames=22222222, PixelData=bytes(64))
    number = frames.ljust(8, b" ")
    content = builders.part10(image).replace(b"22222222", number)

    assert kept(content).number_of_frames == 2


def test_frames_are_stated_or_there_or_the_instance_has_none() -> None:
    spectroscopy = "1.2.840.10008.5.1.4.1.1.4.2"
    options: dict[str, Any] = {"SOPClassUID": spectroscopy, "PixelData": None}

    assert kept(builders.instance(NumberOfFrames=3, **options)).number_of_frames == 3
    assert kept(builders.instance(NumberOfFrames=1, **options)).number_of_frames == 1
    assert kept(builders.instance(**options)).number_of_frames is None
    assert kept(builders.instance()).number_of_frames == 1
    located = builders.instance(PixelDataProviderURL="https://host.example/", **options)
    assert kept(located).number_of_frames == 1
    assert kept(with_data_set(explicit(0x00287FE0, "UR", b"x"))).number_of_frames == 1
    assert kept(with_data_set(explicit(0x00287FE0, "UR", b""))).number_of_frames is None


def test_a_candidate_that_holds_no_file_is_named_if_it_is_already_known() -> None:
    def refuse() -> memoryview:
        raise InstanceRejected(FailureReason.CANNOT_UNDERSTAND, "found nothing")

    for reference in (REFERENCE, None):
        candidate = Candidate(number=3, content=refuse, reference=reference)
        failure = receive(candidate, study_instance_uid=None, profile=StorageProfile.CONFORMANCE)
        assert isinstance(failure, Failed)
        assert failure.reference == reference


def test_the_representation_of_an_instance_has_neither_its_bytes_nor_its_attributes() -> None:
    shown = repr(kept(builders.instance(PatientName="DOE^JANE")))
    assert "content" not in shown
    assert "attributes" not in shown
    assert "JANE" not in shown


def test_native_color_is_measured_by_its_photometric_interpretation() -> None:
    options: dict[str, Any] = {
        "SamplesPerPixel": 3,
        "BitsAllocated": 8,
        "PixelData": bytes(32),
    }

    kept(builders.instance(PhotometricInterpretation="YBR_FULL_422", **options))
    kept(builders.instance(PhotometricInterpretation="YBR_PARTIAL_422", **options))
    with disable_value_validation():
        kept(builders.instance(PhotometricInterpretation="ybr_full_422", **options))
    failed(builders.instance(PhotometricInterpretation="RGB", **options))
    failed(builders.instance(PhotometricInterpretation=None, **options))


def test_an_encapsulated_instance_is_kept_with_an_empty_offset_table_or_a_full_one() -> None:
    for table in (b"", bytes(8)):
        fragments = [item(table), item(b"\xff\xd8"), item(b"\xff\xd8")]
        pixel_data = sequence(0x7FE00010, *fragments, vr="OB", undefined=True)
        frames = explicit(0x00280008, "IS", b"2 ")
        assert kept(with_data_set(frames + pixel_data, JPEGBaseline8Bit)).number_of_frames == 2
        frames = explicit(0x00280008, "IS", b"3 ")
        assert (
            "expected at least 3"
            in failed(with_data_set(frames + pixel_data, JPEGBaseline8Bit)).text
        )


def test_a_deflated_instance_is_kept_as_it_was_sent() -> None:
    explicit_vr = builders.part10(builders.data_set())
    data_set = explicit_vr[explicit_vr.index(b"\x08\0\x05\0") :]
    content = file_of(deflated(data_set), DeflatedExplicitVRLittleEndian)

    instance = kept(content, profile=StorageProfile.ANY_STORAGE)

    assert instance.content.obj is content
    assert instance.attributes.study["PatientID"] == "PLANTED1"
    failed(content[:-1], profile=StorageProfile.ANY_STORAGE)
    failed(content + b"xx", profile=StorageProfile.ANY_STORAGE)
    padded = content + bytes(700)
    assert kept(padded, profile=StorageProfile.ANY_STORAGE).content.obj is padded
    failed(padded + b"\1", profile=StorageProfile.ANY_STORAGE)
    inside = file_of(deflated(data_set + bytes(700)), DeflatedExplicitVRLittleEndian)
    assert kept(inside, profile=StorageProfile.ANY_STORAGE).attributes == instance.attributes
    assert failed(content).reason is FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


def test_a_deflate_bomb_is_refused_with_a700_in_bounded_memory() -> None:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    zeros = bytes(MIB)
    bomb = b"".join(stream.compress(zeros) for _ in range(200)) + stream.flush()
    content = file_of(bomb, DeflatedExplicitVRLittleEndian)
    tracemalloc.start()
    try:
        failure = failed(content, profile=StorageProfile.ANY_STORAGE)
        assert tracemalloc.get_traced_memory()[1] < 280 * MIB
    finally:
        tracemalloc.stop()

    assert failure.reason is FailureReason.OUT_OF_RESOURCES
    assert failure.reference == REFERENCE


def test_every_cut_is_refused_but_one_before_the_image_is_described() -> None:
    image = builders.data_set()
    content = builders.part10(image)
    start = content.index(b"\x08\0\x05\0")
    ends = {
        start + len(strategies.written(image[:tag], implicit_vr=False)): tag
        for tag in image.keys()  # noqa: SIM118 - a data set iterates over its elements
    }

    for length in range(len(content)):
        instance = received(content[:length])
        if length < start:
            assert isinstance(instance, Failed)
        elif length not in ends:
            assert isinstance(instance, Failed)
            assert instance.reason is FailureReason.CANNOT_UNDERSTAND
        elif ends[length] <= Tag("SeriesInstanceUID"):
            assert isinstance(instance, Failed)
            assert instance.reason is FailureReason.MISSING_ATTRIBUTE
        else:  # a file of fewer elements, and all that says so is that pixels are described
            assert isinstance(instance, SOPInstance)
            described = Tag("Rows") < ends[length] <= Tag("PixelData")
            assert bool(instance.warning) is described


CONTENT = builders.instance()


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 255))
def test_any_garbled_byte_is_kept_or_refused_and_nothing_else(position: int, value: int) -> None:
    garbled = bytearray(CONTENT)
    garbled[position] = value

    assert isinstance(received(bytes(garbled)), SOPInstance | Failed)


@given(st.binary(max_size=200))
def test_any_data_set_is_kept_or_refused_and_nothing_else(data_set: bytes) -> None:
    for content in (file_of(data_set), with_data_set(data_set)):
        assert isinstance(received(content), SOPInstance | Failed)


def test_another_media_type_is_refused_before_anything_is_read() -> None:
    failure = failed(builders.instance(), content_type="text/plain")

    assert failure.reason is FailureReason.CANNOT_UNDERSTAND
    assert failure.reference is None


def test_no_refusal_holds_a_value() -> None:
    for content in (
        builders.instance(StudyInstanceUID="")[:-5],
        builders.instance(PatientID="PLANTED")[:-5],
        builders.instance(Rows=5, PatientName="PLANTED"),
    ):
        assert "PLANTED" not in failed(content).text


def test_time_is_linear_in_the_bytes_of_an_instance() -> None:
    def act(size: int) -> Callable[[], object]:
        content = with_data_set(explicit(0x00091001, "US") * (size // 8))
        return lambda: received(content)

    assert growth(act, 1 << 17) < GENEROUS
