"""List the series or instances of a study, or the instances of a series (PS3.18 10.6)."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

from archive.items import to_values
from archive.retrieval import Retrieval
from archive.storedinstances import INSTANCES
from dicomweb.answer.response import StoreResponse
from dicomweb.envelope.mediatypes import DICOM_JSON
from dicomweb.retrieval import acceptable, search
from dicomweb.retrieval.search import Query
from retrieve.settings import Settings
from transaction.gateway import StoreRequest

_STUDY, _SERIES = "study", "series/"

Attributes = Mapping[str, Any]
Find = Callable[[Retrieval, StoreRequest, Query], Iterator[Attributes]]


def search_for_instances(
    request: StoreRequest, retrieval: Retrieval, chosen: Settings
) -> StoreResponse:
    """Answer with the instances of a study, or of one of its series.

    Raises MalformedRequest and NotAcceptable, and errors of ``archive.retrieval``.
    """
    return _answer(request, retrieval, chosen, _instances)


def search_for_series(
    request: StoreRequest, retrieval: Retrieval, chosen: Settings
) -> StoreResponse:
    """Answer with the series of a study; raises what ``search_for_instances`` does."""
    return _answer(request, retrieval, chosen, _series)


def _answer(
    request: StoreRequest, retrieval: Retrieval, chosen: Settings, find: Find
) -> StoreResponse:
    acceptable.check_json(request.headers.get("accept"), request.accept_parameter)
    query = search.read_query(request.query)
    study = request.in_path["study"]
    url = f"{chosen.retrieve_base_url or request.base_url}/studies/{study}"
    common = {
        **_of_study(retrieval, study, query.of_study),
        "InstanceAvailability": "ONLINE",
        "StudyInstanceUID": study,
    }
    found = (
        {**common, **attributes, "RetrieveURL": f"{url}/{attributes['RetrieveURL']}"}
        for attributes in find(retrieval, request, query)
    )
    encoded = search.encode(found, query)
    more = (
        []
        if encoded.following is None
        else [(None, f"there are more results: ask again with offset={encoded.following}")]
    )
    return StoreResponse(
        status=HTTPStatus.OK,
        media_type=DICOM_JSON,
        body=encoded.body,
        warnings=more,
        headers={"Cache-Control": "private, no-cache", "Vary": "Accept"},
    )


def _of_study(retrieval: Retrieval, study: str, keywords: Collection[str]) -> Attributes:
    """Return the attributes of the study with these keywords, which an item of its own has."""
    item = next(retrieval.items(study, _STUDY), {}) if keywords else {}
    return {keyword: value for keyword, value in to_values(item).items() if keyword in keywords}


def _instances(retrieval: Retrieval, request: StoreRequest, query: Query) -> Iterator[Attributes]:
    """Yield the instances; below a study they have the attributes of their series as well.

    No more are read than one query returns beyond those that are asked for.
    """
    study, below = request.in_path["study"], request.in_path.get("series", "")
    of_series = {} if below else _series_items(retrieval, study)
    page = None if query.limit is None else query.limit + 1
    resources = f"{INSTANCES}{below}/" if below else INSTANCES
    for item in retrieval.items(study, resources, skip=query.offset, page=page):
        _, series, instance = item["Resource"]["S"].split("/")
        yield {
            **of_series.get(series, {}),
            **to_values(item),
            "SeriesInstanceUID": series,
            "SOPInstanceUID": instance,
            "RetrieveURL": f"series/{series}/instances/{instance}",
        }


def _series(retrieval: Retrieval, request: StoreRequest, query: Query) -> Iterator[Attributes]:
    """Yield the series that have an instance: only these are stored.

    To count their instances, the keys of all instances are read.
    """
    study = request.in_path["study"]
    of_series = _series_items(retrieval, study)
    keys = retrieval.items(study, INSTANCES, only=("Resource",))
    counted = Counter(key["Resource"]["S"].split("/")[1] for key in keys)
    for series, count in islice(counted.items(), query.offset, None):
        yield {
            **of_series.get(series, {}),
            "SeriesInstanceUID": series,
            "NumberOfSeriesRelatedInstances": count,
            "RetrieveURL": f"series/{series}",
        }


def _series_items(retrieval: Retrieval, study: str) -> Mapping[str, Attributes]:
    items = retrieval.items(study, _SERIES)
    return {item["Resource"]["S"].removeprefix(_SERIES): to_values(item) for item in items}
