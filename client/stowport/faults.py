"""What went wrong on the way to a server, in words."""

import ssl

import urllib3

from stowport import proxies

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


def in_words(error: urllib3.exceptions.HTTPError, url: str) -> str:
    """Return what led to ``error`` on the way to ``url``."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted: {cause.verify_message}; --cacert names a further"
            " authority"
        )
    if isinstance(cause, ssl.SSLError):
        said = cause.reason or ""
        return next((text for name, text in _OF_TLS.items() if said.endswith(name)), said)
    if isinstance(error, urllib3.exceptions.ProxyError):
        said = printable(str(cause))
        return proxies.refusal(url) if _UNAUTHENTICATED in said else f"of the proxy: {said}"
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "it hangs, no byte came from it in time (--timeout)"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(error).__name__


def is_final(error: urllib3.exceptions.HTTPError) -> bool:
    """Tell whether the next try would end like this one: TLS was refused, or by the proxy."""
    cause = _cause(error)
    if isinstance(error, urllib3.exceptions.LocationParseError):  # no host can have this name
        return True
    if isinstance(cause, ssl.SSLError):
        return not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    return isinstance(error, urllib3.exceptions.ProxyError) and _REFUSED in str(cause)


def printable(text: str) -> str:
    """Return the start of what a server says, fit for a terminal."""
    return "".join(each if each.isprintable() else " " for each in text[:_LONGEST]).strip()


def _cause(error: BaseException) -> BaseException:
    cause = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return cause
