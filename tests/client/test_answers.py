"""Whatever a server answers is read without an error, and what makes no sense is not believed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stowport.answers import read_answer
from stowport.bodies import Buffer, Part
from stowport.messages import Response
from stowport.verdicts import judge, judge_alone

JSON = {"content-type": "application/dicom+json"}
XML = {"content-type": "application/dicom+xml"}
TAGS = ("00081198", "00081199", "0008119A", "0040A160", "00081155", "00081197", "vr", "Value")
PARTS = [
    Part(content=Buffer(memoryview(b"")), sop_instance_uids=frozenset([uid]))
    for uid in ("1.2.3", "1.2.4")
]

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(("SQ", "US", "1.2.3", "²", "9" * 5000)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TAGS), inner),
    max_leaves=20,
)
_xml = st.recursive(
    st.text(max_size=5).map(lambda text: f"<Value>{text}</Value>"),
    lambda inner: st.builds(
        "<DicomAttribute {}>{}</DicomAttribute>".format,
        st.sampled_from(TAGS).map(lambda tag: f'tag="{tag}" vr="SQ"') | st.just(""),
        st.lists(inner.map(lambda item: f"<Item>{item}</Item>") | inner, max_size=3).map("".join),
    ),
    max_leaves=12,
)
"""Much of it is no XML, because a text is not escaped."""

warnings = st.lists(st.text() | st.from_regex(r'299 h "(A7[0-9]{2}: )?(part \d{1,12}: )?.*"'))


@settings(max_examples=60, deadline=None)
@given(
    status=st.sampled_from((200, 202, 400, 409, 500, 503, 999)),
    content=st.one_of(
        st.tuples(st.just(JSON), _json.map(json.dumps).map(str.encode)),
        st.tuples(st.just(XML), _xml.map(lambda text: f"<N>{text}</N>".encode("utf-8", "replace"))),
        st.tuples(st.sampled_from((JSON, XML, {})), st.binary()),
    ),
    warnings=warnings,
)
def test_no_answer_is_an_unforeseen_error(
    status: int, content: tuple[dict[str, str], bytes], warnings: list[str]
) -> None:
    headers, body = content
    response = Response(status=status, headers=headers, body=body, warnings=tuple(warnings))
    answer = read_answer(response)
    assert len(judge(PARTS, answer)) == len(PARTS)
    assert isinstance(judge_alone(PARTS[0], answer).text, str)


def _nested(depth: int) -> bytes:
    return b'{"0040A160": {"Value": [' * depth + b"]}}" * depth


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, b"[" * 100_000),
        (JSON, _nested(100_000)),
        (JSON, _nested(300)),
        (JSON, b'{"0040A160": {"Value": {"0": "x"}}}'),
        (JSON, b'{"0040A160": {"Value": 7}}'),
        (JSON, b'{"00081199": {"vr": "SQ", "Value": 7}}'),
        (JSON, b'{"00081199": 7}'),
        (XML, b"<a>" * 100_000),
        (XML, b"<?xml version='1.0' encoding='none'?><a/>"),
        (XML, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
    ],
)
def test_an_answer_that_is_deep_or_odd_confirms_nothing(
    headers: dict[str, str], body: bytes
) -> None:
    answer = read_answer(Response(status=200, headers=headers, body=body))
    assert not answer.items
    assert judge_alone(PARTS[0], answer).confirmed is False
