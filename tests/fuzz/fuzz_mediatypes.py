"""Any text is a media type or a MalformedRequest, and any Accept is answered in XML or JSON."""

from contextlib import suppress

from dicomweb.envelope.mediatypes import DICOM_JSON, DICOM_XML, negotiate, parse_media_type
from dicomweb.errors import MalformedRequest
from tests.fuzz.mutations import MAX_HEAD

SEEDS = (
    b'multipart/related; type="application/dicom"; boundary="a\\"b,c;d"',
    b"multipart/related;TYPE=application/dicom;Boundary=b;; start=<x>",
    b"application/dicom+json;q=0.5, application/dicom+xml;q=0.25, */*;q=0.1, application/*",
    b'multipart/related; type="application/dicom+json", text/xml;q=1.0',
)


def target(data: bytes) -> None:
    """Read the bytes as a field of each kind."""
    text = data[:MAX_HEAD].decode("utf-8", errors="replace")
    with suppress(MalformedRequest):
        essence = parse_media_type(text).essence
        assert essence == essence.strip().lower()
        assert essence.count("/") == 1
    assert negotiate(text) in (DICOM_XML, DICOM_JSON)
    assert negotiate("*/*", text) in (DICOM_XML, DICOM_JSON)
