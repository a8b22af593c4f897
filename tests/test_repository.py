"""What a forge and an editor are told is what the Makefile does."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_pre_commit_runs_what_make_check_runs() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    found = re.search(r"^check: \$\(VENV\)/test (\w+) .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found
    commands = found[2].replace("$(BIN)", ".venv/bin").split("\n\t")
    hooks = re.findall(
        r"^        entry: (?:env )?(.+)$",
        (ROOT / ".pre-commit-config.yaml").read_text("utf-8"),
        re.MULTILINE,
    )
    assert sorted(hooks) == sorted(
        [*(each.strip() for each in commands), f"make --silent {found[1]}"]
    )


def test_the_workflow_runs_what_ci_runs() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yaml").read_text("utf-8")
    assert re.search(r"^ +- run: \.ci/run$", workflow, re.MULTILINE)


def test_the_root_holds_the_product_and_what_any_project_has() -> None:
    makefiles = [path.name for path in ROOT.glob("*.mk")]
    scripts = [path.name for path in ROOT.glob("*.py")]
    assert makefiles == scripts == []
