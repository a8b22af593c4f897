"""The store transaction, step by step; the only place that logs and counts (PS3.18 10.5).

What is logged and counted: statuses, reasons, part numbers and sizes. Never a payload, an event
or an attribute value, and so never the message of an exception that is not one of ours.
"""

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from archive import Archive, ArchiveError
from dicomweb import capabilities, mediatypes, response
from dicomweb.errors import RequestRejected
from dicomweb.instances import SOPInstance, receive
from dicomweb.multipart import BodyPart
from dicomweb.outcomes import Failed, Outcome, Stored, status_of
from dicomweb.payloads import read_parts
from dicomweb.reasons import FailureReason
from store import gateway
from store.gateway import StoreRequest, StoreResponse
from store.settings import Settings, settings

SECONDS_TO_ANSWER = 2.0
"""What is kept of the function's time to say what became of the instances."""

MAX_TEXTS = 20
"""As many refusals of one request are logged in words; the rest is in the counts."""

logger = Logger()


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request. Whatever happens, the status is of the closed set."""
    chosen = settings()
    request = gateway.read_request(event)
    if request.method == "OPTIONS":
        answer = describe(request, chosen)
    else:
        answer = transact(event, request, chosen, context)
    return gateway.proxy_response(answer, request, chosen.allowed_origins)


def describe(request: StoreRequest, chosen: Settings) -> StoreResponse:
    """Answer OPTIONS: the capabilities of the resource, and a preflight if it is one."""
    path = request.resource.replace("{study}", "{StudyInstanceUID}")
    media_type, body = capabilities.describe(path, request.base_url, request.headers.get("accept"))
    headers = {"Allow": "OPTIONS, POST" if path else "OPTIONS"}
    if chosen.allowed_origins and "access-control-request-method" in request.headers:
        headers |= {
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
        }
    return StoreResponse(status=HTTPStatus.OK, media_type=media_type, body=body, headers=headers)


def transact(
    event: Mapping[str, Any], request: StoreRequest, chosen: Settings, context: LambdaContext
) -> StoreResponse:
    """Store what the request holds, or say why not."""
    media_type = mediatypes.negotiate(request.headers.get("accept"), request.accept_parameter)
    try:
        outcomes = store(event, request, chosen, context)
        return report(request, media_type, outcomes, chosen)
    except RequestRejected as refusal:
        return refuse(request, media_type, refusal.status, refusal.reason, str(refusal))
    except Exception as error:  # noqa: BLE001 - the last resort: any status but 503 is a 502
        log_unforeseen(error, request)
        text = "the request could not be processed, expected that it can be when sent again"
        status, reason = HTTPStatus.SERVICE_UNAVAILABLE, FailureReason.PROCESSING_FAILURE
        return refuse(request, media_type, status, reason, text)


def store(
    event: Mapping[str, Any], request: StoreRequest, chosen: Settings, context: LambdaContext
) -> list[Outcome]:
    """Return what became of each part, in order; RequestRejected before anything is stored."""
    target = request.study_instance_uid
    payload = gateway.read_payload(event, request)
    root_type, parts = read_parts(request.headers.get("content-type"), payload)
    received = [
        receive_part(part, root_type, target, chosen, request)
        if seconds_left(context) > 0
        else out_of_time(part)
        for part in parts
    ]
    instances = [instance for instance in received if isinstance(instance, SOPInstance)]
    kept = iter(keep(instances, chosen, context) if instances else ())
    left_out = sum(instance.attributes.left_out for instance in instances)
    count(PayloadBytes=len(payload), IndexAttributesLeftOut=left_out)
    return [
        outcome_of(part, instance, next(kept)) if isinstance(instance, SOPInstance) else instance
        for part, instance in zip(parts, received, strict=True)
    ]


def seconds_left(context: LambdaContext) -> float:
    """Return what is left of the function's time, less what it takes to answer."""
    return context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER


def out_of_time(part: BodyPart) -> Failed:
    """Refuse a part that there is no time to read; reading many deflated ones can take long."""
    return Failed(
        reason=FailureReason.OUT_OF_RESOURCES,
        text=f"part {part.number}: the time of the request ended before it was read",
        temporary=True,
    )


def keep(
    instances: Sequence[SOPInstance], chosen: Settings, context: LambdaContext
) -> list[ArchiveError | None]:
    """Keep the instances in the time that is left once the archive, slow to make, is there."""
    kept_in = archive(chosen)
    return kept_in.keep(instances, seconds=seconds_left(context))


@cache
def archive(chosen: Settings) -> Archive:
    """Return the archive of this environment, made when the first instance is to be kept."""
    return Archive(
        bucket=chosen.archive_bucket,
        table=chosen.index_table,
        duplicate_policy=chosen.duplicate_policy,
    )


def receive_part(
    part: BodyPart, root_type: str, target: str | None, chosen: Settings, request: StoreRequest
) -> SOPInstance | Failed:
    """Read one part; what nobody foresaw fails this part and none of its neighbours."""
    try:
        return receive(
            part,
            root_type=root_type,
            study_instance_uid=target,
            profile=chosen.storage_profile,
        )
    except Exception as error:  # noqa: BLE001 - one bad part never fails the others
        log_unforeseen(error, request)
        text = f"part {part.number}: could not be processed"
        return Failed(reason=FailureReason.PROCESSING_FAILURE, text=text)


def outcome_of(part: BodyPart, instance: SOPInstance, refusal: ArchiveError | None) -> Outcome:
    """Say what became of an instance that the archive was asked to keep."""
    if refusal is None:
        return Stored(
            reference=instance.reference,
            study_instance_uid=instance.study_instance_uid,
            series_instance_uid=instance.series_instance_uid,
        )
    return Failed(
        reason=refusal.reason,
        text=f"part {part.number}: {refusal}",
        reference=instance.reference,
        temporary=refusal.temporary,
    )


def report(
    request: StoreRequest, media_type: str, outcomes: Sequence[Outcome], chosen: Settings
) -> StoreResponse:
    """Answer with the Store Instances Response Module."""
    status = status_of(outcomes)
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    url = response.study_url(stored, chosen.retrieve_base_url)
    logger.info(
        "store",
        request_id=request.request_id,
        status=int(status),
        stored=len(stored),
        failed=Counter(f"{failure.reason:04X}" for failure in failed),
        texts=[failure.text for failure in failed[:MAX_TEXTS]],
    )
    count(InstancesStored=len(stored), InstancesFailed=len(failed))
    module = response.store_instances_response(outcomes, chosen.retrieve_base_url)
    return StoreResponse(
        status=status,
        media_type=media_type,
        body=response.encode(module, media_type),
        warnings=[(failure.reason, failure.text) for failure in failed],
        headers={"Location": url} if url else {},
    )


def refuse(
    request: StoreRequest, media_type: str, status: HTTPStatus, reason: FailureReason, text: str
) -> StoreResponse:
    """Answer a request of which nothing was stored with a Status Report."""
    logger.info(
        "refuse",
        request_id=request.request_id,
        status=int(status),
        reason=f"{reason:04X}",
        texts=[text],
    )
    count(RequestsRefused=1)
    return StoreResponse(
        status=status,
        media_type=media_type,
        body=response.encode(response.status_report(text), media_type),
        warnings=[(reason, text)],
    )


def count(**metrics: int) -> None:
    """Add to the metrics of the deployment, in CloudWatch's embedded metric format."""
    emitter = EphemeralMetrics()
    for name, value in metrics.items():
        emitter.add_metric(name=name, unit=MetricUnit.Count, value=value)
    emitter.flush_metrics()


def log_unforeseen(error: Exception, request: StoreRequest) -> None:
    """Log what went wrong and where, without the message, which may quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    logger.error(
        "unforeseen",
        request_id=request.request_id,
        error=type(error).__name__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
