"""Metadata and bulk data that are meant to exhaust the service, and how little they get."""

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import data_set, sop_uid, study_uid
from tests.split_bulk_data import JSON, XML, bulk, metadata, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service import RunningService, Start

SECONDS = 26
"""What the function has for a request; each takes two or less when the machine is idle."""

RAW = "1.2.840.10008.5.1.4.1.1.66"


@pytest.fixture
def running(service: "Start") -> "Iterator[RunningService]":
    """The service, which must answer in bounded time."""
    started = service()
    before = time.monotonic()
    yield started
    assert time.monotonic() - before < SECONDS


def model(study: int, number: int = 1) -> dict[str, Any]:
    made: dict[str, Any] = data_set(
        study, 1, number, PixelData=None, BitsAllocated=None, SOPClassUID=RAW
    ).to_json_dict()
    return made


def test_a_thousand_bulk_data_parts_are_stored(running: "RunningService") -> None:
    sent = model(2000) | {"00090010": {"vr": "LO", "Value": ["ACME"]}}
    parts = [bulk(b"value %03d" % number, f"bulk/{number}") for number in range(1000)]
    items = [
        {
            "00090010": {"vr": "LO", "Value": ["ACME"]},
            "00091001": {"vr": "OB", "BulkDataURI": f"bulk/{number}"},
        }
        for number in range(1000)
    ]
    sent["00081140"] = {"vr": "SQ", "Value": items}
    answer = post(running, JSON, *reversed(parts), metadata([sent]))
    assert answer.status == 200


def test_json_of_four_megabytes_is_stored(running: "RunningService") -> None:
    sent = model(2001)
    sent["00283006"] = {"vr": "US", "Value": [12345] * 30_000}
    sent["00189810"] = {"vr": "FD", "Value": [0.125] * 500_000}
    assert len(json.dumps(sent)) > 3_600_000
    assert post(running, JSON, metadata([sent])).status == 200


def test_json_of_four_megabytes_of_nothing_is_refused(running: "RunningService") -> None:
    answer = post(running, JSON, metadata("[" + ",".join(["{}"] * 1_300_000) + "]"))
    assert answer.status == 400


def test_xml_that_is_nested_500_deep_is_refused(running: "RunningService") -> None:
    opened = '<DicomAttribute tag="00081140" vr="SQ"><Item number="1">' * 500
    closed = "</Item></DicomAttribute>" * 500
    answer = post(
        running, XML, metadata(f"<NativeDicomModel>{opened}{closed}</NativeDicomModel>", XML)
    )
    assert answer.status == 400


def test_json_that_is_nested_500_deep_is_refused(running: "RunningService") -> None:
    text = '{"00081140":{"vr":"SQ","Value":[' * 500 + "{}" + "]}}" * 500
    assert post(running, JSON, metadata(f"[{text}]")).status == 400


def test_json_that_is_nested_far_deeper_is_refused(running: "RunningService") -> None:
    assert post(running, JSON, metadata("[" * 2_000_000)).status == 400


def test_entities_are_not_expanded(running: "RunningService") -> None:
    lines = ['<!ENTITY a0 "x">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    text = f"<!DOCTYPE b [{''.join(lines)}]><NativeDicomModel>&a11;</NativeDicomModel>"
    assert post(running, XML, metadata(text, XML)).status == 400


def test_a_file_uri_is_missing_bulk_data(running: "RunningService") -> None:
    sent = model(2002) | {"00420011": {"vr": "OB", "BulkDataURI": "file:///etc/hostname"}}
    answer = post(running, JSON, metadata([sent]))
    assert answer.status == 409
    assert answer.failed == [(sop_uid(2002), 0xA922)]


def test_instances_that_share_a_large_part_are_stored_until_there_is_no_room(
    running: "RunningService",
) -> None:
    shared = {"00420011": {"vr": "OB", "BulkDataURI": "shared"}}
    sent = metadata([model(2003, number) | shared for number in range(1, 31)])
    answer = post(running, JSON, sent, bulk(bytes(4_000_000), "shared", "model/obj"))
    assert answer.status == 202
    assert len(answer.stored) == (16 * 1024 * 1024 + 4_000_000 * 3 // 2) // 4_000_000
    assert {reason for _, reason in answer.failed} == {0xA700}
    assert len(running.items(study_uid(2003))) == len(answer.stored) + 2
