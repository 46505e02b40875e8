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
        end = _End(cut)
        try:
            outcome = await self._ask(hurried)
        except asyncio.CancelledError:
            if not end.was_ours():
                raise
            return Failed(Reason.DEADLINE, f"no answer within {left * 1000:.0f} ms")
        except Exception as defect:
            outcome = failed_by(defect)
        end.was_ours()
        return outcome


class _End:
    """Cancels the running task at an instant of the event loop's time, as `asyncio.timeout_at` does; that costs two
    coroutines more, which on a load that takes no time is a good part of it."""

    __slots__ = ("_cancelled_before", "_due", "_task", "_timer")

    def __init__(self, at: float) -> None:
        task = asyncio.current_task()
        assert task, "a coroutine runs in a task"
        self._task, self._cancelled_before, self._due = task, task.cancelling(), False
        self._timer = asyncio.get_running_loop().call_at(at, self._cancel)

    def was_ours(self) -> bool:
        """To be asked once, when what was limited is over: was it cancelled from here, and by nobody else?"""
        self._timer.cancel()
        return self._due and self._task.uncancel() <= self._cancelled_before

    def _cancel(self) -> None:
        self._due = True
        self._task.cancel()
