import pytest

from local.intrinsics import Intrinsics, TemplateError, parse

DOCUMENT = parse("""
Conditions:
  IsRed: !Equals [!Ref Colour, red]
  IsBlue: !Equals [!Ref Colour, blue]
  IsRedAndBlue: !And [!Condition IsRed, !Condition IsBlue]
  IsRedOrBlue: !Or [!Condition IsRed, !Condition IsBlue]
  IsNotBlue: !Not [!Condition IsBlue]
  IsOn: !Equals [!Ref Switch, true]
Mappings:
  Sizes:
    red: {small: 1}
""")
REFERENCES: dict[str, object] = {"Colour": "red", "Switch": "true", "AWS::Region": "here"}


def resolve(text: str) -> object:
    intrinsics = Intrinsics(DOCUMENT, REFERENCES, lambda name, attribute: f"{name}/{attribute}")
    return intrinsics.resolve(parse(f"value: {text}"))["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Colour", "red"),
        ("{Ref: Colour}", "red"),
        ("!Ref AWS::Region", "here"),
        ("!If [IsRed, 1, 2]", 1),
        ("!If [IsBlue, 1, 2]", 2),
        ("!If [IsRedAndBlue, 1, 2]", 2),
        ("!If [IsRedOrBlue, 1, 2]", 1),
        ("!If [IsNotBlue, 1, 2]", 1),
        ("!If [IsOn, 1, 2]", 1),
        ("{kept: 1, left_out: !Ref AWS::NoValue}", {"kept": 1}),
        ("[1, !If [IsBlue, 2, !Ref AWS::NoValue]]", [1]),
        ("!FindInMap [Sizes, !Ref Colour, small]", 1),
        ("!GetAtt Table.Arn", "Table/Arn"),
        ("!GetAtt [Table, Arn]", "Table/Arn"),
        ('!Join ["-", [a, !Ref Colour]]', "a-red"),
        ('!Select [1, !Split ["-", a-b]]', "b"),
        ("!Sub ${Colour} ${Table.Arn} ${!Literal}", "red Table/Arn ${Literal}"),
        ("!Sub ['${x} ${Colour}', {x: !Ref Switch}]", "true red"),
        ("{Version: 1, nested: [!Ref Colour]}", {"Version": 1, "nested": ["red"]}),
    ],
)
def test_an_intrinsic_function_is_evaluated(text: str, value: object) -> None:
    assert resolve(text) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("!Ref Nothing", "Nothing"),
        ("!If [IsGreen, 1, 2]", "IsGreen"),
        ("!ImportValue x", "Fn::ImportValue"),
    ],
)
def test_what_cannot_be_evaluated_is_named(text: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        resolve(text)


def test_a_template_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(TemplateError, match="mapping"):
        parse("- a")
