"""Any text in any character sets is decoded, kept or refused: in a file, in metadata, as bulk data.

An input is a Specific Character Set, a line feed and a text.
"""

from dataclasses import replace

from tests import builders
from tests.fuzz import fuzz_bulkdata, fuzz_instances, seeds
from tests.fuzz.mutate_elements import file_meta, read, write
from tests.split_bulk_data import bulk, metadata

_TERMS = (
    *("ISO_IR 100", "ISO_IR 144", "ISO_IR 13", "ISO_IR 166", "ISO_IR 192", "GB18030", "GBK"),
    *("\\ISO 2022 IR 87", "ISO 2022 IR 13\\ISO 2022 IR 87", "\\ISO 2022 IR 149"),
    *("ISO 2022 IR 100\\ISO 2022 IR 144", "\\ISO 2022 IR 58", "ISO_IR 192\\ISO_IR 100", "ISO_IR 6"),
)
_NAMES = (
    *(b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", b"Hong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce"),
    *("Wang^XiaoDong=王^小东".encode(), b"\xd4\xcf\xc0\xce\xb5", "é^й=".encode() * 20),
)
_FILE = builders.instance(SpecificCharacterSet="ISO_IR 100", PatientName="N")
_DATA_SET = file_meta(_FILE)[1]
_HEAD = _FILE.removesuffix(_DATA_SET)
_ELEMENTS, _ = read(_DATA_SET, implicit=False)

SEEDS = tuple(terms.encode() + b"\n" + name for terms in _TERMS for name in _NAMES)
WORK = 4


def _file(terms: bytes, name: bytes) -> bytes:
    values = {0x00080005: terms[:0xFFFE], 0x00100010: name[:0xFFFE]}
    elements = (replace(each, value=values.get(each.tag, each.value)) for each in _ELEMENTS)
    return _HEAD + write(tuple(elements))


def target(data: bytes) -> None:
    """Put the text into a file, into metadata and into bulk data."""
    terms, _, text = data.partition(b"\n")
    fuzz_instances.target(_file(terms, text))
    model = seeds.model()
    model["00080005"] = {"vr": "CS", "Value": terms.decode("latin-1").split("\\")}
    model["00100010"] = {"vr": "PN", "Value": [{"Alphabetic": text.decode("utf-8", "replace")}]}
    model["00091010"] = {"vr": "UT", "Value": [text.decode("utf-8", "replace")]}
    model["00091012"] = {"vr": "LO", "BulkDataURI": "t"}
    fuzz_bulkdata.target(seeds.request(metadata([model]), bulk(text, "t")))
