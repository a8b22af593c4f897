from typing import Any

import pytest

from local.intrinsics import TemplateError
from local.parameters import values

DEFINITIONS: dict[str, dict[str, Any]] = {
    "Colour": {"Type": "String", "Default": "red", "AllowedValues": ["red", "blue"]},
    "Days": {"Type": "Number", "Default": 7, "AllowedValues": [7, 14]},
    "Memory": {"Type": "Number", "Default": 512, "MinValue": 128, "MaxValue": 1024},
    "Origin": {"Type": "String", "Default": "", "AllowedPattern": "^(https://.+)?$"},
    "Name": {"Type": "String", "Default": "ab", "MinLength": 2, "MaxLength": 3},
}


def test_a_parameter_has_its_default_as_text() -> None:
    assert values(DEFINITIONS, {}) == {
        "Colour": "red",
        "Days": "7",
        "Memory": "512",
        "Origin": "",
        "Name": "ab",
    }


def test_an_override_goes_over_the_default() -> None:
    chosen = values(DEFINITIONS, {"Colour": "blue", "Days": "14", "Memory": "1024"})
    assert (chosen["Colour"], chosen["Days"], chosen["Memory"]) == ("blue", "14", "1024")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TemplateError, match=r"^Color .*Colour, Days, Memory, Name, Origin$"):
        values(DEFINITIONS, {"Color": "red"})


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("Colour", "green", "one of: red, blue"),
        ("Days", "8", "one of: 7, 14"),
        ("Memory", "127", "128 to 1024"),
        ("Memory", "1025", "128 to 1024"),
        ("Memory", "much", "number"),
        ("Origin", "http://a", "must match"),
        ("Name", "a", "2 to 3"),
        ("Name", "abcd", "2 to 3"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_one_line(
    name: str, value: str, problem: str
) -> None:
    with pytest.raises(TemplateError, match=f"^{name} .*{problem}[^\n]*$"):
        values(DEFINITIONS, {name: value})


def test_a_parameter_without_default_is_asked_for() -> None:
    with pytest.raises(TemplateError, match="Topic=value"):
        values({"Topic": {"Type": "String"}}, {})
