"""Requests signed for AWS: Signature Version 4, as the documentation of IAM defines it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from stowport.credentials import NoToken
from stowport.messages import Request
from stowport.printing import printable
from stowport.tls import Unsuitable

if TYPE_CHECKING:
    # What credentials are when they are read is not in the documented part of botocore.
    from botocore.credentials import ReadOnlyCredentials

HEALTHIMAGING = "medical-imaging"
_STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class Signatures:
    """Signs requests to a service in a region with the credentials that botocore finds.

    Raises Unsuitable if botocore is not installed.
    """

    def __init__(self, service: str, region: str) -> None:
        try:
            from botocore.session import Session  # noqa: PLC0415 - it is optional
        except ImportError as error:
            raise Unsuitable(
                "--aws-sigv4 needs botocore, which is not installed: pip install 'stowport[aws]'"
            ) from error
        self._service = service
        self._region = region
        self._session = Session()
        self._lock = threading.Lock()

    def authorize(self, request: Request) -> Request:
        """Return ``request``, which will be signed for each try; raises NoToken."""
        digest = self._digest(request)

        def sign(request: Request) -> Mapping[str, str]:
            return self._signed(request, digest)

        return replace(request, sign=sign)

    def refused(self, request: Request) -> bool:
        """Return False: botocore renews credentials before they expire."""
        del request
        return False

    def _digest(self, request: Request) -> Mapping[str, str]:
        """Return the header fields that describe the body: signed, it cannot be exchanged.

        HealthImaging documents one form only, in which the body is not signed and not in chunks:
        https://docs.aws.amazon.com/healthimaging/latest/devguide/dicomweb-storing.html
        """
        if self._service == HEALTHIMAGING and request.size:
            length = {"X-Amz-Decoded-Content-Length": str(request.size)}
            return {"X-Amz-Content-SHA256": _STREAMING, **length}
        digest = sha256()
        for block in request.blocks():
            digest.update(block)
        return {"X-Amz-Content-SHA256": digest.hexdigest()}

    def _signed(self, request: Request, digest: Mapping[str, str]) -> Mapping[str, str]:
        # botocore documents its clients only, and none of them signs requests of others.
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - it is optional
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - it is optional

        signed = AWSRequest(
            method=request.method, url=request.url, headers={**request.headers, **digest}
        )
        SigV4Auth(self._credentials(), self._service, self._region).add_auth(signed)
        return dict(signed.headers.items())

    def _credentials(self) -> "ReadOnlyCredentials":
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - it is optional

        try:
            with self._lock:
                found = self._session.get_credentials()
            if found:
                return found.get_frozen_credentials()
        except BotoCoreError as error:
            raise NoToken(f"found no credentials of AWS: {printable(str(error))}") from error
        raise NoToken(
            "found no credentials of AWS, expected them in the environment, in a profile"
            " (AWS_PROFILE) or from the role of this machine"
        )
