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
    answered, cut = asyncio.run(_attacked(service))
    print(f"{ATTACKERS} slow clients: gone after {cut:.1f} s; {answered.count(True)} of {len(answered)} answered")
    assert cut <= CUT_WITHIN + MORE
    assert answered.count(True) >= 0.99 * len(answered) > GOOD


async def _attacked(service: Running) -> tuple[list[bool], float]:
    """Was each good request answered, and the seconds after which there was no slow client any more."""
    address = urlsplit(service.url)
    over = asyncio.Event()
    good = [asyncio.create_task(_asks(service.url, over)) for _ in range(GOOD)]
    place = (address.hostname or "", address.port or 0)
    began = time.monotonic()
    slow = [asyncio.create_task(kind(place)) for _ in range(ATTACKERS // 3) for kind in (_heads, _bodies, _reads)]
    cut = await asyncio.to_thread(_gone, place[1], began)
    over.set()
    for one in slow:
        one.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return [true for asked in await asyncio.gather(*good) for true in asked], cut


def _gone(port: int, began: float) -> float:
    """The seconds after which there was no slow client any more; first there have to be those that are let in."""
    until(lambda: _held(port) >= ATTACKERS // 2, "slow clients are not there", every=0.01)
    until(lambda: not _held(port), "there are slow clients still", 60.0, every=0.1)
    return time.monotonic() - began


def _held(port: int) -> int:
    """Connections of slow clients that the service holds, by the kernel's table: those it has closed have no inode."""
    with open("/proc/net/tcp") as table:
        lines = [line.split() for line in table.readlines()[1:]]
    theirs = f"{int.from_bytes(socket.inet_aton(ATTACKER), 'little'):08X}:"
    return sum(
        line[1].endswith(f":{port:04X}") and line[2].startswith(theirs) and line[3] != "0A" and line[9] != "0"
        for line in lines
    )


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
