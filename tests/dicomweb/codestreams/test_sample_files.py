"""pydicom's sample files: what the bits say is what their data sets say, but where named."""

from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from dicomweb.codestreams import Codestream, describe, differences
from dicomweb.errors import InstanceRejected

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FILES = [
    "693_J2KI.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG-lossy.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "JPGExtended.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+n2.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm",
    "SC_rgb_rle.dcm",
    "SC_rgb_rle_16bit.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_32bit.dcm",
    "SC_rgb_rle_32bit_2frame.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm",
    "rtdose_rle.dcm",
    "rtdose_rle_1frame.dcm",
]

OTHER_TRANSFER_SYNTAX = {
    "693_J2KI.dcm": "5-3, so it is called lossless; the file says .91, which allows both",
    "SC_rgb_gdcm_KY.dcm": "5-3, so it is called lossless; the file says .91, which allows both",
}
CONTRADICTED = {
    # pydicom's example of a data set that says signed of unsigned samples.
    "J2K_pixelrep_mismatch.dcm": ["PixelRepresentation"],
}
UNEQUAL = CONTRADICTED | {
    # GDCM coded all 16 bits allocated, of which 14 are said to be stored.
    "693_J2KI.dcm": ["BitsStored", "HighBit"],
    # JPEG-LS does not know of signs.
    "MR_small_jpeg_ls_lossless.dcm": ["PixelRepresentation"],
    # RGB without any sign of it; the second has an APP14 segment that is too short for one.
    "SC_jpeg_no_color_transform.dcm": ["PhotometricInterpretation"],
    "SC_rgb_jpeg.dcm": ["PhotometricInterpretation"],
    # Subsampled, and called YBR_FULL all the same.
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": ["PhotometricInterpretation"],
    "SC_rgb_dcmtk_+eb+cy+n2.dcm": ["PhotometricInterpretation"],
    "SC_rgb_jpeg_lossy_gdcm.dcm": ["PhotometricInterpretation"],
}


# SC_rgb_jpeg.dcm has Implicit VR in a transfer syntax that is Explicit VR.
pytestmark = pytest.mark.filterwarnings("ignore:Expected explicit VR")


def frames(name: str) -> "tuple[Dataset, list[Codestream]]":
    data_set = dcmread(str(get_testdata_file(name)))
    number = int(data_set.get("NumberOfFrames") or 1)
    encapsulated = generate_frames(data_set.PixelData, number_of_frames=number)
    return data_set, [describe("image/jpeg", memoryview(frame)) for frame in encapsulated]


@pytest.mark.parametrize("name", FILES)
def test_every_frame_has_the_transfer_syntax_of_its_file(name: str) -> None:
    data_set, found = frames(name)
    said = data_set.file_meta.TransferSyntaxUID

    assert len(found) == int(data_set.get("NumberOfFrames") or 1)
    assert ({frame.transfer_syntax_uid for frame in found} != {said}) == (
        name in OTHER_TRANSFER_SYNTAX
    )


@pytest.mark.parametrize("name", FILES)
def test_every_frame_has_the_image_of_its_data_set(name: str) -> None:
    data_set, found = frames(name)
    images = [frame.image.attributes() for frame in found if frame.image]

    unequal = [[key for key in image if image[key] != data_set.get(key)] for image in images]

    assert unequal == [UNEQUAL.get(name, [])] * len(images)
    assert [differences(frame, data_set) for frame in found] == [CONTRADICTED.get(name, [])] * len(
        found
    )


def test_a_delimiter_planted_in_the_size_makes_another_part_of_the_standard_of_it() -> None:
    with pytest.raises(InstanceRejected, match="Part 2"):
        frames("JPEG2000-embedded-sequence-delimiter.dcm")
