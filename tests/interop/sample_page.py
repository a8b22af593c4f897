"""docs/sample-files.md: how the files of public packages are answered, and why.

``python -m tests.interop.sample_page`` writes the page, as ``make samplefiles`` does.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dicomweb.conformance import StorageProfile
from dicomweb.instances import SOPInstance, receive
from dicomweb.outcomes import Failed
from dicomweb.payloads import candidates, read_parts
from tests.interop.clauses import clause_of
from tests.interop.samples import PACKAGES, Package

PAGE = Path(__file__).parents[2] / "docs" / "sample-files.md"
PROFILES = (StorageProfile.CONFORMANCE, StorageProfile.STANDARD)

_HEAD = """\
# Sample files of public packages

This page lists how each DICOM file of these packages is answered when it is sent as a single \
`application/dicom` body, with the profile `conformance` and with `standard`. Every refusal has \
its failure reason and the clause on which it rests. `make samplefiles` installs the packages and \
writes this page; `tests/interop/test_sample_files.py` compares it with what the code does. The \
files are not kept in the repository.
"""


def outcome(content: bytes, profile: StorageProfile) -> SOPInstance | Failed:
    """Return what a file is to the service, before the archive has it."""
    root_type, parts = read_parts("application/dicom", content)
    (only,) = candidates(root_type, parts, url="http://localhost/studies", study_instance_uid=None)
    return receive(only, study_instance_uid=None, profile=profile)


def verdict(found: SOPInstance | Failed) -> str:
    """Return one word or code: stored, B007 or another warning, or the failure reason."""
    if isinstance(found, Failed):
        return f"{found.reason:04X}"
    return f"{found.warning:04X}" if found.warning else "stored"


def _why(found: SOPInstance | Failed) -> str:
    text = found.text.removeprefix("part 1: ").replace("|", "\\|")
    return f"{text} ({clause_of(found)})" if isinstance(found, Failed) else text


def _rows(package: Package) -> Iterator[tuple[str, list[str], str]]:
    for name, path in package.files():
        outcomes = [outcome(path.read_bytes(), profile) for profile in PROFILES]
        why = dict.fromkeys(filter(None, map(_why, outcomes)))
        yield name, [verdict(found) for found in outcomes], "; ".join(why)


def section(package: Package) -> str:
    """Return what the page says of the files of one package."""
    rows = list(_rows(package))
    counts = [Counter(verdicts[at] for _, verdicts, _ in rows) for at in range(len(PROFILES))]
    lines = [
        f"## {package.name} {package.version} ({package.registry})",
        "",
        *(
            f"* `{profile}`: {len(rows)} files, {_counted(count)}"
            for profile, count in zip(PROFILES, counts, strict=True)
        ),
        "",
        f"| file | {' | '.join(f'`{profile}`' for profile in PROFILES)} | why |",
        "| --- " * (2 + len(PROFILES)) + "|",
        *(f"| {name} | {' | '.join(verdicts)} | {why} |" for name, verdicts, why in rows),
        "",
    ]
    return "\n".join(lines)


def _counted(count: Counter[str]) -> str:
    return ", ".join(f"{count[key]} {key}" for key in sorted(count, key=lambda k: (-count[k], k)))


def main() -> int:
    """Write the page, if every package is there."""
    missing = [name for name, package in PACKAGES.items() if not package.is_installed]
    if missing:
        sys.stderr.write(f"Not installed: {', '.join(missing)}. Run: make samplefiles\n")
        return 1
    PAGE.write_text("\n".join([_HEAD, *map(section, PACKAGES.values())]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
