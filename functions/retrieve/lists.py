"""List the series or instances of a study, or the instances of a series (PS3.18 10.6)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from archive.items import to_values
from archive.retrieval import Retrieval
from dicomweb.answer.response import StoreResponse
from dicomweb.envelope.mediatypes import DICOM_JSON
from dicomweb.retrieval import acceptable, search
from retrieve.settings import Settings
from transaction.gateway import StoreRequest

_STUDY, _SERIES, _INSTANCES = "study", "series/", "instances/"
_AVAILABLE = {"InstanceAvailability": "ONLINE"}

Attributes = Mapping[str, Any]
Find = Callable[[Mapping[str, Attributes], Attributes, str, str], Iterator[Attributes]]


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
    base_url = chosen.retrieve_base_url or request.base_url
    study = request.in_path["study"]
    series = request.in_path.get("series", "")
    # The attributes of a study or of its series are in items of their own.
    below = f"{_INSTANCES}{series}/" if series and not query.of_study else ""
    items = {item["Resource"]["S"]: to_values(item) for item in retrieval.items(study, below)}
    of_study = {
        keyword: value
        for keyword, value in items.get(_STUDY, {}).items()
        if keyword in query.of_study
    }
    common = {**of_study, **_AVAILABLE, "StudyInstanceUID": study}
    url = f"{base_url}/studies/{study}"
    encoded = search.encode(find(items, common, url, series), query)
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


def _instances(
    items: Mapping[str, Attributes], common: Attributes, url: str, series: str
) -> Iterator[Attributes]:
    """Yield the instances; below a study they have the attributes of their series as well."""
    for resource, own in items.items():
        if not resource.startswith(f"{_INSTANCES}{series}/" if series else _INSTANCES):
            continue
        _, of_series, instance = resource.split("/")
        yield {
            **common,
            **({} if series else items.get(f"{_SERIES}{of_series}", {})),
            **own,
            "SeriesInstanceUID": of_series,
            "SOPInstanceUID": instance,
            "RetrieveURL": f"{url}/series/{of_series}/instances/{instance}",
        }


def _series(
    items: Mapping[str, Attributes], common: Attributes, url: str, _: str
) -> Iterator[Attributes]:
    """Yield the series that have an instance: only these are stored."""
    counted = Counter(
        resource.split("/")[1] for resource in items if resource.startswith(_INSTANCES)
    )
    for series, count in counted.items():
        yield {
            **common,
            **items.get(f"{_SERIES}{series}", {}),
            "SeriesInstanceUID": series,
            "NumberOfSeriesRelatedInstances": count,
            "RetrieveURL": f"{url}/series/{series}",
        }
