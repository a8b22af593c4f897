import re
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.template.parts import PARAMETERS, TEMPLATE

DEFAULTS = {
    "MaxSimultaneousRequests": "unlimited",
    "Authentication": "oidc",
    "OidcIssuer": "",
    "OidcAudience": "",
    "RequiredScope": "stowport/store",
    "ReadScope": "stowport/read",
    "StorageProfile": "conformance",
    "PreamblePolicy": "keep",
    "DuplicatePolicy": "reject",
    "Retrieve": "on",
    "RetrieveBaseUrl": "",
    "AllowedOrigins": "",
    "Architecture": "arm64",
}
OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
NAME = re.compile(r"`([A-Za-z]+)`")


def rows_of_the_manual() -> dict[str, str]:
    """Return the parameters of docs/operations.md with the defaults that it states.

    The last names of a row have no default if it states fewer defaults than names.
    """
    _, _, section = OPERATIONS.partition("\n## Parameters\n")
    found: dict[str, str] = {}
    for line in section.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and (names := NAME.findall(cells[1])):
            defaults = cells[2].replace("`", "").split(", ")
            assert len(defaults) <= len(names)
            assert not found.keys() & set(names)
            found |= zip_longest(names, defaults, fillvalue="")
    return found


class TestParameters:
    def test_those_of_the_manual_exist_with_their_defaults(self) -> None:
        found = {name: PARAMETERS[name]["Default"] for name in DEFAULTS}
        assert found == DEFAULTS

    @pytest.mark.parametrize("name", PARAMETERS)
    def test_each_is_described_bounded_and_has_a_default_within_its_bounds(self, name: str) -> None:
        parameter = PARAMETERS[name]
        assert parameter["Description"].endswith(".")
        if "AllowedValues" in parameter:
            assert parameter["Default"] in parameter["AllowedValues"]
        elif "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])
            assert parameter["ConstraintDescription"].startswith("must ")
        else:
            assert parameter["Default"] >= parameter["MinValue"]

    def test_each_stands_in_one_group_of_the_console(self) -> None:
        groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        shown = [name for group in groups for name in group["Parameters"]]
        assert sorted(shown) == sorted(PARAMETERS)

    def test_each_has_a_row_in_the_manual_with_its_default(self) -> None:
        defaults = {name: str(parameter["Default"]) for name, parameter in PARAMETERS.items()}
        assert rows_of_the_manual() == defaults

    @pytest.mark.parametrize(
        ("name", "value", "accepted"),
        [
            ("MaxSimultaneousRequests", "1", True),
            ("MaxSimultaneousRequests", "250", True),
            ("MaxSimultaneousRequests", "0", True),
            ("MaxSimultaneousRequests", "00", False),
            ("MaxSimultaneousRequests", "-1", False),
            ("MaxSimultaneousRequests", "many", False),
            ("OidcIssuer", "https://login.example.org/realms/one", True),
            ("OidcIssuer", "http://127.0.0.1:5060", True),
            ("OidcIssuer", "http://[::1]:5060/issuer", True),
            ("OidcIssuer", "http://login.example.org", False),
            ("OidcIssuer", "http://127.0.0.1.example.org", False),
            ("OidcAudience", "https://stow.example.org", True),
            ("OidcAudience", "two words", False),
            ("RequiredScope", "", True),
            ("RequiredScope", "dicom:store", True),
            ("RequiredScope", "store read", False),
            ("RequiredScope", 'a"b', False),
            ("RequiredScope", "a\\b", False),
            ("RetrieveBaseUrl", "https://pacs.example.org/dicom-web", True),
            ("RetrieveBaseUrl", "pacs.example.org", False),
            ("RetrieveBaseUrl", "https://pacs.example.org/?a=b", False),
            ("AllowedOrigins", "*", True),
            ("AllowedOrigins", "https://a.example.org,http://localhost:3000", True),
            ("AllowedOrigins", "https://a.example.org/", False),
            ("AllowedOrigins", "https://a.example.org,*", False),
            ("StageName", "dicom-web", True),
            ("StageName", "dicom/web", False),
            ("AlarmTopicArn", "arn:aws:sns:eu-central-1:123456789012:alarms", True),
            ("AlarmTopicArn", "alarms", False),
            ("AllowedAddresses", "192.0.2.7,198.51.100.0/24,2001:db8::/32", True),
            ("AllowedAddresses", "192.0.2.7, 198.51.100.0/24", False),
            ("AllowedAddresses", "hospital.example.org", False),
            ("DomainName", "dicom.example.org", True),
            ("DomainName", "https://dicom.example.org", False),
            ("CertificateArn", "arn:aws:acm:eu-central-1:123456789012:certificate/12-ab", True),
            ("CertificateArn", "arn:aws:iam::123456789012:server-certificate/one", False),
            ("TruststoreUri", "s3://bucket/trust/store.pem", True),
            ("TruststoreUri", "https://bucket.s3.amazonaws.com/store.pem", False),
            ("VpcEndpointIds", "vpce-0123456789abcdef0,vpce-1", True),
            ("VpcEndpointIds", "vpc-0123456789abcdef0", False),
            ("WebAcl", "create", True),
            ("WebAcl", "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/one/12-ab", True),
            ("WebAcl", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/one/12-ab", False),
            ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:policy/boundary", True),
            ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/boundary", False),
        ],
    )
    def test_a_pattern_admits_what_it_says(self, name: str, value: str, accepted: bool) -> None:
        assert bool(re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)) == accepted

    def test_oidc_without_an_issuer_is_refused_before_anything_is_deployed(self) -> None:
        rule = TEMPLATE["Rules"]["TokensHaveAnIssuer"]
        assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Authentication"}, "oidc"]}
        needed = [each["Assert"] for each in rule["Assertions"]]
        assert needed == [
            {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}
            for name in ("OidcIssuer", "OidcAudience")
        ]

    def test_the_outputs_say_where_everything_is(self) -> None:
        assert set(TEMPLATE["Outputs"]) == {
            "BaseUrl",
            "DomainTarget",
            "DomainTargetZone",
            "ArchiveBucketName",
            "IndexTableName",
            "StoreFunctionName",
            "AuthorizerFunctionName",
            "UploadTableName",
            "UploadsFunctionName",
            "IngestFunctionName",
            "IngestQueueUrl",
            "IngestQueueArn",
            "IngestDeadLetterQueueUrl",
            "FailedUploadsQueueUrl",
            "FailedUploadsQueueArn",
            "NotifyFunctionName",
            "AuditTrailLogGroupName",
            "AuditFailuresQueueUrl",
            "UntoldQueueUrl",
        }
