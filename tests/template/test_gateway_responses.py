import re
from typing import Any

import botocore.session
import pytest
from lxml import etree

from tests.template.parts import API

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
GATEWAY_RESPONSES: dict[str, dict[str, Any]] = API["GatewayResponses"]
STATUSES = {
    "400": {
        "BAD_REQUEST_BODY",
        "BAD_REQUEST_PARAMETERS",
        "DEFAULT_4XX",
        "REQUEST_TOO_LARGE",
        "UNSUPPORTED_MEDIA_TYPE",
    },
    "401": {"EXPIRED_TOKEN", "INVALID_SIGNATURE", "UNAUTHORIZED"},
    "403": {
        "ACCESS_DENIED",
        "INVALID_API_KEY",
        "MISSING_AUTHENTICATION_TOKEN",
        "RESOURCE_NOT_FOUND",
        "WAF_FILTERED",
    },
    "503": {
        "API_CONFIGURATION_ERROR",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "DEFAULT_5XX",
        "INTEGRATION_FAILURE",
        "INTEGRATION_TIMEOUT",
        "QUOTA_EXCEEDED",
        "THROTTLED",
    },
}


def headers(response: dict[str, Any]) -> dict[str, str]:
    """The headers as sent; a static value stands in single quotes."""
    written: dict[str, str] = response["ResponseParameters"]["Headers"]
    assert all(re.fullmatch(r"'[ -&(-~]+'", value) for value in written.values())
    return {name: value[1:-1] for name, value in written.items()}


def body(response: dict[str, Any]) -> str:
    """The template that API Gateway uses whatever the request accepts."""
    templates: dict[str, str] = response["ResponseTemplates"]
    assert list(templates) == ["application/json"]
    return templates["application/json"]


class TestGatewayResponses:
    def test_every_type_that_api_gateway_knows_is_answered_within_the_closed_set(self) -> None:
        found = {name: response["StatusCode"] for name, response in GATEWAY_RESPONSES.items()}
        assert found == {name: status for status, names in STATUSES.items() for name in names}

    def test_no_type_is_missing(self) -> None:
        model = botocore.session.get_session().get_service_model("apigateway")
        known: list[str] = model.shape_for("GatewayResponseType").metadata["enum"]
        assert set(GATEWAY_RESPONSES) == set(known)

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_the_body_is_a_native_dicom_model_that_says_what_was_wrong(self, name: str) -> None:
        model = etree.fromstring(body(GATEWAY_RESPONSES[name]))
        assert model.tag == f"{NATIVE}NativeDicomModel"
        assert [
            (each.get("tag"), each.get("vr"), each.get("keyword"), len(each)) for each in model
        ] == [("00081190", "UR", "RetrieveURL", 0), ("0040A160", "UT", "TextValue", 1)]
        said = model.findtext(f"{NATIVE}DicomAttribute/{NATIVE}Value[@number='1']")
        assert said is not None
        assert re.fullmatch(r"[A-Z][^\n]{20,}\.", said)

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_the_body_is_one_line_of_static_text(self, name: str) -> None:
        assert "\n" not in body(GATEWAY_RESPONSES[name])
        assert "$" not in body(GATEWAY_RESPONSES[name])

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_the_body_is_dicom_xml_that_a_web_page_may_read(self, name: str) -> None:
        sent = headers(GATEWAY_RESPONSES[name])
        assert sent["Content-Type"] == "application/dicom+xml"
        assert sent["Access-Control-Allow-Origin"] == "*"
        readable = set(sent.get("Access-Control-Expose-Headers", "").split(",")) - {""}
        assert readable == {"Retry-After", "Warning", "WWW-Authenticate"} & set(sent)

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_retry_after_comes_with_503_alone(self, name: str) -> None:
        retry_after = headers(GATEWAY_RESPONSES[name]).get("Retry-After", "")
        assert retry_after.isdigit() == (name in STATUSES["503"])

    @pytest.mark.parametrize("name", sorted(STATUSES["401"]))
    def test_401_asks_for_a_bearer_token(self, name: str) -> None:
        assert headers(GATEWAY_RESPONSES[name])["WWW-Authenticate"].split()[0] == "Bearer"

    def test_a_token_without_the_scope_is_told_so(self) -> None:
        sent = headers(GATEWAY_RESPONSES["ACCESS_DENIED"])
        assert sent["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'

    @pytest.mark.parametrize("name", sorted(STATUSES["400"] | STATUSES["503"]))
    def test_the_warning_says_the_same_as_the_body(self, name: str) -> None:
        code = "C000" if name in STATUSES["400"] else "A700"
        found = re.fullmatch(
            rf'299 stowport "{code}: (.+)"', headers(GATEWAY_RESPONSES[name])["Warning"]
        )
        assert found is not None
        assert f">{found[1]}</Value>" in body(GATEWAY_RESPONSES[name])
