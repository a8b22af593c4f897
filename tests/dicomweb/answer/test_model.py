from dataclasses import FrozenInstanceError

import pytest

from dicomweb.answer.model import Attribute


def test_an_attribute_is_empty_unless_it_is_given_values_and_never_changes() -> None:
    attribute = Attribute(tag="00081190", keyword="RetrieveURL", vr="UR")

    assert attribute.values == ()
    with pytest.raises(FrozenInstanceError):
        attribute.values = ("http://127.0.0.1",)  # type: ignore[misc] # that is what is refused
