"""Deploys under load: no request is refused, reset or answered by two declarations, and what is ready stays ready."""

import asyncio
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.fleet import KEY, declaration, fill
from tests.raw_client import Client
from tests.running import Got, Mbu, Running, until
from tests.scale import scale

IDS = [str(number) for number in range(20)]
WORKERS = 4
CHANGED = ("part3", "part4")


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """MBUs that answer for every id, and for those that change under their new target, too."""
    with Mbu() as mbu:
        for id in IDS:
            fill(mbu, id, latency=0.02)
            for name in CHANGED:
                mbu.put(new_target(name, id), {"name": name, "v": 1}, latency=0.02)
        yield mbu


def new_target(name: str, id: str) -> str:
    """Where a changed fragment's MBU is asked."""
    return f"/{name}/new/{id}"


def changed(text: str) -> str:
    """The declaration with two fragments of the screen defined otherwise."""
    for name in CHANGED:
        old = f'[fragments.{name}]\nmbu = "{name}"\npath = "/of/{{id}}"'
        assert old in text
        text = text.replace(old, old.replace("/of/", "/new/"))
    return text


class Load:
    """Clients that ask all the time. seconds: by the second, answers by what Cache-Status says of each."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seconds: dict[int, Counter[str]] = defaultdict(Counter)
        self.answers: list[Got] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the block runs: four clients that keep their connection, two that open one for each request."""
        clients = [asyncio.create_task(self._ask(client % 3 > 0)) for client in range(6)]
        yield
        for client in clients:
            assert not client.done(), client.exception()
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    def worst(self) -> float:
        """The lowest hit ratio of any whole second."""
        whole = sorted(self.seconds)[1:-1]
        return min(self.seconds[second]["hit"] / self.seconds[second].total() for second in whole)

    async def _ask(self, keeps: bool) -> None:
        """What goes wrong ends it, and is raised when the load ends."""
        loop, number = asyncio.get_running_loop(), 0
        async with Client(self._url) as kept:
            while True:
                id, number = IDS[number % len(IDS)], number + 1
                if keeps:
                    got = await kept.ask(f"/home/{id}")
                else:
                    async with Client(self._url) as once:
                        got = await once.ask(f"/home/{id}", headers={"connection": "close"} if number % 2 else {})
                assert got.status == 200, got
                self.answers.append(got)
                hit = "hit" if "aggregator;hit" in got.headers["cache-status"] else "miss"
                self.seconds[int(loop.time())][hit] += 1
                await asyncio.sleep(0.004)


async def happens(true: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait for it beside the load."""
    await asyncio.to_thread(until, true, what, seconds)


async def warm(service: Running) -> None:
    """Have every view in L2, and most of them in each L1."""
    for _ in range(3):
        for id in IDS:
            async with Client(service.url) as client:
                await client.ask(f"/home/{id}")


@pytest.mark.prove
def test_r39_a_rolling_restart_costs_nobody_an_answer(mbu: Mbu, redis_url: str) -> None:
    """All workers are other processes after it; every request is answered with 200, and nearly all of them are hits."""

    async def story(service: Running) -> None:
        await warm(service)
        before = set(service.descendants())
        assert len(before) == WORKERS
        load = Load(service.url)
        async with load.running():
            await asyncio.sleep(1)
            for round in range(1, 1 + scale(1, 5)):
                os.kill(service.pid, signal.SIGUSR2)
                await happens(lambda round=round: service.stderr.count('"workers replaced"') == round, "not replaced")
            await asyncio.sleep(1)
        print(f"answers {len(load.answers)}, lowest hit ratio of a second {load.worst():.4f}")
        now = set(service.descendants())
        assert len(now) == WORKERS
        assert not now & before
        assert load.worst() >= 0.95
        assert service.get("/readyz", admin=True).status == 200

    with Running(declaration(mbu.url), redis_url, WORKERS, KEY) as service:
        asyncio.run(story(service))


@pytest.mark.prove
def test_a_changed_definition_is_asked_for_once_and_no_answer_is_mixed(mbu: Mbu, redis_url: str) -> None:
    """Each answer is all old or all new; the other fragments are not loaded again."""

    async def story(service: Running) -> None:
        await warm(service)
        mbu.forget()
        load = Load(service.url)
        async with load.running():
            await asyncio.sleep(1)
            service.file.write_text(changed(declaration(mbu.url)))
            os.kill(service.pid, signal.SIGHUP)
            await happens(lambda: '"declaration reloaded"' in service.stderr, "it was not reloaded")
            asked = len(load.answers)
            await asyncio.sleep(1)
        seen = Counter(tuple(got.json["data"][name]["v"] for name in CHANGED) for got in load.answers)
        print(f"answers {seen}, lowest hit ratio of a second {load.worst():.4f}")
        assert set(seen) == {(0, 0), (1, 1)}
        assert {got.json["data"]["part3"]["v"] for got in load.answers[asked + len(IDS) :]} == {1}
        assert mbu.calls == Counter(new_target(name, id) for name in CHANGED for id in IDS)
        assert load.worst() >= 0.95

    with Running(declaration(mbu.url), redis_url, WORKERS, KEY) as service:
        asyncio.run(story(service))
