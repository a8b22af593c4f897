"""Get from a data set what its sender said, and put in what the sender left out."""

from collections.abc import Mapping

from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from dicomweb.part10.file import uid_text


def sent(data_set: Dataset, *keywords: str) -> Mapping[str, object]:
    """Return the values by keyword, without those that are absent or empty."""
    values = {keyword: data_set.get(keyword) for keyword in keywords}
    return {keyword: value for keyword, value in values.items() if value not in (None, "")}


def uid(data_set: Dataset, keyword: str) -> str:
    """Return a UID, or "": of VR UI, or UN, which writers use that do not know the attribute."""
    value = data_set.get(keyword) or ""
    return uid_text(value) if isinstance(value, bytes) else str(value)


def put(data_set: Dataset, keyword: str, value: object) -> None:
    """Set an attribute, with its own VR even if the sender gave an empty one another VR."""
    tag = tag_for_keyword(keyword)
    assert tag is not None  # noqa: S101 - the keywords are literals
    data_set[tag] = DataElement(tag, dictionary_VR(tag), value, validation_mode=IGNORE)
