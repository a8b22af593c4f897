"""What the template deploys, on loopback: its environment, its bucket and its table."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
from boto3.session import Session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from archive.objects import key_of
from local import aws
from local.template import REGION, Function, Template

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
TEMPLATE = Template(ROOT / "template.yaml", {"Authentication": "none"})


def function(name: str) -> Function:
    (found,) = (each for each in TEMPLATE.functions if each.name.endswith(name))
    return found


def environment(function: Function, endpoint: str, **changes: str) -> dict[str, str]:
    """Return the environment of a deployed function, but for AWS, which is ``endpoint``."""
    return {
        **function.environment,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        **changes,
    }


def event(name: str, **changes: object) -> dict[str, Any]:
    """Return a committed event; ``name`` is its function and file, ``changes`` go over it."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return {**loaded, **changes}


def signed(method: str, url: str) -> Request:
    """Return a request without a body, signed with the keys of the environment."""
    request = AWSRequest(method, url)
    credentials = Session().get_credentials()
    assert credentials
    S3SigV4Auth(credentials, "s3", REGION).add_auth(request)
    return Request(url, headers=dict(request.headers.items()), method=method)


class Deployment:
    """An empty bucket and table at ``endpoint``, which the environment names as AWS."""

    def __init__(self, endpoint: str) -> None:
        with urlopen(signed("POST", f"{endpoint}/moto-api/reset")):
            aws.create(TEMPLATE)
        self._s3 = boto3.client("s3")
        self._dynamodb = boto3.client("dynamodb")

    def objects(self) -> dict[str, bytes]:
        listed = self._s3.list_objects_v2(Bucket=TEMPLATE.bucket).get("Contents", [])
        return {each["Key"]: self._read(each["Key"]) for each in listed}

    def _read(self, key: str) -> bytes:
        with self._s3.get_object(Bucket=TEMPLATE.bucket, Key=key)["Body"] as body:
            content: bytes = body.read()
        return content

    def items(self) -> list[Mapping[str, Any]]:
        return list(self._dynamodb.scan(TableName=TEMPLATE.table)["Items"])

    def instances(self) -> list[Mapping[str, Any]]:
        """Return the instance items, each checked against the object that it names."""
        items = [item for item in self.items() if item["Resource"]["S"].startswith("instances/")]
        objects = self.objects()
        for item in items:
            digest = hashlib.sha256(objects[key_of(item)]).hexdigest()
            assert item["SHA256"]["S"] == digest
            assert key_of(item).endswith(f"/{digest}.dcm")
        return items
