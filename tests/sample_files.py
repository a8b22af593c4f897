"""The files that pydicom brings along, by name: instances of many makers, good and broken."""

from pathlib import Path

import pydicom

_DATA = Path(pydicom.__file__).parent / "data"

CHARSET_FILES = {path.name: path for path in sorted(_DATA.glob("charset_files/*.dcm"))}

FILES = {
    str(path.relative_to(_DATA)): path
    for path in sorted(_DATA.rglob("*"))
    if path.is_file() and path.read_bytes()[128:132] == b"DICM"
}
"""All that have the prefix of the file format."""
