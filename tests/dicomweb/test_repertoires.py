import importlib.util
from collections.abc import Sequence

import pytest
from pydicom import charset

from dicomweb import codeextensions, repertoires


def test_pydicom_by_itself_still_lacks_what_is_added_here() -> None:
    spec = importlib.util.spec_from_file_location("unchanged", charset.__file__)
    assert spec is not None
    assert spec.loader is not None
    unchanged = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unchanged)

    assert "ISO_IR 203" not in unchanged.python_encoding
    decoded = unchanged.decode_bytes(b"\x1b$)A\xd5\xc5", ["ascii", "iso_ir_58"], set())
    assert decoded == "\x1b$)A\u5f20"


def test_the_encodings_are_those_of_pydicom_with_what_is_added() -> None:
    assert "ISO_IR 203" in repertoires.ENCODINGS
    euro = codeextensions.decode(b"\x1b-b\xa4", ["ascii", "iso8859_15"], is_name=False)
    assert euro == "\u20ac"  # by what is added
    assert charset.python_encoding == repertoires.ENCODINGS


def test_text_without_an_escape_sequence_is_of_the_first_set() -> None:
    assert repertoires.decode(b"\xc4", ["latin_1", "iso8859_5"], is_name=False) == "\xc4"


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


def test_a_set_that_is_declared_again_and_again_is_tried_once() -> None:
    values = ["", *["ISO 2022 IR 100", "ISO 2022 IR 144"] * 200]
    assert repertoires.encodings(values) == ("ascii", "latin_1", "iso_ir_144")


@pytest.mark.parametrize("bad", [b"\x1b", b"\x1bxy", b"\x1b$B\xff", b"\x1b-A\xe9"])
def test_nothing_is_decoded_after_what_cannot_be(
    monkeypatch: pytest.MonkeyPatch, bad: bytes
) -> None:
    decoded: list[bytes] = []
    decode_bytes = charset.decode_bytes

    def counted(value: bytes, encodings: Sequence[str], delimiters: set[int]) -> str:
        decoded.append(value)
        return decode_bytes(value, encodings, delimiters)

    monkeypatch.setattr(charset, "decode_bytes", counted)
    with pytest.raises(ValueError, match=r"\A\Z"):
        repertoires.decode(b"text" + bad * 1000, ["ascii", "iso2022_jp"], is_name=True)
    assert len(decoded) == 4  # the text and the first that is bad, with delimiters and without
