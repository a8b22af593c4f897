"""The data sets of answers, as the Native DICOM Model and the JSON Model see them (PS3.19 A.1).

Both models are the same tree of attributes in two notations; this is the tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute; ``values`` are text, integers, or for VR SQ data sets, and may be none."""

    tag: str
    keyword: str
    vr: str
    values: "Sequence[str | int | DataSet]" = ()


DataSet = Sequence[Attribute]
"""Attributes in the order of their tags."""
