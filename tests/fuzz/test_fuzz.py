import sys
from types import ModuleType

import pytest

from tests.fuzz import fuzz_instances, fuzz_mediatypes, fuzz_multipart, fuzz_requests, mutations

SECONDS = 2.0
TARGETS = [fuzz_instances, fuzz_mediatypes, fuzz_multipart, fuzz_requests]


@pytest.mark.parametrize("fuzzer", TARGETS, ids=lambda fuzzer: fuzzer.__name__.split(".")[-1])
def test_the_invariant_of_a_target_holds_for_seconds(fuzzer: ModuleType) -> None:
    for seed in fuzzer.SEEDS:
        fuzzer.target(seed)
    assert mutations.fuzz(fuzzer.target, fuzzer.SEEDS, seconds=SECONDS, seed=2) > 10


@pytest.mark.parametrize("fuzzer", TARGETS, ids=lambda fuzzer: fuzzer.__name__.split(".")[-1])
def test_a_target_says_its_invariant_on_the_first_line(fuzzer: ModuleType) -> None:
    assert fuzzer.__doc__
    assert fuzzer.__doc__.splitlines()[0].endswith(".")


def test_a_broken_invariant_is_reported_with_its_input_and_seed() -> None:
    def target(data: bytes) -> None:
        assert not data

    with pytest.raises(AssertionError) as broken:
        mutations.fuzz(target, [b"planted"], seconds=1, seed=7)
    assert broken.value.__notes__[0].startswith("seed 7, run 0, input b'")


def test_a_target_is_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz", "0", "--seed", "7"])

    mutations.main(fuzz_mediatypes.target, fuzz_mediatypes.SEEDS)

    assert capsys.readouterr().out == "1 inputs, seed 7: it held\n"
