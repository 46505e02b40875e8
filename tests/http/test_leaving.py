"""Clients that reset their connections in the middle of a load leave nothing behind: tasks, descriptors, memory."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.family import anonymous
from tests.http.test_operations import samples
from tests.http.test_wire import MISS, On, on
from tests.processes.conftest import may_open
from tests.running import Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.scale import scale
from tests.scripted_transport import ScriptedTransport
from tests.twins import SETTLED, Side

__all__ = ["on"]

AT_ONCE, HERDS = 500, scale(3, 20)
GAUGES = [f"aggregator_{name}" for name in ("waiters", "flights", "background_tasks")]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: what is closed is reset


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """It answers when it is let."""
    with Mbu() as one:
        yield one


@pytest.fixture
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """One worker, which may have so many connections, and ask for as much at once."""
    text = ONE_PART.replace("[defaults]", f'[defaults]\ndeadline = "30s"\nmax_in_flight_per_process = {AT_ONCE}')
    with may_open(2 * AT_ONCE), Running(text.replace("$MBU", mbu.url), redis_url, env={"KEY": "k"}) as one:
        yield one


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def leave(mbu: Mbu, running: Running, herd: int) -> None:
    """So many ask for a screen each, of which none is there, and reset their connections while it is loaded."""
    url, readers = urlsplit(running.url), []
    paths = [f"/part/{herd}-{number}" for number in range(AT_ONCE)]
    for number, path in enumerate(paths):
        mbu.put(path, number)
        mbu.hold(path)
        reader = socket.create_connection((url.hostname, url.port), 15.0)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        reader.sendall(f"GET /home/{herd}-{number} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        readers.append(reader)
    until(lambda: samples(running)["aggregator_waiters"] == AT_ONCE, "not all wait", 15.0)
    for reader in readers:
        reader.close()
    for path in paths:
        mbu.release(path)
    until(lambda: all(samples(running)[name] == 0 for name in GAUGES), "something is under way", 15.0)


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r16_resets_in_the_middle_of_loads_leave_neither_descriptors_nor_memory(mbu: Mbu, running: Running) -> None:
    """As many of both as after the first herd, within 5 s of the last; each load is made to its end, once."""
    [worker] = running.descendants()
    leave(mbu, running, 0)
    open_before, bytes_before = descriptors(worker), anonymous(worker)
    for herd in range(1, HERDS + 1):
        leave(mbu, running, herd)
    until(lambda: abs(descriptors(worker) - open_before) <= 5, "descriptors are open", 5.0)
    grown = anonymous(worker) - bytes_before
    print(f"{AT_ONCE * HERDS} resets: {descriptors(worker) - open_before:+} descriptors, {grown / 2**20:+.1f} MiB")
    assert set(mbu.calls.values()) == {1}


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r16_resets_in_the_middle_of_loads_leave_no_task(on: On) -> None:
    """On both paths, whether they share a load or have one each."""

    async def play(side: Side, _: ScriptedTransport) -> None:
        before = len(asyncio.all_tasks())
        for number in range(scale(1_000, 10_000)):
            transport = side.connect()
            transport.send(MISS.replace(b"/a/2", b"/a/%d" % (number // 2 + 2)))
            await asyncio.sleep(0.001)
            transport.leave()
        await asyncio.sleep(SETTLED)
        assert len(asyncio.all_tasks()) <= before + 5
        assert side.service.snapshot()["gauges"]["waiters"] == 0

    on(play)
