import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dicomweb.envelope.multipart import MAX_HEADER_BYTES, MAX_PARTS, BodyPart, split
from dicomweb.errors import MalformedRequest
from tests import builders, strategies
from tests.processor_time import GENEROUS, growth

BOUNDARY = strategies.BOUNDARY
MIB = 1 << 20


def contents(parts: list[BodyPart]) -> list[bytes]:
    return [bytes(part.content) for part in parts]


def refusal(payload: bytes, boundary: str = BOUNDARY) -> str:
    with pytest.raises(MalformedRequest) as refused:
        split(payload, boundary)
    return str(refused.value)


@given(st.lists(strategies.part_contents, min_size=1, max_size=5))
@example([b"\r\n", b"", b"\r\n--b0undaryx\r\n"])
def test_what_was_joined_splits_into_the_same_parts(sent: list[bytes]) -> None:
    payload = builders.multipart(*(builders.part(one) for one in sent))

    parts = split(payload, BOUNDARY)

    assert contents(parts) == sent
    assert [part.number for part in parts] == list(range(1, len(sent) + 1))
    assert all(part.headers == {"content-type": "application/dicom"} for part in parts)


@given(
    st.lists(strategies.part_contents, min_size=1, max_size=3),
    st.sampled_from([b"", b"\0", b"\n", b"\r", b" ", b"\xff"]),
    strategies.soups,
)
def test_after_the_close_delimiter_nothing_counts(
    sent: list[bytes], first: bytes, after: bytes
) -> None:
    payload = builders.multipart(*(builders.part(one) for one in sent)).removesuffix(b"\r\n")
    rest = first + after if first else after.replace(b"\r", b"")

    assert contents(split(payload + rest, BOUNDARY)) == sent


@pytest.mark.parametrize("other", [b"b0undary--inner", b"b0undary-----", b"b0undaryx"])
def test_a_part_may_be_a_multipart_under_a_longer_boundary(other: bytes) -> None:
    inner = b"--" + other + b"\r\n\r\none\r\n--" + other + b"--"
    payload = builders.multipart(builders.part(b"preamble\r\n" + inner), builders.part(b"two"))

    assert contents(split(payload, BOUNDARY)) == [b"preamble\r\n" + inner, b"two"]


@given(strategies.soups)
def test_any_bytes_are_split_or_are_a_malformed_request(payload: bytes) -> None:
    try:
        parts = split(payload, BOUNDARY)
    except MalformedRequest:
        return
    assert parts
    delimiter_line = re.compile(rb"\r\n--b0undary(--(?![!-~])|[ \t]*\r\n)")
    assert not any(delimiter_line.search(part.content) for part in parts)


def test_contents_are_slices_of_the_payload_in_order_and_no_copies() -> None:
    payload = builders.multipart(builders.part(b"first"), builders.part(b"second"))

    parts = split(payload, BOUNDARY)

    assert all(part.content.obj is payload for part in parts)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (b"a preamble\r\nof lines\r\n", b"\r\nan epilogue\r\n--b0undary\r\n"),
        (b"--b0undaryx\r\n", b" \t"),
        (b"--b0undary is not it\r\n", b" \t\r\n\r\n"),
        (b"", b"\0" * 40),
        (b"", b"\n"),
        (b"", b"\r"),
        (b"", b" an epilogue"),
        (b"", b"\0\r\n--b0undary\r\n\r\nno part\r\n--b0undary--\r\n"),
        (b"", b"an epilogue"),
        (b"", b"-\r\n--b0undary--x\r\n"),
    ],
)
def test_preamble_epilogue_and_missing_line_ends_are_tolerated(before: bytes, after: bytes) -> None:
    payload = before + b"--b0undary\r\nA: b\r\n\r\nbytes\r\n--b0undary--" + after

    assert contents(split(payload, BOUNDARY)) == [b"bytes"]


def test_padding_after_a_delimiter_is_not_content() -> None:
    payload = b"--b0undary \t\r\n\r\n one \r\n--b0undary\t\r\n\r\ntwo\r\n--b0undary-- \t\r\n"

    assert contents(split(payload, BOUNDARY)) == [b" one ", b"two"]


@pytest.mark.parametrize("last", [b"\r", b"\n", b"\r\n", b"\n\r\n", b"\0"])
def test_the_last_bytes_of_a_part_are_its_own(last: bytes) -> None:
    payload = builders.multipart(builders.part(b"DICM" + last))

    assert contents(split(payload, BOUNDARY)) == [b"DICM" + last]


def test_empty_parts_have_no_bytes_and_parts_need_no_header() -> None:
    payload = (
        b"--b0undary\r\n\r\n--b0undary\r\nA: b\r\n\r\n\r\n--b0undary\r\nA: b\r\n\r\n--b0undary--"
    )

    parts = split(payload, BOUNDARY)

    assert contents(parts) == [b"", b"", b""]
    assert [dict(part.headers) for part in parts] == [{}, {"a": "b"}, {"a": "b"}]


@pytest.mark.parametrize(
    "boundary", ["-", "---DICOM-INSTASNCE---", "--", "=_(a):/b?,c+'d", "a b", "x" * 200]
)
def test_boundaries_that_clients_send_are_taken(boundary: str) -> None:
    payload = builders.multipart(builders.part(b"bytes"), boundary=boundary)

    assert contents(split(payload, boundary)) == [b"bytes"]


@pytest.mark.parametrize("boundary", ["", " ", "a ", "a\nb", "\u00e4", "x" * 201])
def test_a_boundary_that_cannot_be_one_is_refused(boundary: str) -> None:
    assert refusal(b"--a\r\n\r\n--a--", boundary).startswith("found a boundary of")


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "no delimiter line"),
        (b"--other\r\n\r\n\r\n--other--", "no delimiter line"),
        (b"x--b0undary\r\n\r\n--b0undary--", "no part before the close delimiter"),
        (b"--b0undary\n\nbytes\n--b0undary--\n", "no delimiter line"),
        (b"--b0undary\r\n\r\nbytes\n--b0undary--\n", "part 1 at byte 12 does not end"),
        (b"--b0undary--", "no part before the close delimiter"),
        (b"\r\n--b0undary--\r\n", "no part before the close delimiter"),
        (b"--b0undary--\0", "no part before the close delimiter"),
        (b"\r\n--b0undary--\n--b0undary\r\n", "no part before the close delimiter"),
        (b"--b0undary", "part 1 at byte 10 does not end"),
        (b"\r\n--b0undary", "no delimiter line"),
        (b"--b0undary\r\n\r\nbytes", "part 1 at byte 12 does not end: found 19 bytes"),
        (b"--b0undary\r\n\r\nbytes\r\n--b0undary", "part 1 at byte 12 does not end"),
        (b"--b0undary\r\n\r\nbytes\r\n--b0undary ", "part 1 at byte 12 does not end"),
        (b"--b0undary\r\n\r\nbytes\r\n--b0undary\r\n\r\nx", "part 2 at byte 33 does not end"),
        (b"--b0undary\r\nA: b\r\n--b0undary--", "header of part 1 at byte 12 does not end"),
        (b"--b0undary\r\n--b0undary--", "header of part 1 at byte 12 does not end"),
        (b"--b0undary\r\nno colon\r\n\r\n\r\n--b0undary--", "expected name: value"),
        (b"--b0undary\r\n folded\r\nA: b\r\n\r\n\r\n--b0undary--", "expected name: value"),
        (b"--b0undary\r\n: b\r\n\r\n\r\n--b0undary--", "expected name: value"),
        (b"--b0undary\r\nA: b\r\na: c\r\n\r\n\r\n--b0undary--", "a header field of part 1 twice"),
    ],
)
def test_broken_framing_is_refused_with_what_was_found(payload: bytes, text: str) -> None:
    assert text in refusal(payload)


def test_every_truncation_of_a_payload_is_refused() -> None:
    payload = builders.multipart(builders.part(b"one"), builders.part(b"two")).rstrip(b"\r\n")

    for length in range(len(payload)):
        refusal(payload[:length])


def test_header_names_are_in_lower_case_and_values_are_text_in_utf_8_or_latin_1() -> None:
    header = "CONTENT-Disposition:\tform-data; filename=\u00e4 \r\n".encode()
    payload = b"--b0undary\r\n" + header + b"Odd:\xe4\r\n\r\n\r\n--b0undary--"

    headers = split(payload, BOUNDARY)[0].headers

    assert headers == {"content-disposition": "form-data; filename=\u00e4", "odd": "\u00e4"}


def test_folded_header_lines_are_unfolded() -> None:
    header = b"Content-Type: application/dicom;\r\n\ttransfer-syntax=\r\n 1.2\r\n \r\nA:\r\n b\r\n"
    payload = b"--b0undary\r\n" + header + b"\r\n folded\r\n--b0undary--"

    part = split(payload, BOUNDARY)[0]

    assert part.headers == {"content-type": "application/dicom;\ttransfer-syntax= 1.2", "a": "b"}
    assert bytes(part.content) == b" folded"


def test_the_number_of_parts_is_limited() -> None:
    part = builders.part(b"")
    assert len(split(builders.multipart(*[part] * 3), BOUNDARY, max_parts=3)) == 3
    with pytest.raises(MalformedRequest, match="more than 3 parts"):
        split(builders.multipart(*[part] * 4), BOUNDARY, max_parts=3)
    assert len(split(builders.multipart(*[part] * MAX_PARTS), BOUNDARY)) == MAX_PARTS
    assert "more than 4000 parts" in refusal(builders.multipart(*[part] * (MAX_PARTS + 1)))


def test_the_bytes_of_a_header_are_limited() -> None:
    header = b"A: " + b"b" * 20 + b"\r\n\r\n"
    payload = b"--b0undary\r\n" + header + b"bytes\r\n--b0undary--"

    assert split(payload, BOUNDARY, max_header_bytes=len(header))
    with pytest.raises(MalformedRequest, match=f"within {len(header) - 1} bytes"):
        split(payload, BOUNDARY, max_header_bytes=len(header) - 1)
    assert "within 8192 bytes" in refusal(payload.replace(b"b" * 20, b"b" * MAX_HEADER_BYTES))


def repeated(piece: bytes) -> Callable[[int], Callable[[], object]]:
    """Return how to split ``n`` bytes of a piece over and over, framed and not."""

    def act(n: int) -> Callable[[], object]:
        soup = piece * (n // len(piece))
        framed = b"--b0undary\r\n\r\n" + soup + b"\r\n--b0undary--"

        def measured() -> None:
            for payload in (soup, framed, framed[:-2]):
                try:
                    split(payload, BOUNDARY)
                except MalformedRequest:
                    continue

        return measured

    return act


@pytest.mark.parametrize(
    "piece",
    [
        b"\r\n",
        b"\r\n--b0undar",
        b"\r\n--b0undary x",
        b"\r\n--b0undary--x",
        b"\r\n--b0undary" + b" " * 100_000 + b"x",
        b"\r\n--b0undary" + b"\t" * 100_000 + b"x",
        b"\r\n--",
        b"-",
        b" ",
    ],
    ids=lambda piece: repr(piece[:16]),
)
def test_time_is_linear_in_the_bytes_of_the_worst_contents(piece: bytes) -> None:
    assert growth(repeated(piece), MIB // 2) < GENEROUS


@pytest.mark.parametrize(
    "header",
    [
        b"A: " + b" " * 8000,
        b"A:" + b" \t" * 4000 + b"x",
        b"A" * 8000,
        b"\r\n".join(b"A%d: b" % n for n in range(500)),
    ],
    ids=["blanks", "blanks and a value", "a name", "many fields"],
)
def test_time_is_linear_in_the_number_of_parts_with_the_worst_headers(header: bytes) -> None:
    def act(number: int) -> Callable[[], object]:
        part = header + b"\r\n\r\n"
        payload = builders.multipart(*[part] * number)

        def measured() -> None:
            try:
                split(payload, BOUNDARY, max_parts=number)
            except MalformedRequest:
                return

        return measured

    assert growth(act, 100) < GENEROUS


def test_time_is_linear_in_the_number_of_parts() -> None:
    def act(number: int) -> Callable[[], object]:
        payload = builders.multipart(*[builders.part(b"")] * number)
        return lambda: split(payload, BOUNDARY, max_parts=number)

    assert growth(act, 1000) < GENEROUS
