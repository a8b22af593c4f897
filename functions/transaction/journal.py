"""What is logged and counted: statuses, reasons, part numbers and sizes.

Payloads, events, tokens and attribute values are never logged, and so neither is the message of
an exception that is not one of ours.
"""

import traceback
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from dicomweb.answer.response import Reason
from dicomweb.outcomes import Failed, Outcome, Stored

MAX_TEXTS = 20
"""So many refusals of one request are logged in words; the others are only counted."""

logger = Logger()


def record_outcomes(
    outcomes: Sequence[Outcome],
    status: HTTPStatus,
    *,
    payload_bytes: int,
    attributes_left_out: Counter[str],
    **origin: object,
) -> None:
    """Log and count the outcomes of one request, which ``origin`` identifies.

    ``attributes_left_out`` are the attributes, by keyword, that are not in the index.
    """
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    warned = Counter(f"{instance.warning:04X}" for instance in stored if instance.warning)
    found = {
        "status": int(status),
        "stored": len(stored),
        "failed": Counter(f"{failure.reason:04X}" for failure in failed),
        "warned": warned,
        "left_out": attributes_left_out,
        "texts": [failure.text for failure in failed[:MAX_TEXTS]],
    }
    logger.info("store", extra={**origin, **found})
    count(
        InstancesStored=len(stored),
        InstancesFailed=len(failed),
        PayloadBytes=payload_bytes,
        IndexAttributesLeftOut=attributes_left_out.total(),
    )


def record_attempt(outcomes: Sequence[Outcome], **origin: object) -> None:
    """Log what will be tried again, and why; it is counted only when the upload has ended."""
    failed = [each for each in outcomes if isinstance(each, Failed) and not each.final]
    found = {
        "failed": Counter(f"{failure.reason:04X}" for failure in failed),
        "texts": [failure.text for failure in failed[:MAX_TEXTS]],
    }
    logger.warning("again", extra={**origin, **found})


def record_refusal(status: HTTPStatus, reason: Reason, text: str, **origin: object) -> None:
    """Log and count a request of which nothing was stored."""
    found = {"status": int(status), "reason": f"{reason:04X}", "texts": [text]}
    logger.info("refuse", extra={**origin, **found})
    count(RequestsRefused=1)


def record_differing_patients(instances: int, **origin: object) -> None:
    """Log and count instances that were stored in a study of another patient."""
    logger.warning("patients differ", extra={**origin, "instances": instances})
    count(InstancesOfOtherPatients=instances)


def count(**metrics: int) -> None:
    """Add to the metrics of the deployment: one line of CloudWatch's embedded metric format."""
    emitter = EphemeralMetrics()
    for name, value in metrics.items():
        emitter.add_metric(name=name, unit=MetricUnit.Count, value=value)
    emitter.flush_metrics()


def log_unforeseen(error: BaseException, **origin: object) -> None:
    """Log what went wrong and where, without the message, which may quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    logger.error("unforeseen", extra={**origin, "error": type(error).__name__, "at": at})
