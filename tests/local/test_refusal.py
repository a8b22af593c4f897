from pathlib import Path

import pytest
from lxml import etree

from local import rest_api
from local.messages import Request
from local.refusal import STATUS_CODES, Refusal, response
from local.rest_api import GatewayResponse
from local.template import Template

REQUEST = Request(
    method="POST",
    path="/studies",
    query="",
    headers=[("origin", "http://a")],
    body=b"",
    source_ip="",
)


def test_a_type_that_the_template_does_not_name_is_answered_as_by_default() -> None:
    answer = response(Refusal("ACCESS_DENIED", 'not "you"'), {}, REQUEST)
    assert answer.status_code == 403
    assert answer.body == b'{"message":"not \\"you\\""}'


def test_a_type_of_its_own_goes_before_its_family() -> None:
    responses = {
        "ACCESS_DENIED": GatewayResponse(status_code=401, headers={}, body="own"),
        "DEFAULT_4XX": GatewayResponse(status_code=400, headers={}, body="family"),
    }
    own = response(Refusal("ACCESS_DENIED", ""), responses, REQUEST)
    family = response(Refusal("UNAUTHORIZED", ""), responses, REQUEST)
    assert (own.status_code, own.body) == (401, b"own")
    assert (family.status_code, family.body) == (400, b"family")


def test_headers_are_quoted_text_or_come_from_request_or_context() -> None:
    template = GatewayResponse(
        status_code=None,
        headers={
            "Content-Type": "'text/plain'",
            "A": "method.request.header.Origin",
            "B": "context.error.responseType",
            "C": "context.unknown",
        },
        body="$context.httpMethod $context.unknown.",
    )
    answer = response(Refusal("UNAUTHORIZED", ""), {"UNAUTHORIZED": template}, REQUEST)
    headers = dict(answer.headers)
    assert headers["Content-Type"] == "text/plain"
    assert (headers["A"], headers["B"], headers["C"]) == ("http://a", "UNAUTHORIZED", "")
    assert answer.body.startswith(b"POST ")


DEPLOYED = rest_api.read(
    Template(Path(__file__).parents[2] / "template.yaml", {"Authentication": "none"})
)


@pytest.mark.parametrize("kind", STATUS_CODES)
def test_the_service_refuses_within_its_statuses_and_in_xml(kind: str) -> None:
    answer = response(Refusal(kind, ""), DEPLOYED.gateway_responses, REQUEST)
    assert answer.status_code in {400, 401, 403, 503}
    assert dict(answer.headers)["Content-Type"] == "application/dicom+xml"
    assert etree.QName(etree.fromstring(answer.body)).localname == "NativeDicomModel"
    assert ("Retry-After" in dict(answer.headers)) == (answer.status_code == 503)
