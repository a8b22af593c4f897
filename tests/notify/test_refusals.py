import base64
import re
from fnmatch import fnmatchcase

import pytest
from lxml import etree

from notify.refusals import messages
from tests.dicomweb.audit.test_messages import attributes, event, objects, read, roles
from tests.notify.subscriptions import DENIED, UNAUTHORIZED, line, subscription
from tests.template.parts import FUNCTIONS

SOURCE = "stowport-test"


def audited(*lines: dict[str, str], **options: str) -> list[etree._Element]:
    return [
        read(each) for each in messages(subscription(*lines, **options)["awslogs"]["data"], SOURCE)
    ]


def test_a_request_without_a_valid_token_is_a_user_authentication_that_failed() -> None:
    (root,) = audited(line(**UNAUTHORIZED))
    assert event(root) == ("110114", "DCM", "User Authentication", "E", "4", "110122")
    assert roles(root) == [("192.0.2.7", "true", None), (SOURCE, "false", None)]
    (identification,) = attributes(root, "EventIdentification")
    assert identification["EventDateTime"] == "2026-11-28T20:21:50.123+00:00"


def test_a_token_that_does_not_suffice_is_a_security_alert_about_its_principal() -> None:
    (root,) = audited(line(**DENIED))
    assert event(root) == ("110113", "DCM", "Security Alert", "E", "8", "110132")
    assert roles(root) == [(SOURCE, "false", None), (DENIED["principal"], "false", None)]
    assert objects(root) == [("2", "13", "/studies/{study}", "12")]
    (detail,) = attributes(root, ".//ParticipantObjectDetail")
    assert base64.b64decode(detail["value"]).decode() == (
        "POST was refused with 403 (ACCESS_DENIED), request c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    )


def test_what_no_authorizer_has_seen_is_a_security_alert_about_its_address() -> None:
    (root,) = audited(line(status="403", responseType="WAF_FILTERED"))
    assert roles(root) == [(SOURCE, "false", None), ("192.0.2.7", "false", None)]
    assert attributes(root, "ActiveParticipant")[1]["NetworkAccessPointID"] == "192.0.2.7"


def test_each_line_has_a_message() -> None:
    found = audited(line(**UNAUTHORIZED), line(**DENIED), line(**UNAUTHORIZED))
    assert [event(root)[0] for root in found] == ["110114", "110113", "110114"]


def test_a_check_of_the_subscription_has_none() -> None:
    assert audited(line(**UNAUTHORIZED), kind="CONTROL_MESSAGE") == []


@pytest.mark.parametrize(
    ("values", "is_handed_over"),
    [
        (UNAUTHORIZED, True),
        (DENIED, True),
        ({"status": "403", "responseType": "WAF_FILTERED"}, True),
        ({"status": "403", "responseType": "MISSING_AUTHENTICATION_TOKEN"}, False),
        ({"status": "503", "responseType": "AUTHORIZER_FAILURE"}, False),
        ({"status": "400", "responseType": "BAD_REQUEST_BODY"}, False),
        ({"status": "200"}, False),
    ],
)
def test_the_filter_hands_over_what_authorizer_network_or_firewall_refused(
    values: dict[str, str], is_handed_over: bool
) -> None:
    subscribed = FUNCTIONS["AuditFunction"]["Events"]["RequestsAreRefused"]["Properties"]
    assert subscribed["LogGroupName"] == {"Ref": "AccessLogGroup"}
    pattern = subscribed["FilterPattern"]
    term = r'\(\$\.(\w+) = "([^"]+)"\)'
    assert re.fullmatch(rf"{{ {term}( \|\| {term})* }}", pattern)
    found = line(**values)
    matches = [fnmatchcase(found[name], value) for name, value in re.findall(term, pattern)]
    assert any(matches) is is_handed_over
