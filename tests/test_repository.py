"""What a forge and an editor are told is what the Makefile does."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_pre_commit_runs_what_make_check_runs() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    found = re.search(r"^check: ([a-z ]+) ##", makefile, re.MULTILINE)
    assert found
    hooks = re.findall(
        r"^        entry: make --silent (.+)$",
        (ROOT / ".pre-commit-config.yaml").read_text("utf-8"),
        re.MULTILINE,
    )
    assert hooks == found[1].split()


def test_the_workflow_runs_what_ci_runs() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yaml").read_text("utf-8")
    assert re.search(r"^ +- run: \.ci/run$", workflow, re.MULTILINE)


def test_the_root_holds_the_product_and_what_any_project_has() -> None:
    makefiles = [path.name for path in ROOT.glob("*.mk")]
    scripts = [path.name for path in ROOT.glob("*.py")]
    assert makefiles == scripts == []
