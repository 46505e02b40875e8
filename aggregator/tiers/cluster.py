"""L2 on a Cluster: a pipeline to each node, and the slot map that says which of them has a key."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from aggregator.servers.slots import Redirect, SlotMap
from aggregator.servers.url import Address
from aggregator.tiers.link import Link
from aggregator.tiers.pipeline import Pipeline, Sending
from aggregator.tiers.redirected import RedirectedTrip
from aggregator.tiers.scripts import Script
from aggregator.tiers.server import Call, Server

_SLOTS: Call = ("CLUSTER", "SLOTS")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Node:
    link: Link
    pipeline: Pipeline


class Cluster:
    """`Commands` to a Cluster that is reached by any of `seeds`; keys of one call are on one node.

    The map is asked for where it turns out to be wrong or a node is lost, and beside what is under way: nothing waits
    for it, as every node says itself where else a key is. One that left the Cluster keeps its (idle) pipeline.
    """

    def __init__(self, seeds: Sequence[Server], budget: float = 0.05) -> None:
        self._like = seeds[0]
        self._budget = budget
        self._seeds = [(seed.host, seed.port) for seed in seeds]
        self.slots = SlotMap(self._seeds[0])
        self._learning: asyncio.Task[None] | None = None
        self._nodes: dict[Address, _Node] = {}
        self._closed = False

    def get(self, keys: Sequence[str], read: Callable[[list[bytes | None]], T]) -> "asyncio.Future[T]":
        """As `Pipeline.get`."""
        return self._of(keys).get(keys, read)

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int], read: Callable[[Any], T]
    ) -> "asyncio.Future[T]":
        """As `Pipeline.run`."""
        return self._of(keys).run(script, keys, args, read)

    def run_soon(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int], read: Callable[[Any], T]
    ) -> "asyncio.Future[T]":
        """As `Pipeline.run_soon`."""
        return self._of(keys).run_soon(script, keys, args, read)

    async def close(self) -> None:
        """Give up what is under way, and the connections."""
        self._closed = True  # what is given up is lost: nothing is to be learnt from that
        if self._learning:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)
        for node in [*self._nodes.values()]:
            await node.pipeline.close()

    def _of(self, keys: Sequence[str]) -> Pipeline:
        return self._node(self.slots.owner(keys[0])).pipeline

    def _node(self, address: Address) -> _Node:
        if address not in self._nodes:
            link = Link(replace(self._like, host=address[0], port=address[1]))
            trip = partial(RedirectedTrip, address, self._elsewhere, partial(self._learn, last=address))
            self._nodes[address] = _Node(link, Pipeline(link, self._budget, trip=trip))
        return self._nodes[address]

    def _elsewhere(self, redirect: Redirect) -> Sending:
        if redirect.moved:
            self.slots.moved(redirect.slot, redirect.to)
            self._learn(first=redirect.to)
        return self._node(redirect.to).link

    def _learn(self, first: Address | None = None, last: Address | None = None) -> None:
        if not self._closed and (self._learning is None or self._learning.done()):
            self._learning = asyncio.get_running_loop().create_task(self._ask(first, last))

    async def _ask(self, first: Address | None, last: Address | None) -> None:
        """Ask one node after another for the map; what knows of no slots is none."""
        known = dict.fromkeys([*self.slots.owners(), *self._seeds])
        for address in sorted(known, key=lambda one: (one == last) - (one == first)):
            reply = await _said(self._node(address).link)
            if isinstance(reply, list) and reply:
                self.slots.take(reply, address)
                return


async def _said(link: Link) -> Any:
    """What a node says to CLUSTER SLOTS, be it an error."""
    said: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def back(replies: list[Any] | OSError) -> None:
        if not said.done():
            said.set_result(replies if isinstance(replies, OSError) else replies[0])

    link.send([_SLOTS], back)
    return await said
