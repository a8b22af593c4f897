"""File names and texts of servers as they may be shown: either may hold control characters."""

_SURROGATES = range(0xDC80, 0xDD00)
"""Python's stand-ins for the bytes of a name that are not UTF-8 (PEP 383)."""


def printable(text: str) -> str:
    """Return ``text`` fit for a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


def escaped(text: str) -> str:
    r"""Return ``text`` in printable characters without loss: as \t, \x1b, \u2028 or \\.

    Bytes of a name that are not UTF-8 become \xNN as well.
    """
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    if ord(character) in _SURROGATES:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
