"""Encode a data set as the Native DICOM Model (PS3.19 A.1).

Every element has its keyword and VR, and an empty one has no Value, because dicomweb-client for
Python needs that to read an answer.
"""

from lxml import etree

from dicomweb.answer.model import DataSet

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"


def encode(data_set: DataSet) -> str:
    """Return one NativeDicomModel document, declared as UTF-8."""
    root = etree.Element("NativeDicomModel", nsmap={None: NAMESPACE})
    root.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    _append(root, data_set)
    return '<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(root, encoding="unicode")


def _append(parent: etree._Element, data_set: DataSet) -> None:
    for attribute in data_set:
        element = etree.SubElement(
            parent,
            "DicomAttribute",
            tag=attribute.tag,
            vr=attribute.vr,
            keyword=attribute.keyword,
        )
        for number, value in enumerate(attribute.values, start=1):
            if isinstance(value, str | int):
                etree.SubElement(element, "Value", number=str(number)).text = str(value)
            else:
                _append(etree.SubElement(element, "Item", number=str(number)), value)
