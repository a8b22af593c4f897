from dicomweb.reasons import FailureReason, WarningReason


def test_failure_reasons_are_in_the_ranges_of_the_standard_and_its_neighbours() -> None:
    for reason in FailureReason:
        assert (
            0x0110 <= reason <= 0x0122
            or 0xA700 <= reason <= 0xA7FF
            or 0xA900 <= reason <= 0xA9FF
            or 0xC000 <= reason <= 0xCFFF
        )


def test_warning_reasons_are_those_of_the_standard() -> None:
    assert set(WarningReason) == {0xB000, 0xB006, 0xB007}


def test_no_code_means_two_things() -> None:
    codes = [*map(int, FailureReason), *map(int, WarningReason)]
    assert len(codes) == len(set(codes))
    assert not {0} & set(codes)  # a reason of 0 would count as none
