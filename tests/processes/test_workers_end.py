"""One worker of several ends, by kill -9 or as it is told to: nobody notices who was not being answered by it."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from tests.family import peers, stands_still
from tests.fleet import KEY, declaration, fill
from tests.running import Mbu, Running, until
from tests.scale import FULL, scale

WORKERS = scale(2, 4)
CLIENTS = 8
GET = b"GET /home/42 HTTP/1.1\r\nhost: x\r\n\r\n"
LIVES_LONG = 5.0  # seconds, after which a worker's end is not taken for one of a series


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """MBUs that answer for 42."""
    with Mbu() as mbu:
        fill(mbu, "42")
        yield mbu


class Load:
    """Clients that ask all the time. broken: ports of those whose connection ended before an answer."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 0
        self.answers = 0
        self.broken: set[int] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the block runs."""
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(self._ask()) for _ in range(CLIENTS)]
            yield
            for client in clients:
                client.cancel()

    async def _ask(self) -> None:
        while True:
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                while await self._answered(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError):
                self.broken.add(writer.get_extra_info("sockname")[1])
            finally:
                writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Is there more to come on this connection?"""
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
        assert head.startswith(b"HTTP/1.1 200 "), head
        self.answers += 1
        await asyncio.sleep(0.004)
        return b"connection: close" not in head


def whole(service: Running, before: list[int]) -> bool:
    """Is there another worker than before, and are all ready?"""
    now = service.descendants()
    page = service.get("/metrics", admin=True).body if set(now) - set(before) else b""
    return len(now) == WORKERS and f"aggregator_workers_ready {WORKERS}.0".encode() in page


def replaced(service: Running, number: signal.Signals, owned: set[int]) -> float:
    """The eldest worker gets the signal; seconds until there is another. owned: gets the ports of its clients."""
    before = service.descendants()
    eldest = min(before)
    os.kill(eldest, signal.SIGSTOP)  # so that it takes no connection that is not known here
    until(lambda: stands_still(eldest), "it goes on", 5.0)
    owned |= peers(eldest)
    began = time.monotonic()
    os.kill(eldest, number)
    os.kill(eldest, signal.SIGCONT)
    until(lambda: whole(service, before), "there is no new worker", 20.0)
    return time.monotonic() - began


@pytest.mark.prove
@pytest.mark.timeout(scale(90, 900))
@pytest.mark.parametrize(
    ("how", "times"), [(signal.SIGKILL, scale(2, 50)), (signal.SIGTERM, scale(2, 20))], ids=["killed", "told"]
)
def test_r39_r40_a_worker_that_ends_costs_its_own_connections_at_most(
    how: signal.Signals, times: int, mbu: Mbu, redis_url: str
) -> None:
    """And none of those if it was told to end; it leaves with 0 then. Another takes its place."""
    owned: set[int] = set()

    async def story(service: Running) -> list[float]:
        load, took = Load(service.url), []
        async with load.running():
            for _ in range(times):
                await asyncio.sleep(LIVES_LONG if FULL else 0.5)
                took.append(await asyncio.to_thread(replaced, service, how, owned))
        print(f"{load.answers} answers, {len(load.broken)} broken, {max(took):.2f} s at most until there was another")
        assert not load.broken - (owned if how is signal.SIGKILL else set())
        return took

    with Running(declaration(mbu.url), redis_url, WORKERS, KEY) as service:
        took = asyncio.run(story(service))
        codes = re.findall(r'"code": (-?\d+), "event": "worker ended"', service.stderr)
    assert codes == [str(-how if how is signal.SIGKILL else 0)] * times
    if FULL:
        assert max(took) <= (2.0 if how is signal.SIGKILL else 10.0)
