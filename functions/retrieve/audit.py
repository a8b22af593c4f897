"""The audit trail of what was retrieved, if the deployment has one."""

from collections.abc import Sequence
from http import HTTPMethod

from archive.retrieval import Retrieval
from archive.storedinstances import StoredInstance
from retrieve.settings import Settings
from transaction.gateway import StoreRequest


def write(
    request: StoreRequest,
    found: Sequence[StoredInstance],
    retrieval: Retrieval,
    chosen: Settings,
) -> None:
    """Write that ``request`` is given what was ``found``, instances of one study, at least one.

    This comes before the answer, because afterwards nothing could make up for it. Nothing is
    written for HEAD, which is given no instance. Raises botocore's errors, and NotWritten.
    """
    if not chosen.audit_trail or request.method == HTTPMethod.HEAD:
        return
    from retrieve.accessed import message_of, trail  # noqa: PLC0415 - without a trail, not needed

    trail(chosen.audit_trail).write([message_of(request, found, retrieval, chosen)])
