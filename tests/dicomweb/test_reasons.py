from dicomweb.reasons import FailureReason, WarningReason


def test_failure_reasons_are_in_the_ranges_of_the_standard_and_its_neighbours() -> None:
    for reason in FailureReason:
        assert (
            0x0110 <= reason <= 0x0122
            or 0xA700 <= reason <= 0xA7FF
            or 0xA900 <= reason <= 0xA9FF
            or 0xC000 <= reason <= 0xCFFF
        )


def test_each_failure_reason_has_the_code_that_the_standard_or_dcm4chee_gives_it() -> None:
    assert {reason.name: f"{reason:04X}" for reason in FailureReason} == {
        "PROCESSING_FAILURE": "0110",
        "DUPLICATE_SOP_INSTANCE": "0111",
        "INVALID_OBJECT_INSTANCE": "0117",
        "MISSING_ATTRIBUTE": "0120",
        "MISSING_ATTRIBUTE_VALUE": "0121",
        "SOP_CLASS_NOT_SUPPORTED": "0122",
        "OUT_OF_RESOURCES": "A700",
        "DATA_SET_DOES_NOT_MATCH_SOP_CLASS": "A900",
        "MISSING_BULK_DATA": "A922",
        "CANNOT_UNDERSTAND": "C000",
        "TRANSFER_SYNTAX_NOT_SUPPORTED": "C122",
        "STUDY_INSTANCE_UID_MISMATCH": "C409",
    }


def test_warning_reasons_are_those_of_the_standard() -> None:
    assert set(WarningReason) == {0xB000, 0xB006, 0xB007}


def test_no_code_means_two_things() -> None:
    codes = [*map(int, FailureReason), *map(int, WarningReason)]
    assert len(codes) == len(set(codes))
    assert not {0} & set(codes)  # a reason of 0 would count as none
