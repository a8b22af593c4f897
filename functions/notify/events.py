"""The events: what is told of stored instances, and of a study to which nothing was added.

docs/events.schema.json is their schema. They have no attribute of a patient or of a study, unless
the deployment names it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archive.buses import MOST_BYTES, Event
from archive.commits import Commit
from archive.items import Item, Provenance, to_value
from notify.records import Batch
from notify.studies import Study

INSTANCES_STORED = "Instances Stored"
STUDY_QUIET = "Study Quiet"
VERSION = 1
"""The version of the schema; it changes if a member changes its meaning or goes."""

MOST_SERIES = 500
"""The most series that an event names one by one; they fit if their modalities are valid."""

_SEPARATORS = (",", ":")


def instances_stored(batch: Batch, bucket: str, attributes: Mapping[str, Any]) -> list[Event]:
    """Return the events that tell of ``batch``: one, or several if one would be too large."""
    head: dict[str, object] = {
        "version": VERSION,
        "bucket": bucket,
        "studyInstanceUID": batch.study_instance_uid,
        **_request(batch.provenance),
        **_named(attributes),
    }
    return [
        Event(
            detail_type=INSTANCES_STORED,
            detail=_json({**head, "instances": instances}),
            time=max(each["stored"] for each in instances),
        )
        for instances in _divided(map(_instance, batch.commits), MOST_BYTES - len(_json(head)) * 2)
    ]


def study_quiet(study: Study, seconds: int, bucket: str, attributes: Mapping[str, Any]) -> Event:
    """Return the event that tells that nothing came to ``study`` for so many ``seconds``."""
    series = [
        {"seriesInstanceUID": uid, **_modality(each.modality), "numberOfInstances": each.instances}
        for uid, each in sorted(study.series.items())
    ]
    counts = {
        "version": VERSION,
        "bucket": bucket,
        "studyInstanceUID": study.study_instance_uid,
        "quietSeconds": seconds,
        "stored": study.stored,
        "numberOfSeries": len(series),
        "numberOfInstances": study.instances,
        "size": study.size,
        **_named(attributes),
    }
    detail = _json({**counts, "series": series})
    if len(series) > MOST_SERIES or len(detail.encode()) > MOST_BYTES:
        detail = _json(counts)
    return Event(detail_type=STUDY_QUIET, detail=detail, time=study.stored)


def named_attributes(item: Item, keywords: Sequence[str]) -> dict[str, Any]:
    """Return the attributes with these ``keywords`` that the ``item`` of a study has."""
    return {keyword: to_value(item[keyword]) for keyword in keywords if keyword in item}


def _request(provenance: Provenance | None) -> dict[str, object]:
    if provenance is None:
        return {}
    way, request_id, principal = provenance
    return {"request": {"way": way, "id": request_id, "principal": principal}}


def _named(attributes: Mapping[str, Any]) -> dict[str, object]:
    return {"attributes": attributes} if attributes else {}


def _modality(modality: str) -> dict[str, str]:
    return {"modality": modality} if modality else {}


def _instance(commit: Commit) -> dict[str, Any]:
    return {
        "seriesInstanceUID": commit.series_instance_uid,
        "sopInstanceUID": commit.sop_instance_uid,
        "sopClassUID": commit.sop_class_uid,
        "transferSyntaxUID": commit.transfer_syntax_uid,
        "size": commit.size,
        "sha256": commit.sha256,
        "key": commit.key,
        "version": commit.version,
        "stored": commit.stored,
    }


def _divided(instances: Iterator[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    """Yield ``instances`` in lists that have up to ``most`` bytes, or one instance, in JSON."""
    together: list[dict[str, Any]] = []
    size = 0
    for instance in instances:
        own = len(_json(instance)) + 1
        if together and size + own > most:
            yield together
            together, size = [], 0
        together.append(instance)
        size += own
    yield together


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=_SEPARATORS)
