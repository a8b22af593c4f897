import pydicom.uid
import pytest

from dicomweb import uids

NAMED = [name for name, value in vars(uids).items() if str(value).startswith("1.2.840.")]


def test_the_uids_are_named_as_in_pydicom() -> None:
    assert "ExplicitVRLittleEndian" in NAMED
    there = {name: getattr(pydicom.uid, name, None) for name in NAMED}
    lacking = {name for name, uid in there.items() if uid is None}
    assert lacking == {"JPIPReferenced", "JPIPReferencedDeflate"}
    assert {name: getattr(uids, name) for name in NAMED if name not in lacking} == {
        name: str(uid) for name, uid in there.items() if uid is not None
    }


@pytest.mark.parametrize("name", ["JPIPReferenced", "JPIPReferencedDeflate"])
def test_the_uids_that_pydicom_does_not_name_are_in_its_dictionary(name: str) -> None:
    uid = pydicom.uid.UID(getattr(uids, name))
    assert uid.name.replace(" ", "") == name
    assert uid.type == "Transfer Syntax"
