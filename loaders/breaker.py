"""A breaker stops asking an MBU that fails again and again, and lets one load through from time to time."""

import asyncio
import time
from collections.abc import Callable, Sequence

from loaders.gathering import asking, gathered
from loaders.loader import Failed, Loader, LoadRequest, Outcome, Reason


class Breaker:
    """Opens after `failures` in a row: late, no connection, or a 5xx status. Open, every load is Failed(BREAKER).

    After `open_for` seconds of `monotonic` one load goes through as a probe: if the MBU answers, the breaker closes;
    if not, it stays open for as long again. (The circuit breaker of Nygard, "Release It!".)
    """

    def __init__(
        self,
        inner: Loader,
        failures: int = 10,
        open_for: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._ask = asking(inner)
        self._failures = failures
        self._open_for = open_for
        self._monotonic = monotonic
        self._in_a_row = 0
        self._open_until: float | None = None
        self._probing = False
        self._term = 0  # grows as the breaker opens; a load that began before tells nothing about the time since

    @property
    def open(self) -> bool:
        """Are loads refused, but for a probe?"""
        return self._open_until is not None

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """Each request counts for itself."""
        return await gathered(self.load_one, requests)

    async def close(self) -> None:
        """Close what is wrapped."""
        await self._inner.close()

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The same for one; what raises under it is raised."""
        term = self._admit()
        if term is None:
            return Failed(Reason.BREAKER, "the MBU failed too often just now", self._retry_after())
        answered: bool | None = None
        try:
            outcome = await self._ask(request)
            answered = _answered(outcome)
            return outcome
        except asyncio.CancelledError:
            # A deadline around us cancels no earlier than `expires_at`; who cancels before that has just left.
            if asyncio.get_running_loop().time() >= request.expires_at:
                answered = False
            raise
        finally:
            self._settle(term, answered)

    def _admit(self) -> int | None:
        """The term that the load belongs to; None if it must not begin."""
        if self._open_until is not None:
            if self._probing or self._monotonic() < self._open_until:
                return None
            self._probing = True
        return self._term

    def _settle(self, term: int, answered: bool | None) -> None:
        if term != self._term:
            return
        was_probe, self._probing = self._probing, False
        if answered:
            self._in_a_row = 0
            self._open_until = None
        elif answered is False:
            self._in_a_row += 1
            if was_probe or self._in_a_row >= self._failures:
                self._trip()

    def _trip(self) -> None:
        self._in_a_row = 0
        self._open_until = self._monotonic() + self._open_for
        self._term += 1

    def _retry_after(self) -> float:
        left = (self._open_until or 0.0) - self._monotonic()
        return left if left > 0 else self._open_for  # a probe is under way: if it fails, this long again


def _answered(outcome: Outcome) -> bool | None:
    """Did the MBU show that it works? None where it was not asked. An answer we cannot use is an answer."""
    if not isinstance(outcome, Failed):
        return True
    match outcome.reason:
        case Reason.DEADLINE | Reason.CONNECT:
            return False
        case Reason.STATUS:
            return outcome.mbu_status is not None and outcome.mbu_status < 500
        case Reason.PAYLOAD:
            return True
        case Reason.SHED | Reason.BREAKER | Reason.DEFECT | Reason.INPUT | Reason.LATE | Reason.CROWDED:
            return None
