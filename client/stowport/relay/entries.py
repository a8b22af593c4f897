"""What is kept of a request when it was answered: a line of the log, and counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dicomweb.outcomes import Failed, Outcome

_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"))


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request: ``resource`` is its first path segment, ``reasons`` are counts by code.

    ``fault`` says why the relay itself refused it.
    """

    client: str
    method: str
    resource: str
    status: int = 0
    size: int = 0
    stored: int = 0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    seconds: float = 0

    def __post_init__(self) -> None:
        """Name no method that a client has made up: each would be a time series of its own."""
        self.method = self.method if self.method in _METHODS else "other"

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Note the outcomes of the instances."""
        failures = [each for each in outcomes if isinstance(each, Failed)]
        self.failed = len(failures)
        self.stored = len(outcomes) - len(failures)
        self.reasons = Counter(f"{each.reason:04X}" for each in failures)

    def fields(self) -> dict[str, object]:
        """Return the fields of the line."""
        return {
            "client": self.client,
            "method": self.method,
            "resource": self.resource,
            "status": self.status or None,
            "bytes": self.size or None,
            "stored": self.stored if self.stored or self.failed else None,
            "failed": self.failed if self.stored or self.failed else None,
            "reasons": dict(self.reasons),
            "fault": self.fault,
            "seconds": round(self.seconds, 3),
        }
