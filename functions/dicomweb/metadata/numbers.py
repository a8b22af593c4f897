"""Read numbers as metadata states them: as numbers, or as text (PS3.18 Table F.2.3-1).

Decimal text has only ASCII digits, as in a DS or IS; Python would accept other digits as well.
Each function takes a value of any type and raises NotUnderstood if it is not such a number.
"""

import math
import re
import struct

from pydicom.valuerep import format_number_as_ds

from dicomweb.metadata.metadata import NotUnderstood

BLANKS = " \t\r\n\0"
LONGEST_DS = 16
_INTEGER = re.compile(r"([+-]?[0-9]{1,64})(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"^(-?)0\.")
_NOT_A_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


def trimmed(value: object) -> object:
    """Return text without the blanks around it, which are padding or layout; others unchanged."""
    return value.strip(BLANKS) if isinstance(value, str) else value


def integer(low: int, high: int, value: object) -> int | None:
    """Return an integer within limits, or None for an empty one; ``1.0`` is an integer."""
    match trimmed(value):
        case None | "":
            return None
        case int(number) if not isinstance(value, bool):
            found = number
        case float(number) if number.is_integer():
            found = int(number)
        case str(text) if digits := _INTEGER.fullmatch(text):
            found = int(digits[1])
        case _:
            raise NotUnderstood("found a value that is not an integer")
    if not low <= found <= high:
        raise NotUnderstood(f"found a number out of range, expected {low} to {high}")
    return found


def real(size: str, value: object) -> float | None:
    """Return a number as stored in an IEEE 754 value of this struct format, None if empty."""
    match trimmed(value):
        case None | "":
            return None
        case int(number) | float(number) if not isinstance(value, bool):
            found, finite = float(number), True
        case str(text) if _DECIMAL.fullmatch(text) or _NOT_A_NUMBER.fullmatch(text):
            found, finite = float(text), not _NOT_A_NUMBER.fullmatch(text)
        case _:
            raise NotUnderstood("found a value that is not a number")
    try:
        held: float = struct.unpack(size, struct.pack(size, found))[0]
    except OverflowError as error:
        raise NotUnderstood("found a number out of range") from error
    if finite and math.isinf(held):
        raise NotUnderstood("found a number out of range")
    return held


def number_text(value: object) -> str:
    """Return a finite number as text; raises NotUnderstood for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotUnderstood("found a value that is neither text nor a number")
    return str(value)


def integer_string(value: object) -> str:
    """Return a value of VR IS: the text as it was sent, without the blanks around it.

    Text is not judged: exposures of ``14.5`` are what scanners write into an IS.
    """
    match trimmed(value):
        case None:
            return ""
        case str(text):
            return text
        case float(number) if number.is_integer():
            return str(int(number))
        case other:
            return number_text(other)


def decimal_string(value: object) -> str:
    """Return the text as it was sent, or a number in the 16 characters that a DS may have."""
    match trimmed(value):
        case None:
            return ""
        case str(text):
            return text
        case int(number) | float(number) if not isinstance(value, bool) and math.isfinite(number):
            return _decimal(number)
        case other:
            return number_text(other)


def _decimal(number: float) -> str:
    """Return a number in the characters of a DS, exactly if possible, otherwise rounded."""
    text = str(number)
    if len(text) <= LONGEST_DS:
        return text
    texts = (text.removesuffix(".0"), _LEADING_ZERO.sub(r"\1.", text))
    exact = next((exact for exact in texts if len(exact) <= LONGEST_DS), "")
    return exact or format_number_as_ds(float(number))
