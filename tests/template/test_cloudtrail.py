"""deploy/cloudtrail.yaml records who touches an instance past the service."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.intrinsics import parse
from tests.template.parts import TEMPLATE

ROOT = Path(__file__).parents[2]
TRAIL: dict[str, Any] = parse((ROOT / "deploy" / "cloudtrail.yaml").read_text("utf-8"))
RESOURCES = TRAIL["Resources"]
DOCUMENTED = (ROOT / "docs" / "audit.md").read_text("utf-8")


@pytest.mark.process
def test_it_and_the_template_of_the_example_are_valid() -> None:
    templates = ["deploy/cloudtrail.yaml", "examples/syslog/template.yaml"]
    subprocess.run([ROOT / ".sam-venv/bin/cfn-lint", *templates], cwd=ROOT, check=True)


def test_reads_writes_and_deletions_of_instances_are_recorded_and_nothing_else() -> None:
    (selector,) = RESOURCES["Trail"]["Properties"]["AdvancedEventSelectors"]
    fields = {each.pop("Field"): each for each in selector["FieldSelectors"]}
    instances = "arn:${AWS::Partition}:s3:::${ArchiveBucketName}/studies/"
    assert fields == {
        "eventCategory": {"Equals": ["Data"]},
        "resources.type": {"Equals": ["AWS::S3::Object"]},
        "resources.ARN": {"StartsWith": [{"Fn::Sub": instances}]},
    }


def test_it_is_kept_for_seven_years_and_outlives_its_stack() -> None:
    assert TRAIL["Parameters"]["RetentionDays"]["Default"] == 2557
    assert RESOURCES["TrailBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES["Trail"]["Properties"]["EnableLogFileValidation"] is True


@pytest.mark.parametrize("name", ["ArchiveBucketName", "AuditTrailLogGroupName"])
def test_what_the_manual_passes_on_is_an_output_of_the_stack(name: str) -> None:
    assert name in TEMPLATE["Outputs"]
    assert f'{name}="${name}"' in DOCUMENTED
