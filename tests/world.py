"""A world in virtual time: several processes of the service over one log, one L2 and scripted MBUs."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from aggregator.app import Service
from aggregator.clock import FleetClock
from aggregator.engine.answer import Answer, Refused
from aggregator.invalidation.local import LocalLog
from aggregator.model.catalogue import Catalogue, Mbu
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.payload_path import PayloadPath
from aggregator.model.route import Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.source import Source
from aggregator.model.template import Template
from aggregator.settings import Settings
from aggregator.tiers.hot import LocalHotList
from aggregator.tiers.local import LocalTier
from cache_policies.policy import Lifetime
from loaders.deadline import Deadline
from loaders.loader import NO_HEADERS, Absent, Failed, Loaded, Loader, LoadRequest, Outcome

DEADLINE = 0.5


def fragment(name: str, **given: Any) -> Fragment:
    """A fragment of the MBU with the same name, fresh for 60 s and tagged `<name>:{id}`."""
    declared: dict[str, Any] = {
        "mbu": name,
        "path": Template.parse(f"/{name}/{{id}}"),
        "tags": (Template.parse(f"{name}:{{id}}"),),
        "lifetime": Lifetime(60.0),
        "absent_for": 5.0,
    }
    return Fragment(name, **{**declared, **given})


def conditions(request: LoadRequest) -> dict[str, str]:
    """The validators that a load was sent with."""
    return {name: value for name, value in request.headers.items() if name.startswith("if-")}


def learning(name: str, path: str = "[*].id") -> Fragment:
    """A fragment whose tags are learned from its payload."""
    return fragment(name, tags_from=PayloadPath.parse(path), tags_from_prefix="learned:")


def reading(name: str, given: Mapping[str, str], **rest: Any) -> Slot:
    """A slot of the fragment of the same name, whose inputs come from other slots: `{"id": "feed.owner_id"}`."""
    sources = {placeholder: Source.parse(text, frozenset(["id"])) for placeholder, text in given.items()}
    return Slot(name, rest.pop("fragment", None) or fragment(name), given=sources, **rest)


def listing(name: str, each: str, **rest: Any) -> Slot:
    """A slot that is a list, its `id`s from another one's: "feed.items[*].id"."""
    return Slot(name, rest.pop("fragment", None) or fragment(name), each={"id": Source.parse(each)}, **rest)


def screen(*slots: Slot, name: str = "home", **given: Any) -> Screen:
    """A screen at /<name>/{id}."""
    return Screen(name, Route.parse(f"/{name}/{{id}}"), slots, **given)


class Shop:
    """An MBU: answers `{"v": value}` with the value it has when the request arrives, `latency` seconds later."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.headers: Mapping[str, str] = NO_HEADERS
        self.latency = 0.02
        self.failure: Failed | None = None
        self.answer: Callable[[LoadRequest], Outcome] | None = None
        self.calls: Counter[str] = Counter()

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        outcomes = [self._outcome(request) for request in requests]
        await asyncio.sleep(self.latency)
        return outcomes

    async def close(self) -> None:
        pass

    def _outcome(self, request: LoadRequest) -> Outcome:
        self.calls[request.target] += 1
        if self.failure:
            return self.failure
        if self.answer:
            return self.answer(request)
        if request.target not in self.values:
            return Absent(self.headers)
        return Loaded(orjson.dumps(self.values[request.target]), self.headers)


class Process:
    """One process of the service."""

    def __init__(self, world: "World", **settings: Any) -> None:
        self.world = world
        self.clock = FleetClock(world.time, wall=1_000_000.0)
        loaders = {name: world.loading(shop) for name, shop in world.shops.items()}
        self.service = Service(
            world.catalogue,
            Settings(**{"refresh_budget": 0.0, **settings}),
            world.tier,
            world.log,
            loaders,
            self.clock,
            draw=world.draw,
            hot=world.hot,
        )
        self.running = asyncio.get_running_loop().create_task(self.service.run())

    async def reload(self, *screens: Screen) -> None:
        """Let these be declared from now on."""

        def loading(mbu: Mbu) -> Loader:
            return self.world.loading(self.world.shops.setdefault(mbu.name, Shop()))

        await self.service.reload(catalogue_of(screens), loading)

    async def ask(
        self, id: str = "42", name: str = "home", values: Mapping[str, str] = NO_HEADERS
    ) -> Answer | Refused | None:
        """The answer to a request for a screen. values: inputs besides the id."""
        inputs = Inputs({"id": id, **values}, subject=values.get("viewer.sub"))
        return await self.service.screens.answer(self.service.catalogue.screens[name], inputs)

    async def get(self, id: str = "42", name: str = "home") -> Answer:
        """The answer, where there has to be one."""
        answer = await self.ask(id, name)
        assert isinstance(answer, Answer), answer
        return answer

    async def data(self, id: str = "42", name: str = "home") -> Any:
        """The `data` of the answer."""
        return orjson.loads((await self.get(id, name)).view.body)["data"]


def catalogue_of(screens: Sequence[Screen]) -> Catalogue:
    """What is declared where these are the screens."""
    slots = [slot for one in screens for slot in one.slots]
    fragments = {one.name: one for slot in slots for one in (slot.fragment, slot.fallback_fragment) if one}
    mbus = {one.mbu: Mbu(one.mbu, f"http://{one.mbu}", DEADLINE, 64, 2**20, {}) for one in fragments.values()}
    return Catalogue(mbus, fragments, {one.name: one for one in screens}, {})


class World:
    """Use it as an async context manager: `async with World(screens) as world:`.

    draw: chance, for what is drawn. around: what each process has around an MBU, inside the deadline.
    """

    def __init__(
        self,
        *screens: Screen,
        processes: int = 1,
        draw: Callable[[], float] = lambda: 1.0,
        around: Callable[[Loader], Loader] = lambda loader: loader,
        **settings: Any,
    ) -> None:
        self.draw, self._around = draw, around
        self.catalogue = catalogue_of(screens)
        self.shops = {name: Shop() for name in self.catalogue.mbus}
        self._count, self._settings = processes, settings
        self.processes: list[Process] = []

    def loading(self, shop: Shop) -> Deadline:
        """A process's way to an MBU."""
        return Deadline(self._around(shop), DEADLINE)

    def time(self) -> float:
        """The world's clock."""
        return asyncio.get_running_loop().time()

    async def __aenter__(self) -> "World":
        self.tier = LocalTier(self.time, latency=0.0005)
        self.hot = LocalHotList()
        self.log = LocalLog(lambda: 1_000_000.0 + self.time())
        for _ in range(self._count):
            await self.start()
        return self

    async def start(self) -> Process:
        """One process more, caught up with the log."""
        process = Process(self, **self._settings)
        self.processes.append(process)
        if not self.log.down:
            await process.service.follower.caught_up.wait()
        return process

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            process.running.cancel()
            await asyncio.gather(process.running, return_exceptions=True)
            await process.service.close()

    def put(self, name: str, value: Any, id: str = "42") -> None:
        """What an MBU answers from now on."""
        self.shops[name].values[f"/{name}/{id}"] = value

    async def invalidate(self, *tags: str) -> None:
        """Append tags to the log, and let every process apply them."""
        await self.log.append(tags)
        await asyncio.sleep(0.01)

    def calls(self) -> int:
        """Calls made to all MBUs so far."""
        return sum(sum(shop.calls.values()) for shop in self.shops.values())
