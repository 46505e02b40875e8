"""A crowd of slow clients at one address: it is cut in time, and whoever else asks is answered."""

import asyncio
import socket
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from aggregator.process.files import raise_file_limit
from tests.http.conftest import PLAIN
from tests.raw_client import Client
from tests.running import Mbu, Running, until
from tests.scale import scale

# Slow ones, of three kinds alike; half as many may be there at once. Good ones ask all the time.
ATTACKERS, GOOD = scale(60, 999), 10
CUT_WITHIN, MORE = 15.0, 2.0
ATTACKER = "127.0.0.2"
HEAD = b" /card/long HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
def service(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """One worker, which holds a long view."""
    raise_file_limit()
    mbu.put("/base/part/long/end", "x" * 300_000)
    mbu.put("/base/part/1/end", 1)
    flags = ["--max-connections-per-client", str(ATTACKERS // 2)]
    with Running(PLAIN.replace("$MBU", mbu.url), redis_url, flags=flags) as running:
        for path in ("/card/long", "/card/1"):
            running.get(path)
        yield running


@pytest.mark.prove
@pytest.mark.timeout(120)
def test_s20_slow_clients_are_cut_and_others_are_answered(service: Running) -> None:
    """Half of the slow ones are not let in, the others are gone within 15 s; 99 of 100 good answers come meanwhile."""
    answered, lives = asyncio.run(_attacked(service))
    print(f"{ATTACKERS} slow clients: {len(lives)} let in, for {max(lives):.1f} s at most;", end=" ")
    print(f"{answered.count(True)} of {len(answered)} good requests answered")
    assert max(lives) <= CUT_WITHIN + MORE
    assert answered.count(True) >= 0.99 * len(answered) > GOOD


async def _attacked(service: Running) -> tuple[list[bool], list[float]]:
    """Was each good request answered, and for how many seconds each slow client was there."""
    address = urlsplit(service.url)
    over = asyncio.Event()
    good = [asyncio.create_task(_asks(service.url, over)) for _ in range(GOOD)]
    place = (address.hostname or "", address.port or 0)
    watched = asyncio.create_task(asyncio.to_thread(_lives, place[1]))
    slow = []
    for _ in range(ATTACKERS // 3):
        slow += [asyncio.create_task(kind(place)) for kind in (_heads, _bodies, _reads)]
        await asyncio.sleep(0.005)  # what comes all at once is sent again by its kernel, late
    lives = await watched
    over.set()
    for one in slow:
        one.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return [true for asked in await asyncio.gather(*good) for true in asked], lives


def _lives(port: int) -> list[float]:
    """Of each slow client that was let in, until none is there any more; some come late, as there is no room before."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}

    def over() -> bool:
        now, there = time.monotonic(), _held(port)
        first.update({client: now for client in there if client not in first})
        last.update(dict.fromkeys(there, now))
        return len(first) >= ATTACKERS // 2 and not there

    until(over, "there are slow clients still", 90.0, every=0.1)
    return [last[client] - since for client, since in first.items()]


def _held(port: int) -> list[str]:
    """The slow clients whose connections the service holds, by the kernel's table: of those it has closed, and of those
    it has not taken yet, no process has an inode."""
    with open("/proc/net/tcp") as table:
        lines = [line.split() for line in table.readlines()[1:]]
    theirs = f"{int.from_bytes(socket.inet_aton(ATTACKER), 'little'):08X}:"
    mine = [line for line in lines if line[1].endswith(f":{port:04X}") and line[2].startswith(theirs)]
    return [line[2] for line in mine if line[9] != "0"]


async def _asks(url: str, over: asyncio.Event) -> list[bool]:
    answered = []
    async with Client(url) as client:
        while not over.is_set():
            try:
                async with asyncio.timeout(5.0):
                    answered.append((await client.ask("/card/1")).status == 200)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                answered.append(False)
            await asyncio.sleep(0.05)
    return answered


async def _connected(place: tuple[str, int]) -> socket.socket:
    slow = socket.socket()
    slow.setblocking(False)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    slow.bind((ATTACKER, 0))
    await asyncio.get_running_loop().sock_connect(slow, place)
    return slow


async def _drips(place: tuple[str, int], begin: bytes, drop: bytes) -> None:
    """A little each second, for as long as it is taken."""
    loop = asyncio.get_running_loop()
    with await _connected(place) as slow, suppress(ConnectionError):
        await loop.sock_sendall(slow, begin)
        while True:
            await asyncio.sleep(1.0)
            await loop.sock_sendall(slow, drop)


def _heads(place: tuple[str, int]) -> Coroutine[Any, Any, None]:
    return _drips(place, b"GET" + HEAD, b"x-slow: y\r\n")


def _bodies(place: tuple[str, int]) -> Coroutine[Any, Any, None]:
    return _drips(place, b"POST" + HEAD + b"content-length: 200000\r\n\r\n", b"x")


async def _reads(place: tuple[str, int]) -> None:
    """Asks for much and reads nothing."""
    with await _connected(place) as slow, suppress(ConnectionError):
        await asyncio.get_running_loop().sock_sendall(slow, (b"GET" + HEAD + b"\r\n") * 50)
        await asyncio.sleep(60.0)
