"""The stores of obstore that put objects into a bucket: one for each time that a put may take.

obstore limits the time of a whole attempt, and limits it for a store and not for a call. An attempt
has to end soon if S3 does not answer, and must not end while its bytes are still being sent.
"""

from math import ceil, log2
from threading import Lock

from boto3.session import Session
from obstore.store import S3Store

from archive import clients

SLOWEST_UPLINK = 8_000_000
"""How many bytes a second S3 takes at least, from all connections together."""


class Stores:
    """The stores of ``bucket``; several threads may use them. ``uplink`` is in bytes a second."""

    def __init__(self, bucket: str, session: Session, uplink: float = SLOWEST_UPLINK) -> None:
        self._uplink = uplink
        self._lock = Lock()
        self._any = clients.s3_store(bucket, session)
        self._stores: dict[float, S3Store] = {clients.PUT_TIMEOUT: self._any}

    def store(self, size: int, together: int) -> S3Store:
        """Return the store for an object of ``size`` bytes that is put with others.

        ``together`` are the bytes of all of them. While the object is sent, each other connection
        sends about as many bytes.
        """
        timeout = self._timeout(min(size * clients.CONNECTIONS, max(size, together)))
        with self._lock:
            if timeout not in self._stores:
                self._stores[timeout] = clients.renewed(self._any, timeout)
            return self._stores[timeout]

    def leave(self, store: S3Store) -> None:
        """Replace ``store``: its other connections may be as dead as the one that failed."""
        with self._lock:
            for timeout, each in self._stores.items():
                if each is store:
                    self._stores[timeout] = clients.renewed(store, timeout)

    def _timeout(self, sent: int) -> float:
        """Return how many seconds an attempt may take in which ``sent`` bytes are sent.

        What takes longer than a second is rounded up to a power of two, so that stores are few.
        """
        seconds = sent / self._uplink
        return clients.PUT_TIMEOUT + (2 ** ceil(log2(seconds)) if seconds > 1 else 0)
