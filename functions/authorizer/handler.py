"""The Lambda authorizer: says whether a request may reach its function.

API Gateway's contract for a REQUEST authorizer of a REST API: an error with the exact message
``Unauthorized`` is answered 401, a Deny policy 403, and any other error is the authorizer's own
failure, which the template's gateway responses turn into 503.
"""

import gc
import traceback
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from authorizer import COLLECTED_AT
from authorizer.discovery import IssuerUnavailable
from authorizer.issuer_keys import IssuerKeys
from authorizer.settings import Settings, read_settings
from authorizer.tokens import TokenRefused, bearer_token, has_scope, subject, verified_claims

logger = Logger()
keys_of = cache(IssuerKeys)


class Unauthorized(Exception):
    """No good token: 401. API Gateway recognizes it by this exact message.

    Lambda logs what is raised, and nothing can keep it from that. So its line is the only one of a
    refused token, and the reason is the name of the type, which the line has.
    """

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Undecided(Exception):
    """What nobody foresaw: 503. Lambda logs what is raised, so this quotes nothing of a token."""


def lambda_handler(event: Mapping[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Return the IAM policy that allows or denies the request of ``event``.

    Raises
    ------
    Unauthorized
        There is no good token, or the deployment does not define what a good one is.
    IssuerUnavailable
        The token cannot be verified now.
    Undecided
        Anything else went wrong.
    """
    try:
        return _verdict(event)
    except TokenRefused as refusal:
        # Raised anew, so that the stack trace in Lambda's line is this one frame.
        raise _unauthorized(str(refusal)) from None
    except IssuerUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - its message may quote the token
        _log_unforeseen(error)
        raise Undecided(type(error).__name__) from None


def _verdict(event: Mapping[str, Any]) -> dict[str, Any]:
    settings = read_settings()
    if settings.open_to_all:
        _say_once("warning", "AUTHENTICATION is none: everyone who can reach this API may use it")
        return _policy("Allow", event, "anonymous")
    claims = _authenticate(event, settings)
    principal = sha256(subject(claims).encode(errors="replace")).hexdigest()[:32]
    required = settings.scope_for(event.get("httpMethod", ""), event.get("resource", ""))
    if has_scope(claims, required):
        return _policy("Allow", event, principal)
    request_id = event.get("requestContext", {}).get("requestId")
    logger.info("refused", reason="scope missing", request_id=request_id)
    return _policy("Deny", event, principal)


def _authenticate(event: Mapping[str, Any], settings: Settings) -> Mapping[str, Any]:
    if settings.defect:
        _say_once("error", f"every request is refused: {settings.defect}")
        raise TokenRefused("not configured")
    try:
        token = bearer_token(_authorization(event))
        return verified_claims(token, settings, keys_of(settings.issuer))
    except IssuerUnavailable as error:
        logger.warning("the issuer is unavailable", reason=str(error))
        raise


def _authorization(event: Mapping[str, Any]) -> list[str]:
    """Return the values of every Authorization header, whatever the case of its name."""
    several = event.get("multiValueHeaders") or {}
    one_each = event.get("headers") or {}
    lists = several or {name: [value] for name, value in one_each.items()}
    return [
        value
        for name, values in lists.items()
        if name.lower() == "authorization"
        for value in values
    ]


def _policy(
    effect: Literal["Allow", "Deny"], event: Mapping[str, Any], principal: str
) -> dict[str, Any]:
    """Return a policy for this one request; policies are not cached, so none needs a wildcard."""
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": event["methodArn"],
    }
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def _log_unforeseen(error: Exception) -> None:
    """Log it as ``transaction.journal`` does, which is not in this function's package."""
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    logger.error("unforeseen", error=type(error).__name__, at=at)


def _unauthorized(reason: str) -> Unauthorized:
    """Return an error of a type that is named for ``reason``: "wrong audience" is WrongAudience."""
    name = "".join(word[0].upper() + word[1:] for word in reason.split())
    error: Unauthorized = type(name, (Unauthorized,), {})()
    return error


@cache
def _say_once(level: Literal["warning", "error"], text: str) -> None:
    """Log only with the first request what applies to every request of this environment."""
    getattr(logger, level)(text)


gc.freeze()  # no collection looks at what is imported again
gc.set_threshold(*COLLECTED_AT)
