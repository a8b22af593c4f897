"""Any document in the Native DICOM Model becomes an instance, or is refused with a reason."""

from dicomweb.envelope.mediatypes import DICOM_XML
from tests.fuzz import fuzz_jsonmodel, seeds
from tests.fuzz.mutate_documents import change_xml

SEEDS = seeds.xml_documents()
mutation = change_xml


def target(document: bytes) -> None:
    """Receive the document as the only part of a request."""
    fuzz_jsonmodel.target(document, DICOM_XML)
