"""Which parts a BulkDataURI finds."""

import pytest

from dicomweb.envelope.multipart import BodyPart
from dicomweb.errors import InstanceRejected
from dicomweb.metadata import bulkdata
from dicomweb.metadata.bulkdata import BulkData, media_type_of
from dicomweb.metadata.notation import MAX_URI_BYTES
from dicomweb.reasons import FailureReason

URL = "https://Host.example:8443/base/studies"


def bulk_data(*locations: str | None) -> BulkData:
    return BulkData(
        [
            BodyPart(
                number=number,
                headers={} if location is None else {"content-location": location},
                content=memoryview(b""),
            )
            for number, location in enumerate(locations, start=1)
        ],
        URL,
    )


def found(uri: str, *locations: str | None) -> list[int]:
    return [part.number for part in bulk_data(*locations).find(uri)]


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("bulk2.25.1", "bulk2.25.1"),
        ("file/IMG 1 ü.jpg", "file/IMG 1 ü.jpg"),
        ("file/IMG 1.jpg", "file/IMG%201.jpg"),
        ("a%7Eb", "a~b"),
        ("a%c3%bc", "a%C3%BC"),
        ("aü", "a%C3%BC"),
        ("bulk/1", "https://host.example:8443/base/bulk/1"),
        ("/bulk/1", "https://host.example:8443/bulk/1"),
        ("HTTPS://HOST.example:8443/base/x", "x"),
        ("./x", "x"),
        ("../base/x", "x"),
        ("cid:1@host", "cid:1@host"),
        ("urn:uuid:1", "URN:uuid:1"),
        ("http://[::1", "http://[::1"),
        ("", ""),
    ],
)
def test_the_same_place_is_found_however_it_is_written(uri: str, location: str) -> None:
    assert found(uri, "another", location) == ([2] if uri else [])


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("bulk/1", "bulk/2"),
        ("Bulk", "bulk"),
        ("a%2Fb", "a/b"),
        ("file:///etc/passwd", "/etc/passwd"),
        ("http://host.example:8443/base/x", "x"),
        ("http://[::1", "http://[::2"),
        ("a", None),
    ],
)
def test_another_place_is_not(uri: str, location: str | None) -> None:
    assert found(uri, location) == []


def test_the_same_string_goes_before_the_same_place() -> None:
    assert found("x", "https://host.example:8443/base/x", "x") == [2]


def test_parts_of_the_same_location_are_frames_in_order() -> None:
    assert found("x", "x", "y", "x") == [1, 3]


def test_frames_are_found_by_their_numbers() -> None:
    assert found("x", "x/frames/2", "./x/frames/1") == [2, 1]


@pytest.mark.parametrize(
    "locations", [("x/frames/2",), ("x/frames/1", "x/frames/3"), ("x/frames/0",)]
)
def test_no_frame_may_be_missing(locations: tuple[str, ...]) -> None:
    assert found("x", *locations) == []


def test_of_a_frame_that_is_there_twice_one_is_left_over() -> None:
    parts = bulk_data("x/frames/1", "x/frames/1", None)
    assert [part.number for part in parts.find("x")] == [1]
    assert [part.number for part in parts.unreferenced(["x"])] == [2, 3]


def test_what_nothing_refers_to_is_left_over() -> None:
    parts = bulk_data("x", "y", "https://host.example:8443/base/x", None)
    assert [part.number for part in parts.unreferenced(["y", "y"])] == [1, 3, 4]


@pytest.mark.parametrize(
    "headers", [{"content-type": "none"}, {"content-transfer-encoding": "base64"}]
)
def test_a_part_that_is_not_understood_is_refused(headers: dict[str, str]) -> None:
    part = BodyPart(number=1, headers=headers, content=memoryview(b""))
    with pytest.raises(InstanceRejected) as refusal:
        media_type_of(part)
    assert refusal.value.reason == FailureReason.CANNOT_UNDERSTAND


def test_a_part_without_a_type_is_uncompressed() -> None:
    part = BodyPart(number=1, headers={}, content=memoryview(b""))
    assert media_type_of(part).essence == "application/octet-stream"


def test_a_location_that_is_too_long_is_that_of_nothing() -> None:
    longest = "ü" * (MAX_URI_BYTES // 2)
    assert found(longest, longest) == [1]
    longer = f"{longest}/"
    sent = bulk_data(longer)
    assert not sent.find(longer)
    assert [part.number for part in sent.unreferenced([longer])] == [1]


def test_a_uri_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = bulk_data("p/frames/1", "p/frames/2")
    resolved: list[str] = []

    def joined(_: str, uri: str) -> str:
        resolved.append(uri)
        return uri

    monkeypatch.setattr(bulkdata, "urljoin", joined)
    assert sent.find("https://host.example:8443/base/p") is sent.find(
        "https://host.example:8443/base/p"
    )
    assert len(resolved) == 1


def test_frames_are_put_in_order_once_however_their_location_is_written() -> None:
    sent = bulk_data(*(f"p/frames/{number}" for number in (2, 1, 3)))
    one, *others = (sent.find(uri) for uri in ("p", "./p", "%70", "/base/p"))
    assert [part.number for part in one] == [2, 1, 3]
    assert all(other is one for other in others)
