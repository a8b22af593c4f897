from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from archive.items import (
    add_first,
    instance_attributes,
    missing,
    study_attributes,
    to_attribute_value,
)
from dicomweb.attributes import IndexValue
from tests.archive.deployment import instance

if TYPE_CHECKING:
    from archive.items import Item

texts = st.text(max_size=8)
integers = st.integers(-(2**31), 2**31 - 1)
index_values: st.SearchStrategy[IndexValue] = st.recursive(
    texts | integers,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(texts, values, max_size=3),
    max_leaves=9,
)
items = st.dictionaries(
    st.sampled_from("ABC"), st.builds(lambda text: {"S": text}, texts), max_size=3
)
sets = st.dictionaries(
    st.sampled_from("XY"),
    st.builds(
        lambda members: {"SS": members}, st.lists(st.sampled_from("abc"), min_size=1, unique=True)
    ),
    max_size=2,
)
values = st.builds(lambda item, members: {**item, **members}, items, sets)


@given(index_values)
def test_boto3_reads_an_attribute_value_as_what_it_was(value: IndexValue) -> None:
    assert TypeDeserializer().deserialize(to_attribute_value(value)) == value


@given(values, values)
def test_an_item_lacks_nothing_after_it_was_added(new: "Item", item: "Item") -> None:
    before = dict(item)
    lacking = missing(new, item)

    add_first(item, new)

    assert missing(new, item) == {}
    assert set(item) == set(before) | set(lacking)


@given(values, values)
def test_what_comes_first_stays(new: "Item", item: "Item") -> None:
    before = dict(item)

    add_first(item, new)

    for keyword, value in before.items():
        if "SS" in value:
            assert item[keyword]["SS"][: len(value["SS"])] == value["SS"]
        else:
            assert item[keyword] == value


@given(values)
def test_an_empty_item_lacks_everything(new: "Item") -> None:
    assert missing(new, {}) == new


@pytest.mark.parametrize("value", ["", [], {}, "x" * 4097, ["x" * 4097], "漢" * 1366])
def test_an_empty_or_absurdly_long_attribute_is_left_out(value: IndexValue) -> None:
    assert "StudyID" not in study_attributes(instance(StudyID=value))


@pytest.mark.parametrize("value", [0, "x" * 4096, [""], [{"StudyID": ""}]])
def test_any_other_attribute_is_kept(value: IndexValue) -> None:
    assert study_attributes(instance(StudyID=value))["StudyID"] == to_attribute_value(value)


def test_an_instance_without_modality_adds_none_to_its_study() -> None:
    assert "ModalitiesInStudy" not in study_attributes(instance(modality=""))


def test_the_sets_of_a_study_come_from_its_instances_alone() -> None:
    item = study_attributes(instance(modality="", ModalitiesInStudy=["CT"], SOPClassesInStudy="1"))

    assert "ModalitiesInStudy" not in item
    assert item["SOPClassesInStudy"] == {"SS": ["1.2.840.10008.5.1.4.1.1.2"]}


def test_an_instance_without_frames_has_no_number_of_them() -> None:
    assert "NumberOfFrames" not in instance_attributes(replace(instance(), number_of_frames=None))
    assert instance_attributes(replace(instance(), number_of_frames=2))["NumberOfFrames"] == {
        "N": "2"
    }
