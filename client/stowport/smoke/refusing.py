"""Checks of what is refused, by the functions and by the gateway in front of them."""

import gzip
from collections.abc import Callable

from stowport.messages import Response
from stowport.smoke.storing import XML, refused
from stowport.smoke.target import Failed, LeftOut, Target, described, expect, expect_field
from stowport.transport import Unreachable

_RELATED = 'multipart/related; type="application/dicom"; boundary=stowport-smoke'
_GATEWAYS_OWN = frozenset((413, 414, 431))
"""What AWS answers in front of an API, which no setting can change."""

_OVER_LAMBDAS_LIMIT = 5_500_000
_OVER_GATEWAYS_LIMIT = 11_000_000


def refuses_body(content_type: str, content: bytes) -> Callable[[Target], str]:
    """Return the check that such a body is 400, with a reason."""

    def refuses(target: Target) -> str:
        response = target.send("POST", "/studies", content, {"Content-Type": content_type})
        return refused(response, 400)

    return refuses


def refuses_a_cut_off_body(target: Target) -> str:
    """Send a body whose last boundary is missing."""
    head = b"--stowport-smoke\r\nContent-Type: application/dicom\r\n\r\n"
    content = head + target.study.instance(30)
    return refused(target.send("POST", "/studies", content, {"Content-Type": _RELATED}), 400)


def refuses_gzip(target: Target) -> str:
    """Send a compressed body."""
    headers = {"Content-Type": "application/dicom", "Content-Encoding": "gzip"}
    content = gzip.compress(target.study.instance(31))
    return refused(target.send("POST", "/studies", content, headers), 400)


def refuses_a_bad_study(target: Target) -> str:
    """Send to a study whose name is not a UID."""
    headers = {"Content-Type": "application/dicom"}
    return refused(target.send("POST", "/studies/abc", target.study.instance(32), headers), 400)


def refuses_no_token(target: Target) -> str:
    """Send without a token."""
    return _refuses_token(target, "")


def refuses_a_bad_token(target: Target) -> str:
    """Send text that is not a token."""
    return _refuses_token(target, "Bearer not-a-token")


def _refuses_token(target: Target, authorization: str) -> str:
    if not target.has_token:
        raise LeftOut("needs a token: without one, Authentication must be none")
    headers = {"Content-Type": "application/dicom", "Authorization": authorization}
    response = target.send("POST", "/studies", target.study.instance(33), headers)
    text = refused(response, 401)
    expect_field(response, "WWW-Authenticate", "Bearer")
    expect_field(response, "Access-Control-Allow-Origin")
    _expect_xml(response.media_type)
    return text


def refuses_other_scopes(target: Target) -> str:
    """Send with a good token that lacks the required scope."""
    if not target.other_token:
        raise LeftOut("needs STOWPORT_OTHER_TOKEN, a token without the required scope")
    headers = {
        "Content-Type": "application/dicom",
        "Authorization": f"Bearer {target.other_token}",
    }
    response = target.send("POST", "/studies", target.study.instance(34), headers)
    text = refused(response, 403)
    expect_field(response, "WWW-Authenticate", "insufficient_scope")
    _expect_xml(response.media_type)
    return text


def refuses_route(method: str, path: str) -> Callable[[Target], str]:
    """Return the check that there is no such method or resource: 403."""

    def refuses(target: Target) -> str:
        response = expect(target.send(method, path), 403)
        _expect_xml(response.media_type)
        expect_field(response, "Access-Control-Allow-Origin")
        return "" if method == "HEAD" else refused(response, 403)

    return refuses


def refuses_more_than_lambda_takes(target: Target) -> str:
    """Send 5.5 MB: less than API Gateway takes, more than Lambda does."""
    response = _post_zeros(target, _OVER_LAMBDAS_LIMIT)
    text = refused(response, 400)
    _expect_xml(response.media_type)
    return text


def refuses_more_than_the_gateway_takes(target: Target) -> str:
    """Send 11 MB: API Gateway refuses it before the API is reached."""
    try:
        response = _post_zeros(target, _OVER_GATEWAYS_LIMIT)
    except Unreachable as error:  # it may be closed before the answer is read
        target.send("OPTIONS", "/")
        return f"the connection was closed: {error}"
    return described(expect(response, 400, 413))


def refuses_a_long_url(target: Target) -> str:
    """Send a path of 2,000 characters: a method's ARN has at most 1,600."""
    response = target.send("GET", f"/studies/{'1' * 2000}", also=_GATEWAYS_OWN)
    return described(expect(response, 400, 403, 414))


def refuses_large_headers(target: Target) -> str:
    """Send 12 KB of header fields: API Gateway takes 10,240 bytes."""
    response = target.send(
        "GET", "/nowhere", headers={"X-Padding": "x" * 12_000}, also=_GATEWAYS_OWN
    )
    return described(expect(response, 400, 403, 413, 431))


def _post_zeros(target: Target, size: int) -> Response:
    headers = {"Content-Type": "application/dicom"}
    return target.send("POST", "/studies", bytes(size), headers, also=_GATEWAYS_OWN)


def _expect_xml(media_type: str) -> None:
    if media_type != XML:
        raise Failed(f"found an answer of type {media_type}, expected {XML}")
