from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dicomweb.envelope.mediatypes import (
    ALIASES,
    DICOM,
    DICOM_JSON,
    DICOM_XML,
    MULTIPART_RELATED,
    negotiate,
    parse_media_type,
    refuse_forms,
)
from dicomweb.errors import MalformedRequest
from tests import strategies
from tests.processor_time import GENEROUS, growth


@pytest.mark.parametrize(
    ("client", "content_type", "boundary"),
    [
        (
            "dicomweb-client",
            'multipart/related; type="application/dicom"; boundary="0f3cf5c0-70e0-41ef-baef-c6f9"',
            "0f3cf5c0-70e0-41ef-baef-c6f9",
        ),
        (
            "OHIF before it quoted",
            "multipart/related; type=application/dicom; boundary=guid",
            "guid",
        ),
        (
            "Orthanc",
            'multipart/related; type="application/dicom"; boundary=' + "a" * 36 + "-" + "b" * 36,
            "a" * 36 + "-" + "b" * 36,
        ),
        (
            "dcm4che stowrs",
            'multipart/related; type="application/dicom"; boundary=myboundary',
            "myboundary",
        ),
        (
            "Weasis",
            'multipart/related; type="application/dicom";boundary=weasisDicomBoundary',
            "weasisDicomBoundary",
        ),
        (
            "the .NET client",
            'multipart/related; boundary="guid"; type="application/dicom"',
            "guid",
        ),
        (
            "MONAI",
            "multipart/related; type=application/dicom; boundary=---DICOM-INSTASNCE---",
            "---DICOM-INSTASNCE---",
        ),
        ("dcmjs", 'Multipart/Related;TYPE="Application/DICOM";Boundary="--x"', "--x"),
        (
            "specials",
            'multipart/related; type="application/dicom"; boundary="=_(a):/b?,c+\'d"',
            "=_(a):/b?,c+'d",
        ),
        (
            "escapes and blanks",
            ' multipart/related ;\tboundary = "a\\"\\\\b" ; type = application/dicom ; ',
            'a"\\b',
        ),
        (
            "more parameters",
            'multipart/related;; type=application/dicom; boundary=b; start="<x;y>"; boundary=c',
            "b",
        ),
        ("odd quotes", 'multipart/related; type=application/dicom; boundary="a"b', '"a"b'),
    ],
)
def test_the_content_type_of_every_client_is_read(
    client: str, content_type: str, boundary: str
) -> None:
    media_type = parse_media_type(content_type)

    assert media_type.essence == MULTIPART_RELATED, client
    assert media_type.parameters["type"].lower() == DICOM
    assert media_type.parameters["boundary"] == boundary


@pytest.mark.parametrize("fold", ["\r\n ", "\r\n\t", "\n ", " \r\n   \r\n "])
def test_a_folded_content_type_is_unfolded(fold: str) -> None:
    value = f'multipart/related;{fold}type="application/dicom"{fold};{fold}boundary={fold}a{fold}'

    media_type = parse_media_type(value)

    assert media_type.essence == "multipart/related"
    assert media_type.parameters == {"type": "application/dicom", "boundary": "a"}


def test_a_line_break_that_folds_nothing_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="without a media type"):
        parse_media_type("multipart/\r\nrelated")


@pytest.mark.parametrize(
    "value", ["multipart/form-data", "Multipart/Form-Data ; boundary=a", "multipart/form-data;"]
)
def test_a_form_is_refused_with_the_command_that_works(value: str) -> None:
    with pytest.raises(MalformedRequest, match=r"-F 'file=@image\.dcm;type=application/dicom' URL"):
        refuse_forms(value)


@pytest.mark.parametrize("value", ["", "multipart/form-data-like", "multipart/related"])
def test_what_is_no_form_is_not_refused_as_one(value: str) -> None:
    refuse_forms(value)


def test_a_media_type_needs_no_parameters() -> None:
    assert parse_media_type("application/DICOM").essence == DICOM
    assert parse_media_type("application/dicom;").parameters == {}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/",
        "application",
        "application/",
        "/dicom",
        "a b/c",
        "a/b c",
        "a/b/c",
        "\u00e4/b",
        ";a=b",
    ],
)
def test_what_is_no_type_and_subtype_is_refused(value: str) -> None:
    with pytest.raises(MalformedRequest, match="type/subtype"):
        parse_media_type(value)


@pytest.mark.parametrize("parameters", ["a", "=b", '"a"=b', "a b=c", 'a="b;c', "a=b; c"])
def test_what_is_no_parameter_is_refused(parameters: str) -> None:
    with pytest.raises(MalformedRequest, match="expected name=value"):
        parse_media_type(f"application/dicom; {parameters}")


@given(st.one_of(st.text(max_size=60), strategies.media_type_soup))
def test_any_text_is_a_media_type_or_a_malformed_request(text: str) -> None:
    try:
        media_type = parse_media_type(text)
    except MalformedRequest:
        return
    assert media_type.essence.count("/") == 1
    assert all(media_type.parameters)


@given(
    st.one_of(st.none(), st.text(max_size=60), strategies.media_type_soup),
    st.one_of(st.none(), st.text(max_size=60), strategies.media_type_soup),
)
@example('"', '"\\')
@example("*/*;q=nan", "*/*;q=1e999")
def test_any_accept_gets_one_of_the_two_answers(
    accept: str | None, accept_parameter: str | None
) -> None:
    assert negotiate(accept, accept_parameter) in (DICOM_XML, DICOM_JSON)


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("application/dicom+json", DICOM_JSON),  # row 69
        ("application/dicom+xml", DICOM_XML),  # row 70
        ("*/*", DICOM_XML),  # row 71
        (None, DICOM_XML),  # row 72
        ("", DICOM_XML),
        (" ", DICOM_XML),
        ("image/png", DICOM_XML),  # row 73
        ("application/dicom+xml;q=0.2, application/dicom+json;q=0.9", DICOM_JSON),  # row 74
        ("application/dicom+xml;q=0, */*", DICOM_JSON),
        ("application/dicom+json;q=0, */*", DICOM_XML),  # row 75
        ("garbage;;, application/dicom+json", DICOM_JSON),  # row 76
        ('multipart/related; type="application/dicom+xml"', DICOM_XML),  # row 79
        ('multipart/related; type="application/dicom+json"', DICOM_JSON),
        ("multipart/related; type=application/dicom+json", DICOM_JSON),
        ("multipart/related", DICOM_XML),
        ("application/json", DICOM_JSON),
        ("APPLICATION/DICOM+JSON", DICOM_JSON),
        ("application/xml", DICOM_XML),
        ("text/xml", DICOM_XML),
        ("application/*", DICOM_XML),
        ("application/dicom", DICOM_XML),
        ("application/dicom+json; transfer-syntax=1.2.3", DICOM_JSON),
        ("application/dicom+json;q=2, application/dicom+xml;q=-1", DICOM_XML),
        ("application/dicom+xml;q=-1, */*", DICOM_XML),
        ("application/*;q=0.1, application/json", DICOM_JSON),
        ("application/dicom+json;q=high", DICOM_XML),
        ("application/dicom+json, application/dicom+xml", DICOM_JSON),
        ("application/dicom+xml, application/dicom+json", DICOM_XML),
        ("application/dicom+json;q=0.5, */*;q=0.8", DICOM_XML),
        ("application/dicom+json, */*", DICOM_JSON),
        ("*/*;q=0", DICOM_XML),
        ("application/dicom+json;q=0", DICOM_XML),
        ('image/png; a=", application/dicom+json,", application/dicom+json', DICOM_JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", DICOM_XML),
    ],
)
def test_the_answer_is_the_best_type_that_is_accepted_and_else_the_default(
    accept: str | None, answer: str
) -> None:
    assert negotiate(accept) == answer


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_gets_the_answer_it_stands_for(alias: str) -> None:
    assert negotiate(f"{alias}, */*;q=0.1") == ALIASES[alias]


def test_the_quality_of_a_type_is_that_of_its_own_name_and_not_of_an_alias() -> None:
    accept = "application/json;q=0.1, application/dicom+json, application/dicom+xml;q=0.5"
    assert negotiate(accept) == DICOM_JSON
    assert negotiate("application/json, application/dicom+json;q=0, */*;q=0.1") == DICOM_XML


@pytest.mark.parametrize(
    ("accept", "parameter", "answer"),
    [
        ("*/*", "application/dicom+xml", DICOM_XML),  # row 77
        ("*/*", "application/dicom+json", DICOM_JSON),
        ("*/*", "application/dicom json", DICOM_JSON),
        (None, "application/dicom+json", DICOM_JSON),
        ("application/dicom+xml", "application/dicom+json", DICOM_XML),
        ("application/dicom+xml, application/dicom+json;q=0.1", "application/json", DICOM_JSON),
        ("application/dicom+json", "image/png", DICOM_JSON),
        ("application/dicom+json, application/dicom+xml;q=0.5", "image/png", DICOM_JSON),
        ("application/dicom+json", "", DICOM_JSON),
        ("image/png", "application/dicom+json", DICOM_XML),
        ("*/*;q=0, application/*", "application/dicom+json", DICOM_JSON),
    ],
)
def test_the_query_parameter_goes_first_unless_the_field_excludes_it(
    accept: str | None, parameter: str, answer: str
) -> None:
    assert negotiate(accept, parameter) == answer


@pytest.mark.parametrize(
    "piece", ['"', '\\"', "a=b;", ";", " ", ",", "a/b,", "a/b;q=1,", '"a",'], ids=repr
)
def test_time_is_linear_in_the_length_of_the_worst_fields(piece: str) -> None:
    def act(size: int) -> Callable[[], object]:
        text = piece * (size // len(piece))

        def measured() -> None:
            negotiate(f'a/b;"{text}', text)
            try:
                parse_media_type(f"application/dicom;{text}")
            except MalformedRequest:
                return

        return measured

    assert growth(act, 10_000) < GENEROUS
