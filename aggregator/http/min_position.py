"""Reading one's own write: a request that names a position of the log waits until this process has got there."""

import asyncio
from collections.abc import Callable

from aggregator.engine.reaching import BeyondTheLog, Reaching
from aggregator.http.problems import Reply, problem
from aggregator.model.position import MIN_POSITION, position_from
from aggregator.model.screen import Screen

_FIELD = MIN_POSITION.title()
# Seconds that are waited for a screen without a deadline.
_PATIENCE = 1.0


class MinPosition:
    """Reads the field Aggregator-Min-Position."""

    def __init__(self, reaching: Reaching) -> None:
        self._reaching = reaching

    async def wait(self, screen: Screen, text: str, refusal: Callable[[], Reply | None]) -> float | Reply:
        """The seconds until this process was there; or 400 for what is no position of the log, 503 where it took longer
        than the screen's deadline. text: the field's value. refusal: asked before a position is waited for that this
        process has not reached; what it gives is given back."""
        began = asyncio.get_running_loop().time()
        try:
            position = position_from(text)
            if self._reaching.is_ahead(position) and (refused := refusal()):
                return refused
            async with asyncio.timeout(_PATIENCE if screen.deadline is None else screen.deadline):
                await self._reaching.reach(position)
        except ValueError as mistake:
            return problem(400, f"{_FIELD}: {mistake}.")
        except BeyondTheLog:
            return problem(400, f"{_FIELD}: the log ends before this position; send one that it acknowledged.")
        except TimeoutError:
            return problem(503, f"{_FIELD}: the log could not be followed as far as that in time.", retry_after=1.0)
        return asyncio.get_running_loop().time() - began
