"""A study or series item that several instances of one request wait for."""

from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING

from archive.items import add_first, missing

if TYPE_CHECKING:
    from archive.index import Index
    from archive.items import Item, ItemKey


class SharedItem:
    """The item under ``key``: ``stored`` when it was read, and what the request adds to it.

    ``lacking`` is what of that is not known to be in the index yet.
    """

    def __init__(self, key: "ItemKey", stored: "Item") -> None:
        self.key = key
        self._stored = stored
        self.lacking: Item = {}
        self._lock = Lock()
        self._writing: Future[None] | None = None

    def expect(self, values: "Item") -> None:
        """Add ``values`` to what will be written, as far as they are new."""
        add_first(self.lacking, missing(values, self._stored))

    @property
    def is_new(self) -> bool:
        """Whether there was no such item when it was read."""
        return not self._stored

    def written(self) -> None:
        """Note that everything expected is in the index."""
        self.lacking = {}

    def write_once(self, index: "Index") -> None:
        """Return when everything expected is in the ``index``, whoever writes it.

        Who comes first writes, the others wait for that and fail if it fails; who comes after a
        failure tries again. Raises botocore's errors.
        """
        if not self.lacking:
            return
        with self._lock:
            first = self._writing is None
            writing = self._writing = self._writing or Future()
        if first:
            self._write(index, writing)
        writing.result()

    def _write(self, index: "Index", writing: "Future[None]") -> None:
        try:
            index.add(self.key, self.lacking)
        except BaseException as error:
            self._writing = None
            writing.set_exception(error)
            raise
        self.written()
        writing.set_result(None)
