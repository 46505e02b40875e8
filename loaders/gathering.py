"""Gathering makes a loader of something that does one request: the requests of a batch run side by side."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from loaders.loader import Failed, Loader, LoadRequest, Outcome, Reason

_log = logging.getLogger(__name__)


Ask = Callable[[LoadRequest], Awaitable[Outcome]]


@runtime_checkable
class Single(Protocol):
    """Asks one MBU for one answer at a time."""

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The outcome of one request; an exception is a defect."""

    async def close(self) -> None:
        """Give back what is held; no load is under way any more."""


class Gathering:
    """A loader over a `Single`."""

    def __init__(self, single: Single) -> None:
        self._single = single
        self.load_one = single.load_one

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """As many outcomes as requests, in their order, once the slowest is there."""
        return await gathered(self._single.load_one, requests)

    async def close(self) -> None:
        """Close what is wrapped."""
        await self._single.close()


def asking(loader: Loader) -> Ask:
    """How a loader is asked for one answer: without the detour through a batch where it has a way to; an exception is a
    defect."""
    if isinstance(loader, Single):
        return loader.load_one

    async def ask(request: LoadRequest) -> Outcome:
        [outcome] = await loader.load([request])
        return outcome

    return ask


async def gathered(load_one: Ask, requests: Sequence[LoadRequest]) -> list[Outcome]:
    """Run `load_one` for every request at once; what raises costs its own place only (Failed, DEFECT).

    Cancelled, it cancels all of them and returns when they have ended.
    """
    if len(requests) == 1:  # no task for it: most batches are one request by the time they reach the network
        return [await _guarded(load_one, requests[0])]
    ended = await asyncio.gather(*(_guarded(load_one, request) for request in requests), return_exceptions=True)
    return [failed_by(end) if isinstance(end, BaseException) else end for end in ended]


async def _guarded(load_one: Ask, request: LoadRequest) -> Outcome:
    try:
        return await load_one(request)
    except Exception as defect:
        return failed_by(defect)


def failed_by(defect: BaseException) -> Failed:
    """What becomes of an exception; it is logged with its traceback."""
    _log.error("a loader raised instead of returning Failed", exc_info=defect)
    return Failed(Reason.DEFECT, f"{type(defect).__name__} in the loader; the log has its traceback")
