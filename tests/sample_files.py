"""The files that pydicom brings along, by name: instances of many makers, good and broken."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pydicom import Dataset, dcmread

if TYPE_CHECKING:
    from io import BytesIO

_DATA = Path(pydicom.__file__).parent / "data"

CHARSET_FILES = {path.name: path for path in sorted(_DATA.glob("charset_files/*.dcm"))}

FILES = {
    str(path.relative_to(_DATA)): path
    for path in sorted(_DATA.rglob("*"))
    if path.is_file() and path.read_bytes()[128:132] == b"DICM"
}
"""All that have the prefix of the file format."""


def read_for_metadata(source: "Path | BytesIO") -> Dataset:
    """Return a file as pydicom reads it, every element converted; some make it warn.

    Group lengths are not in metadata (PS3.18 F.2.2).
    """
    with warnings.catch_warnings(action="ignore"):
        data_set = dcmread(source, force=True)
        data_set.decode()
        data_set.walk(lambda holder, element: _drop_group_length(holder, element.tag))
    return data_set


def _drop_group_length(data_set: Dataset, tag: int) -> None:
    if not tag & 0xFFFF:
        del data_set[tag]
