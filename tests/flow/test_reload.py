"""A reload: what is declared as before goes on as before; what is not is asked for once, under its new definition."""

import asyncio
from typing import Any

import orjson
import pytest

from aggregator.model.catalogue import Mbu
from aggregator.model.fragment import Fragment
from aggregator.model.route import Route
from aggregator.model.screen import Screen
from aggregator.model.template import Template
from cache_policies.policy import Lifetime
from loaders.loader import Loaded, Loader, LoadRequest
from tests.virtual_time import run
from tests.world import Process, Slot, World, catalogue_of, fragment, screen

# Reads are counted into heat once a second.
COUNTED = 1.1


def versioned(name: str, version: int) -> Fragment:
    """A fragment whose MBU says which version of its declaration asks."""
    return fragment(name, path=Template.parse(f"/{name}/{{id}}?v={version}"))


def home(version: int) -> Screen:
    """Of three slots two have a version."""
    parts = [Slot(name, versioned(name, version)) for name in ("head", "feed")]
    return screen(*parts, Slot("user", fragment("user")))


def card() -> Screen:
    """Another one, declared as it always is."""
    return screen(Slot("user", fragment("user")), name="card")


def echo(request: LoadRequest) -> Loaded:
    """What was asked for, as the payload."""
    return Loaded(orjson.dumps(request.target), {})


def echoing(world: World) -> World:
    """The world, whose MBUs answer what they are asked."""
    for shop in world.shops.values():
        shop.answer = echo
    return world


async def got(process: Process, path: str) -> tuple[bytes, Any]:
    """Cache-Status, and the data, of a request that comes in as bytes."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    later = asyncio.get_running_loop().create_future()
    answer = process.service.direct.hits.answer(request)
    if answer is None:
        assert process.service.direct.begin(request, later.set_result, "")
        answer = await later
    head, _, body = answer.partition(b"\r\n\r\n")
    told = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return told.get(b"cache-status", b""), orjson.loads(body).get("data")


def held(process: Process, path: str) -> bool:
    """Does L1 answer that at once?"""
    return process.service.direct.hits.answer(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) is not None


def test_only_what_changed_is_asked_for_and_before_it_takes_over() -> None:
    """Unchanged views are still in L1; a changed one is ready in L2, its unchanged fragment not loaded again."""

    async def story() -> None:
        async with World(home(1), card()) as world:
            [process] = echoing(world).processes
            await got(process, "/home/42")
            await got(process, "/card/42")
            await asyncio.sleep(COUNTED)
            before = world.calls()
            await process.reload(home(2), card())
            assert held(process, "/card/42")
            assert not held(process, "/home/42")
            assert world.calls() - before == 2
            status, data = await got(process, "/home/42")
            assert b"hit" in status
            assert b'"L2"' in status
            assert data == {"head": "/head/42?v=2", "feed": "/feed/42?v=2", "user": "/user/42"}
            assert held(process, "/home/42")
            assert world.calls() - before == 2

    run(story())


def test_a_reload_of_the_same_changes_nothing() -> None:
    """However often: no call, and every view stays in L1."""

    async def story() -> None:
        async with World(home(1), card()) as world:
            [process] = echoing(world).processes
            await got(process, "/home/42")
            before = world.calls()
            for _ in range(3):
                await process.reload(home(1), card())
            assert held(process, "/home/42")
            assert world.calls() == before

    run(story())


def test_lifetimes_alone_reload_nothing() -> None:
    """They are in no key: what L2 has is served, as long as it was granted."""

    async def story() -> None:
        async with World(card()) as world:
            [process] = echoing(world).processes
            await got(process, "/card/42")
            await process.reload(screen(Slot("user", fragment("user", lifetime=Lifetime(5.0))), name="card"))
            status, _ = await got(process, "/card/42")
            assert b'"L2"' in status
            assert world.calls() == 1

    run(story())


def test_every_answer_is_all_of_one_declaration() -> None:
    """Readers ask all the time; the old one answers until the new one does, and each process goes over once."""

    async def story() -> None:
        async with World(home(1), processes=2) as world:
            seen: list[list[int]] = []
            readers = [asyncio.create_task(read(process, seen)) for process in echoing(world).processes for _ in "ab"]
            await asyncio.sleep(0.2)
            for process in world.processes:
                await process.reload(home(2))
                await asyncio.sleep(0.1)
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            assert len(seen) == 4
            for versions in seen:
                assert versions == sorted(versions)
                assert set(versions) == {1, 2}

    run(story())


async def read(process: Process, seen: list[list[int]]) -> None:
    """Ask for views that are there and views that are not, noting which version answers."""
    versions: list[int] = []
    seen.append(versions)
    for number in range(10_000):
        _, data = await got(process, f"/home/{number // 3}")
        head, feed = data["head"], data["feed"]
        assert head[-1] == feed[-1], data
        versions.append(int(head[-1]))
        await asyncio.sleep(0.001)


def test_what_an_old_request_ends_with_is_held_by_nobody() -> None:
    """It is answered by the declaration that it began under, after another took over."""

    async def story() -> None:
        async with World(home(1)) as world:
            [process] = echoing(world).processes
            world.shops["feed"].latency = 0.3
            asking = asyncio.create_task(got(process, "/home/42"))
            await asyncio.sleep(0.1)
            await process.reload(home(2))
            assert (await asking)[1]["feed"] == "/feed/42?v=1"
            assert not held(process, "/home/42")
            assert (await got(process, "/home/42"))[1]["feed"] == "/feed/42?v=2"

    run(story())


def test_a_removed_screen_is_gone_and_a_new_one_is_there() -> None:
    """From one request to the next."""

    async def story() -> None:
        async with World(card(), home(1)) as world:
            [process] = echoing(world).processes
            await got(process, "/card/42")
            await process.reload(screen(Slot("user", fragment("user")), name="page"))
            assert not held(process, "/card/42")
            assert process.service.memory.size == 0
            assert (await got(process, "/page/42"))[1] == {"user": "/user/42"}
            assert not process.service.direct.begin(b"GET /card/42 HTTP/1.1\r\nHost: x\r\n\r\n", print, "")

    run(story())


def test_a_target_that_another_screen_takes_is_not_answered_by_what_is_held() -> None:
    """Though the screen that it was answered by is declared as before."""

    async def story() -> None:
        async with World(card()) as world:
            [process] = echoing(world).processes
            await got(process, "/card/own")
            own = Screen(
                "own", Route.parse("/card/own"), (Slot("user", fragment("own", path=Template.parse("/own"), tags=())),)
            )
            world.shops.setdefault("own", type(world.shops["user"])()).answer = echo
            await process.reload(card(), own)
            assert not held(process, "/card/own")
            assert (await got(process, "/card/own"))[1] == {"user": "/own"}
            await process.reload(card())
            assert (await got(process, "/card/own"))[1] == {"user": "/user/own"}

    run(story())


class Closing:
    """A loader that notes that it is closed, around another."""

    def __init__(self, inner: Loader) -> None:
        self.load, self.closed = inner.load, False

    async def close(self) -> None:
        """Note it."""
        self.closed = True


def test_loaders_stay_while_their_mbu_is_declared_and_are_closed_once_nobody_can_need_them() -> None:
    """An MBU's loader has its connections and its breaker."""

    async def story() -> None:
        async with World(home(1), drain_limit="10s") as world:
            [process] = echoing(world).processes
            made: dict[str, list[Closing]] = {}

            def loading(mbu: Mbu) -> Loader:
                made.setdefault(mbu.name, []).append(one := Closing(world.shops["user"]))
                return one

            both = catalogue_of([home(1), screen(Slot("new", fragment("new")), name="more")])
            await process.service.reload(both, loading)
            await process.service.reload(both, loading)
            assert {name: len(loaders) for name, loaders in made.items()} == {"new": 1}
            await process.reload(home(1))
            [one] = made["new"]
            await asyncio.sleep(9.9)
            assert not one.closed
            await asyncio.sleep(0.2)
            assert one.closed

    run(story())


def test_a_reload_that_fails_leaves_everything_as_it_is() -> None:
    """An MBU that cannot be asked, say of a file that is gone."""

    async def story() -> None:
        async with World(card()) as world:
            [process] = echoing(world).processes
            await got(process, "/card/42")

            def loading(_: Mbu) -> Loader:
                raise FileNotFoundError("ca.pem")

            with pytest.raises(FileNotFoundError):
                await process.service.reload(catalogue_of([home(1)]), loading)
            assert held(process, "/card/42")
            await process.reload(home(1), card())
            assert held(process, "/card/42")

    run(story())


def test_warming_takes_no_longer_than_it_may() -> None:
    """An MBU that hangs does not keep the new declaration back."""

    async def story() -> None:
        async with World(home(1)) as world:
            [process] = echoing(world).processes
            for number in range(500):
                await got(process, f"/home/{number}")
            await asyncio.sleep(COUNTED)
            for shop in world.shops.values():
                shop.latency = 0.4
            loop = asyncio.get_running_loop()
            began = loop.time()
            await process.reload(home(2))
            assert 4.9 < loop.time() - began < 5.5

    run(story())


def test_counts_of_hits_go_on() -> None:
    """Those of a screen's old definition are not lost, nor counted twice."""

    async def story() -> None:
        async with World(home(1), card()) as world:
            [process] = echoing(world).processes
            for version in (1, 2, 3):
                await process.reload(home(version), card())
                for path in ("/home/42", "/card/42"):
                    for _ in range(3):
                        await got(process, path)
            counted = {
                tuple(labels): value
                for name, labels, value in process.service.meters.snapshot()
                if name == "screens_served"
            }
            assert sum(value for labels, value in counted.items() if labels[0] == "home") == 9
            assert counted["card", "l1", "fresh"] == 8

    run(story())


def test_what_is_to_be_refreshed_is_so_only_as_it_is_declared_now() -> None:
    """A hot view of a changed screen was invalidated just before; that of the unchanged screen is refreshed still."""

    async def story() -> None:
        async with World(home(1), card(), refresh_budget=200) as world:
            [process] = echoing(world).processes
            for _ in range(3):
                await got(process, "/home/42")
                await got(process, "/card/42")
            await asyncio.sleep(COUNTED)
            world.shops["user"].latency = 0.3
            await world.log.append(["user:42"])
            await asyncio.sleep(0.02)
            await process.reload(home(2), card())
            await asyncio.sleep(3)
            assert held(process, "/card/42")
            assert (await got(process, "/home/42"))[1]["feed"] == "/feed/42?v=2"
            assert world.shops["feed"].calls["/feed/42?v=1"] == 1
            assert not [one for one in process.service.meters.snapshot() if one[0] == "troubles"]

    run(story())
