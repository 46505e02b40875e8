"""A change whose invalidation is not in the log may be seen and then not seen; once it is acknowledged, it is seen."""

import asyncio

from aggregator.model.screen import Slot
from tests.virtual_time import run
from tests.world import Process, World, fragment, screen

HOME = screen(Slot("user", fragment("user")), Slot("feed", fragment("feed")))


async def read(process: Process) -> tuple[str, bytes]:
    """What is said of the answer, and its body."""
    answer = await process.get()
    return answer.state, answer.view.body


def test_a_read_goes_back_only_before_the_change_is_acknowledged() -> None:
    """1. L2 holds the old. 2. The MBU commits; nothing is published yet. 3. A process that L2 does not answer loads the
    new. 4. L2 answers again. Another part's invalidation expels the view: it is composed of the old, which the log
    calls current. 5. The change is published."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            first, second = world.processes
            world.put("user", 1)
            world.put("feed", 1)
            await second.get()
            await asyncio.sleep(0.1)
            world.put("user", 2)
            world.tier.down = True
            assert await read(first) == ("fresh", b'{"data":{"user":2,"feed":1}}')
            await asyncio.sleep(0.1)
            world.tier.down = False
            await asyncio.sleep(1)  # the breaker lets calls through again
            await world.invalidate("feed:42")
            assert await read(first) == ("fresh", b'{"data":{"user":1,"feed":1}}')
            await world.invalidate("user:42")
            for process in world.processes:
                assert await read(process) == ("fresh", b'{"data":{"user":2,"feed":1}}')

    run(story())
