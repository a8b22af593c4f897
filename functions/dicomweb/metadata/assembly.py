"""Make instances from metadata and bulk data (PS3.18 10.5.1.4, 10.5.2).

All metadata is read first, whatever the order of the parts, because it says which parts are bulk
data and to which instances they belong. Each instance then becomes the Part 10 file that a
sender with a DICOM toolkit would have sent, and is judged like that file.

A part that no metadata refers to is a failure of its own: its sender meant it to be stored. So is
a document that cannot be read, because others beside it may hold instances.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NoReturn

from pydicom.uid import ExplicitVRLittleEndian

from dicomweb.candidates import Candidate, check_unencoded
from dicomweb.checks import (
    IDENTITY,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    check_identity,
)
from dicomweb.envelope.mediatypes import ALIASES, DICOM_XML, parse_media_type
from dicomweb.envelope.multipart import MAX_PARTS, BodyPart
from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata import charactersets, jsonmodel, nativemodel, pixeldata, writer
from dicomweb.metadata.budget import Budget, Objects, bytes_for
from dicomweb.metadata.bulkdata import BulkData, missing
from dicomweb.metadata.dataelements import DataSet, Element
from dicomweb.metadata.datasets import ENCAPSULATED_DOCUMENT, extract, restore, uid
from dicomweb.metadata.documents import set_document, set_document_length
from dicomweb.metadata.metadata import Metadata, MetadataRejected, Reference
from dicomweb.metadata.notation import MAX_URI_BYTES
from dicomweb.metadata.references import references
from dicomweb.metadata.values import set_value
from dicomweb.outcomes import SOPReference
from dicomweb.part10.walker import PIXEL_DATA
from dicomweb.reasons import FailureReason, WarningReason
from dicomweb.timelimit import FOREVER, TimeLimit

_UNREFERENCED = (
    "found bulk data that no metadata of the request refers to, expected a BulkDataURI that equals"
    f" its Content-Location, which has at most {MAX_URI_BYTES} bytes"
)
_DISCARDED = (
    "found elements of group 0002 in the metadata, which were discarded: the service writes the"
    " File Meta Information itself"
)


def candidates(
    root_type: str,
    parts: Sequence[BodyPart],
    *,
    url: str,
    study_instance_uid: str | None,
    time_limit: TimeLimit = FOREVER,
) -> list[Candidate]:
    """Return what parts of metadata and bulk data offer, instances first, in order.

    ``url`` is the URL of the request, against which relative references are resolved. An instance
    without Study Instance UID belongs to the target's study, if the target is one. An instance
    that is not read within ``time_limit`` is refused (A700), here or when its content is read.
    Raises MalformedRequest if there is no metadata, or too much.
    """
    metadata_parts = [part for part in parts if _is_metadata(part, root_type)]
    if not metadata_parts:
        raise MalformedRequest(f"found no part of type {root_type}, expected metadata in one")
    objects = Objects()
    read = [
        (part.number, item, metadata)
        for part in metadata_parts
        for item, metadata in _read(part, root_type, objects, time_limit)
    ]
    if len(read) > MAX_PARTS:
        raise MalformedRequest(f"found {len(read)} instances, expected at most {MAX_PARTS}")
    numbers = {part.number for part in metadata_parts}
    bulk_data = BulkData([part for part in parts if part.number not in numbers], url)
    budget = Budget(bytes_for(sum(len(part.content) for part in parts)))
    assembly = _Assembly(bulk_data, budget, study_instance_uid, time_limit)
    found = [assembly.candidate(*metadata) for metadata in read]
    return [*found, *assembly.unreferenced()]


def _is_metadata(part: BodyPart, root_type: str) -> bool:
    """Tell whether the part is metadata; bulk data may be XML or JSON too, but has a location."""
    declared = part.headers.get("content-type")
    located = "content-location" in part.headers
    if not declared:
        return not located
    try:
        essence = parse_media_type(declared).essence
    except MalformedRequest:
        return False
    return essence == root_type or (ALIASES.get(essence) == root_type and not located)


def _read(
    part: BodyPart, root_type: str, objects: Objects, time_limit: TimeLimit
) -> Sequence[tuple[int | None, Metadata | InstanceRejected]]:
    """Return the instances of a document and their places in it, or why it cannot be read."""
    try:
        check_unencoded(part)
        with objects.of(part.content):
            if root_type == DICOM_XML:
                return [(1, nativemodel.read(part.content, objects, time_limit))]
            return list(enumerate(jsonmodel.read(part.content, objects, time_limit), start=1))
    except MetadataRejected as refusal:
        return [(1, refusal)]
    except InstanceRejected as refusal:
        return [(None, refusal)]
    except MalformedRequest as error:
        return [(None, InstanceRejected(FailureReason.CANNOT_UNDERSTAND, str(error)))]


def _refuse(refusal: InstanceRejected) -> NoReturn:
    raise refusal


class _Assembly:
    """What the instances of a request share: bulk data, target and budget."""

    def __init__(
        self, bulk_data: BulkData, budget: Budget, target: str | None, time_limit: TimeLimit
    ) -> None:
        self.bulk_data = bulk_data
        self.budget = budget
        self.pixels = pixeldata.Reader(budget)
        self.target = target
        self.time_limit = time_limit
        self.uris: set[str] = set()
        self.all_known = True

    def candidate(
        self, number: int, item: int | None, metadata: Metadata | InstanceRejected
    ) -> Candidate:
        """Return a candidate whose file is written when its content is read."""
        if isinstance(metadata, InstanceRejected):
            self.all_known = False
            return Candidate(
                number=number,
                item=item,
                content=partial(_refuse, metadata),
                reference=metadata.reference if isinstance(metadata, MetadataRejected) else None,
            )
        data_set = metadata.data_set
        found = references(metadata, self.bulk_data)
        self.uris.update(reference.uri for reference in found)
        if self.target and not uid(data_set, STUDY_INSTANCE_UID):
            data_set[STUDY_INSTANCE_UID] = Element("UI", self.target)
        return Candidate(
            number=number,
            item=item,
            content=partial(self.file, data_set, found),
            reference=SOPReference.of(
                uid(data_set, SOP_CLASS_UID), uid(data_set, SOP_INSTANCE_UID)
            ),
            warning=WarningReason.ELEMENTS_DISCARDED if metadata.discarded_file_meta else None,
            text=_DISCARDED if metadata.discarded_file_meta else "",
        )

    def unreferenced(self) -> Iterator[Candidate]:
        """Yield a failure for each part that belongs to no instance.

        There are none if the metadata of an instance cannot be read: any part may belong to it.
        """
        refusal = InstanceRejected(FailureReason.CANNOT_UNDERSTAND, _UNREFERENCED)
        for part in self.bulk_data.unreferenced(self.uris) if self.all_known else ():
            yield Candidate(number=part.number, content=partial(_refuse, refusal))

    def file(self, data_set: DataSet, found: list[Reference]) -> memoryview:
        """Return the instance as a Part 10 file; raises InstanceRejected if it cannot be one.

        Nothing of the data set is kept: all instances of a request are made before any is stored.
        """
        try:
            _check_identity(data_set)
            transfer_syntax_uid = self.fill(data_set, found)
            charactersets.settle(data_set, self.time_limit)
            return writer.write(data_set, transfer_syntax_uid, self.time_limit)
        finally:
            data_set.clear()
            found.clear()

    def fill(self, data_set: DataSet, found: Sequence[Reference]) -> str:
        """Fill in the bulk data and return the resulting transfer syntax."""
        values = [(each, self.parts(each, data_set)) for each in found]
        for _, parts in values:
            self.budget.take(self.bulk_data.size(parts))
        encodings = charactersets.encodings_of_holders(data_set, [each.holder for each in found])
        pixel_data: Sequence[BodyPart] = ()
        document: BodyPart | None = None
        for each, parts in values:
            if _is_pixel_data(each, data_set):
                pixel_data = parts
            elif each.holder is data_set and each.tag == ENCAPSULATED_DOCUMENT:
                document = parts[0]
            else:
                known = encodings[id(each.holder)]
                set_value(each.holder, each.tag, parts[0], known, self.budget)
        return self.describe(data_set, pixel_data, document)

    def describe(
        self, data_set: DataSet, pixel_data: Sequence[BodyPart], document: BodyPart | None
    ) -> str:
        """Set pixel data and document and what describes them; return the transfer syntax."""
        if PIXEL_DATA not in data_set and ENCAPSULATED_DOCUMENT not in data_set:
            return ExplicitVRLittleEndian
        extracted = extract(data_set)
        syntax: str = ExplicitVRLittleEndian
        if document:
            set_document(extracted, document)
        if pixel_data:
            syntax = self.pixels.set_pixel_data(extracted, pixel_data)
        elif extracted.get("PixelData"):
            pixeldata.set_inline_pixel_data(extracted)
        if ENCAPSULATED_DOCUMENT in extracted:
            set_document_length(extracted)
        restore(data_set, extracted)
        return syntax

    def parts(self, reference: Reference, data_set: DataSet) -> Sequence[BodyPart]:
        """Return the parts of a reference; raises InstanceRejected for none, or too many."""
        parts = self.bulk_data.find(reference.uri)
        if not parts:
            raise missing()
        if len(parts) > 1 and not _is_pixel_data(reference, data_set):
            raise InstanceRejected(
                FailureReason.CANNOT_UNDERSTAND,
                f"found {len(parts)} parts for one value, expected one: only pixel data has frames",
            )
        return parts


def _check_identity(data_set: DataSet) -> None:
    """Check the UIDs before a file is written: three bytes of JSON can ask for one."""
    check_identity({tag: uid(data_set, tag) for tag in IDENTITY if tag in data_set})


def _is_pixel_data(reference: Reference, data_set: DataSet) -> bool:
    return reference.holder is data_set and reference.tag == PIXEL_DATA
