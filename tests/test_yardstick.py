from tests.yardstick import pace, unhindered


def test_a_slow_processor_takes_nothing_away_from_the_rule_and_a_fast_one_adds_nothing() -> None:
    assert unhindered(3.0, 2.0, 4.0) == 1.0
    assert unhindered(3.0, 0.5, 0.5) == 3.0


def test_a_pace_is_a_multiple_of_a_known_time() -> None:
    assert 0.1 < pace() < 100
