"""The store transaction, step by step (PS3.18 10.5)."""

import gc
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from archive.archive import Archive
from archive.entries import Kept
from archive.errors import ArchiveError
from archive.items import Provenance, Way
from dicomweb.answer import response
from dicomweb.answer.response import StoreResponse
from dicomweb.envelope import mediatypes
from dicomweb.errors import RequestRejected
from dicomweb.instances import SOPInstance
from dicomweb.payloads import read_parts
from store import COLLECTED_AT
from store.settings import Settings, becomes_snapshot, settings
from transaction import gateway, journal
from transaction.gateway import StoreRequest
from transaction.intake import Intake
from transaction.invocation import answered

SECONDS_TO_ANSWER = 2.0
"""How much of the function's time is kept back for the answer."""


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request. Whatever happens, the status is in the closed set."""
    return answered(
        event,
        lambda request: serve(event, request, settings(), context),
        lambda: settings().allowed_origins,
    )


def serve(
    event: dict[str, Any], request: StoreRequest, chosen: Settings, context: LambdaContext
) -> StoreResponse:
    """Store the instances of the request, or say why not."""
    media_type = mediatypes.negotiate(request.headers.get("accept"), request.accept_parameter)
    try:
        return store(event, request, media_type, chosen, context)
    except Exception as error:  # noqa: BLE001 - otherwise the answer has no reason
        if not isinstance(error, RequestRejected):
            journal.log_unforeseen(error, request_id=request.request_id)
        status, reason, text = response.refusal_of(error)
        journal.record_refusal(status, reason, text, request_id=request.request_id)
        return response.refusal(status, reason, text, media_type)


def store(
    event: dict[str, Any],
    request: StoreRequest,
    media_type: str,
    chosen: Settings,
    context: LambdaContext,
) -> StoreResponse:
    """Report the outcome of each instance; raises RequestRejected before anything is stored."""
    provenance = Provenance(Way.POST, request.request_id, request.principal)
    intake = Intake(
        keep=partial(keep, provenance=provenance, chosen=chosen, context=context),
        seconds_left=lambda: seconds_left(context),
        profile=chosen.storage_profile,
        preamble_policy=chosen.preamble_policy,
        study_instance_uid=request.study_instance_uid,
        url=request.url,
        origin={"request_id": request.request_id},
    )
    payload = gateway.take_payload(event, request)
    receipt = intake.store(*read_parts(request.headers.get("content-type"), payload))
    retrieve_base_url = gateway.retrieve_base_url(
        request, chosen.retrieve_base_url, retrieves=chosen.retrieves
    )
    answer = response.report(receipt.outcomes, media_type, retrieve_base_url)
    journal.record_outcomes(
        receipt.outcomes,
        answer.status,
        payload_bytes=len(payload),
        attributes_left_out=receipt.attributes_left_out,
        request_id=request.request_id,
    )
    return answer


def seconds_left(context: LambdaContext) -> float:
    """Return the time that the function has left, without the time for the answer."""
    return context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER


def keep(
    instances: Sequence[SOPInstance],
    *,
    provenance: Provenance,
    chosen: Settings,
    context: LambdaContext,
) -> list[Kept | ArchiveError]:
    """Keep the instances in the time that is left after making the archive, which is slow."""
    kept_in = archive(chosen)
    return kept_in.keep(instances, seconds=seconds_left(context), provenance=provenance)


@cache
def archive(chosen: Settings) -> Archive:
    """Return the archive of this environment.

    It is made once, when the first instance is to be kept or before a snapshot.
    """
    return Archive(
        bucket=chosen.archive_bucket,
        table=chosen.index_table,
        duplicate_policy=chosen.duplicate_policy,
        retention=chosen.retention,
    )


gc.freeze()  # no collection looks at what is imported again
gc.set_threshold(*COLLECTED_AT)

if becomes_snapshot():
    from store import snapshot

    snapshot.prepare()
    archive(settings())
