"""A queue is in the region that its URL names."""

import pytest

from archive.queues import Queue


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.us-east-1.amazonaws.com/123456789012/queue", "us-east-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/queue", "cn-north-1"),
        ("http://127.0.0.1:5050/123456789012/queue", "eu-central-1"),
    ],
)
def test_a_queue_is_asked_for_where_it_is(
    url: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert Queue(url)._sqs.meta.region_name == region
