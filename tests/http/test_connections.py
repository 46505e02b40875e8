"""Connections over the limit are refused at once, and those there are go on."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from aggregator.settings import Settings
from tests.http.conftest import PLAIN
from tests.http.raw_answers import refused, split
from tests.running import Mbu, Running
from tests.screens_of_all_kinds import SECRET, Echoing, catalogue
from tests.twins import SETTLED, Side
from tests.virtual_time import run

HIT = b"GET /a/1 HTTP/1.1\r\nhost: x\r\n\r\n"
ASKED = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
# Fewer open files than connections are to be taken.
FEW_FILES, CONNECTIONS = 128, 300


def test_s20_a_connection_too_many_is_refused_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After and an end; the others are answered, and the next is let in when one has left."""
    monkeypatch.setenv("K", SECRET)

    async def play() -> None:
        async with Side(catalogue(), Echoing(), Settings(refresh_budget=0.0, max_connections=2)) as side:
            first, second, third = (side.connect() for _ in range(3))
            refused(bytes(third.said), 503)
            _, headers, problem = split(bytes(third.said))
            assert (headers["retry-after"], headers["connection"], third.closed) == ("1", "close", True)
            assert "max_connections" in problem["detail"]
            assert ["connections_refused", ["max_connections"], 1] in side.service.snapshot()["counters"]
            first.send(HIT)
            await asyncio.sleep(SETTLED)
            second.leave()
            fourth = side.connect()
            fourth.send(HIT)
            await asyncio.sleep(SETTLED)
            assert [one.said[:12] for one in (first, fourth)] == [b"HTTP/1.1 200"] * 2
            assert len(side.state.connections) == 2

    run(play())


def test_s20_as_many_connections_as_are_declared_can_be_open(mbu: Mbu, redis_url: str) -> None:
    """Although the process begins with fewer open files than that; one more is told why not, and can read it."""
    flags = ["--max-connections", str(CONNECTIONS)]
    running = Running(PLAIN.replace("$MBU", mbu.url), redis_url, flags=flags)
    with ExitStack() as open_:
        with _few_files():
            open_.enter_context(running)
        address = urlsplit(running.url)
        for _ in range(CONNECTIONS):
            one = open_.enter_context(socket.create_connection((address.hostname, address.port), 5.0))
            one.sendall(ASKED)
            assert one.recv(12) == b"HTTP/1.1 200"
        refused(running.raw(ASKED), 503)
        page = running.get("/metrics", admin=True).body.decode()
        assert 'aggregator_connections_refused_total{bound="max_connections"} 1.0' in page


@contextmanager
def _few_files() -> Iterator[None]:
    """What is started here may have few open files, unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
