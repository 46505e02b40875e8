"""Which HTTP client to ask MBUs with: calls a second of pyreqwest and aiohttp, 128 in flight on loopback.

The clients take turns, so that what else the machine does hits both; the medians are printed, and their ratio.
Client and server are pinned to a core each where there are two and the system can do that: pyreqwest works in a
thread of its own, and would else be given a second core that aiohttp does not use.
"""

import asyncio
import multiprocessing
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection

import aiohttp
import orjson
import uvloop
from pyreqwest.client import ClientBuilder

IN_FLIGHT = 128
ROUNDS = 5
SECONDS = 2.0
BODY = orjson.dumps({"id": 42, "name": "someone", "bio": "x" * 1400})
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)

Get = Callable[[str], Awaitable[bytes]]


class Answering(asyncio.Protocol):
    """Answers each request head with the same 1.5 KB, as cheaply as can be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]


def pin(place: int) -> None:
    """Keep this process, and the threads it starts, on one core."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[place % len(cores)]})


def serve(ready: Connection) -> None:
    pin(1)

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


async def calls_a_second(get: Get, url: str) -> float:
    """Keep IN_FLIGHT calls going for SECONDS."""
    done = 0
    end = time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            assert len(await get(url)) == len(BODY)
            done += 1

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return done / SECONDS


async def compare(url: str) -> dict[str, list[float]]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT))
        )
        client = await stack.enter_async_context(ClientBuilder().no_proxy().build())

        async def by_aiohttp(url: str) -> bytes:
            async with session.get(url) as response:
                return await response.read()

        async def by_pyreqwest(url: str) -> bytes:
            async with client.get(url).build_streamed() as response:
                return bytes(await response.bytes())

        rates: dict[str, list[float]] = {"aiohttp": [], "pyreqwest": []}
        for _ in range(ROUNDS):
            rates["aiohttp"].append(await calls_a_second(by_aiohttp, url))
            rates["pyreqwest"].append(await calls_a_second(by_pyreqwest, url))
        return rates


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    pin(0)
    try:
        rates = uvloop.run(compare(f"http://127.0.0.1:{ours.recv()}/users/42"))
    finally:
        server.kill()
        server.join()
    for name, runs in rates.items():
        print(f"{name:10} {statistics.median(runs):8,.0f} calls/s  (runs: {', '.join(f'{run:,.0f}' for run in runs)})")
    ratio = statistics.median(p / a for p, a in zip(rates["pyreqwest"], rates["aiohttp"], strict=True))
    print(f"pyreqwest / aiohttp: {ratio:.2f} (median of the {ROUNDS} pairs)")


if __name__ == "__main__":
    main()
