"""A process that starts on a log: how long it takes until it has read it, and how long its event loop stood meanwhile.

`python -m benchmarks.starting URL` prints that as JSON.
"""

import asyncio
import gc
import json
import sys
import time
from contextlib import suppress

import uvloop

from aggregator.app import connect
from aggregator.model.screen import Slot
from aggregator.settings import Settings
from tests.world import Shop, catalogue_of, fragment, screen

HOME = screen(Slot("user", fragment("user")))
_TURN = 0.001


class Standing:
    """worst: seconds by which a turn of the event loop was late at most."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def watch(self) -> None:
        """Take turns until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TURN)
            self.worst = max(self.worst, time.perf_counter() - began - _TURN)


async def start(url: str) -> dict[str, float]:
    """A whole service, as a worker has it, without its sockets."""
    service = connect(catalogue_of([HOME]), Settings(), url, url, bytes(32), lambda mbu: Shop())
    standing, began, spent = Standing(), time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in (service.run(), standing.watch())]
        await service.follower.caught_up.wait()
        took = {"seconds": time.perf_counter() - began, "processor": time.process_time() - spent}
        for task in tasks:
            task.cancel()
    await service.close()
    return {**took, "records": service.follower.applied, "tags": len(service.ledger), "stood": standing.worst}


def main() -> None:
    """Start one, with the garbage collector as a worker has it."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, suppress(KeyboardInterrupt):
        print(json.dumps(runner.run(start(sys.argv[1]))))


if __name__ == "__main__":
    main()
