"""Who reaches the API: domain, certificates, firewall, addresses, as SAM translates them."""

from typing import Any

import pytest

from tests.template import parts
from tests.template.parts import API, TEMPLATE
from tests.template.transformed import deployed

pytestmark = pytest.mark.process

DOMAIN = {
    "DomainName": "dicom.example.org",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1234abcd",
}
TRUSTSTORE = {**DOMAIN, "TruststoreUri": "s3://trust/store.pem"}
PRIVATE = {"EndpointType": "private", "VpcEndpointIds": "vpce-1,vpce-2"}
ADDRESSES = {"AllowedAddresses": "192.0.2.0/24,198.51.100.7"}
BOUNDARY = {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary"}
OWN_ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/one/1234abcd"

BREAKING = {
    "AWSManagedRulesCommonRuleSet": {
        "NoUserAgent_HEADER",
        "SizeRestrictions_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "CrossSiteScripting_BODY",
    },
    "AWSManagedRulesKnownBadInputsRuleSet": {
        "JavaDeserializationRCE_BODY",
        "Log4JRCE_BODY",
        "ReactJSRCE_BODY",
    },
    "AWSManagedRulesAmazonIpReputationList": set(),
}
"""Rules of AWS that take what senders send for attacks, by the group that has them.

aws-managed-rule-groups-baseline and -ip-rep of AWS WAF's developer guide.
"""


def of_type(kind: str, **values: str) -> dict[str, dict[str, Any]]:
    return parts.of_type(kind, deployed(**values))


def api(**values: str) -> dict[str, Any]:
    found: dict[str, Any] = deployed(**values)["Api"]["Properties"]
    return found


def denials(**values: str) -> list[dict[str, Any]]:
    """The conditions on which the resource policy denies a call that it else allows to all."""
    allowed, *denied = api(**values)["Policy"]["Statement"]
    assert (allowed["Effect"], "Condition" in allowed) == ("Allow", False)
    for each in (allowed, *denied):
        assert each["Principal"] == "*"
        assert (each["Action"], each["Resource"]) == ("execute-api:Invoke", "execute-api:/*")
    assert {each["Effect"] for each in denied} <= {"Deny"}
    return [each["Condition"] for each in denied]


def endpoint_disabled(**values: str) -> Any:  # noqa: ANN401  JSON
    (server,) = api(**values)["Body"]["servers"]
    extension = server["x-amazon-apigateway-endpoint-configuration"]
    return extension["disableExecuteApiEndpoint"]


class TestByDefault:
    def test_it_is_a_regional_api_that_anyone_reaches_who_has_a_token(self) -> None:
        assert api()["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
        assert "Policy" not in api()
        assert endpoint_disabled() is False

    def test_there_is_no_domain_no_firewall_and_no_boundary(self) -> None:
        kinds = {each["Type"] for each in deployed().values()}
        assert not {kind for kind in kinds if "WAF" in kind}
        assert not kinds & {"AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping"}
        for role in of_type("AWS::IAM::Role").values():
            assert "PermissionsBoundary" not in role


class TestDomain:
    def test_it_has_the_certificate_and_the_path_of_the_stage(self) -> None:
        (domain,) = of_type("AWS::ApiGateway::DomainName", **DOMAIN).values()
        assert domain["RegionalCertificateArn"] == DOMAIN["CertificateArn"]
        assert domain["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
        assert domain["SecurityPolicy"] == "TLS_1_2"
        assert "MutualTlsAuthentication" not in domain
        (path,) = of_type("AWS::ApiGateway::BasePathMapping", **DOMAIN).values()
        assert (path["BasePath"], path["RestApiId"]) == ("dicomweb", "Api")
        assert path["Stage"] == "ApiStage"

    def test_base_url_is_on_it(self) -> None:
        condition, own, _ = TEMPLATE["Outputs"]["BaseUrl"]["Value"]["Fn::If"]
        assert condition == "HasDomainName"
        assert own == {"Fn::Sub": "https://${DomainName}/${StageName}"}

    @pytest.mark.parametrize(
        ("version", "pinned"), [("", {}), ("abc", {"TruststoreVersion": "abc"})]
    )
    def test_with_a_truststore_clients_need_a_certificate(
        self, version: str, pinned: dict[str, str]
    ) -> None:
        values = {**TRUSTSTORE, "TruststoreVersion": version}
        (domain,) = of_type("AWS::ApiGateway::DomainName", **values).values()
        uri = {"TruststoreUri": TRUSTSTORE["TruststoreUri"]}
        assert domain["MutualTlsAuthentication"] == {**uri, **pinned}

    def test_nobody_goes_around_the_certificate_by_the_address_of_aws(self) -> None:
        """Disable the default endpoint: rest-api-mutual-tls of API Gateway's developer guide."""
        assert endpoint_disabled(**TRUSTSTORE) is True
        assert endpoint_disabled(**DOMAIN) is False


class TestAddresses:
    def test_others_are_denied_and_not_only_not_allowed(self) -> None:
        """With a Lambda authorizer only a denial counts: apigateway-authorization-flow."""
        allowed = ADDRESSES["AllowedAddresses"].split(",")
        assert denials(**ADDRESSES) == [{"NotIpAddress": {"aws:SourceIp": allowed}}]

    def test_a_private_api_denies_what_comes_through_another_endpoint(self) -> None:
        endpoints = PRIVATE["VpcEndpointIds"].split(",")
        assert denials(**PRIVATE) == [{"StringNotEquals": {"aws:SourceVpce": endpoints}}]
        assert api(**PRIVATE)["EndpointConfiguration"] == {
            "Types": ["PRIVATE"],
            "VpcEndpointIds": endpoints,
        }

    def test_in_a_vpc_addresses_are_those_of_the_vpc(self) -> None:
        _, addresses = denials(**PRIVATE, **ADDRESSES)
        allowed = ADDRESSES["AllowedAddresses"].split(",")
        assert addresses == {"NotIpAddress": {"aws:VpcSourceIp": allowed}}

    def test_who_is_denied_is_answered_within_the_closed_set(self) -> None:
        answer = API["GatewayResponses"]["ACCESS_DENIED"]
        assert answer["StatusCode"] == "403"
        assert "the network" in answer["ResponseTemplates"]["application/json"]


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "when", "needed"),
        [
            ("PrivateApisHaveEndpoints", {"EndpointType": "private"}, "VpcEndpointIds"),
            ("DomainsHaveCertificates", {"DomainName": ""}, "CertificateArn"),
            ("TruststoresHaveDomains", {"TruststoreUri": ""}, "DomainName"),
        ],
    )
    def test_what_needs_another_parameter_is_refused_before_anything_is_deployed(
        self, rule: str, when: dict[str, str], needed: str
    ) -> None:
        ((parameter, value),) = when.items()
        condition = {"Fn::Equals": [{"Ref": parameter}, value]}
        written = TEMPLATE["Rules"][rule]
        assert written["RuleCondition"] in (condition, {"Fn::Not": [condition]})
        first = written["Assertions"][0]["Assert"]
        assert first == {"Fn::Not": [{"Fn::Equals": [{"Ref": needed}, ""]}]}

    def test_a_private_api_has_no_domain(self) -> None:
        _, second = TEMPLATE["Rules"]["PrivateApisHaveEndpoints"]["Assertions"]
        assert second["Assert"] == {"Fn::Equals": [{"Ref": "DomainName"}, ""]}


class TestFirewall:
    @pytest.mark.parametrize(
        ("chosen", "acl", "made"), [("create", "Firewall.Arn", 1), (OWN_ACL, OWN_ACL, 0)]
    )
    def test_it_is_made_or_one_that_exists_is_put_in_front_of_the_stage(
        self, chosen: str, acl: str, made: int
    ) -> None:
        assert len(of_type("AWS::WAFv2::WebACL", WebAcl=chosen)) == made
        (association,) = of_type("AWS::WAFv2::WebACLAssociation", WebAcl=chosen).values()
        assert association["WebACLArn"] == acl
        stage = "arn:Partition:apigateway:Region::/restapis/Api/stages/ApiStage"
        assert association["ResourceArn"] == stage

    def groups(self) -> dict[str, dict[str, Any]]:
        (acl,) = of_type("AWS::WAFv2::WebACL", WebAcl="create").values()
        assert acl["DefaultAction"] == {"Allow": {}}
        assert acl["Scope"] == "REGIONAL"
        found = [each["Statement"]["ManagedRuleGroupStatement"] for each in acl["Rules"]]
        return {each["Name"]: each for each in found}

    def test_rules_that_take_pixels_for_attacks_only_count(self) -> None:
        counting = {
            name: {
                each["Name"]
                for each in group.get("RuleActionOverrides", ())
                if each["ActionToUse"] == {"Count": {}}
            }
            for name, group in self.groups().items()
        }
        assert counting == BREAKING

    def test_no_rule_has_an_answer_of_its_own(self) -> None:
        """Challenge is answered with 202 and CAPTCHA with 405: waf-captcha-and-challenge."""
        (acl,) = of_type("AWS::WAFv2::WebACL", WebAcl="create").values()
        written = repr(acl)
        for word in ("Challenge", "Captcha", "CustomResponse", "BotControl", "AntiDDoS"):
            assert word not in written

    def test_no_request_is_sampled_because_its_url_may_hold_a_study(self) -> None:
        (acl,) = of_type("AWS::WAFv2::WebACL", WebAcl="create").values()
        configured = [acl["VisibilityConfig"], *(each["VisibilityConfig"] for each in acl["Rules"])]
        assert {each["SampledRequestsEnabled"] for each in configured} == {False}

    def test_what_it_refuses_is_answered_within_the_closed_set(self) -> None:
        assert API["GatewayResponses"]["WAF_FILTERED"]["StatusCode"] == "403"


@pytest.mark.parametrize("rollout", [False, True])
@pytest.mark.parametrize("snapshots", [False, True])
def test_every_role_has_the_boundary(snapshots: bool, rollout: bool) -> None:
    resources = deployed(snapshots=snapshots, rollout=rollout, **BOUNDARY)
    roles = parts.of_type("AWS::IAM::Role", resources)
    assert len(roles) >= 7
    assert ("RolloutRole" in roles) == rollout
    for name, role in roles.items():
        assert role["PermissionsBoundary"] == BOUNDARY["PermissionsBoundaryArn"], name
