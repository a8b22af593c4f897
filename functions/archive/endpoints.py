"""Where S3 is, for obstore: a configured endpoint, or the bucket's host in its region.

boto3 tells only its clients where a service is, and one more client would lengthen each cold
start. The variables are those of the AWS SDKs and Tools Reference Guide ("Service-specific
endpoints", "Dual-stack and FIPS endpoints"), the hosts those of the AWS General Reference ("Amazon
S3 endpoints and quotas"); a test compares them with botocore's for each region.
"""

import os

from boto3.session import Session

_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}
"""How hosts end, by partition."""


def configured_endpoint() -> str | None:
    """Return the URL at which S3 is said to be, if any; there, buckets have no hosts of their own.

    An empty variable counts as absent.
    """
    if _is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        return None
    url = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return url or None


def bucket_url(bucket: str, session: Session) -> str:
    """Return the URL of ``bucket`` in the session's region, in AWS."""
    region = session.region_name
    suffix = _SUFFIXES[session.get_partition_for_region(region)]
    fips = "-fips" if _is_on("AWS_USE_FIPS_ENDPOINT") else ""
    dualstack = ".dualstack" if _is_on("AWS_USE_DUALSTACK_ENDPOINT") else ""
    return f"https://{bucket}.s3{fips}{dualstack}.{region}.{suffix}"


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() == "true"
