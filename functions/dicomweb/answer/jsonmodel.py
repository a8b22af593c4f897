"""Encode a data set as the DICOM JSON Model (PS3.18 Annex F)."""

import json

from dicomweb.answer.model import DataSet


def encode(data_set: DataSet) -> str:
    """Return one JSON object, in the order of the tags; an empty attribute has no Value."""
    return json.dumps(_object(data_set), separators=(",", ":"))


def _object(data_set: DataSet) -> dict[str, dict[str, object]]:
    encoded: dict[str, dict[str, object]] = {}
    for attribute in data_set:
        encoded[attribute.tag] = {"vr": attribute.vr}
        if attribute.values:
            encoded[attribute.tag]["Value"] = [
                value if isinstance(value, str | int) else _object(value)
                for value in attribute.values
            ]
    return encoded
