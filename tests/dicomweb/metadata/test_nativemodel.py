import re
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicomweb.errors import InstanceRejected, MalformedRequest
from dicomweb.metadata import nativemodel
from dicomweb.metadata.budget import Objects
from dicomweb.metadata.elements import VALUE_REPRESENTATIONS
from dicomweb.part10.walker import MAX_DEPTH
from dicomweb.reasons import FailureReason
from tests import models, shown, strategies
from tests.models import attribute, document
from tests.processor_time import GENEROUS, growth

if TYPE_CHECKING:
    from collections.abc import Callable

NATIVE = f'xmlns="{models.NAMESPACE}"'
ITEM = '<DicomAttribute tag="00081140" vr="SQ"><Item number="1">'
ITEM_END = "</Item></DicomAttribute>"


def read(*attributes: str) -> Dataset:
    return shown.read_xml(document(*attributes)).data_set


def refused(*attributes: str) -> InstanceRejected:
    with pytest.raises(InstanceRejected) as caught:
        shown.read_xml(document(*attributes))
    return caught.value


def values(tag: str, vr: str, inner: str) -> object:
    return read(f'<DicomAttribute tag="{tag}" vr="{vr}">{inner}</DicomAttribute>')[
        int(tag, 16)
    ].value


@pytest.mark.parametrize(
    "text",
    [
        "<NativeDicomModel/>",
        f"<NativeDicomModel {NATIVE}/>",
        f'<n:NativeDicomModel xmlns:n="{models.NAMESPACE}"/>',
        '<NativeDicomModel xml:space="preserve">\n</NativeDicomModel>',
        "<!-- a comment --><?target instruction?><NativeDicomModel/>",
        '\ufeff<?xml version="1.0"?><NativeDicomModel/>',
    ],
)
def test_an_empty_model_is_an_empty_data_set(text: str) -> None:
    metadata = shown.read_xml(memoryview(text.encode()))

    assert metadata == shown.Shown(data_set=Dataset(), bulk_data=[])


@pytest.mark.parametrize("prefix", ["", "n:"])
def test_elements_are_told_by_their_local_name(prefix: str) -> None:
    text = (
        f'<{prefix}NativeDicomModel xmlns{":n" if prefix else ""}="{models.NAMESPACE}">'
        f'<{prefix}DicomAttribute tag="00100010" vr="PN" keyword="PatientName">'
        f'<{prefix}PersonName number="1"><{prefix}Alphabetic><{prefix}FamilyName>Doe'
        f"</{prefix}FamilyName></{prefix}Alphabetic></{prefix}PersonName>"
        f"</{prefix}DicomAttribute></{prefix}NativeDicomModel>"
    )

    assert shown.read_xml(memoryview(text.encode())).data_set.PatientName == "Doe"


def test_the_example_of_the_standard_is_read_although_its_declaration_is_none() -> None:
    text = """<?xml version="1.0" encoding="UTF-8" xml:space="preserve" ?>
<NativeDicomModel>
  <DicomAttribute tag="0020000D" vr="UI" keyword="StudyInstanceUID">
    <Value number="1">
      1.2.392.200036.9116.2.2.2.1762893313.1029997326.945873
    </Value>
  </DicomAttribute>
</NativeDicomModel>"""

    data_set = shown.read_xml(memoryview(text.encode())).data_set

    assert data_set.StudyInstanceUID == "1.2.392.200036.9116.2.2.2.1762893313.1029997326.945873"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"not XML",
        b"<NativeDicomModel>",
        b"<NativeDicomModel>&undefined;</NativeDicomModel>",
        b'<?xml version="1.0" encoding="no-such-encoding"?><NativeDicomModel/>',
        b'<NativeDicomModel a="1" a="1"/>',
        b"<NativeDicomModel>\x01</NativeDicomModel>",
        b'\n<?xml version="1.0"?><NativeDicomModel/>',
    ],
)
def test_what_is_not_well_formed_is_a_malformed_request(content: bytes) -> None:
    with pytest.raises(MalformedRequest, match=r"not well-formed at line [12],"):
        shown.read_xml(memoryview(content))


@pytest.mark.parametrize("root", ["DicomAttribute", "nativeDicomModel", "html"])
def test_another_root_element_is_a_malformed_request(root: str) -> None:
    with pytest.raises(MalformedRequest, match="another root element"):
        shown.read_xml(memoryview(f"<{root}/>".encode()))


def test_what_the_sender_wrote_is_not_repeated_in_a_refusal() -> None:
    with pytest.raises(MalformedRequest) as caught:
        shown.read_xml(memoryview(b"<NativeDicomModel><Planted></Secret></NativeDicomModel>"))

    assert not re.search("Planted|Secret", str(caught.value))


def _entities(first: str, count: int) -> str:
    nested = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, count))
    return f'<!DOCTYPE NativeDicomModel [<!ENTITY e0 "{first}">{nested}]>'


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE NativeDicomModel><NativeDicomModel/>",
        _entities("lol", 20) + "<NativeDicomModel>&e19;</NativeDicomModel>",
        _entities("lol", 20) + '<NativeDicomModel><DicomAttribute tag="&e19;"/></NativeDicomModel>',
        _entities("x" * 50_000, 1) + f"<NativeDicomModel>{'&e0;' * 50_000}</NativeDicomModel>",
        _entities("x" * 50_000, 1) + f'<NativeDicomModel a="{"&e0;" * 50_000}"/>',
        (
            '<!DOCTYPE NativeDicomModel [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
            '<NativeDicomModel><DicomAttribute tag="00100020" vr="LO"><Value number="1">&e;</Value>'
            "</DicomAttribute></NativeDicomModel>"
        ),
        '<!DOCTYPE NativeDicomModel SYSTEM "http://127.0.0.1:9/model.dtd"><NativeDicomModel/>',
        '<!DOCTYPE NativeDicomModel PUBLIC "public" "file:///etc/hostname"><NativeDicomModel/>',
        (
            '<!DOCTYPE NativeDicomModel [<!ENTITY % e SYSTEM "file:///etc/hostname"> %e;]>'
            "<NativeDicomModel/>"
        ),
    ],
    ids=range(9),
)
def test_a_document_type_is_a_malformed_request_and_nothing_is_expanded_or_fetched(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nativemodel, "read_metadata", lambda *_: pytest.fail("was read"))

    with pytest.raises(MalformedRequest) as caught:
        shown.read_xml(memoryview(text.encode()))

    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-7", "gb18030"])
def test_the_encoding_of_the_document_is_its_own(encoding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        + bytes(
            document(attribute("00080005", "CS", "ISO_IR 100"), attribute("00100020", "LO", "Διον"))
        ).decode()
    )

    data_set = shown.read_xml(memoryview(text.encode(encoding))).data_set

    assert (data_set.SpecificCharacterSet, data_set.PatientID) == ("ISO_IR 100", "Διον")


@pytest.mark.parametrize("vr", sorted(VALUE_REPRESENTATIONS))
def test_an_attribute_of_any_vr_without_children_is_an_empty_element(vr: str) -> None:
    data_set = read(attribute("0F0E0001", vr))

    assert (data_set[0x0F0E0001].VR, data_set[0x0F0E0001].is_empty) == (vr, True)


@pytest.mark.parametrize(
    ("vr", "sent", "held"),
    [
        *((vr, "\n  1 ", "1") for vr in ("AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR")),
        *((vr, "\n 1 ", "1") for vr in ("DS", "IS")),
        *((vr, "\n 1 ", 1) for vr in ("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV")),
        *((vr, "\n  1 ", "\n  1 ") for vr in ("LO", "LT", "SH", "ST", "UC", "UT")),
        ("AT", "\n 00080018 ", 0x00080018),
    ],
)
def test_blanks_around_a_value_count_in_text_only(vr: str, sent: str, held: object) -> None:
    assert read(attribute("0F0E0001", vr, sent))[0x0F0E0001].value == held


def test_numbers_order_the_values_and_one_left_out_is_an_empty_value() -> None:
    inner = '<Value number="4">D</Value><Value number="2">B</Value><Value number="3"/>'

    assert values("00080008", "CS", inner) == ["", "B", "", "D"]


def test_numbers_order_the_items_and_none_is_made_up() -> None:
    inner = "".join(
        f'<Item number="{number}">{attribute("00080060", "CS", modality)}</Item>'
        for number, modality in ((7, "MR"), (2, "CT"))
    )

    items = read(f'<DicomAttribute tag="00081140" vr="SQ">{inner}</DicomAttribute>')

    assert [item.Modality for item in items.ReferencedImageSequence] == ["CT", "MR"]


@pytest.mark.parametrize("number", ["", "0", "-1", "1.0", "one", "9999999999", "01"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    inner = f'<Value number="{number}">A</Value>'

    assert "without a number" in str(
        refused(f'<DicomAttribute tag="00080060" vr="CS">{inner}</DicomAttribute>')
    )


@pytest.mark.parametrize(("vr", "kind"), [("CS", "Value"), ("PN", "PersonName"), ("SQ", "Item")])
def test_the_same_number_twice_is_refused(vr: str, kind: str) -> None:
    inner = f'<{kind} number="1"/><{kind} number="1"/>'

    assert "same number" in str(
        refused(f'<DicomAttribute tag="00081140" vr="{vr}">{inner}</DicomAttribute>')
    )


def test_numbers_cannot_ask_for_more_empty_values_than_the_limit_of_a_document() -> None:
    limit = nativemodel.MAX_MISSING_NUMBERS
    half = f'<Value number="{limit // 2 + 1}">A</Value>'
    whole = [f'<DicomAttribute tag="0010002{n}" vr="LO">{half}</DicomAttribute>' for n in "023"]

    assert len(read(*whole[:2])) == 2
    assert str(refused(*whole)).startswith("(0010,0023): found more than 10000 missing numbers")


@pytest.mark.parametrize(
    ("inner", "name"),
    [
        ("", ""),
        ("<Alphabetic/>", ""),
        ("<Alphabetic><FamilyName>Doe</FamilyName></Alphabetic>", "Doe"),
        (
            (
                "<Alphabetic>\n<NameSuffix>S</NameSuffix><NamePrefix>P</NamePrefix>"
                "<MiddleName>M</MiddleName><GivenName>G</GivenName><FamilyName>F</FamilyName>"
                "\n</Alphabetic>"
            ),
            "F^G^M^P^S",
        ),
        ("<Alphabetic><GivenName>G</GivenName><NameSuffix/></Alphabetic>", "^G"),
        (
            (
                "<Alphabetic><FamilyName>Yamada</FamilyName></Alphabetic>"
                "<Ideographic><FamilyName>山田</FamilyName></Ideographic>"
                "<Phonetic><FamilyName>やまだ</FamilyName></Phonetic>"
            ),
            "Yamada=山田=やまだ",
        ),
        ("<Phonetic><GivenName>G</GivenName></Phonetic>", "==^G"),
        ("<SingleByte><FamilyName>Doe</FamilyName></SingleByte>", "Doe"),
        ("<Alphabetic><FamilyName>Doe^John</FamilyName></Alphabetic>", "Doe^John"),
    ],
)
def test_a_person_name_is_joined_from_its_component_groups(inner: str, name: str) -> None:
    assert values("00100010", "PN", f'<PersonName number="1">{inner}</PersonName>') == name


def test_several_person_names_are_several_values() -> None:
    inner = "".join(
        f'<PersonName number="{number}"><Alphabetic><FamilyName>{name}</FamilyName></Alphabetic>'
        "</PersonName>"
        for number, name in ((1, "A"), (3, "C"))
    )

    assert values("00081048", "PN", inner) == ["A", "", "C"]


@pytest.mark.parametrize(
    "inner",
    [
        "<Alphabetic>Doe^John</Alphabetic>",
        "<Latin><FamilyName>Doe</FamilyName></Latin>",
        "<Alphabetic><Surname>Doe</Surname></Alphabetic>",
        "<Alphabetic><FamilyName>A</FamilyName><FamilyName>B</FamilyName></Alphabetic>",
        "<Alphabetic><FamilyName>A</FamilyName></Alphabetic>" * 2,
        (
            "<Alphabetic><FamilyName>A</FamilyName></Alphabetic>"
            "<SingleByte><FamilyName>A</FamilyName></SingleByte>"
        ),
        (
            "<Alphabetic><FamilyName>A=B</FamilyName></Alphabetic>"
            "<Phonetic><FamilyName>C</FamilyName></Phonetic>"
        ),
        "<Alphabetic><FamilyName><b>A</b></FamilyName></Alphabetic>",
    ],
)
def test_a_person_name_that_is_none_is_refused(inner: str) -> None:
    refusal = refused(
        f'<DicomAttribute tag="00100010" vr="PN"><PersonName number="1">{inner}</PersonName>'
        "</DicomAttribute>"
    )

    assert refusal.reason == FailureReason.CANNOT_UNDERSTAND
    assert str(refusal).startswith("(0010,0010): found ")


def test_inline_binary_may_be_broken_into_lines() -> None:
    lines = "\n  ".join(re.findall(".{1,4}", b64encode(bytes(range(40))).decode()))

    assert values("00282000", "OB", f"<InlineBinary>\n  {lines}\n</InlineBinary>") == bytes(
        range(40)
    )


@pytest.mark.parametrize("wrong", ["AAA", "AA=A", "AAAA=", "A-_A", "AAAA AAA", "ÄÄÄÄ"])
def test_inline_binary_that_is_not_base64_is_refused(wrong: str) -> None:
    refusal = refused(
        f'<DicomAttribute tag="00282000" vr="OB"><InlineBinary>{wrong}</InlineBinary>'
        "</DicomAttribute>"
    )

    assert str(refusal) == "(0028,2000): found inline binary that is not base64"


def test_bulk_data_is_listed_with_the_data_set_that_it_belongs_to() -> None:
    bulk = '<DicomAttribute tag="{}" vr="{}"><BulkData uri="{}"/></DicomAttribute>'.format
    metadata = shown.read_xml(
        document(bulk("7FE00010", "OW", " bulk1\n"), ITEM, bulk("00281201", "OW", "../2"), ITEM_END)
    )

    item = metadata.data_set.ReferencedImageSequence[0]
    found = {reference.uri: reference for reference in metadata.bulk_data}
    assert found == {
        "bulk1": shown.Referred(metadata.data_set, 0x7FE00010, "bulk1"),
        "../2": shown.Referred(item, 0x00281201, "../2"),
    }
    assert found["../2"].holder is item
    for element in (metadata.data_set["PixelData"], item[0x00281201]):
        assert element.is_empty
        assert element.VR == "OW"


@pytest.mark.parametrize("uuid", ["176b4f6a", "urn:uuid:176b4f6a", " URN:UUID:176b4f6a"])
def test_bulk_data_named_by_a_uuid_has_its_urn(uuid: str) -> None:
    text = f'<DicomAttribute tag="7FE00010" vr="OW"><BulkData uuid="{uuid}"/></DicomAttribute>'
    metadata = shown.read_xml(memoryview(f"<NativeDicomModel>{text}</NativeDicomModel>".encode()))

    assert [each.uri.lower() for each in metadata.bulk_data] == ["urn:uuid:176b4f6a"]


@pytest.mark.parametrize(
    ("vr", "inner"),
    [
        ("OW", "<BulkData/>"),
        ("OW", '<BulkData uri=""/>'),
        ("OW", '<BulkData uuid=" "/>'),
        ("OW", '<BulkData uri="a" uuid="b"/>'),
        ("OW", '<BulkData uri="a"/><BulkData uri="b"/>'),
        ("OW", "<InlineBinary/><InlineBinary/>"),
        ("OW", '<InlineBinary/><BulkData uri="a"/>'),
        ("SQ", '<BulkData uri="a"/>'),
        ("PN", '<BulkData uri="a"/>'),
        ("PN", '<Value number="1">Doe^John</Value>'),
        ("LO", '<PersonName number="1"/>'),
        ("LO", '<Item number="1"/>'),
        ("LO", "<InlineBinary/>"),
        ("LO", "text"),
        ("LO", '<Value number="1"/>text'),
        ("LO", '<Value number="1"><b/></Value>'),
        ("LO", '<Unknown number="1"/>'),
        ("SQ", '<Value number="1"/>'),
        ("SQ", '<Item number="1"/><Value number="2"/>'),
        ("SQ", '<Item number="1"><Value number="1"/></Item>'),
        ("OB", '<Value number="1">0</Value>'),
        ("OB", '<DataFragment number="1"><BulkData uri="a"/></DataFragment>'),
        ("XX", '<Value number="1"/>'),
        ("lo", '<Value number="1"/>'),
    ],
)
def test_content_that_the_vr_does_not_have_is_refused(vr: str, inner: str) -> None:
    refusal = refused(f'<DicomAttribute tag="00281201" vr="{vr}">{inner}</DicomAttribute>')

    assert refusal.reason == FailureReason.CANNOT_UNDERSTAND
    assert str(refusal).startswith("(0028,1201)")


def test_a_refusal_names_the_way_to_the_attribute() -> None:
    refusal = refused(
        '<DicomAttribute tag="00400275" vr="SQ"><Item number="1"/><Item number="2">',
        attribute("00400009", "US", "70000"),
        ITEM_END,
    )

    assert (
        str(refusal)
        == "(0040,0275)[2] > (0040,0009): found a number out of range, expected 0 to 65535"
    )


@pytest.mark.parametrize(
    "inner",
    ['<DicomAttribute vr="LO"/>', '<DicomAttribute tag="PatientID" vr="LO"/>', "<Other/>", "text"],
)
def test_what_is_no_attribute_is_refused_where_it_stands(inner: str) -> None:
    refusal = refused(f"{ITEM}{inner}{ITEM_END}")

    assert str(refusal).startswith("(0008,1140)[1] > an attribute: found ")


@pytest.mark.parametrize("tag", ["0020000d", "0020000D"])
def test_a_tag_may_be_in_lower_case(tag: str) -> None:
    assert read(attribute(tag, "UI", "1.2")).StudyInstanceUID == "1.2"


def test_the_tag_counts_and_not_the_keyword() -> None:
    text = '<DicomAttribute tag="00100020" vr="LO" keyword="PatientName"/>'

    assert list(read(text).keys()) == [0x00100020]


def test_a_vr_that_is_not_stated_is_that_of_the_dictionary_or_else_un() -> None:
    data_set = read(
        '<DicomAttribute tag="00100020"><Value number="1">A</Value></DicomAttribute>',
        '<DicomAttribute tag="0F0E0001"><InlineBinary>AAA=</InlineBinary></DicomAttribute>',
    )

    assert [element.VR for element in data_set] == ["LO", "UN"]


def test_private_attributes_are_given_a_block_for_each_creator() -> None:
    private = '<DicomAttribute tag="{}" vr="LO" privateCreator="{}"><Value number="1">{}</Value>'
    attributes = [
        private.format(tag, creator, value) + "</DicomAttribute>"
        for tag, creator, value in [
            ("00090001", "ACME 1", "a"),
            ("00090001", "ACME 2 ", "b"),
            ("00091010", "ACME 1", "c"),
            ("000900ff", "ACME 2", "d"),
        ]
    ]

    data_set = read(*attributes, ITEM, attributes[1], ITEM_END)

    private_values = {tag: data_set[tag].value for tag in sorted(data_set.keys()) if tag.is_private}
    assert private_values == {
        0x00090010: "ACME 1",
        0x00090011: "ACME 2",
        0x00091001: "a",
        0x00091101: "b",
        0x00091010: "c",
        0x000911FF: "d",
    }
    item = data_set.ReferencedImageSequence[0]
    assert {tag: item[tag].value for tag in sorted(item.keys())} == {
        0x00090010: "ACME 2",
        0x00091001: "b",
    }
    assert data_set.get_private_item(0x0009, 0xFF, "ACME 2").value == "d"


def test_private_attributes_with_their_own_block_keep_it() -> None:
    data_set = read(
        attribute("00091101", "LO", "a"),
        attribute("00090011", "LO", "ODIL"),
        attribute("00091234", "LO", "without a creator"),
        '<DicomAttribute tag="00090002" vr="LO" privateCreator="ODIL"/>',
        '<DicomAttribute tag="00090002" vr="LO" privateCreator="NEW"/>',
        '<DicomAttribute tag="00090003" vr="LO" privateCreator=""/>',
    )

    assert sorted(data_set.keys()) == [
        0x00090003,
        0x00090010,
        0x00090011,
        0x00091002,
        0x00091101,
        0x00091102,
        0x00091234,
    ]
    assert data_set[0x00090010].value == "NEW"


@pytest.mark.parametrize(
    ("tag", "creator"), [("00100020", "ACME"), ("00090001", "A\\B"), ("00080000", "ACME")]
)
def test_a_private_creator_that_cannot_be_is_refused(tag: str, creator: str) -> None:
    refusal = refused(f'<DicomAttribute tag="{tag}" vr="LO" privateCreator="{creator}"/>')

    assert "private" in str(refusal)


def test_more_private_creators_than_blocks_are_refused() -> None:
    private = '<DicomAttribute tag="00090001" vr="LO" privateCreator="{}"/>'.format

    assert len(read(*map(private, range(240)))) == 480
    assert "more private creators than group 0009" in str(refused(*map(private, range(241))))


def test_the_same_private_attribute_twice_is_refused() -> None:
    private = '<DicomAttribute tag="00090001" vr="LO" privateCreator="ACME"/>'

    assert (
        str(refused(private, private)) == "(0009,1001): found the attribute twice, expected it once"
    )


def test_sequences_may_be_as_deep_as_in_an_instance_and_no_deeper() -> None:
    data_set = read(ITEM * MAX_DEPTH, ITEM_END * MAX_DEPTH)
    refusal = refused(ITEM * (MAX_DEPTH + 1), ITEM_END * (MAX_DEPTH + 1))

    assert len(data_set.ReferencedImageSequence) == 1
    assert f"nested deeper than {MAX_DEPTH}" in str(refusal)


def test_a_document_nested_500_deep_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(MalformedRequest):
        shown.read_xml(document(ITEM * 500, ITEM_END * 500))


def test_time_is_linear_in_the_attributes() -> None:
    def act(size: int) -> "Callable[[], object]":
        text = document(*(attribute(f"0F0E{number:04X}", "LO", "A") for number in range(1, size)))
        return lambda: nativemodel.read(text, Objects())

    assert growth(act, 4000) < GENEROUS


@given(models.data_sets)
def test_any_data_set_survives_the_model(data_set: Dataset) -> None:
    metadata = shown.read_xml(models.native_xml(data_set))

    assert strategies.written(metadata.data_set, implicit_vr=False) == strategies.written(
        data_set, implicit_vr=False
    )
    assert (list(metadata.bulk_data), metadata.discarded_file_meta) == ([], False)


_names = ["NativeDicomModel", "DicomAttribute", "Value", "Item", "PersonName", "BulkData", "Other"]
_attributes = st.dictionaries(
    st.sampled_from(["tag", "vr", "number", "uri", "uuid", "privateCreator"]),
    st.sampled_from(["00080005", "00091001", "00020010", "1", "2", "SQ", "PN", "US", "OB", "x"]),
    max_size=3,
)
_soups = st.recursive(
    st.tuples(st.sampled_from([*_names, "InlineBinary", "Alphabetic"]), _attributes, st.text()),
    lambda children: st.tuples(
        st.sampled_from(_names), _attributes, st.lists(children, max_size=4)
    ),
    max_leaves=10,
)


def _soup(node: tuple[str, dict[str, str], object]) -> str:
    name, attributes, inner = node
    stated = "".join(f' {key}="{value}"' for key, value in attributes.items())
    text = "".join(map(_soup, inner)) if isinstance(inner, list) else str(inner)
    return f"<{name}{stated}>{text}</{name}>"


@given(st.one_of(st.binary(), _soups.map(_soup).map(str.encode), st.text().map(str.encode)))
@example(b"<NativeDicomModel><DicomAttribute tag='00080005' vr='\xc3\xa4'/></NativeDicomModel>")
def test_any_bytes_are_metadata_or_a_refusal(content: bytes) -> None:
    for wrapped in (content, b"<NativeDicomModel>" + content + b"</NativeDicomModel>"):
        with suppress(InstanceRejected, MalformedRequest):
            assert isinstance(shown.read_xml(memoryview(wrapped)), shown.Shown)
