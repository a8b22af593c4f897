"""Write and read text that switches between character sets (PS3.5 6.1.2.5.3).

The bytes are those that pydicom writes: a value in the first set that holds all of it, otherwise
part by part in the set that holds the longest part. pydicom's time for that grows with the square
of the length, and it warns of what it cannot encode.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_

from pydicom import charset

from dicomweb.codeextensions import FRAGMENTS

_ASCII = charset.ESC + b"(B"
_JIS_X_0201 = "shift_jis"
_ISO_IR_13, _ISO_IR_14 = charset.ESC + b")I", charset.ESC + b"(J"
_JAPANESE = charset.need_tail_escape_sequence_encodings
_WITHOUT_END = len(_ASCII)
"""Python ends Japanese text with the escape sequence of ASCII, and begins it with its own."""

_BITS = 2

_CONTROL = "\\n\\r\\t\\f"
_PIECES = {
    "PN": re.compile(rf"[^\\^={_CONTROL}]+"),
    **dict.fromkeys(("LT", "ST", "UR", "UT"), re.compile(rf"[^{_CONTROL}]+")),
}
_PIECES_OF_SEVERAL_VALUES = re.compile(rf"[^\\{_CONTROL}]+")
_END_OF_EXTENSION = re.compile(f"[{_CONTROL}]".encode())
_LONG_ESCAPES = (b"\x1b$(", b"\x1b$)")


class CodeExtensions:
    """The encodings between which a text may switch, the first one first."""

    def __init__(self, encodings: Sequence[str]) -> None:
        self._encodings = encodings
        self._codes = [_code(encoding) for encoding in encodings]
        self._sets: dict[str, int] = {}
        """For each character, a bit for each set that holds it, the lowest for the first one."""

    def encode(self, text: str, vr: str) -> bytes:
        """Encode the value of an element; each piece between two delimiters begins anew.

        Raises UnicodeError if the text would not read back the same.
        """
        encoded, end = bytearray(), 0
        for piece in _PIECES.get(vr, _PIECES_OF_SEVERAL_VALUES).finditer(text):
            encoded += text[end : piece.start()].encode("ascii")
            encoded += self._piece(piece.group())
            end = piece.end()
        return bytes(encoded + text[end:].encode("ascii"))

    def _piece(self, text: str) -> bytes:
        if text.isascii():
            return text.encode("ascii")
        common = reduce(and_, map(self._sets_of, set(text)))
        if common:
            number = _lowest(common)
            encoded = self._escaped(text, number) if number else self._unescaped(text, 0)
            return encoded + self._tail(number)
        if len(self._encodings) == 1 or not self._codes[0]:
            raise UnicodeError
        return self._by_parts(text)

    def _by_parts(self, text: str) -> bytes:
        encoded, start, sets = bytearray(), 0, -1
        for end, character in enumerate(text):
            found = self._sets_of(character)
            if not found:
                raise UnicodeError
            if not sets & found:
                encoded += self._escaped(text[start:end], _lowest(sets))
                start, sets = end, found
            sets &= found
        number = _lowest(sets)
        return bytes(encoded + self._escaped(text[start:], number) + self._tail(number))

    def _unescaped(self, text: str, number: int) -> bytes:
        encoding = self._encodings[number]
        encoded = text.encode(encoding)
        return encoded[:-_WITHOUT_END] if encoding in _JAPANESE else encoded

    def _escaped(self, text: str, number: int) -> bytes:
        """Return text in one set after its escape sequence, with which Japanese begins anyway."""
        encoded, encoding = self._unescaped(text, number), self._encodings[number]
        if encoding in _JAPANESE:
            return encoded
        if encoding == _JIS_X_0201:
            return (_ISO_IR_14 if encoded.isascii() else _ISO_IR_13) + encoded
        return self._codes[number] + encoded

    def _tail(self, number: int) -> bytes:
        """Return what Japanese has to end with: the escape sequence of the first set."""
        if self._encodings[number] not in _JAPANESE:
            return b""
        return _ISO_IR_14 if self._encodings[0] == _JIS_X_0201 else self._codes[0]

    def _sets_of(self, character: str) -> int:
        """Return the bits of a character; JIS X 0201 has two, because it is two sets."""
        found = self._sets.get(character)
        if found is None:
            found = 0
            for number, (encoding, code) in enumerate(
                zip(self._encodings, self._codes, strict=True)
            ):
                if code or not number:
                    found |= _holds(character, encoding) << (_BITS * number)
            self._sets[character] = found
        return found


def _code(encoding: str) -> bytes:
    return _ASCII if encoding == "ascii" else charset.ENCODINGS_TO_CODES.get(encoding, b"")


def _lowest(sets: int) -> int:
    return ((sets & -sets).bit_length() - 1) // _BITS


def _holds(character: str, encoding: str) -> int:
    """Return 1, or 2 for a katakana of JIS X 0201, if an encoding holds a character, else 0."""
    try:
        encoded = character.encode(encoding)
    except UnicodeError:
        return 0
    if character == "\x1b" or encoded.decode(encoding) != character:
        return 0
    if encoding in _JAPANESE:
        return int(encoded.startswith(_code(encoding)))
    if encoding == _JIS_X_0201:
        return 0 if len(encoded) > 1 else 1 if encoded.isascii() else 2
    return 1


def decode(value: bytes, encodings: Sequence[str]) -> str:
    """Decode text by its escape sequences; raises ValueError if that fails."""
    return "".join(_fragment(each.group(), encodings) for each in FRAGMENTS.finditer(value))


def _fragment(fragment: bytes, encodings: Sequence[str]) -> str:
    if not fragment.startswith(charset.ESC):
        return fragment.decode(encodings[0])
    length = 4 if fragment.startswith(_LONG_ESCAPES) else 3
    encoding = charset.CODES_TO_ENCODINGS.get(fragment[:length], "")
    if encoding not in (*encodings, charset.default_encoding):
        raise ValueError("found an escape sequence that is not declared")
    if encoding in charset.handled_encodings:
        return fragment.decode(encoding)
    extended = fragment[length:]
    delimiter = _END_OF_EXTENSION.search(extended)
    end = delimiter.start() if delimiter else len(extended)
    return extended[:end].decode(encoding) + extended[end:].decode(encodings[0])
