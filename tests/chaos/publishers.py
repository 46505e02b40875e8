"""Publishers commit versions, each of its own object, and publish every invalidation until it is acknowledged."""

import asyncio
import random
from itertools import count

import orjson

from aggregator.invalidation.log import LogUnavailable
from aggregator.publisher import Publisher
from tests.chaos.seen import Seen
from tests.chaos.stage import OBJECTS, WORKERS, Stage
from tests.chaos.values import Values
from tests.fleet import KEY
from tests.raw_client import Client

INVALIDATIONS = 200  # a second


class Publishers:
    """published: invalidations that were acknowledged. refused: how often one was answered 503."""

    def __init__(self, stage: Stage, seed: int, seen: Seen, values: Values) -> None:
        self.published = self.refused = 0
        self._stage = stage
        self._seed = seed
        self._seen = seen
        self._values = values
        self._ids = count()

    async def publish_on(self, path: str, log: Publisher) -> None:
        """Versions of one object, one after another, until cancelled."""
        draw = random.Random(f"{self._seed} {path}")
        async with Client(self._stage.mbu_url) as mbu:
            while True:
                await asyncio.sleep(draw.expovariate(INVALIDATIONS / len(OBJECTS)))
                self._values.committing(path)
                await self._stage.commit(mbu, path)
                await self._publish(path.strip("/").replace("/", ":"), draw.random() < 0.5, log)
                self._values.acknowledged(path)
                self.published += 1

    async def _publish(self, tag: str, direct: bool, log: Publisher) -> None:
        """Until it is acknowledged."""
        id = f"e{next(self._ids)}"
        for attempt in count():
            try:
                if direct:
                    await log.invalidate([tag], id)
                    return
                async with asyncio.timeout(3):
                    if await self._posted(tag, id, attempt):
                        return
            except (LogUnavailable, OSError, EOFError, TimeoutError):
                pass
            await asyncio.sleep(0.1)

    async def _posted(self, tag: str, id: str, attempt: int) -> bool:
        service = self._stage.services[(int(id[1:]) + attempt) % WORKERS]
        headers = {"authorization": f"Bearer {KEY['PROOF_KEY']}"}
        async with Client(service.admin_url) as admin:
            got = await admin.ask("/invalidations", "POST", orjson.dumps({"tags": [tag], "id": id}), headers)
        self._seen.defects += [] if got.status in (202, 503) else [f"POST /invalidations: {got}"]
        self.refused += got.status == 503
        return got.status == 202
