"""What the relay tells those who watch it: /health, /ready and /metrics."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from stowport.relay.messages import Reply
from stowport.relay.metrics import CONTENT_TYPE, Metrics
from stowport.relay.places import Places
from stowport.relay.spool import Spool
from stowport.relay.target import Target

OPEN = frozenset(("health", "ready"))
"""Resources for which no token is needed: a load balancer has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """The state of the relay."""

    target: Target
    spool: Spool
    places: Places
    metrics: Metrics

    def __post_init__(self) -> None:
        """Let the metrics show the state."""
        watch = self.metrics.watch
        watch(
            "requests_in_progress", "Store requests that are under way.", lambda: self.places.taken
        )
        watch("spool_bytes", "Bytes of disk that these take.", lambda: self.spool.size)
        watch("spool_has_room", "Whether the spool has room.", lambda: self.spool.has_room)
        watch(
            "target_up",
            "Whether the server answers, and takes what the relay sends.",
            lambda: not (self.target.down or self.target.unusable),
        )

    def answer(self, resource: str) -> Reply | None:
        """Return the answer to GET, None for a resource that is not there."""
        match resource:
            case "health":
                return _json(HTTPStatus.OK, {"status": "ok"})
            case "ready":
                return self._ready()
            case "metrics":
                return Reply(
                    status=HTTPStatus.OK,
                    headers=[("Content-Type", CONTENT_TYPE)],
                    body=self.metrics.text(),
                )
        return None

    def _ready(self) -> Reply:
        """Answer 503 and the reason if a store request would be refused now."""
        checks = {
            "target": self.target.down or self.target.unusable or "ok",
            "spool": "ok" if self.spool.has_room else "the disk or the spool is full",
            "requests": "ok" if self.places.free else "as many requests are under way as allowed",
        }
        ready = set(checks.values()) == {"ok"}
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"status": "ok" if ready else "not ready", **checks})


def _json(status: HTTPStatus, content: dict[str, str]) -> Reply:
    return Reply(
        status=status,
        headers=[("Content-Type", "application/json"), ("Cache-Control", "no-store")],
        body=json.dumps(content).encode(),
    )
