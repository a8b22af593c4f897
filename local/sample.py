"""``python -m local.sample``: store a sample CT in the running local service and show what is kept.

Prints the answer, the object in S3 and the item in DynamoDB, and retrieves the instance if the
answer says where. The exit status is 0 only if object and instance equal the file, byte for byte.
"""

import json
import sys
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3
from lxml import etree
from pydicom import dcmread

from local import aws, issuer
from local.service import SAMPLE, STATE, NotRunning, Service, running


class NotStored(Exception):
    """The service did not answer 200, or did not keep what it was sent."""


def main() -> int:
    """Store the sample; return the exit status."""
    try:
        _show(running())
    except (NotRunning, NotStored) as error:
        sys.stderr.write(f"stowport: {error}\n")
        return 1
    return 0


def _show(service: Service) -> None:
    content = SAMPLE.read_bytes()
    status, answer = _post(service, content)
    _print(f"POST {service.base_url}/studies: {status}", answer)
    if status != HTTPStatus.OK:
        raise NotStored("the sample was not stored")
    aws.use(service.endpoint)
    item = _item(service)
    key = _key(item)
    kept = boto3.client("s3").get_object(Bucket=service.bucket, Key=key)["Body"].read()
    digest = sha256(kept).hexdigest()
    same = "equal to the file" if kept == content else "NOT equal to the file"
    _print(f"\nS3: s3://{service.bucket}/{key}", f"{len(kept)} bytes, {same}: {digest}")
    if url := _retrieve_url(answer):
        retrieved = _get(service, url)
        same = "equal to the file" if retrieved == content else "NOT equal to the file"
        _print(f"\nGET {url}", f"{len(retrieved)} bytes, {same}")
        if retrieved != content:
            raise NotStored("what was retrieved differs from the file")
    _print(f"\nDynamoDB: {service.table}", json.dumps(item, indent=2, default=str))
    if kept != content or item["SHA256"] != digest:
        raise NotStored("the object differs from the file, or the item has another digest")


def _retrieve_url(answer: str) -> str:
    """Return the Retrieve URL of the only instance in an answer, empty if there is none."""
    found = etree.fromstring(answer.encode()).xpath(
        "//*[local-name()='Item']/*[@keyword='RetrieveURL']/*[local-name()='Value']/text()"
    )
    return str(found[0]) if isinstance(found, list) and found else ""


def _get(service: Service, url: str) -> bytes:
    """Retrieve an instance: from S3, to which the service redirects, without the token."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", urlsplit(url).path, headers=_credentials(service))
    location = connection.getresponse().headers["Location"]
    with urlopen(location) as found:  # noqa: S310 - an http URL of this service
        content: bytes = found.read()
    return content


def _credentials(service: Service) -> dict[str, str]:
    if service.authentication != "oidc":
        return {}
    return {"Authorization": f"Bearer {issuer.mint(STATE)}"}


def _post(service: Service, content: bytes) -> tuple[int, str]:
    headers = {"Content-Type": "application/dicom", **_credentials(service)}
    connection = HTTPConnection(urlsplit(service.base_url).netloc)
    connection.request("POST", "/studies", content, headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def _item(service: Service) -> dict[str, Any]:
    sample = dcmread(SAMPLE.open("rb"), stop_before_pixels=True)
    resource = f"instances/{sample.SeriesInstanceUID}/{sample.SOPInstanceUID}"
    table = boto3.resource("dynamodb").Table(service.table)
    key = {"StudyInstanceUID": str(sample.StudyInstanceUID), "Resource": resource}
    answer = table.get_item(Key=key, ConsistentRead=True)
    if "Item" not in answer:
        raise NotStored("DynamoDB has no item for the sample")
    return answer["Item"]


def _key(item: dict[str, Any]) -> str:
    """Return the key of the object of ``item``, which follows from the item's own key."""
    _, series, instance = item["Resource"].split("/")
    study = item["StudyInstanceUID"]
    return f"studies/{study}/series/{series}/instances/{instance}/{item['SHA256']}.dcm"


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
