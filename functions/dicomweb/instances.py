"""Read SOP Instances from body parts (PS3.10 Section 7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IndexValue = str | int | list["IndexValue"] | dict[str, "IndexValue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAttributes:
    """The QIDO-RS return attributes of an instance by level (PS3.18 Tables 10.6.3-3 to -5).

    Keys are attribute keywords; values are Unicode text, integers, lists of either, or for a
    sequence a list of such mappings. ``left_out`` counts attributes whose value was invalid.
    """

    study: Mapping[str, IndexValue] = field(default_factory=dict)
    series: Mapping[str, IndexValue] = field(default_factory=dict)
    instance: Mapping[str, IndexValue] = field(default_factory=dict)
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SOPInstance:
    """An instance as it was sent: its identity, its bytes and what the index keeps of it."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    content: memoryview
    number_of_frames: int = 1
    attributes: IndexAttributes = field(default_factory=IndexAttributes)
