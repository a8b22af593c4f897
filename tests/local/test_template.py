from pathlib import Path

import pytest

from local import rest_api
from local.intrinsics import TemplateError
from local.rest_api import Api
from local.template import Template

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).parent / "stub" / "template.yaml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = STUB.read_text()
    assert old in text
    path = tmp_path / "template.yaml"
    path.write_text(text.replace(old, new))
    return path


def test_a_function_has_what_globals_and_its_own_properties_say() -> None:
    store, authorizer, _ = Template(STUB, {"MaxSimultaneousRequests": "3"}).functions
    assert store.name == "stowport-StoreFunction"
    assert store.handler == "stub.store"
    assert store.code == STUB.parent / "functions"
    assert (store.timeout, store.memory_size, store.reserved_concurrency) == (1.0, 128, 3)
    assert store.environment == {"STUB_BUCKET": "stowport-archivebucket"}
    assert authorizer.reserved_concurrency is None


def test_unlimited_reserves_nothing() -> None:
    assert Template(STUB, {}).functions[0].reserved_concurrency is None


def test_bucket_and_table_have_names_that_aws_would_take() -> None:
    template = Template(STUB, {})
    assert (template.bucket, template.table) == ("stowport-archivebucket", "stowport-IndexTable")
    tables = template.resources("AWS::DynamoDB::Table")
    assert set(tables) == {"stowport-IndexTable", "stowport-OtherTable"}
    assert tables[template.table]["KeySchema"][1]["AttributeName"] == "Resource"


def test_binary_media_types_are_read_in_both_spellings() -> None:
    api = rest_api.read(Template(STUB, {}))
    assert api.binary_media_types == ["multipart/related", "image/*"]


def test_a_route_has_the_default_authorizer_unless_it_says_none() -> None:
    api = rest_api.read(Template(STUB, {}))
    authorizers = {(r.method, r.resource): r.authorizer and r.authorizer.name for r in api.routes}
    assert authorizers["POST", "/guarded"] == "stowport-AuthorizerFunction"
    assert authorizers["POST", "/studies"] is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("ReauthorizeEvery: 0", "ReauthorizeEvery: 300", "Stub is another kind"),
        ("PayloadType: REQUEST", "PayloadType: TOKEN", "Stub is another kind"),
        ("AWS::Serverless::Api", "AWS::SNS::Topic", "AWS::Serverless::Api; the template has 0"),
        ("!GetAtt AuthorizerFunction.Arn", "!GetAtt AuthorizerFunction.Name", "Function.Name"),
        ("!GetAtt AuthorizerFunction.Arn", "!GetAtt Nothing.Arn", "Nothing.Arn"),
    ],
)
def test_what_the_laptop_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    template = Template(changed(tmp_path, old, new), {})
    with pytest.raises(TemplateError, match=problem):
        _ = rest_api.read(template), template.bucket


def test_a_resource_whose_condition_does_not_hold_is_not_there(tmp_path: Path) -> None:
    bucket = "Type: AWS::S3::Bucket"
    path = changed(tmp_path, bucket, f"{bucket}\n    Condition: IsUnlimited")
    assert set(Template(path, {}).resources("AWS::S3::Bucket")) == {"stowport-archivebucket"}
    assert not Template(path, {"MaxSimultaneousRequests": "1"}).resources("AWS::S3::Bucket")


def test_the_bucket_and_the_table_that_are_given_are_used() -> None:
    given = {"ExistingArchiveBucket": "kept", "ExistingIndexTable": "restored"}
    template = Template(ROOT / "template.yaml", {"Authentication": "none", **given})
    assert (template.bucket, template.table) == ("kept", "restored")
    assert not template.resources("AWS::S3::Bucket")


@pytest.fixture(scope="module")
def deployed() -> Api:
    return rest_api.read(Template(ROOT / "template.yaml", {"Authentication": "none"}))


SERIES = "/studies/{study}/series/{series}"
INSTANCE = f"{SERIES}/instances/{{instance}}"
WHOLE = ("/studies/{study}", SERIES, INSTANCE)
LISTS = (
    "/studies/{study}/instances",
    "/studies/{study}/series",
    f"{SERIES}/instances",
    f"{INSTANCE}/metadata",
)


def test_the_service_has_the_routes_of_its_template(deployed: Api) -> None:
    assert {(r.method, r.resource, r.authorizer is None) for r in deployed.routes} == {
        ("POST", "/studies", False),
        ("POST", "/studies/{study}", False),
        ("OPTIONS", "/", True),
        ("OPTIONS", "/studies", True),
        ("OPTIONS", "/studies/{study}", True),
        ("POST", "/uploads", False),
        ("GET", "/uploads/{id}", False),
        ("OPTIONS", "/uploads", True),
        ("OPTIONS", "/uploads/{id}", True),
        *((method, path, False) for path in WHOLE for method in ("GET", "HEAD")),
        *(("GET", path, False) for path in LISTS),
        *(("OPTIONS", path, True) for path in (*WHOLE[1:], *LISTS)),
        ("POST", "/commitment-requests/{transaction}", False),
        ("GET", "/commitment-requests/{transaction}", False),
        ("OPTIONS", "/commitment-requests/{transaction}", True),
    }


def test_a_service_that_does_not_retrieve_has_only_options_there() -> None:
    without = {"Authentication": "none", "Retrieve": "off"}
    routes = rest_api.read(Template(ROOT / "template.yaml", without)).routes
    assert not [each for each in routes if each.method == "HEAD"]
    gets = {each.resource for each in routes if each.method == "GET"}
    assert not [resource for resource in gets if resource.startswith("/studies")]


def test_the_service_takes_the_binary_types_of_its_template(deployed: Api) -> None:
    assert set(deployed.binary_media_types) == {
        "multipart/related",
        "application/dicom",
        "application/dicom+json",
        "application/dicom+xml",
    }


def test_the_rules_of_the_template_hold_on_the_laptop_too() -> None:
    with pytest.raises(TemplateError, match="requires OidcIssuer"):
        Template(ROOT / "template.yaml", {"Authentication": "oidc"})
