"""Any answer of any server is read without an exception, whatever it says.

An input is a media type, a line of Warning, and the body, each with a line feed after it.
"""

from collections.abc import Sequence

from stowport.answers import read_answer
from stowport.messages import Response
from tests.fuzz.mutate_parts import change_content
from tests.fuzz.mutations import Chance

_JSON = b"""{"00081190":{"vr":"UR","Value":["http://h/studies/1.2"]},"00081199":{"vr":"SQ","Value":[
{"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.7"]},"00081155":{"vr":"UI","Value":
["1.2.3"]},"00081190":{"vr":"UR","Value":["http://h"]},"00081196":{"vr":"US","Value":[45056]}}]},
"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.4"]},"00081197":{"vr":"US",
"Value":[272]}}]},"0008119A":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":["49152"]}}]}}"""
_XML = b"""<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
<DicomAttribute tag="00081198" vr="SQ"><Item number="1"><DicomAttribute tag="00081155" vr="UI">
<Value number="1">1.2.4</Value></DicomAttribute><DicomAttribute tag="00081197" vr="US"><Value
number="1">272</Value></DicomAttribute></Item></DicomAttribute><DicomAttribute tag="0040A160"
vr="UT"><Value number="1">text</Value></DicomAttribute></NativeDicomModel>"""
_WARNING = b'299 h "C000: part 1: found text", 299 h "found text"'

SEEDS = (
    b"application/dicom+json\n" + _WARNING + b"\n" + _JSON,
    b"application/dicom+json; charset=utf-8\n\n[" + _JSON + b"]",
    b"application/dicom+xml\n" + _WARNING + b"\n" + _XML,
    b'application/dicom+xml\n\n<?xml version="1.0" encoding="UTF-8"?>' + _XML,
    b"text/html\n\n<html/>",
)


def mutation(chance: Chance, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change a node of the body."""
    head, line_feed, body = data.partition(b"\n")
    warning, other_line_feed, document = body.partition(b"\n")
    return head + line_feed + warning + other_line_feed + change_content(chance, document, others)


def target(data: bytes) -> None:
    """Read the answer, and all that is said of it."""
    media_type, _, rest = data.partition(b"\n")
    warning, _, body = rest.partition(b"\n")
    response = Response(
        status=202,
        headers={"content-type": media_type.decode("latin-1")},
        body=body,
        warnings=(warning.decode("latin-1"),),
    )
    answer = read_answer(response)
    assert answer.items is None or all(
        item.failure is None or item.failure >= 0 for item in answer.items
    )
