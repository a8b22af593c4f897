"""The bucket's policy, evaluated as IAM does, for requests that write objects.

Only the elements and operators that the policy has are evaluated; any other is an error. Which
request is which operation, and what ``s3:ObjectCreationOperation`` is for it, is as AWS documents:
"Enforce conditional writes on Amazon S3 buckets".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from local.template import Template

TEMPLATE = Template(Path(__file__).parents[2] / "template.yaml", {"Authentication": "none"})
POLICY: Mapping[str, Any] = TEMPLATE.properties("ArchiveBucketPolicy")["PolicyDocument"]

_CREATES = {
    "PutObject": True,
    "CopyObject": True,
    "CompleteMultipartUpload": True,
    "CreateMultipartUpload": False,
    "UploadPart": False,
    "UploadPartCopy": False,
}


@dataclass(frozen=True)
class Write:
    """A request that has the permission ``s3:PutObject``; header names in lower case."""

    operation: str
    key: str
    headers: Mapping[str, str]
    secure: bool = True

    @property
    def keys(self) -> dict[str, str]:
        """The condition keys that S3 has for it."""
        present = {"aws:SecureTransport": str(self.secure).lower()}
        if "if-none-match" in self.headers:
            present["s3:if-none-match"] = self.headers["if-none-match"]
        present["s3:ObjectCreationOperation"] = str(_CREATES[self.operation]).lower()
        return present


def write(method: str, url: str, headers: Mapping[str, str]) -> Write:
    """Return the write that a request with the bucket in its path is."""
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    lower = {name.lower(): str(value) for name, value in headers.items()}
    copies = "x-amz-copy-source" in lower
    match method, sorted(query):
        case "PUT", ["partNumber", "uploadId"]:
            operation = "UploadPartCopy" if copies else "UploadPart"
        case "PUT", []:
            operation = "CopyObject" if copies else "PutObject"
        case "POST", ["uploads"]:
            operation = "CreateMultipartUpload"
        case "POST", ["uploadId"]:
            operation = "CompleteMultipartUpload"
        case _:
            raise AssertionError(f"{method} with {sorted(query)} is no write that is known here")
    return Write(operation, unquote(parts.path).split("/", 2)[2], lower)


def denied_by(request: Write, policy: Mapping[str, Any] = POLICY) -> list[str]:
    """Return the Sids of the statements that deny ``request``."""
    return [each["Sid"] for each in policy["Statement"] if _applies(each, request)]


def _applies(statement: Mapping[str, Any], request: Write) -> bool:
    assert set(statement) == {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    named = fnmatchcase("s3:PutObject", statement["Action"])
    arn = f"arn:aws:s3:::{TEMPLATE.bucket}/{request.key}"
    resources = statement["Resource"]
    resources = [resources] if isinstance(resources, str) else resources
    return (
        named
        and any(fnmatchcase(arn, each) for each in resources)
        and all(_holds(*each, request.keys) for each in _conditions(statement["Condition"]))
    )


def _conditions(block: Mapping[str, Mapping[str, object]]) -> Iterable[tuple[str, str, str]]:
    for operator, keys in block.items():
        for key, value in keys.items():
            yield operator, key, str(value).lower()


def _holds(operator: str, key: str, value: str, present: Mapping[str, str]) -> bool:
    match operator:
        case "Null":
            return (key not in present) == (value == "true")
        case "Bool":
            return present.get(key) == value
        case "BoolIfExists":
            return key not in present or present[key] == value
    raise AssertionError(f"{operator} is not evaluated here")
