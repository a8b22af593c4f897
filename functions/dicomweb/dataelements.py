"""Ask a data set what its sender says, and say what the sender has left out."""

from collections.abc import Mapping

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset


def sent(data_set: Dataset, *keywords: str) -> Mapping[str, object]:
    """Return the values by keyword, without those that are absent or empty."""
    values = {keyword: data_set.get(keyword) for keyword in keywords}
    return {keyword: value for keyword, value in values.items() if value not in (None, "")}


def put(data_set: Dataset, keyword: str, value: object) -> None:
    """Set an attribute; if it is there and empty, whatever VR the sender gave it."""
    tag = tag_for_keyword(keyword)
    assert tag is not None  # noqa: S101 - the keywords are literals
    data_set[tag] = DataElement(tag, dictionary_VR(tag), value)
