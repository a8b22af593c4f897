"""``python -m notify`` tells of what is in the index, whenever it was stored."""

import runpy
import sys

import pytest

from notify.__main__ import main
from tests.notify.deployment import BUCKET, BUS, OTHER, TABLE, Notifying, at, refuse

COMMAND = ["--bucket", BUCKET, "--table", TABLE, "--bus", BUS]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _stored(notifying: Notifying) -> None:
    notifying.commit(1, second=1)
    notifying.commit(2, second=2, request=OTHER)
    notifying.commit(1, study="1.3", second=3)


def told(notifying: Notifying) -> list[str]:
    instances = [event["detail"]["instances"] for event in notifying.events()]
    return sorted(each["sopInstanceUID"] for several in instances for each in several)


def test_studies_are_told_again(notifying: Notifying, capsys: Capture) -> None:
    assert main([*COMMAND, "--study", "1.2", "1.9"]) == 0
    assert told(notifying) == ["1.2.1.1", "1.2.1.2"]
    assert capsys.readouterr().out == "1.2: 2 instances, 2 of 2 events\n"


def test_what_was_stored_since_a_time_is_told_again(notifying: Notifying, capsys: Capture) -> None:
    assert main([*COMMAND, "--since", at(2)]) == 0
    assert told(notifying) == ["1.2.1.2", "1.3.1.1"]
    assert capsys.readouterr().out.count("1 instances, 1 of 1 events") == 2


def test_the_events_have_the_attributes_that_are_asked_for(notifying: Notifying) -> None:
    main([*COMMAND, "--study", "1.3", "--attributes", "PatientID"])
    (event,) = notifying.events()
    assert event["detail"]["attributes"] == {"PatientID": "PLANTED-ID"}


def test_what_the_bus_does_not_take_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    refuse(monkeypatch, 0)
    assert main([*COMMAND, "--study", "1.3"]) == 1
    assert capsys.readouterr().out == "1.3: 1 instances, 0 of 1 events\n"


def test_the_command_is_run_by_the_name_of_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["notify", *COMMAND, "--study", "1.3"])
    monkeypatch.delitem(sys.modules, "notify.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("notify", run_name="__main__")
    assert ended.value.code == 0
