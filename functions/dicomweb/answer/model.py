"""The data sets of answers, as the Native DICOM Model and the JSON Model see them (PS3.19 A.1).

Both models are notations for the same tree of attributes; this is the tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute; ``values`` are text, integers or, for VR SQ, data sets, and may be empty."""

    tag: str
    keyword: str
    vr: str
    values: "Sequence[str | int | DataSet]" = ()


DataSet = Sequence[Attribute]
"""Attributes in the order of their tags."""
