"""Whatever happens to a call on its way to EventBridge, what is stored is told in the end."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

import notify.handler
from archive.errors import CALL_FAILED
from archive.objects import key_of
from tests.notify.conftest import forget
from tests.notify.deployment import Notifying
from tests.store.lambdas import Context
from tests.torture.faults import FAULTS, Fault
from tests.torture.proxy import Plan, Proxy, in_front_of

pytestmark = pytest.mark.process

SLOW = ("byte by byte", "hangs before the effect", "hangs after the effect", "effect comes late")
"""They take as long as a call may, and end as one whose connection was reset."""

HAPPENING = [each for each in FAULTS if each.fits("PutEvents") and each.name not in SLOW]
NUMBERS = count(1)


@pytest.fixture(scope="module")
def proxy(served: Notifying) -> Iterator[Proxy]:
    with (
        in_front_of(served.variables["AWS_ENDPOINT_URL"]) as proxy,
        pytest.MonkeyPatch.context() as p,
    ):
        for name, value in {**served.variables, "AWS_ENDPOINT_URL": proxy.url}.items():
            p.setenv(name, value)
        forget()
        yield proxy
        forget()


def comes_again(event: dict[str, Any], most: int) -> int:
    """Give the function its batch until it is done with it; return how often that was."""
    for attempt in range(1, most + 1):
        with suppress(*CALL_FAILED):
            if notify.handler.lambda_handler(event, Context(120)) == {"batchItemFailures": []}:
                return attempt
    raise AssertionError(f"it is not told after {most} attempts")


@pytest.mark.parametrize("fault", HAPPENING, ids=lambda fault: fault.name)
def test_an_event_is_told_in_spite_of_a_fault(
    served: Notifying, proxy: Proxy, fault: Fault
) -> None:
    proxy.random.seed(fault.name)
    item = served.commit(next(NUMBERS))
    event = served.stream()
    with proxy.planned(Plan(fault, "PutEvents", once=True)) as plan:
        assert comes_again(event, 2) <= 2
    assert plan.hits == 1
    assert set(served.told()) == {(key_of(item), 0)}


def test_a_bus_that_is_away_makes_the_batch_come_again_and_nothing_is_lost(
    served: Notifying, proxy: Proxy
) -> None:
    item = served.commit(next(NUMBERS))
    event = served.stream()
    with proxy.refusing(), pytest.raises(AssertionError, match="not told after 2 attempts"):
        comes_again(event, 2)
    assert served.told() == {}
    assert comes_again(event, 1) == 1
    assert set(served.told()) == {(key_of(item), 0)}
