"""Checks of what is stored: it comes back, byte for byte, and it is listed."""

import json
from hashlib import sha256
from http import HTTPStatus

from stowport.messages import Request, Response
from stowport.smoke.storing import JSON
from stowport.smoke.target import Failed, LeftOut, Target, described, expect, expect_field

_DICOM = "application/dicom"
_WRAPPED = 'multipart/related; type="application/dicom"'
_STATUSES = frozenset((HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_FOUND))


def redirects_to_the_bytes(target: Target) -> str:
    """Retrieve the first instance by itself, and follow the redirect without the token."""
    response = expect(_get(target, target.study.path(1), _DICOM), HTTPStatus.SEE_OTHER)
    content = target.study.instance(1)
    expect_field(response, "ETag", sha256(content).hexdigest())
    there = Request(method="GET", url=response.headers["location"], headers={})
    found = target.transport.exchange(there)
    if found.status != HTTPStatus.OK or found.body != content:
        raise Failed(
            f"found {found.status} and SHA-256 {sha256(found.body).hexdigest()} at S3, expected"
            f" {sha256(content).hexdigest()}"
        )
    return f"{len(content)} bytes, SHA-256 {sha256(content).hexdigest()}"


def wraps_the_bytes(target: Target) -> str:
    """Retrieve the same instance as the only part of a body."""
    response = expect(_get(target, target.study.path(1), _WRAPPED), 200)
    if target.study.instance(1) not in response.body:
        raise Failed(f"found other bytes, or base64, in {described(response)}")
    return f"{len(response.body)} bytes"


def lists_instances(target: Target) -> str:
    """List the instances of the study of this run."""
    path = f"/studies/{target.study.instance_uid}/instances"
    response = expect(_get(target, path, JSON), 200)
    listed = {each["00080018"]["Value"][0] for each in json.loads(response.body)}
    if target.study.sop_instance_uid(1) not in listed:
        raise Failed(f"found {len(listed)} instances without the first one")
    return f"{len(listed)} instances"


def knows_no_others(target: Target) -> str:
    """Retrieve an instance that was never stored."""
    expect(_get(target, target.study.path(0), _DICOM), HTTPStatus.NOT_FOUND)
    return ""


def _get(target: Target, path: str, accept: str) -> Response:
    response = target.send("GET", path, headers={"Accept": accept}, also=_STATUSES)
    if response.status == HTTPStatus.FORBIDDEN:
        raise LeftOut("needs Retrieve=on, and a token that has ReadScope")
    return response
