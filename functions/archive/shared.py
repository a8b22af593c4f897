"""A study or series item that several instances of one request wait for."""

from concurrent.futures import Future
from threading import Lock

from archive.index import Index
from archive.items import Item, ItemKey, add_first, missing, within_bounds
from archive.patients import (
    PATIENT_ATTRIBUTES,
    PATIENTS_DIFFER,
    beside_patient,
    differ,
    patient_of,
)


class SharedItem:
    """The item under ``key``: ``stored`` is what was read, and the request adds to it.

    ``lacking`` is the part of the additions that is not known to be in the index yet.
    """

    def __init__(self, key: ItemKey, stored: Item) -> None:
        self.key = key
        self._stored = dict(stored)
        self._patients: list[Item] = []
        self.lacking: Item = {}
        self._lock = Lock()
        self._writing: Future[None] | None = None

    def expect(self, values: Item) -> None:
        """Add those of ``values`` that are new to what will be written.

        The patient is added as a whole, if there is none yet; another patient is only marked.
        """
        add_first(self.lacking, missing(beside_patient(values), self._stored))
        self.lacking = within_bounds(self.lacking, self._stored)
        patient = patient_of(values)
        if not patient or patient in self._patients:
            return
        self._patients.append(patient)
        if not self._patient:
            self.lacking.update(patient)
        elif differ(patient, self._patient):
            self.lacking.update(missing(PATIENTS_DIFFER, self._stored))

    @property
    def _patient(self) -> Item:
        return patient_of(self._stored) or patient_of(self.lacking)

    @property
    def is_new(self) -> bool:
        """Whether there was no such item when it was read."""
        return not self._stored

    @property
    def has_other_patients(self) -> bool:
        """Whether an instance is known to have another patient."""
        return bool(PATIENTS_DIFFER.keys() & (self._stored.keys() | self.lacking.keys()))

    def has_another_patient(self, values: Item) -> bool:
        """Tell whether the patient in ``values`` contradicts that of the item."""
        return differ(patient_of(values), self._patient)

    def written(self) -> None:
        """Note that everything expected is in the index."""
        add_first(self._stored, self.lacking)
        self.lacking = {}

    def write_once(self, index: Index) -> None:
        """Return when everything expected is in the ``index``, whichever thread writes it.

        The first caller writes; the others wait for it and fail if it fails. A caller that comes
        after a failure tries again. Raises botocore's errors.
        """
        if not self.lacking:
            return
        with self._lock:
            first = self._writing is None
            writing = self._writing = self._writing or Future()
        if first:
            self._write(index, writing)
        writing.result()

    def _write(self, index: Index, writing: Future[None]) -> None:
        try:
            self._add(index)
        except BaseException as error:
            self._writing = None
            writing.set_exception(error)
            raise
        self.written()
        writing.set_result(None)

    def _add(self, index: Index) -> None:
        """Add what is lacking: a patient to an item that has none, members to sets with room.

        What is in the way of a write stays, so each attempt lacks less than the one before.
        """
        while self.lacking:
            unless = PATIENT_ATTRIBUTES if patient_of(self.lacking) else ()
            in_the_way = index.add(self.key, self.lacking, unless=unless)
            if in_the_way is None:
                return
            self._stored = dict(in_the_way)
            lacking = missing(beside_patient(self.lacking), self._stored)
            if not patient_of(self._stored):
                lacking |= patient_of(self.lacking)
            if any(differ(patient, self._patient) for patient in self._patients):
                lacking |= missing(PATIENTS_DIFFER, self._stored)
            # In one step: a thread that finds nothing lacking continues.
            self.lacking = within_bounds(lacking, self._stored)
