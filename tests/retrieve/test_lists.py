"""The series and instances of a study are listed (PS3.18 10.6)."""

import json
from typing import Any

import pytest
from pydicom.dataset import Dataset

from dicomweb.retrieval import search
from retrieve.handler import retrieval
from retrieve.settings import settings
from tests.builders import instance, series_uid, sop_uid, study_uid
from tests.retrieve.conftest import Get, Keep
from tests.store.lambdas import Reply

BASE = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/dicomweb"
JSON = {"Accept": "application/dicom+json"}
STUDY = study_uid(11)


@pytest.fixture(scope="module", autouse=True)
def study(keep: Keep) -> None:
    contents = [instance(11, series, number) for series in (1, 2) for number in (1, 2, 3)]
    request = Dataset()
    request.RequestedProcedureID = "R7"
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    keep(*contents, instance(12, PatientName=name, RequestAttributesSequence=[request]))


def results(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/dicom+json"
    found: list[dict[str, Any]] = json.loads(reply.body)
    return found


def values(found: list[dict[str, Any]], tag: str) -> list[Any]:
    return [result[tag]["Value"][0] for result in found]


def test_the_instances_of_a_study_have_the_attributes_of_their_series(get: Get) -> None:
    found = results(get(STUDY, below="/instances", headers=JSON))
    assert values(found, "00080018") == [sop_uid(11, s, n) for s in (1, 2) for n in (1, 2, 3)]
    assert found[0] == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
        "00080018": {"vr": "UI", "Value": [sop_uid(11)]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00081190": {
            "vr": "UR",
            "Value": [f"{BASE}/studies/{STUDY}/series/{series_uid(11)}/instances/{sop_uid(11)}"],
        },
        "0020000D": {"vr": "UI", "Value": [STUDY]},
        "0020000E": {"vr": "UI", "Value": [series_uid(11)]},
        "00200011": {"vr": "IS", "Value": [1]},
        "00200013": {"vr": "IS", "Value": [1]},
        "00280008": {"vr": "IS", "Value": [1]},
        "00280010": {"vr": "US", "Value": [4]},
        "00280011": {"vr": "US", "Value": [4]},
        "00280100": {"vr": "US", "Value": [16]},
    }
    assert list(found[0]) == sorted(found[0])


def test_the_instances_of_a_series_are_its_own(get: Get) -> None:
    found = results(get(STUDY, series_uid(11, 2), below="/instances", headers=JSON))
    assert values(found, "00080018") == [sop_uid(11, 2, number) for number in (1, 2, 3)]
    assert "00080060" not in found[0]


def test_a_series_is_counted(get: Get) -> None:
    found = results(get(STUDY, below="/series", headers=JSON))
    assert values(found, "0020000E") == [series_uid(11, 1), series_uid(11, 2)]
    assert values(found, "00201209") == [3, 3]
    assert values(found, "00080060") == ["CT", "CT"]
    assert values(found, "00081190") == [
        f"{BASE}/studies/{STUDY}/series/{series_uid(11, series)}" for series in (1, 2)
    ]


@pytest.mark.parametrize(
    "include",
    [["all"], ["PatientName"], ["00100010"], ["PatientID,PatientName"], ["x", "PatientName"]],
)
@pytest.mark.parametrize("uids", [(study_uid(12),), (study_uid(12), series_uid(12))])
def test_attributes_of_the_study_are_included_if_they_are_named(
    get: Get, uids: tuple[str, ...], include: list[str]
) -> None:
    query: dict[str, str | list[str]] = {"includefield": include}
    (found,) = results(get(*uids, below="/instances", headers=JSON, query=query))
    assert found["00100010"]["Value"] == [
        {
            "Alphabetic": "Yamada^Tarou",
            "Ideographic": "山田^太郎",
            "Phonetic": "やまだ^たろう",
        }
    ]
    (found,) = results(get(*uids, below="/instances", headers=JSON))
    assert "00100010" not in found


def test_a_sequence_of_the_series_is_listed(get: Get) -> None:
    (found,) = results(get(study_uid(12), below="/series", headers=JSON))
    assert found["00400275"]["Value"] == [{"00401001": {"vr": "SH", "Value": ["R7"]}}]


@pytest.mark.parametrize(
    ("query", "numbers", "following"),
    [
        ({"limit": "2"}, [(1, 1), (1, 2)], "offset=2"),
        ({"limit": "2", "offset": "4"}, [(2, 2), (2, 3)], ""),
        ({"offset": "5"}, [(2, 3)], ""),
        ({"offset": "6"}, [], ""),
        ({"limit": "0"}, [], "offset=0"),
        ({"limit": "6", "fuzzymatching": "true"}, [(s, n) for s in (1, 2) for n in (1, 2, 3)], ""),
    ],
)
def test_limit_and_offset_make_pages(
    get: Get, query: dict[str, str], numbers: list[tuple[int, int]], following: str
) -> None:
    reply = get(STUDY, below="/instances", headers=JSON, query=dict(query))
    expected = [sop_uid(11, series, number) for series, number in numbers]
    assert values(results(reply), "00080018") == expected
    assert bool(reply.warnings) == bool(following)
    assert following in "".join(reply.warnings)


def test_what_does_not_fit_into_an_answer_comes_with_the_next(
    get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_RESULTS_BYTES", 2500)
    reply = get(STUDY, below="/instances", headers=JSON)
    count = len(results(reply))
    assert 0 < count < 6
    assert f"offset={count}" in reply.warnings[0]
    rest = get(STUDY, below="/instances", headers=JSON, query={"offset": str(count)})
    assert values(results(rest), "00080018")[0] not in values(results(reply), "00080018")


@pytest.mark.parametrize("below", ["/instances", "/series"])
def test_an_unknown_study_has_none(get: Get, below: str) -> None:
    assert results(get(study_uid(96), below=below, headers=JSON)) == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"limit": "-1"}, "found no number as limit"),
        ({"limit": ["1", "2"]}, "found no number as limit"),
        ({"offset": "x"}, "found no number as offset"),
        ({"PatientName": "Planted"}, "found a query parameter that is not supported"),
    ],
)
def test_other_parameters_are_400(get: Get, query: dict[str, str | list[str]], text: str) -> None:
    reply = get(STUDY, below="/instances", query=query)
    assert reply.status == 400
    assert text in reply.body
    assert "Planted" not in reply.body


@pytest.mark.parametrize("accept", ["application/dicom+xml", "image/png", "*/*; q=0"])
def test_only_json_is_offered(get: Get, accept: str) -> None:
    assert get(STUDY, below="/series", headers={"Accept": accept}).status == 406


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "application/dicom+json; q=0.1"])
def test_json_is_returned_to_all_who_accept_it(get: Get, accept: str) -> None:
    assert len(results(get(STUDY, below="/series", headers={"Accept": accept}))) == 2


class Queries:
    """What is asked of the table and what it answers, in pages of at most two items if told so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client: Any = retrieval(settings())._partitions._dynamodb
        self._query = client.query
        self.most: int | None = None
        self.answers: list[Any] = []
        monkeypatch.setattr(client, "query", self)

    def __call__(self, **asked: Any) -> Any:  # noqa: ANN401 - passed on
        limits = [limit for limit in (asked.pop("Limit", None), self.most) if limit]
        limit = {"Limit": min(limits)} if limits else {}
        self.answers.append(self._query(**asked, **limit))
        return self.answers[-1]

    @property
    def instances(self) -> list[str]:
        """The resources of the instances that were sent."""
        sent = [item["Resource"]["S"] for each in self.answers for item in each.get("Items", [])]
        return [resource for resource in sent if resource.startswith("instances/")]


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Queries:
    return Queries(monkeypatch)


@pytest.mark.parametrize(("offset", "left"), [(0, 6), (1, 5), (3, 3), (6, 0), (7, 0)])
def test_a_study_of_several_pages_of_the_table_is_listed_whole(
    get: Get, queries: Queries, offset: int, left: int
) -> None:
    queries.most = 2
    found = results(get(STUDY, below="/instances", query={"offset": str(offset)}, headers=JSON))
    every = [sop_uid(11, s, n) for s in (1, 2) for n in (1, 2, 3)]
    assert values(found, "00080018") == every[offset:]
    assert len(found) == left


def test_the_instances_of_several_pages_of_the_table_are_counted(
    get: Get, queries: Queries
) -> None:
    queries.most = 2
    found = results(get(STUDY, below="/series", query={"offset": "1"}, headers=JSON))
    assert values(found, "0020000E") == [series_uid(11, 2)]
    assert values(found, "00201209") == [3]


def test_a_page_is_found_without_reading_those_before_or_after_it(
    get: Get, queries: Queries
) -> None:
    query: dict[str, str | list[str]] = {"offset": "3", "limit": "1"}
    found = results(get(STUDY, below="/instances", query=query, headers=JSON))
    assert values(found, "00080018") == [sop_uid(11, 2, 1)]
    # The second is there to know whether there is more.
    assert [each.rpartition("/")[2] for each in queries.instances] == [
        sop_uid(11, 2, 1),
        sop_uid(11, 2, 2),
    ]


def test_series_are_counted_by_the_keys_of_their_instances(get: Get, queries: Queries) -> None:
    get(STUDY, below="/series", headers=JSON)
    assert len(queries.instances) == 6
    sent = [item for each in queries.answers for item in each["Items"]]
    keys = [item for item in sent if item["Resource"]["S"].startswith("instances/")]
    assert all(item.keys() == {"Resource"} for item in keys)


def test_a_sequence_and_several_values_are_results_too() -> None:
    found = {
        "RequestAttributesSequence": [{"RequestedProcedureID": "7"}],
        "SeriesDescription": "a\\\\b",
        "NumberOfFrames": "1.5",
        "Unknown": "x",
    }
    (encoded,) = json.loads(search.encode([found], search.read_query({})).body)
    assert encoded == {
        "0008103E": {"vr": "LO", "Value": ["a", None, "b"]},
        "00280008": {"vr": "IS", "Value": ["1.5"]},
        "00400275": {"vr": "SQ", "Value": [{"00401001": {"vr": "SH", "Value": ["7"]}}]},
    }
