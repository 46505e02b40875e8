"""A permit to compose what nobody waits for: a view's turn in the fleet, and one within the fleet's budget."""

import asyncio

from aggregator.model.keys import Key
from aggregator.model.turn import Began, Pace, Turns
from aggregator.tiers.tier import SharedTier, TierUnavailable

# How often one view is composed with nobody waiting: what is invalidated again and again costs two at once, and then
# one a second.
VIEW_PACE = Pace(1.0, burst=2)


class Permits:
    """budget: compositions that the fleet may make a second, a tenth of them at once after a pause; 0 = any number.

    Where L2 is away, each process keeps to a budget of that size by itself."""

    def __init__(self, namespace: str, tier: SharedTier, budget: float) -> None:
        self._namespace = namespace
        self._tier = tier
        self._pace = Pace(1 / budget, max(1, round(budget / 10))) if budget else None
        self._alone = Turns()

    async def ask(self, key: Key, began: Began) -> float:
        """Wait for the budget's turn, and give 0; or, at once, how long the view's own turn is to be waited for
        (seconds), which may be for ANOTHER."""
        try:
            wait = await self._tier.take_turn(f"{key.name}:refresh", VIEW_PACE, began)
        except TierUnavailable:
            wait = 0.0
        if not wait and self._pace:
            await self._keep_to(self._pace)
        return wait

    async def _keep_to(self, pace: Pace) -> None:
        while True:
            wait = await self._budgeted(pace)
            if not wait:
                return
            await asyncio.sleep(wait)

    async def _budgeted(self, pace: Pace) -> float:
        try:
            return await self._tier.take_turn(f"{self._namespace}:refreshes", pace)
        except TierUnavailable:
            return self._alone.take(pace, asyncio.get_running_loop().time())
