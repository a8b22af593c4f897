"""Text that switches between character sets by escape sequences (PS3.5 6.1.2.5.3).

pydicom's tables, which its writer uses as well, are completed when this module is imported:
Latin alphabet 9 is not in them, and the escape sequence of ISO 2022 IR 58 is left to a codec
that neither reads nor writes it (PS3.3 C.12.1.1.2).
"""

import re
from collections.abc import Sequence

from pydicom import charset

_GB2312 = "iso_ir_58"
_LATIN_9 = "iso8859_15"
_LATIN_9_CODE = charset.ESC + b"-b"

charset.python_encoding |= {
    "ISO_IR 203": _LATIN_9,
    "ISO 2022 IR 203": _LATIN_9,
    "ISO 2022 58": _GB2312,  # pydicom's other name of it has no escape sequence
}
charset.CODES_TO_ENCODINGS[_LATIN_9_CODE] = _LATIN_9
charset.ENCODINGS_TO_CODES[_LATIN_9] = _LATIN_9_CODE
_handled_by_codecs = tuple(each for each in charset.handled_encodings if each != _GB2312)
charset.handled_encodings = _handled_by_codecs  # type: ignore[assignment]  # one fewer

FRAGMENTS = re.compile(rb"\A[^\x1b]+|\x1b[^\x1b]*")
"""Each escape sequence with the text up to the next one, and the text before the first."""

_NAME_DELIMITERS = frozenset(b"^=")
_TEXT_DELIMITERS = frozenset(b"\n\r\t\f")


def decode(value: bytes, encodings: Sequence[str], *, is_name: bool) -> str:
    """Decode text with escape sequences; raises ValueError if that fails.

    A delimiter ends a code extension (PS3.5 6.1.2.5.3), but not every writer repeats the escape.
    Delimiters are left to the decoder, because the two bytes of a kanji may contain "=" and "^".
    """
    delimiters = _NAME_DELIMITERS if is_name else _TEXT_DELIMITERS
    try:
        return _decode_once(value, encodings, delimiters)
    except ValueError:
        return _decode_once(value, encodings, frozenset())


def _decode_once(value: bytes, encodings: Sequence[str], delimiters: frozenset[int]) -> str:
    """Decode text in which only ``delimiters`` end a code extension; raises ValueError.

    It is decoded up to the first fragment that fails: one takes longer than many others.
    """
    texts = []
    for fragment in FRAGMENTS.findall(value):
        text = charset.decode_bytes(fragment, encodings, set(delimiters))
        if "\N{REPLACEMENT CHARACTER}" in text or "\x1b" in text:
            raise ValueError  # pydicom replaces what it cannot decode, and warns of it
        texts.append(text)
    return "".join(texts)
