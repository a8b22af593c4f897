"""Say whether vulnerabilities are known in what is pinned: ``python deploy/audit.py LIST...``.

pip-audit asks PyPI, package by package. Where PyPI's vulnerability service cannot be reached, that
is said in one line, and the audit does not fail: it is not the code's fault, and another run will
find what this one could not. A known vulnerability fails it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
_COMMAND = [
    *(sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "5", "--requirement"),
]


class Unanswered(Exception):
    """The service says nothing about any of the packages; the text says why."""


def main(lists: Sequence[str]) -> int:
    """Audit each version that is pinned in ``lists``; return the exit status."""
    pins = {(m[1], m[2]) for each in lists for m in _PIN.finditer(Path(each).read_text("utf-8"))}
    known: list[dict[str, Any]] = []
    try:
        for batch in _batches(pins):
            known += _audited(batch)
    except Unanswered as reason:
        sys.stdout.write(f"audit: NOT checked for known vulnerabilities: {reason}\n")
    found = [line for package in known for line in _vulnerabilities(package)]
    sys.stdout.writelines(f"audit: {line}\n" for line in found)
    if known:
        unknown = len(pins) - len(known)
        sys.stdout.write(
            f"audit: {len(known)} packages checked, {unknown} not, {len(found)} found\n"
        )
    return 1 if found else 0


def _batches(pins: set[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield the pins in lists that have each package once, as pip-audit wants them."""
    left = sorted(pins)
    while left:
        batch = dict(reversed(left))
        yield [f"{name}=={version}" for name, version in sorted(batch.items())]
        left = [pin for pin in left if pin not in batch.items()]


def _audited(pins: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the service says about those ``pins`` that it knows."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        done = subprocess.run(  # noqa: S603  this interpreter, its own package
            [*_COMMAND, file.name], capture_output=True, text=True, check=False
        )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.strip().rpartition("\n")[2]
        raise Unanswered(f"pip-audit got no answer ({last[:120]})") from None
    known = [package for package in packages if "vulns" in package]
    if not known:
        raise Unanswered(f"PyPI's vulnerability service knows none of {len(pins)} packages here")
    return known


def _vulnerabilities(package: dict[str, Any]) -> Iterator[str]:
    for each in package["vulns"]:
        fixed = ", ".join(each.get("fix_versions", [])) or "no version yet"
        yield f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
