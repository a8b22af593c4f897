"""The character sets of text: their terms, their Python encodings, and how to decode by them.

The encodings are those of pydicom, with Latin alphabet 9 and GB 2312 as ``dicomweb.codeextensions``
adds them. They are written down here because most text has no code extensions: no start waits for
pydicom to be imported.
"""

import re
from collections.abc import Sequence
from types import MappingProxyType

ENCODINGS = MappingProxyType(
    {
        "": "iso8859",
        "ISO_IR 6": "iso8859",
        "ISO_IR 13": "shift_jis",
        "ISO_IR 100": "latin_1",
        "ISO_IR 101": "iso8859_2",
        "ISO_IR 109": "iso8859_3",
        "ISO_IR 110": "iso8859_4",
        "ISO_IR 126": "iso_ir_126",
        "ISO_IR 127": "iso_ir_127",
        "ISO_IR 138": "iso_ir_138",
        "ISO_IR 144": "iso_ir_144",
        "ISO_IR 148": "iso_ir_148",
        "ISO_IR 166": "iso_ir_166",
        "ISO_IR 192": "UTF8",
        "ISO_IR 203": "iso8859_15",
        "GB18030": "GB18030",
        "GBK": "GBK",
        "ISO 2022 58": "iso_ir_58",
        "ISO 2022 GBK": "GBK",
        "ISO 2022 IR 6": "iso8859",
        "ISO 2022 IR 13": "shift_jis",
        "ISO 2022 IR 58": "iso_ir_58",
        "ISO 2022 IR 87": "iso2022_jp",
        "ISO 2022 IR 100": "latin_1",
        "ISO 2022 IR 101": "iso8859_2",
        "ISO 2022 IR 109": "iso8859_3",
        "ISO 2022 IR 110": "iso8859_4",
        "ISO 2022 IR 126": "iso_ir_126",
        "ISO 2022 IR 127": "iso_ir_127",
        "ISO 2022 IR 138": "iso_ir_138",
        "ISO 2022 IR 144": "iso_ir_144",
        "ISO 2022 IR 148": "iso_ir_148",
        "ISO 2022 IR 149": "euc_kr",
        "ISO 2022 IR 159": "iso2022_jp_2",
        "ISO 2022 IR 166": "iso_ir_166",
        "ISO 2022 IR 203": "iso8859_15",
    }
)
"""The Python encoding of each term (PS3.3 C.12.1.1.2)."""

DEFAULT_REPERTOIRE = ("", "ISO_IR 6", "ISO 2022 IR 6")
"""The terms of ASCII, which needs none."""

_ESC = b"\x1b"
_TERM = re.compile(r"ISO[ _-]?(2022)?[ _-]?IR[ _-]?([0-9]+)")


def term(value: str) -> str:
    """Return the defined term that a value of Specific Character Set (0008,0005) means.

    Files in circulation have terms in lower case, or with hyphens or blanks for underscores.
    """
    plain = value.strip(" \0").upper()
    found = _TERM.fullmatch(plain)
    if not found:
        return plain
    return f"ISO 2022 IR {found[2]}" if found[1] else f"ISO_IR {found[2]}"


def is_known(term: str) -> bool:
    """Tell whether text can be read and written by a defined term."""
    return term in ENCODINGS


def encodings(values: Sequence[str]) -> tuple[str, ...]:
    """Return the Python encodings for values of Specific Character Set, the first one first.

    If there is no first one, or it is unknown, it is ASCII. Unknown ones among the others, to
    which a text has to switch, are left out, and so is what is there already.
    """
    first, *others = map(term, values or ("",))
    found = (
        "ascii" if first in DEFAULT_REPERTOIRE else ENCODINGS.get(first, "ascii"),
        *(ENCODINGS[each] for each in others if each in ENCODINGS),
    )
    return tuple(dict.fromkeys(found))


def decode(value: bytes, encodings: Sequence[str], *, is_name: bool) -> str:
    """Decode text, with code extensions if there are any; raises ValueError if that fails."""
    if _ESC not in value:
        return value.decode(encodings[0])
    from dicomweb import codeextensions  # noqa: PLC0415 - only this needs pydicom

    return codeextensions.decode(value, encodings, is_name=is_name)
