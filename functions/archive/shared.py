"""A study or series item that several instances of one request wait for."""

from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING

from archive.items import add_first, missing

if TYPE_CHECKING:
    from archive.index import Index
    from archive.items import Item, ItemKey


class SharedItem:
    """The item under ``key``: ``stored`` when it was read, and what the request adds to it."""

    def __init__(self, key: "ItemKey", stored: "Item") -> None:
        self._key = key
        self._stored = stored
        self._added: Item = {}
        self._lock = Lock()
        self._writing: Future[None] | None = None

    def expect(self, values: "Item") -> None:
        """Add ``values`` to what will be written, as far as they are new."""
        add_first(self._added, missing(values, self._stored))

    def write_once(self, index: "Index") -> None:
        """Return when everything expected is in the ``index``, whoever writes it.

        Who comes first writes, the others wait for that and fail if it fails; who comes after a
        failure tries again. Raises botocore's errors.
        """
        if not self._added:
            return
        with self._lock:
            first = self._writing is None
            writing = self._writing = self._writing or Future()
        if first:
            self._write(index, writing)
        writing.result()

    def _write(self, index: "Index", writing: "Future[None]") -> None:
        try:
            index.add(self._key, self._added)
        except BaseException as error:
            self._writing = None
            writing.set_exception(error)
            raise
        writing.set_result(None)
