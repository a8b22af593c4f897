"""How a request and its answer are kept: deflated, because UIDs have much in common."""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import astuple

from dicomweb.commitment.outcomes import CommitmentOutcome
from dicomweb.commitment.requestmodule import CommitmentRequest, Form, Reference
from dicomweb.errors import MalformedRequest

MOST_BYTES = 380_000
"""A packed request has at most so many, so that it and its answer fit into an item of DynamoDB."""

_BYTES_OF_AN_OUTCOME = 2


def pack_request(request: CommitmentRequest) -> tuple[bytes, str]:
    """Return a request as it is kept, and the digest (hex) by which it is known again.

    The same instances in the same order and form are the same request, in XML and in JSON. Raises
    MalformedRequest if it is too large to be kept, which it is not if its UIDs are valid.
    """
    rows = [astuple(each) for each in request.references]
    text = json.dumps([request.form, rows], separators=(",", ":")).encode()
    packed = zlib.compress(text, 9)
    if len(packed) > MOST_BYTES:
        raise MalformedRequest(
            "found too many long texts as UIDs, expected UIDs of at most 64 digits and dots"
        )
    return packed, hashlib.sha256(text).hexdigest()


def unpack_request(packed: bytes) -> CommitmentRequest:
    """Return the request that was packed."""
    form, rows = json.loads(zlib.decompress(packed))
    return CommitmentRequest(form=Form(form), references=tuple(Reference(*row) for row in rows))


def pack_outcomes(outcomes: Sequence[CommitmentOutcome]) -> bytes:
    """Return the outcomes of a request as they are kept, in the order of its references."""
    return zlib.compress(b"".join(each.to_bytes(_BYTES_OF_AN_OUTCOME, "big") for each in outcomes))


def unpack_outcomes(packed: bytes) -> list[CommitmentOutcome]:
    """Return the outcomes that were packed."""
    codes = zlib.decompress(packed)
    return [
        CommitmentOutcome(int.from_bytes(codes[at : at + _BYTES_OF_AN_OUTCOME], "big"))
        for at in range(0, len(codes), _BYTES_OF_AN_OUTCOME)
    ]
