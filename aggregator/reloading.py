"""Reloading puts a new declaration in the place of the old one, without dropping a request or what is still valid."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from heapq import nlargest

from aggregator.engine.preparing import prepare
from aggregator.events import Observer, Trouble
from aggregator.generation import Generation, Loading
from aggregator.model.catalogue import Catalogue
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen
from loaders.loader import Loader

# Views that are made ready before another declaration takes over, at most, and at once; and the seconds for that.
_WARMED_AT_MOST, _WARMED_AT_ONCE, _WARM_LIMIT = 1_000, 16, 5.0
_STEP = 500  # views between two turns of others


class Reloading:
    """now: the generation that answers.

    take_over: has the generation that it is given answer, in one step; the names are those of the screens that are
    not as before. over_after: seconds after which no request is expected to need the old one any more, and those in
    which its loads have to end then.
    """

    def __init__(
        self,
        now: Generation,
        namespace: str,
        take_over: Callable[[Generation, Collection[str]], None],
        observe: Observer,
        over_after: float,
    ) -> None:
        self.now = now
        self._namespace = namespace
        self._memory, self._reading = now.works.memory, now.works.reading
        self._take_over = take_over
        self._observe = observe
        self._over_after = over_after
        self._one_at_a_time = asyncio.Lock()
        self._closing = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()

    async def reload(self, declared: Catalogue, loading: Loading) -> None:
        """Have another declaration answer. What `loading` raises is raised, and then the old one stays.

        1. What is hot and changed is composed under the new one, for L2: readers are still answered by the old one.
        2. L1 takes no views of changed screens any more, and lets go of those it holds, a few at a time; readers get
        them from L2. 3. Everything that requests are answered out of is replaced, between two requests. 4. A request
        of the old one that ends only now is answered by it, and L1 refuses its view: it is of another screen object.
        """
        async with self._one_at_a_time:
            new = self.now.next(declared, loading)
            old_screens, new_screens = self.now.not_in(new), new.not_in(self.now)
            self._memory.refuse(new_screens)
            await self._warm(new, new_screens, await self._hottest(old_screens))
            self._memory.refuse(old_screens)
            for _ in self._memory.sweep():
                await asyncio.sleep(0)
            self._replace(new, {screen.name for screen in (*old_screens, *new_screens)})

    async def close(self, seconds: float) -> None:
        """Let the loads of all generations land, or cancel what is late; then close the loaders."""
        self._closing.set()
        await asyncio.gather(self.now.land(seconds), *self._ending)
        for one in self.now.loaders.values():
            await one.close()

    def _replace(self, new: Generation, changed: Collection[str]) -> None:
        old, self.now = self.now, new
        self._memory.take(new.catalogue.screens.values())
        self._take_over(new, changed)
        kept = set(map(id, new.loaders.values()))
        unused = [one for one in old.loaders.values() if id(one) not in kept]
        ending = asyncio.get_running_loop().create_task(self._end(old, unused))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end(self, old: Generation, unused: Iterable[Loader]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._over_after):
                await self._closing.wait()
        await old.land(self._over_after)
        for one in unused:
            await one.close()

    async def _hottest(self, screens: Iterable[Screen]) -> list[bytes]:
        """The addresses of views of these that are read most these days, in that order."""
        heat, now, found = self._reading.heat, self.now.works.known.clock.now(), []
        wanted = set(map(id, screens))
        for number, address in enumerate(heat.addresses() if wanted else (), 1):
            if (held := self._memory.find(address)) and id(held.screen) in wanted:
                found.append((heat.of(address, now), address))
            if number % _STEP == 0:
                await asyncio.sleep(0)
        return [address for _, address in nlargest(_WARMED_AT_MOST, found)]

    async def _warm(self, new: Generation, screens: Iterable[Screen], hot: Iterable[bytes]) -> None:
        """What is not ready in time is composed for its next reader."""
        named = ((screen, new.addresses.inputs(screen, address)) for screen in screens for address in hot)
        # A view that uses claims is its viewer's, who is not always named by its address.
        told = ((screen, found) for screen, found in named if found and (found.subject or not screen.claims))
        views = iter([*told])
        with suppress(TimeoutError):
            async with asyncio.timeout(_WARM_LIMIT), asyncio.TaskGroup() as group:
                for _ in range(_WARMED_AT_ONCE):
                    group.create_task(self._prepare(new, views))

    async def _prepare(self, new: Generation, views: Iterable[tuple[Screen, Inputs]]) -> None:
        for screen, inputs in views:
            try:
                await prepare(self._namespace, new.works, screen, inputs)
            except Exception as error:
                self._observe(Trouble("background", repr(error)))
