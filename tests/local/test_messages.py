import pytest

from local.messages import is_binary


@pytest.mark.parametrize(
    ("media_type", "binary"),
    [
        ("multipart/related", True),
        ('Multipart/Related; type="application/dicom"; boundary=b', True),
        ("image/png", True),
        ("image/png, text/plain", True),
        ("text/plain, image/png", False),
        ("multipart/form-data", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_a_binary_type_is_known_by_type_and_subtype(media_type: str, binary: bool) -> None:
    assert is_binary(media_type, ["multipart/related", "image/*"]) is binary


def test_every_type_is_binary_when_the_api_says_so() -> None:
    assert is_binary("text/plain", ["*/*"])
