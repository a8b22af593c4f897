"""Unique identifiers (PS3.5 9.1)."""

import re

LONGEST = 64
"""The most characters of a UID."""

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def is_uid(text: str) -> bool:
    """Tell whether the text is a UID: digits and dots, no leading zeros, 64 at most (PS3.5 9.1)."""
    return len(text) <= LONGEST and _UID.fullmatch(text) is not None
