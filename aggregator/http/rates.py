"""A rate bounds what one client asks for that L1 does not answer: beyond it a client is told when to come again."""

from collections import OrderedDict
from collections.abc import Callable

from aggregator.http.problems import Reply, problem
from aggregator.model.turn import Pace, Turns
from aggregator.networks import counted_as


class Rates:
    """rate: turns of a client a second, and as many at once after a pause; 0 = no bound. monotonic: seconds. most:
    clients that are remembered; beyond it the one that has not asked for the longest time counts as a new one.
    refused: how often it was."""

    def __init__(self, rate: int, monotonic: Callable[[], float], most: int = 16_384) -> None:
        self.refused = 0
        self._pace = Pace(1.0 / rate, rate) if rate else None
        self._why = f"More than {rate} requests a second from your address were not answered at once"
        self._monotonic = monotonic
        self._most = most
        self._turns: OrderedDict[str, Turns] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turns)

    def refusal(self, client: str) -> Reply | None:
        """429 where it is not this client's turn; else the turn is taken. client: its address."""
        wait = self._turns_of(client).take(self._pace, self._monotonic()) if self._pace else 0.0
        if not wait:
            return None
        self.refused += 1
        return problem(429, f"{self._why} (max_misses_per_client): come back later.", retry_after=wait)

    def _turns_of(self, client: str) -> Turns:
        key = counted_as(client)
        turns = self._turns.setdefault(key, Turns())
        self._turns.move_to_end(key)
        if len(self._turns) > self._most:
            self._turns.popitem(last=False)
        return turns
