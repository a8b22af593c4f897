"""TLS on the relay's listener, with certificates that can be replaced while it runs."""

import ssl
from pathlib import Path


class Certificates:
    """The relay's certificate with its key, and the authorities of its clients' certificates.

    Without ``key``, the key is in the file of the certificate. With ``client_ca``, a client has to
    have a certificate. Raises OSError, or ValueError for a file that is not what it should be.
    """

    def __init__(self, certificate: Path, key: Path | None, client_ca: Path | None) -> None:
        self._files = (certificate, key, client_ca)
        self._current = self._read()
        self.context = self._read()
        self.context.sni_callback = self._choose

    def reload(self) -> None:
        """Use what the files hold now for new connections; if it raises, nothing changes."""
        self._current = self._read()

    def _choose(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        """Give a connection that begins the current certificates."""
        connection.context = self._current

    def _read(self) -> ssl.SSLContext:
        certificate, key, client_ca = self._files
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
            context.load_cert_chain(certificate, key, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            files = ", ".join(str(place) for place in self._files if place)
            raise ValueError(
                f"{files}: {_in_words(error)}, expected a certificate and its key (PEM)"
            ) from error
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _no_password() -> str:
    """Refuse an encrypted key: OpenSSL would ask for its password on the terminal."""
    raise ValueError("the key is encrypted, expected one without a password")


def _in_words(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
