"""The items of the index: one for every study, series and instance.

The partition key is ``StudyInstanceUID``, so that a study's instances are one query; the sort
key is ``Resource``, the resource's path below the study::

    study                            a study's attributes, ModalitiesInStudy, SOPClassesInStudy
        PatientsDiffer               true if an instance has another patient; otherwise absent
        SetsTruncated                true if a member of a set was left out; otherwise absent
    series/{series}                  a series' attributes, SeriesInstanceUID
    instances/{series}/{instance}    an instance's attributes, and:
        SOPClassUID
        SOPInstanceUID               again, for the index by it (``INSTANCE_INDEX``)
        TransferSyntaxUID            of the bytes (0002,0010)
        NumberOfFrames               1 if pixel data does not say; absent if there are no frames
        Size SHA256                  of the bytes: how many, and their digest (hex)
        Stored                       when the item was written, UTC, ISO 8601
        Request                      by which request: its way, its ID and its sender (Provenance)
        Version                      how many items it has replaced; absent if none

Attributes are the QIDO-RS return attributes of their level (PS3.18 Tables 10.6.3-3 to -5) under
their keywords: text is S, an integer N, several values L, a sequence an L of M, and the two sets
SS, of at most 100 members. An empty attribute is left out. The value of a study or series attribute
is that of the first instance that has one; the patient comes from one instance as a whole
(``archive.patients``). The instance item is the commit: only an instance that has one is stored.

An instance item has at most 1 KB, which is what one write unit carries. So nothing is in it that
follows from its key, or from the deployment: not the UID of the series, and not where the bytes
are (``archive.objects.key_of``). The UID of the instance is the key of an index, and has to be an
attribute for that. Some items of older versions lack it; others have all of these.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from dicomweb.attributes import IndexValue
    from dicomweb.instances import SOPInstance

Item = dict[str, "AttributeValueTypeDef"]

# The longest attribute, in bytes. No VR of an indexed attribute allows that much; the limit keeps
# an item far below DynamoDB's 400 KB, whatever a sender makes up.
_LONGEST_ATTRIBUTE = 4096

MOST_MEMBERS = 100
"""The most members of a set, for the same reason; no study has as many modalities."""

# The longest member in bytes, as long as a UID may be. A Modality has at most 16 (PS3.5 6.2).
_LONGEST_MEMBER = 64

INSTANCE_INDEX = "BySOPInstanceUID"
"""The global secondary index of instance items by SOPInstanceUID, which has only keys."""

SETS_TRUNCATED: "Item" = {"SetsTruncated": {"BOOL": True}}
"""The mark of a study with a set that lacks a member: it was too long, or one too many."""

VERSION_ATTRIBUTES = ("SHA256", "Stored", "Version")
"""What distinguishes an instance item from any other that was or will be under its key.

``Version`` alone distinguishes items that replaced others. The other two distinguish items that
did not, and items that were written before there was a ``Version``.
"""


ANONYMOUS = "anonymous"
"""The principal of a request that nobody authorized, as the authorizer says it too."""


class Way(StrEnum):
    """The way by which an instance came into the archive."""

    POST = "post"
    UPLOAD = "upload"
    REBUILD = "rebuild"


class Provenance(NamedTuple):
    """By which request an instance was stored, and who sent it.

    ``request_id`` is that of API Gateway, of the upload, or of the run that made the index again.
    ``principal`` is the sender as the authorizer names it.
    """

    way: Way
    request_id: str
    principal: str = ANONYMOUS

    def item(self) -> Item:
        """Return the attribute ``Request``: one, because its name counts in every item."""
        words = (self.way, self.request_id or "-", self.principal or ANONYMOUS)
        return {"Request": {"S": " ".join(words)}}

    @classmethod
    def of(cls, item: Item) -> "Provenance | None":
        """Return what ``item`` says; None for items of older versions, which do not say it."""
        if "Request" not in item:
            return None
        way, request_id, principal = item["Request"]["S"].split(" ")
        return cls(Way(way), request_id, principal)


class ItemKey(NamedTuple):
    """The primary key of an item."""

    study_instance_uid: str
    resource: str

    def item(self) -> Item:
        """Return the key attributes."""
        return {
            "StudyInstanceUID": {"S": self.study_instance_uid},
            "Resource": {"S": self.resource},
        }


def study_key(instance: "SOPInstance") -> ItemKey:
    """Return the key of the study of ``instance``."""
    return ItemKey(instance.study_instance_uid, "study")


def series_key(instance: "SOPInstance") -> ItemKey:
    """Return the key of the series of ``instance``."""
    return ItemKey(instance.study_instance_uid, f"series/{instance.series_instance_uid}")


def instance_key(instance: "SOPInstance") -> ItemKey:
    """Return the key of ``instance`` itself."""
    return ItemKey(
        instance.study_instance_uid,
        f"instances/{instance.series_instance_uid}/{instance.sop_instance_uid}",
    )


def study_attributes(instance: "SOPInstance") -> Item:
    """Return what ``instance`` says about its study."""
    item = _to_item(instance.attributes.study)
    item["SOPClassesInStudy"] = {"SS": [instance.sop_class_uid]}
    item.pop("ModalitiesInStudy", None)
    modality = instance.attributes.series.get("Modality")
    if isinstance(modality, str) and modality:
        item["ModalitiesInStudy"] = {"SS": [modality]}
    return item


def series_attributes(instance: "SOPInstance") -> Item:
    """Return what ``instance`` says about its series."""
    item = _to_item(instance.attributes.series)
    item["SeriesInstanceUID"] = {"S": instance.series_instance_uid}
    return item


def instance_attributes(instance: "SOPInstance") -> Item:
    """Return what ``instance`` says about itself."""
    frames = instance.number_of_frames
    return _to_item(
        {
            **instance.attributes.instance,
            "SOPClassUID": instance.sop_class_uid,
            "SOPInstanceUID": instance.sop_instance_uid,
            "TransferSyntaxUID": instance.transfer_syntax_uid,
            "NumberOfFrames": "" if frames is None else frames,
            "Size": len(instance.content),
        }
    )


def replacement(values: Item, item: Item) -> Item:
    """Return the instance item with ``values`` that replaces ``item``, which is empty if none."""
    if not item:
        return values
    version = int(item.get("Version", {"N": "0"})["N"]) + 1
    return {**values, "Version": {"N": str(version)}}


def add_first(item: Item, values: Item) -> None:
    """Add to ``item`` the ``values`` of attributes that it lacks, and join the sets."""
    for keyword, value in missing(values, item).items():
        present = item.get(keyword, {}).get("SS", [])
        item[keyword] = {"SS": [*present, *value["SS"]]} if "SS" in value else value


def within_bounds(lacking: Item, item: Item) -> Item:
    """Return what of ``lacking`` is added to ``item``: what fits into its sets, marked if not all.

    Instances are stored all the same. Their own items have the UID of the SOP class.
    """
    kept = dict(lacking)
    for keyword, value in lacking.items():
        if "SS" not in value:
            continue
        room = MOST_MEMBERS - len(item.get(keyword, {}).get("SS", []))
        members = [each for each in value["SS"] if _bytes(each) <= _LONGEST_MEMBER]
        if len(value["SS"]) > min(room, len(members)):
            kept |= missing(SETS_TRUNCATED, item)
            kept[keyword] = {"SS": members[: max(room, 0)]}
        if not kept[keyword].get("SS"):
            del kept[keyword]
    return kept


def missing(values: Item, item: Item) -> Item:
    """Return those of ``values`` that ``item`` lacks: attributes, and members of its sets."""
    lacking: Item = {}
    for keyword, value in values.items():
        if "SS" in value:
            present = item.get(keyword, {}).get("SS", [])
            if members := [member for member in value["SS"] if member not in present]:
                lacking[keyword] = {"SS": members}
        elif keyword not in item:
            lacking[keyword] = value
    return lacking


def _to_item(attributes: Mapping[str, "IndexValue"]) -> Item:
    return {
        keyword: to_attribute_value(value)
        for keyword, value in attributes.items()
        if value not in ("", [], {}) and _bytes(str(value)) <= _LONGEST_ATTRIBUTE
    }


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def to_values(item: Item) -> "dict[str, IndexValue]":
    """Return the attributes of ``item`` by keyword."""
    return {keyword: to_value(value) for keyword, value in item.items()}


def to_value(value: "AttributeValueTypeDef") -> "IndexValue":
    """Return what DynamoDB's AttributeValue ``value`` says; a set is a sorted list."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(str(content))
        case "SS":
            return [*sorted(cast("list[str]", content))]
        case "L":
            return [to_value(each) for each in cast("list[AttributeValueTypeDef]", content)]
        case "M":
            return to_values(cast("Item", content))
    return str(content)


def to_attribute_value(value: "IndexValue") -> "AttributeValueTypeDef":
    """Return ``value`` as DynamoDB's AttributeValue."""
    match value:
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case list():
            return {"L": [to_attribute_value(item) for item in value]}
    return {"M": {keyword: to_attribute_value(item) for keyword, item in value.items()}}
