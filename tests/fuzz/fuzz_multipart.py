"""Any payload splits into slices of itself, in order and apart, or is a MalformedRequest."""

from contextlib import suppress

from dicomweb.envelope.multipart import split
from dicomweb.errors import MalformedRequest
from tests import builders

SEEDS = (
    builders.multipart(builders.part(b"one"), builders.part(b"", Content_ID="<x>")),
    b"preamble\r\n--b0undary \t\r\n\r\n\r\n--b0undary--\r\nepilogue",
    b"--b0undary\r\n\r\n\r\n--b0undary--\0\0\n--b0undary\r\n",
    builders.multipart(builders.part(b"\r\n--b0undar\r\n--b0undaryx\r\n\r\n")),
    builders.multipart(builders.part(builders.instance())),
)


def target(payload: bytes) -> None:
    """Split the payload and find the parts in it again, each after the one before."""
    with suppress(MalformedRequest):
        parts = split(payload, builders.BOUNDARY)
        position = 0
        for part in parts:
            assert part.content.obj is payload
            content = bytes(part.content)
            assert b"\r\n--b0undary\r\n" not in content
            assert b"\r\n--b0undary--\r" not in content
            assert b"\r\n--b0undary--\0" not in content
            position = payload.index(content + b"\r\n--b0undary", position) + len(content)
        assert parts
        assert payload.startswith(b"--b0undary", position + 2)
