"""Tables that are made once for a process: another test may have been the first to need them."""

from collections.abc import Callable
from typing import Any

import pytest

from dicomweb import conformance
from dicomweb.metadata.budget import MAX_OBJECT_BYTES, Objects
from dicomweb.part10 import walker

TABLES: list[Any] = [
    conformance.sop_class_groups,
    conformance.sop_class_iods,
    conformance.transfer_syntax_groups,
    conformance.transfer_syntax_iods,
    walker._sequence_tags,
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_table_is_the_same_whenever_it_is_made(table: Callable[[], object]) -> None:
    made: Any = table
    before = table()
    made.cache_clear()

    assert table() == before
    assert before


def test_a_document_that_no_post_can_have_may_take_all_the_memory_for_objects() -> None:
    objects = Objects()

    with objects.of(memoryview(bytes(5_000_001))):
        assert objects.left == MAX_OBJECT_BYTES - 5_000_001
