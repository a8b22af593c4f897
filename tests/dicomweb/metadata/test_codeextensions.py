"""Text that switches between character sets, as pydicom writes and reads it."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import charset
from pydicom.valuerep import TEXT_VR_DELIMS

from dicomweb import repertoires
from dicomweb.metadata.codeextensions import CodeExtensions, decode

SETS = [
    ("ascii", "iso2022_jp"),
    ("ascii", "iso2022_jp", "iso2022_jp_2"),
    ("shift_jis", "iso2022_jp"),
    ("shift_jis",),
    ("latin_1", "iso_ir_144", "iso_ir_126"),
    ("ascii", "euc_kr"),
    ("ascii", "iso_ir_58", "iso8859_15"),
]
LETTERS = "aZ ~-éßйЖαω山田丂やｱﾀ洪길张三€œ"
assert repertoires.is_known("ISO 2022 IR 203")


def of_pydicom(text: str, encodings: tuple[str, ...]) -> bytes | None:
    """Return what pydicom writes, or None if it does not read it back the same."""
    known = ["iso8859" if each == "ascii" else each for each in encodings]
    with warnings.catch_warnings(action="error"):
        try:
            encoded = charset.encode_string(text, known)
            same = charset.decode_bytes(encoded, known, TEXT_VR_DELIMS) == text
        except (Warning, ValueError):
            return None
    return encoded if same else None


@pytest.mark.parametrize(
    ("encodings", "text", "encoded"),
    [
        (("shift_jis", "iso2022_jp"), "ｱ山a", b"\x1b)I\xb1\x1b$B;3\x1b(Ja"),
        (("ascii", "shift_jis"), "ｱ", b"\x1b)I\xb1"),
    ],
)
def test_jis_x_0201_is_two_sets(encodings: tuple[str, ...], text: str, encoded: bytes) -> None:
    assert of_pydicom(text, encodings) == encoded
    assert CodeExtensions(encodings).encode(text, "LO") == encoded


@given(text=st.text(LETTERS, min_size=1, max_size=12), encodings=st.sampled_from(SETS))
def test_a_value_is_written_as_pydicom_writes_it(text: str, encodings: tuple[str, ...]) -> None:
    if encodings[0] == "ascii":  # which pydicom takes for ISO 8859-1
        text = "".join(each for each in text if each.isascii() or ord(each) > ord("ÿ"))
    expected = of_pydicom(text, encodings)
    try:
        encoded = CodeExtensions(encodings).encode(text, "LO")
    except UnicodeError:
        assert expected is None
    else:
        assert encoded == expected
        assert decode(encoded, encodings) == text


@pytest.mark.parametrize(
    ("vr", "text", "encoded"),
    [
        ("PN", "é^й=й", b"\xe9^\x1b-L\xd9=\x1b-L\xd9"),
        ("LO", "й\\й^й", b"\x1b-L\xd9\\\x1b-L\xd9^\xd9"),
        ("UT", "й\\й\r\nй", b"\x1b-L\xd9\\\xd9\r\n\x1b-L\xd9"),
        ("UT", "éйé", b"\x1b-A\xe9\x1b-L\xd9\x1b-A\xe9"),
    ],
)
def test_a_delimiter_ends_a_code_extension(vr: str, text: str, encoded: bytes) -> None:
    assert CodeExtensions(("latin_1", "iso_ir_144")).encode(text, vr) == encoded


@pytest.mark.parametrize(
    ("encodings", "text"),
    [
        (("latin_1", "iso_ir_144"), "é山"),
        (("latin_1", "iso_ir_144"), "é\x1b"),
        (("GBK", "iso_ir_144"), "张ж\N{CYRILLIC SMALL LETTER DJE}"),
        (("shift_jis",), "ﾔﾏ a"),
        (("ascii", "big5"), "张"),
    ],
)
def test_text_that_would_not_read_back_is_refused(encodings: tuple[str, ...], text: str) -> None:
    with pytest.raises(UnicodeError):
        CodeExtensions(encodings).encode(text, "UT")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a\x1b-L\xd9\n\xe9", "aй\né"),
        (b"\x1b-L\xd9\x1b(Bb", "йb"),
        (b"\x1b$B;3ED\x1b(B", "山田"),
    ],
)
def test_text_is_read_by_its_escape_sequences(value: bytes, text: str) -> None:
    assert decode(value, ("latin_1", "iso_ir_144", "iso2022_jp")) == text


def test_an_escape_sequence_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="an escape sequence that is not declared"):
        decode(b"\x1b-F\xe1", ("latin_1", "iso_ir_144"))
