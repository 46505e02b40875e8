"""Where time comes from: a monotonic clock, and the fleet's clock carried on by it."""

import time
from collections.abc import Callable

Monotonic = Callable[[], float]


class FleetClock:
    """Seconds since the Unix epoch as the Redis server counts them (docs/architecture.md, "Clocks").

    offset: seconds that it is ahead of the monotonic clock.
    Sampled with each heartbeat and carried on by the monotonic clock, so that a step of this machine's own
    wall clock changes nothing. Until the first sample it is this machine's wall clock.
    """

    def __init__(self, monotonic: Monotonic = time.monotonic, wall: float | None = None) -> None:
        self.monotonic = monotonic
        self.offset = (time.time() if wall is None else wall) - monotonic()

    def now(self) -> float:
        """The fleet's time, in seconds."""
        return self.offset + self.monotonic()

    def sample(self, fleet_seconds: float, sent: float, received: float) -> None:
        """Take over the server's time, which it told between these two instants of the monotonic clock.

        What is known already stays where that is possible: 1. A request is sent. 2. The server answers. 3. This process
        is stopped for a minute. 4. It reads the answer. The middle of 1 and 4 would be wrong by half a minute.
        """
        self.offset = min(max(self.offset, fleet_seconds - received), fleet_seconds - sent)
