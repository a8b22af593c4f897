"""The pixel data that dcm4che's stowrs sends (tests/wire/README.md)."""

from pathlib import Path

import pytest

from dicomweb.codestreams import describe
from dicomweb.errors import InstanceRejected
from dicomweb.reasons import FailureReason

WIRE = Path(__file__).parents[2] / "wire"


def bulk_data(name: str) -> list[tuple[str, bytes]]:
    """Return media type and content of the parts of pixel data in a captured request."""
    _, *parts, _ = (WIRE / f"{name}.http").read_bytes().split(b"\r\n--myboundary")
    split = [part.partition(b"\r\n\r\n") for part in parts]
    kinds = [
        (head.split(b"Content-Type: ")[1].split()[0].decode(), body) for head, _, body in split
    ]
    return [(kind.strip(";"), body) for kind, body in kinds if not kind.startswith("application")]


@pytest.mark.parametrize(
    ("name", "number", "media_type", "uid", "size"),
    [
        ("dcm4che-jpg-xml-1", 1, "image/jpeg", "1.2.840.10008.1.2.4.50", (16, 16)),
        ("dcm4che-jpg2-xml-1", 2, "image/jpeg", "1.2.840.10008.1.2.4.50", (16, 16)),
        ("dcm4che-jpg2-json-1", 2, "image/jpeg", "1.2.840.10008.1.2.4.50", (16, 16)),
        ("dcm4che-jpg-json-ph-tsuid-1", 1, "image/jpeg", "1.2.840.10008.1.2.4.50", (16, 16)),
        ("dcm4che-jp2-xml-1", 1, "image/jp2", "1.2.840.10008.1.2.4.90", (16, 16)),
        ("dcm4che-png-xml-1", 1, "image/png", "1.2.840.10008.1.2.1", (4, 4)),
    ],
)
def test_the_images_are_what_stowrs_made(
    name: str, number: int, media_type: str, uid: str, size: tuple[int, int]
) -> None:
    found = [(kind, describe(kind, memoryview(content))) for kind, content in bulk_data(name)]

    assert [kind for kind, _ in found] == [media_type] * number
    assert {codestream.transfer_syntax_uid for _, codestream in found} == {uid}
    for _, codestream in found:
        assert codestream.image is not None
        assert (codestream.image.rows, codestream.image.columns) == size


def test_random_bytes_are_no_video() -> None:
    [(media_type, content)] = bulk_data("dcm4che-mp4-json-1")

    with pytest.raises(
        InstanceRejected, match="content in another format, expected video/mp4"
    ) as refusal:
        describe(media_type, memoryview(content))

    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND
