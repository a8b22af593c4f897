import importlib.util

import pytest
from pydicom import charset

from dicomweb import repertoires


def test_pydicom_by_itself_still_lacks_what_is_added_here() -> None:
    spec = importlib.util.spec_from_file_location("unchanged", charset.__file__)
    assert spec is not None
    assert spec.loader is not None
    unchanged = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unchanged)

    assert "ISO_IR 203" not in unchanged.python_encoding
    decoded = unchanged.decode_bytes(b"\x1b$)A\xd5\xc5", ["ascii", "iso_ir_58"], set())
    assert decoded == "\x1b$)A\u5f20"


def test_what_is_added_is_in_both_directions() -> None:
    for text, encodings in (
        ("\u5f20", ["ascii", "iso_ir_58"]),
        ("\u20ac", ["ascii", "iso8859_15"]),
    ):
        encoded = charset.encode_string(text, encodings)
        assert encoded.startswith(b"\x1b")
        assert repertoires.decode(encoded, encodings, is_name=False) == text


@pytest.mark.parametrize(
    ("values", "encodings"),
    [
        ([], ("ascii",)),
        ([""], ("ascii",)),
        (["ISO_IR 203"], ("iso8859_15",)),
        (["ISO_IR 999"], ("ascii",)),
        (["", "ISO 2022 IR 58", "ISO 2022 IR 999"], ("ascii", "iso_ir_58")),
    ],
)
def test_the_first_encoding_is_always_there(values: list[str], encodings: tuple[str, ...]) -> None:
    assert repertoires.encodings(values) == encodings


def test_only_terms_that_are_written_as_defined_are_known() -> None:
    assert repertoires.is_known("ISO 2022 IR 203")
    assert not repertoires.is_known("iso ir 203")
