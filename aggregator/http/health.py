"""Health in two questions: does it run (healthz), and may it be sent requests (readyz)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson

from aggregator.http.problems import Reply


@dataclass(frozen=True, slots=True)
class Health:
    """ready: once true for good, so that a Redis that goes down does not take every instance out; what is lost later
    is told in `vouching` (at the head of the log) and `l2` alone. when_unproven: what is done without that, "reload" or
    "serve". lag: records of the log not yet applied."""

    ready: bool
    vouching: bool
    when_unproven: str
    l2: bool
    lag: int


HEALTH_PATHS = ("/healthz", "/readyz")
Examine = Callable[[], Health]


def health_reply(path: str, health: Health) -> Reply:
    """The reply to GET /healthz (always 200) or /readyz (503 until ready)."""
    status = 503 if path == "/readyz" and not health.ready else 200
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Reply(status, orjson.dumps(asdict(health)), headers)
