"""Where requests to S3 go: what S3 itself is asked, and what is presigned for senders."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import obstore
import pytest
from boto3.session import Session
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

from archive import staging
from archive.clients import s3_store
from archive.endpoints import bucket_url
from archive.staging import PART_BYTES, Staging

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

BUCKET = "a-bucket"
BEGUN = (
    b"<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>"
)

HOSTS = {
    "us-east-1": "a-bucket.s3.us-east-1.amazonaws.com",
    "us-west-2": "a-bucket.s3.us-west-2.amazonaws.com",
    "eu-central-1": "a-bucket.s3.eu-central-1.amazonaws.com",
    "ap-northeast-1": "a-bucket.s3.ap-northeast-1.amazonaws.com",
    "sa-east-1": "a-bucket.s3.sa-east-1.amazonaws.com",
    # Launched after 2019: bucket.s3.amazonaws.com is answered with 400.
    "il-central-1": "a-bucket.s3.il-central-1.amazonaws.com",
    "ap-southeast-7": "a-bucket.s3.ap-southeast-7.amazonaws.com",
    "mx-central-1": "a-bucket.s3.mx-central-1.amazonaws.com",
    "us-gov-west-1": "a-bucket.s3.us-gov-west-1.amazonaws.com",
    "cn-north-1": "a-bucket.s3.cn-north-1.amazonaws.com.cn",
}


class Places(NamedTuple):
    """Scheme, host and path of each kind of request that is made for one object."""

    put: str
    part: str
    complete: str
    begin: str
    obstore: str


def places(monkeypatch: pytest.MonkeyPatch, bucket: str = BUCKET) -> Places:
    """Return where requests go with the environment as it is."""
    session = Session()
    monkeypatch.setattr(staging, "Session", lambda: session)
    asked: list[str] = []

    def begin(request: "AWSPreparedRequest", **_: object) -> AWSResponse:
        asked.append(str(request.url))
        head = HTTPHeaders()
        head["Content-Length"] = str(len(BEGUN))
        return AWSResponse(str(request.url), 200, head, Body(BEGUN))

    here = Staging(bucket)
    event = "before-send.s3.CreateMultipartUpload"
    here._s3.meta.events.register(event, begin)  # type: ignore[arg-type] # it may answer
    put = here.presign_put("one", "application/dicom", 5, 60).url
    parts, complete = here.presign_parts("one", "application/dicom", PART_BYTES + 1, 60)
    assert [place(part.url) for part in parts] == [place(parts[0].url)] * 2
    own = obstore.sign(s3_store(bucket, session), "PUT", "staging/one", timedelta(seconds=60))
    return Places(*map(place, (put, parts[0].url, complete, asked[0], own)))


class Body:
    """What botocore reads an answer's body from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> list[bytes]:
        return [self._content]


def place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


@pytest.mark.parametrize("region", HOSTS)
def test_every_request_goes_to_the_bucket_s_own_host_in_its_region(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert places(monkeypatch) == Places(*[f"https://{HOSTS[region]}/staging/one"] * 5)


VARIANTS = {"aws", "aws-cn", "aws-us-gov"}
"""Where botocore's list is right about FIPS and dual stack: it has none for the isolated
partitions, and a host for aws-eusc that botocore's own rules for S3 contradict."""


def s3_regions() -> list[tuple[str, str]]:
    """Every partition of botocore's that has S3, with each of its regions."""
    session = Session()
    return [
        (partition, region)
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("s3", partition)
    ]


@pytest.mark.parametrize(
    "variables",
    [{}, {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}],
    ids=["", "fips", "dualstack"],
)
def test_the_bucket_s_host_is_that_of_botocore_in_every_region(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    resolver = EndpointResolver(create_loader().load_data("endpoints"))
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    regions = s3_regions()
    assert {partition for partition, _ in regions} >= {"aws", "aws-cn", "aws-us-gov", "aws-iso-f"}
    for partition, region in regions:
        if variables and partition not in VARIANTS:
            continue
        known: Any = resolver.construct_endpoint(
            "s3",
            region,
            partition,
            use_fips_endpoint="AWS_USE_FIPS_ENDPOINT" in variables,
            use_dualstack_endpoint="AWS_USE_DUALSTACK_ENDPOINT" in variables,
        )
        own = urlsplit(bucket_url(BUCKET, Session(region_name=region))).netloc
        assert own == f"{BUCKET}.{known['hostname']}"


def test_endpoints_that_are_configured_can_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5050")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert places(monkeypatch) == Places(*[f"https://{HOSTS['eu-central-1']}/staging/one"] * 5)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:5050", "http://host.docker.internal:5050"])
def test_where_an_endpoint_is_set_the_bucket_is_in_the_path(
    monkeypatch: pytest.MonkeyPatch, variable: str, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv(variable, endpoint)
    assert places(monkeypatch) == Places(*[f"{endpoint}/a-bucket/staging/one"] * 5)


def test_what_is_presigned_for_a_bucket_with_dots_has_it_in_the_path_for_its_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    found = places(monkeypatch, "a.bucket")
    assert found.put == "https://s3.eu-central-1.amazonaws.com/a.bucket/staging/one"
