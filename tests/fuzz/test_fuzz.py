"""Each target holds for its seeds, for what was once found, and for some changes of them."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import builders
from tests.fuzz import __main__ as fuzz
from tests.fuzz import mutate_elements, targets
from tests.fuzz.cost import Cost, measure_alone
from tests.fuzz.findings import Findings, confirm
from tests.fuzz.mutate_documents import change_json, change_xml
from tests.fuzz.mutate_parts import change_parts
from tests.fuzz.mutations import CANARY, Mutation, mutated
from tests.fuzz.targets import Target
from tests.tracing import untraced

RUNS = 50
FOUND = Path(__file__).parent / "found"
FILES = sorted(path for path in FOUND.glob("*/*") if path.is_file())


@pytest.mark.parametrize("name", targets.NAMES)
def test_the_invariant_of_a_target_holds_for_its_seeds_and_changes_of_them(name: str) -> None:
    target = targets.load(name)
    chance = random.Random(2)
    with untraced():
        for seed in target.seeds:
            target.run(seed)
        for run in range(RUNS):
            data = mutated(chance, target.seeds, target.mutation)
            try:
                target.run(data)
            except Exception as error:
                error.add_note(f"run {run}, input {data[:4096]!r}")
                raise


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_was_once_found_is_right_now_and_within_the_rule(file: Path) -> None:
    with untraced():
        assert confirm(targets.load(file.parent.name), file.read_bytes()) == ""


def test_every_module_of_a_target_is_run() -> None:
    modules = {path.stem.removeprefix("fuzz_") for path in Path(__file__).parent.glob("fuzz_*.py")}
    assert modules == set(targets.NAMES)
    assert {path.parent.name for path in FILES} <= modules


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_target_says_its_invariant_on_the_first_line(name: str) -> None:
    assert targets.load(name).invariant.endswith(".")


def planted(data: bytes) -> None:
    if CANARY.encode() in data:
        raise LookupError(len(data))


PLANTED = Target("planted", "None.", planted, [b""], mutate_elements.change_elements, 1)


def test_of_what_breaks_an_invariant_in_one_place_the_smallest_input_is_kept(
    tmp_path: Path,
) -> None:
    findings = Findings(PLANTED, tmp_path)
    for data in (b"good", b"long " + CANARY.encode(), CANARY.encode(), b"more " + CANARY.encode()):
        findings.run(data)
    [file] = [path for path in tmp_path.iterdir() if not path.suffix]
    assert file.read_bytes() == CANARY.encode()
    assert "LookupError" in file.with_suffix(".txt").read_text()
    assert findings.executions == 4
    assert "LookupError" in confirm(PLANTED, file.read_bytes())
    assert confirm(PLANTED, b"good") == ""


def test_what_an_input_costs_is_measured() -> None:
    def costly(data: bytes) -> None:
        assert len(data * 60_000_000) > sum(range(1_000_000))

    with untraced(), pytest.raises(AssertionError):
        measure_alone(costly, b"1")
    with untraced():
        cost = measure_alone(lambda data: bytearray(data * 60_000_000), b"1")
    assert cost.seconds > 0
    assert cost.memory is None or cost.memory > 60_000_000


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Cost(10**6, 0.9, 54_000_000), ""),
        (Cost(10**6, 1.1, 0), "1.10 s for 1000000 bytes, expected 1.00 s at most"),
        (Cost(10, 0.2, None), ""),
        (Cost(10, 0.3, None), "0.30 s for 10 bytes, expected 0.25 s at most"),
        (Cost(10**6, 0.1, 56_000_000), "56000000 bytes for 1000000, expected 55000000 at most"),
    ],
)
def test_the_rule_is_a_second_for_each_megabyte_and_five_bodies_with_floors(
    cost: Cost, said: str
) -> None:
    assert cost.excess() == said


def test_a_file_is_written_as_it_was_read() -> None:
    content = builders.instance()[132:]
    elements, rest = mutate_elements.read(content, implicit=False)
    assert len(elements) > 20
    assert (mutate_elements.write(elements), rest) == (content, b"")


@pytest.mark.parametrize(
    ("change", "data"),
    [
        (mutate_elements.change_elements, builders.instance()),
        (change_json, b'{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}]}}'),
        (change_xml, b'<a><DicomAttribute tag="00100010" vr="PN"/></a>'),
        (
            change_parts,
            b"Content-Type: multipart/related; boundary=b0undary\r\n\r\n"
            + builders.multipart(builders.part(builders.instance()), builders.part(b"[{}]")),
        ),
    ],
    ids=["elements", "json", "xml", "parts"],
)
def test_a_mutation_makes_many_different_inputs_and_the_same_with_the_same_seed(
    change: Mutation, data: bytes
) -> None:
    made = [change(random.Random(seed), data, [data]) for seed in range(200)]
    assert len(set(made)) > 50
    assert made == [change(random.Random(seed), data, [data]) for seed in range(200)]
    assert all(change(random.Random(seed), b"no such thing", [b"x"]) for seed in range(20))


@pytest.mark.process
def test_the_program_runs_targets_and_confirms_what_it_finds(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz", "--minutes", "0.01", "--seed", "7"),
            *("--directory", tmp_path, "mediatypes"),
        ],
        check=True,
        capture_output=True,
        cwd=fuzz.ROOT,
        env={"PYTHONPATH": "functions:client:."},
        text=True,
    )
    target, total = done.stdout.splitlines()
    assert re.fullmatch(r"mediatypes +[\d,]+ inputs, 0 findings", target)
    assert total.endswith("seed 7; 0 findings.")


def test_the_figures_name_each_target_and_its_invariant() -> None:
    result = fuzz.Result("multipart", "Any payload splits.", 1234, {Path("x"): "wrong"})
    said, _, table = fuzz.figures([result], 0.5, 7).partition("\n\n")
    assert "1 targets, 1,234 inputs in 0.5 minutes" in said
    assert said.endswith("seed 7; 1 findings.")
    assert table.splitlines()[-1] == "| `multipart` | Any payload splits. | 1,234 | 1 |"
