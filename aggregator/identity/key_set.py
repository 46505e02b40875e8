"""A JWK Set of some URL, kept, and fetched again before it grows old."""

import asyncio
from collections.abc import Callable

import structlog

from aggregator.identity.fetch import Fetch
from aggregator.identity.jwks import jwks_of

_log = structlog.get_logger()
FRESH_FOR, KEPT_FOR = 300.0, 86_400.0
# Between two fetches at least: while there are keys, and while there are none at all.
PAUSE, PAUSE_EMPTY = 10.0, 1.0


class KeySet:
    """now: seconds. One fetch is under way at a time, whoever asks."""

    def __init__(self, url: str, fetch: Fetch, now: Callable[[], float]) -> None:
        self._url, self._fetch, self._now = url, fetch, now
        self._document: bytes | None = None
        self._fetched = self._tried = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._lost = False

    def document(self) -> bytes | None:
        """The set as it was last fetched; None if that never succeeded, or is a day ago."""
        return self._document if self._younger(self._fetched, KEPT_FOR) else None

    def may_help(self) -> bool:
        """Is a fetch under way, or was the last one long enough ago for another?"""
        pause = PAUSE_EMPTY if self.document() is None else PAUSE
        return self._task is not None or not self._younger(self._tried, pause)

    def refresh(self) -> None:
        """Begin to fetch behind if what is there has become old. To be called in a running loop."""
        if self.document() is not None and not self._younger(self._fetched, FRESH_FOR) and self.may_help():
            self._task = self._task or self._begin()

    async def fetched(self) -> None:
        """Wait for the fetch that is under way, or is begun here. A caller that leaves cancels nothing."""
        self._task = self._task or self._begin()
        await asyncio.wait({self._task})

    async def close(self) -> None:
        """Give up what is under way."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _younger(self, since: float, seconds: float) -> bool:
        # Time may be set back; what then lies ahead does not count as young for ever.
        return 0 <= self._now() - since < seconds

    def _begin(self) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._take())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._task = None

    async def _take(self) -> None:
        self._tried = began = self._now()
        try:
            document = await self._fetch.get(self._url)
            jwks_of(document)
        except (OSError, ValueError) as error:
            self._note(str(error))
        else:
            self._document, self._fetched = document, began
            self._note(None)

    def _note(self, why: str | None) -> None:
        if why and not self._lost:
            _log.warning("key set cannot be fetched", url=self._url, why=why)
        if self._lost and not why:
            _log.info("key set can be fetched again", url=self._url)
        self._lost = why is not None
