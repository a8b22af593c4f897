"""The files of public packages get what docs/sample-files.md says they get."""

import re
from typing import TYPE_CHECKING

import pytest

from dicomweb.conformance import StorageProfile
from dicomweb.outcomes import Failed
from dicomweb.reasons import FailureReason
from tests.interop import sample_page
from tests.interop.clauses import clause_of
from tests.interop.samples import PACKAGES, Package

if TYPE_CHECKING:
    from tests.answers import Answer
    from tests.service import Start

PAGE = sample_page.PAGE.read_text("utf-8")
LARGEST = 4_700_000
"""Bytes that a request to the service may have; what is larger goes to /uploads."""

WARNING_REASON, FAILURE_REASON = "00081196", "00081197"


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> Package:
    found = PACKAGES[request.param]
    if not found.is_installed:
        pytest.skip(f"{found.name} is not installed: make samplefiles")
    return found


def test_the_page_has_every_package_and_no_other() -> None:
    assert re.findall(r"^## (\S+)", PAGE, re.MULTILINE) == list(PACKAGES)


def test_the_page_says_what_the_files_of_a_package_get(package: Package) -> None:
    _, heading, rest = PAGE.partition(f"## {package.name} ")
    said = heading + rest.partition("\n\n## ")[0].rstrip("\n") + "\n"
    assert sample_page.section(package) == said, "run: make samplefiles"


def test_every_refusal_on_the_page_names_a_clause() -> None:
    refused = re.findall(r"^\| .* \| (?:0|A|C)[0-9A-F]{3} \| .*$", PAGE, re.MULTILINE)
    assert len(refused) > 50
    assert all(re.search(r"\(PS3\.\d+ [^()]+\)", row) for row in refused)


def test_a_refusal_of_which_no_clause_is_known_is_a_defect() -> None:
    failure = Failed(reason=FailureReason.CANNOT_UNDERSTAND, text="found a new one")
    with pytest.raises(AssertionError, match="no clause is known for C000: found a new one"):
        clause_of(failure)


def said_by(answer: "Answer") -> str:
    """Return what an answer says of its only instance, as the page does."""
    for items in answer.data_set.values():
        for item in items:
            if isinstance(item, dict):
                code = item.get(FAILURE_REASON) or item.get(WARNING_REASON)
                return f"{int(code[0]):04X}" if code else "stored"
    return answer.text


def test_the_service_says_what_the_page_does(service: "Start", package: Package) -> None:
    running = service(DuplicatePolicy="replace")
    files = {name: path.read_bytes() for name, path in package.files()}
    sent = {name: content for name, content in files.items() if len(content) < LARGEST}
    assert len(sent) > len(files) - 6

    answers = {
        name: running.post(content, content_type="application/dicom")
        for name, content in sent.items()
    }

    found = {
        name: sample_page.outcome(content, StorageProfile.CONFORMANCE)
        for name, content in sent.items()
    }
    assert {name: said_by(answer) for name, answer in answers.items()} == {
        name: sample_page.verdict(each) for name, each in found.items()
    }
    statuses = {
        name: {400, 409} if isinstance(each, Failed) else {200, 202} for name, each in found.items()
    }
    assert all(answers[name].status in expected for name, expected in statuses.items())
