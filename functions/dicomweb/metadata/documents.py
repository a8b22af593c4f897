"""Make an Encapsulated Document (0042,0011) and the attributes that it needs (PS3.3 C.24.2).

The part's media type is that of the document. It becomes the MIME Type of Encapsulated Document
if the metadata has none, and otherwise must agree with it. The document is padded to an even
length, so Encapsulated Document Length gives its true length.
"""

from pydicom.dataset import Dataset

from dicomweb.envelope.mediatypes import OCTET_STREAM
from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata.bulkdata import media_type_of
from dicomweb.metadata.datasets import ENCAPSULATED_DOCUMENT, put
from dicomweb.reasons import FailureReason

_SAME_TYPE = {
    "application/xml": "text/xml",
    "application/sla": "model/stl",
    "model/x.stl-binary": "model/stl",
}
"""Other names of the media types of PS3.3 C.24: those of CDA, and of STL in older senders."""


def set_document(data_set: Dataset, part: BodyPart) -> None:
    """Set the document and its media type; raises InstanceRejected (A900) if two types differ."""
    found = media_type_of(part).essence
    sent = str(data_set.get("MIMETypeOfEncapsulatedDocument") or "")
    if not sent:
        if found == OCTET_STREAM:
            raise _mismatch(
                "found a document without a media type, expected MIME Type of Encapsulated Document"
                " (0042,0012) in the metadata or a Content-Type of its part"
            )
        put(data_set, "MIMETypeOfEncapsulatedDocument", _SAME_TYPE.get(found, found))
    elif found != OCTET_STREAM and _canonical(found) != _canonical(sent):
        raise _mismatch(
            "found a MIME Type of Encapsulated Document (0042,0012) that differs from the"
            " Content-Type of the document's part, expected them to be equal"
        )
    put(data_set, "EncapsulatedDocument", bytes(part.content))


def set_document_length(data_set: Dataset) -> None:
    """Add Encapsulated Document Length (0042,0015), or check it.

    Raises InstanceRejected: A900 if the length is wrong, C000 if the document is not binary.
    """
    document = data_set[ENCAPSULATED_DOCUMENT].value or b""
    if not isinstance(document, bytes):
        raise InstanceRejected(
            FailureReason.CANNOT_UNDERSTAND,
            "found an Encapsulated Document (0042,0011) with a wrong VR, expected OB",
        )
    length = len(document)
    sent = data_set.get("EncapsulatedDocumentLength")
    if sent is None:
        put(data_set, "EncapsulatedDocumentLength", length)
    elif sent not in (length, length - 1 + length % 2):  # the sender may have padded it
        raise _mismatch(
            f"found a document of {length} bytes, expected the length in Encapsulated Document"
            " Length (0042,0015)"
        )


def _canonical(media_type: str) -> str:
    essence = media_type.partition(";")[0].strip().lower()
    return _SAME_TYPE.get(essence, essence)


def _mismatch(text: str) -> InstanceRejected:
    return InstanceRejected(FailureReason.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, text)
