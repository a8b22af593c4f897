"""What went wrong on the way to a server, in words."""

import ssl

import urllib3

from stowport import proxies
from stowport.printing import printable

_LONGEST = 200
_REFUSED = "Tunnel connection failed: 4"
_UNAUTHENTICATED = "Tunnel connection failed: 407"
"""How http.client shows the status with which a proxy answers CONNECT."""

_OF_TLS = {
    "CERTIFICATE_REQUIRED": "the server asks for a client certificate, expected one in --cert",
    "UNKNOWN_CA": "the server does not trust the client certificate of --cert",
    "BAD_CERTIFICATE": "the server does not accept the client certificate of --cert",
    "CERTIFICATE_EXPIRED": "the client certificate of --cert has expired",
    "HANDSHAKE_FAILURE": "the server and this program have no version or cipher of TLS in common,"
    " or it asks for a client certificate (--cert)",
    "WRONG_VERSION_NUMBER": "found no TLS at this port, expected a server of https",
    "RECORD_LAYER_FAILURE": "found no TLS at this port, expected a server of https",
    "HTTP_REQUEST": "found no TLS at this port, expected a server of https",
}


def in_words(error: Exception, url: str) -> str:
    """Return what led to ``error`` on the way to ``url``."""
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "it hangs, no byte came from it in time (--timeout)"
    if not isinstance(error, urllib3.exceptions.ProxyError):
        return _of(cause_of(error)) or type(error).__name__
    said = _of(cause_of(error)) or printable(str(cause_of(error))[:_LONGEST])
    return proxies.refusal(url) if _UNAUTHENTICATED in said else f"at the proxy: {said}"


def _of(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted: {cause.verify_message}; --cacert names a further"
            " authority"
        )
    if isinstance(cause, ssl.SSLError):
        said = cause.reason or "the TLS connection was cut off"
        return next((text for name, text in _OF_TLS.items() if said.endswith(name)), said)
    return (isinstance(cause, OSError) and cause.strerror) or ""


def is_final(error: Exception) -> bool:
    """Tell whether the next try would end like this one: TLS was refused, or by the proxy."""
    cause = cause_of(error)
    if isinstance(error, urllib3.exceptions.LocationParseError):  # no host can have this name
        return True
    if isinstance(cause, ssl.SSLError):
        return not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    return isinstance(error, urllib3.exceptions.ProxyError) and _REFUSED in str(cause)


def cause_of(error: BaseException) -> BaseException:
    """Return the exception that led to ``error``, or the reason of TLS for it."""
    while not isinstance(error, ssl.SSLError):
        # urllib3 hands some errors on as an argument only.
        given = next((each for each in error.args if isinstance(each, ssl.SSLError)), None)
        inner = given or error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return error
