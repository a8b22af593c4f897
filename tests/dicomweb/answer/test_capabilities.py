import json

import pytest
from lxml import etree

from dicomweb.answer.capabilities import JSON, WADL, describe

BASE = "https://pacs.example/dicom-web"
WADL_NAMESPACE = "{http://wadl.dev.java.net/2009/02}"
PATHS = ["studies", "studies/{StudyInstanceUID}"]
STATUSES = [200, 202, 400, 401, 403, 409, 503]


@pytest.mark.parametrize(
    ("resource", "paths"), [("", PATHS), (PATHS[0], PATHS[:1]), (PATHS[1], PATHS[1:]), ("x", [])]
)
@pytest.mark.parametrize("accept", [None, "*/*", WADL, "application/xml"])
def test_wadl_names_the_resource_or_for_the_base_all_of_them(
    resource: str, paths: list[str], accept: str | None
) -> None:
    media_type, text = describe(resource, BASE, accept)

    root = etree.fromstring(text.encode())
    assert media_type == WADL
    assert root.tag == f"{WADL_NAMESPACE}application"
    assert [base.get("base") for base in root] == [BASE]
    assert [found.get("path") for found in root[0]] == paths


def test_wadl_says_how_to_store() -> None:
    root = etree.fromstring(describe("", BASE, None)[1].encode())

    methods = list(root.iter(f"{WADL_NAMESPACE}method"))
    assert [(method.get("name"), method.get("id")) for method in methods] == [
        ("POST", "Store Instances"),
        ("POST", "Store Study Instances"),
    ]
    for method in methods:
        request = method.find(f"{WADL_NAMESPACE}request")
        response = method.find(f"{WADL_NAMESPACE}response")
        assert request is not None
        assert response is not None
        assert [known.get("mediaType") for known in request.iterfind("{*}representation")] == [
            'multipart/related; type="application/dicom"',
            'multipart/related; type="application/dicom+xml"',
            'multipart/related; type="application/dicom+json"',
            "application/dicom",
        ]
        assert response.get("status") == " ".join(map(str, STATUSES))
        assert [known.get("mediaType") for known in response] == [
            "application/dicom+xml",
            "application/dicom+json",
        ]
    parameters = [
        (resource.get("path"), param.get("name"), param.get("style"))
        for resource in root.iterfind(".//{*}resource")
        for param in resource.iterfind("{*}param")
    ]
    assert parameters == [("studies/{StudyInstanceUID}", "StudyInstanceUID", "template")]


def test_what_retrieves_as_well_names_each_resource_once_with_all_its_methods() -> None:
    root = etree.fromstring(describe("", BASE, None, retrieves=True)[1].encode())
    series = "studies/{StudyInstanceUID}/series/{SeriesInstanceUID}"
    instance = f"{series}/instances/{{SOPInstanceUID}}"
    assert {
        resource.get("path"): [method.get("id") for method in resource.iterfind("{*}method")]
        for resource in root[0]
    } == {
        "studies": ["Store Instances"],
        "studies/{StudyInstanceUID}": ["Store Study Instances", "Retrieve Study"],
        "studies/{StudyInstanceUID}/instances": ["Search For Study Instances"],
        "studies/{StudyInstanceUID}/series": ["Search For Study Series"],
        series: ["Retrieve Series"],
        f"{series}/instances": ["Search For Series Instances"],
        instance: ["Retrieve Instance"],
        f"{instance}/metadata": ["Retrieve Instance Metadata"],
    }
    statuses = {method.get("id"): method[1].get("status") for method in root.iter("{*}method")}
    assert statuses["Retrieve Instance"] == "200 303 304 400 401 403 404 406 503"


@pytest.mark.parametrize("accept", ["application/json", "application/dicom+json"])
def test_json_says_the_same(accept: str) -> None:
    media_type, text = describe("", BASE, accept)

    capabilities = json.loads(text)
    assert media_type == JSON
    assert capabilities["base"] == BASE
    assert [resource["path"] for resource in capabilities["resources"]] == PATHS
    for resource in capabilities["resources"]:
        assert [(method["name"], method["status"]) for method in resource["methods"]] == [
            ("POST", STATUSES)
        ]


def test_a_base_url_is_escaped() -> None:
    assert etree.fromstring(describe("", "http://a/<&\"'>", None)[1].encode())[0].get("base") == (
        "http://a/<&\"'>"
    )
