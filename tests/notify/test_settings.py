import re

import pytest

from notify.settings import KEYWORDS, Settings, read_attributes
from tests.store.deployment import function
from tests.template.parts import PARAMETERS

VARIABLES = dict(function("NotifyFunction").environment)


def test_the_template_s_environment_has_every_setting() -> None:
    chosen = Settings.of(VARIABLES)
    assert (chosen.event_bus, chosen.attributes, chosen.quiet_seconds) == ("default", (), 0)
    assert chosen.quiet_queue.endswith("/stowport-QuietQueue")
    assert chosen.untold_queue.endswith("/stowport-UntoldQueue")


def test_keywords_are_separated_by_commas() -> None:
    assert read_attributes("PatientID,StudyDate,") == ("PatientID", "StudyDate")


def test_what_no_study_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="found Modality, expected attributes of a study"):
        read_attributes("PatientID,Modality")


def test_the_template_takes_the_keywords_of_attributes_that_a_study_has() -> None:
    pattern = PARAMETERS["EventAttributes"]["AllowedPattern"]
    taken = {keyword for keyword in KEYWORDS if re.fullmatch(pattern, keyword)}
    assert taken == KEYWORDS - {"SpecificCharacterSet", "TimezoneOffsetFromUTC"}
    assert re.fullmatch(pattern, ",".join(sorted(taken)))
    assert not re.fullmatch(pattern, "Modality")
    assert not re.fullmatch(pattern, "PatientIDStudyDate")
