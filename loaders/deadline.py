"""A deadline ends a load that takes too long."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from loaders.gathering import asking, failed_by, gathered
from loaders.loader import Failed, Loader, LoadRequest, Outcome, Reason

# Inner layers are told an end this much earlier (seconds, and no more than a tenth of what is left), so that the
# one that knows why it is late says so before it is cut from here.
_HEADSTART = 0.005


class Deadline:
    """Ends each load at `request.expires_at`, or `deadline` seconds after the call if that is earlier.

    Requests are handed on one by one, so that a slow one does not take the others of its batch with it.
    """

    def __init__(self, inner: Loader, deadline: float) -> None:
        self._inner = inner
        self._ask = asking(inner)
        self._deadline = deadline

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """What was not there in time is Failed(DEADLINE); the call under it has been cancelled."""
        return await gathered(self.load_one, requests)

    async def close(self) -> None:
        """Close what is wrapped."""
        await self._inner.close()

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The same for one; what raises under it is Failed(DEFECT)."""
        now = asyncio.get_running_loop().time()
        cut = min(request.expires_at, now + self._deadline)
        left = cut - now
        if left <= 0:
            return Failed(Reason.DEADLINE, "the time was over before the MBU could be asked")
        hurried = replace(request, expires_at=cut - min(_HEADSTART, left / 10))
        try:
            async with asyncio.timeout_at(cut) as timeout:
                return await self._ask(hurried)
        except Exception as defect:
            if not (isinstance(defect, TimeoutError) and timeout.expired()):
                return failed_by(defect)
            return Failed(Reason.DEADLINE, f"no answer within {left * 1000:.0f} ms")
