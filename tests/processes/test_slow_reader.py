"""A slow reader asks a thousand times and reads nothing: it holds little memory and nobody up, and gets everything."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import orjson
import pytest

from tests.family import anonymous
from tests.running import Mbu, Running, Says, until

TEXT = """
version = 1
[defaults]
fresh_for = "1h"
[mbus.m]
url = "$MBU"
[fragments.long]
mbu = "m"
path = "/long/{id}"
[screens.long]
path = "/long/{id}"
slots = { long = "long" }
"""
READERS = 20
ASKED = 1_000
HOLDS_LESS_THAN = 1_000_000


@pytest.fixture
def service(redis_url: str) -> Iterator[Running]:
    """One worker, new, so that it has no memory left from before; a view's id says how many bytes it has, about."""
    with Mbu() as mbu:
        for size in (4_000, 100_000):
            mbu.answers[f"/long/{size}"] = Says(orjson.dumps({"words": "x" * size}))
        with Running(TEXT.replace("$MBU", mbu.url), redis_url) as service:
            yield service


class Reader:
    """A client with a small buffer, which has sent all its requests: apart, or in one write."""

    def __init__(self, service: Running, size: int, apart: bool) -> None:
        address = urlsplit(service.url)
        self._path = f"/long/{size}"
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.connect((address.hostname, address.port))
        self._socket.settimeout(20.0)
        requests = [f"GET {self._path} HTTP/1.1\r\nhost: x\r\nx-request-id: n{n}\r\n\r\n" for n in range(ASKED)]
        for piece in requests if apart else ["".join(requests)]:
            self._socket.sendall(piece.encode())

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def read(self, body: bytes) -> None:
        """All answers, in order, each whole and with this body."""
        with self._socket.makefile("rb", 65_536) as said:
            for n in range(ASKED):
                head = b"".join(iter(said.readline, b"\r\n"))
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                assert f"\r\nx-request-id: n{n}\r\n".encode() in head
                assert b"\r\ncontent-length: %d\r\n" % len(body) in head
                assert said.read(len(body)) == body


def served(service: Running) -> int:
    """Views that it has answered with, so far."""
    lines = service.get("/metrics", admin=True).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("aggregator_screens_served_total{"))


def settled(pid: int) -> int:
    """The same, once it does not change any more."""
    seen = [0]

    def still() -> bool:
        seen.append(anonymous(pid))
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    until(still, "its memory changes all the time", 20.0, every=0.05)
    return seen[-1]


@pytest.mark.parametrize("apart", [False, True], ids=["in one write", "one by one"])
@pytest.mark.parametrize("size", [4_000, 100_000])
def test_a_slow_reader_holds_little(service: Running, size: int, apart: bool) -> None:
    """Less than a megabyte; meanwhile others are answered at once, and when it reads at last, it gets every answer."""
    [worker] = service.descendants()
    body = service.get(f"/long/{size}").body
    before = settled(worker)
    with ExitStack() as leaving:
        readers = [leaving.enter_context(Reader(service, size, apart)) for _ in range(READERS)]
        each = (settled(worker) - before) / READERS
        waiting = READERS * ASKED - served(service)
        print(f"{each / 1_000:.0f} kB a reader, {waiting} of {READERS * ASKED} answers still to be made")
        assert waiting > READERS * ASKED / 4
        assert each < HOLDS_LESS_THAN
        begun = time.monotonic()
        assert service.get(f"/long/{size}").body == body
        assert time.monotonic() - begun < 1.0
        readers[0].read(body)
        readers[-1].read(body)
