"""Readers ask every worker for every screen, and note what is answered; in the end all has to be right."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence

from tests.chaos.seen import FOR_EVER, Seen
from tests.chaos.stage import IDS, SCREENS, WORKERS, Stage
from tests.chaos.values import Read, Values
from tests.raw_client import Client
from tests.running import Got

READS = 150  # a second, of each worker
READERS = 3
ANSWERED_WITHIN = 8.0
Asked = tuple[int, str, int]  # a worker, a screen and an id


class Readers:
    """Of all workers."""

    def __init__(self, stage: Stage, seen: Seen, values: Values) -> None:
        self._stage = stage
        self._seen = seen
        self._values = values

    async def read_on(self, worker: int) -> None:
        """What comes, until cancelled."""
        draw, url, client = random.Random(), "", Client("http://x")
        while True:
            if url != self._stage.services[worker].url:
                url = self._stage.services[worker].url
                client = Client(url)
            await self._read(client, (worker, draw.choice([*SCREENS]), draw.choice(IDS)))
            await asyncio.sleep(draw.expovariate(READS / READERS))

    async def settle(self) -> None:
        """Every screen of every worker is right within FOR_EVER."""
        await asyncio.sleep(1.0)
        by = time.monotonic() + FOR_EVER
        left = [(worker, screen, id) for worker in range(WORKERS) for screen in SCREENS for id in IDS]
        while left:
            left = [one async for one in self._wrong(left)]
            if left and time.monotonic() > by:
                self._seen.for_ever = [f"{screen}/{id} of worker {worker}" for worker, screen, id in left]
                return

    async def _wrong(self, wanted: Sequence[Asked]) -> AsyncIterator[Asked]:
        for one in wanted:
            async with Client(self._stage.services[one[0]].url) as client:
                if not await self._read(client, one):
                    yield one

    async def _read(self, client: Client, asked: Asked) -> bool:
        """One read, noted; True if all of it is fresh and unmarked."""
        read, troubled = Read(*asked, begun=time.monotonic()), asked[0] in self._stage.down
        self._seen.asked += 1
        try:
            async with asyncio.timeout(ANSWERED_WITHIN):
                got = await client.ask(f"/{read.screen}/{read.id}")
        except (OSError, EOFError, TimeoutError) as error:
            self._lose(read, troubled, repr(error))
            return False
        return self._note(read, troubled, got)

    def _note(self, read: Read, troubled: bool, got: Got) -> bool:
        words = f"{got.status} {got.headers.get('cache-status')} {got.body[:200]!r}"
        if got.status != 200 or "failed" in got.headers["aggregator-slots"]:
            self._lose(read, troubled, words)
        if got.status == 500:
            self._seen.defects.append(f"{read}: {words}")
        if got.status != 200:
            return False
        fresh = [self._values.note(read, slot, got) for slot in SCREENS[read.screen]]
        return all(fresh)

    def _lose(self, read: Read, troubled: bool, words: str) -> None:
        """troubled: was its worker stopped or dead when it was asked?"""
        if troubled or read.worker in self._stage.down:
            self._seen.excused += 1
        else:
            self._seen.lost.append(f"at {time.monotonic():.3f} {read}: {words}")
