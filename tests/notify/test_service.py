"""The whole service: what is stored with a request is told, and a study that is complete too."""

import time
from collections import Counter
from hashlib import sha256
from typing import Any

from tests.builders import instance, study_uid
from tests.local.test_bus import Webhook
from tests.notify.test_events import valid
from tests.service import Start

_STUDY = 1501
_SECONDS = 30


def wait_for(webhook: Webhook, detail_type: str) -> dict[str, Any]:
    """Return the last event of its kind when there is one."""
    end = time.monotonic() + _SECONDS
    while True:
        found = [event for _, event in webhook.posted if event["detail-type"] == detail_type]
        if found:
            return dict(found[-1])
        assert time.monotonic() < end, Counter(event["detail-type"] for _, event in webhook.posted)
        time.sleep(0.05)


def test_what_a_request_stores_is_told_and_so_is_its_quiet_study(service: Start) -> None:
    webhook = Webhook()
    running = service(
        WEBHOOK=webhook.url, StudyQuietSeconds="1", EventAttributes="PatientID,StudyDescription"
    )
    contents = [instance(_STUDY, number=number) for number in (1, 2)]
    assert running.store(*contents).status == 200

    stored = wait_for(webhook, "Instances Stored")
    told = stored["detail"]["instances"]
    assert sorted(each["sha256"] for each in told) == sorted(
        sha256(content).hexdigest() for content in contents
    )
    for each in told:
        assert running._content(each["key"]) in contents
    assert stored["detail"]["studyInstanceUID"] == study_uid(_STUDY)
    assert stored["detail"]["request"]["way"] == "post"
    assert stored["detail"]["request"]["principal"] == "anonymous"

    quiet = wait_for(webhook, "Study Quiet")
    assert quiet["detail"]["numberOfInstances"] == 2
    assert quiet["detail"]["attributes"]["PatientID"]
    assert valid(stored, quiet) == [True, True]
    output = running.output()
    assert f"Instances Stored {study_uid(_STUDY)} 2 instances post" in output
    assert f"Study Quiet {study_uid(_STUDY)} 2 instances" in output
    webhook.end()
