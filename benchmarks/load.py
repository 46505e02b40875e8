"""A load client: a fixed number of kept-alive connections, each sending its next request when it has its answer."""

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client(asyncio.Protocol):
    """One connection. Takes requests from an iterator it shares; every answer's head must hold `marker`."""

    def __init__(self, requests: Iterator[bytes], marker: bytes) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._marker = marker
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the service closed the connection"))

    def next(self) -> None:
        """Send one more request, or be done."""
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = _LENGTH.search(head)
        if len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        if self._marker in head:
            self.next()
        else:
            self.done.set_exception(AssertionError(f"expected {self._marker!r} in the answer {head!r}"))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def load(port: int, requests: Iterable[bytes], marker: bytes, connections: int = 32) -> float:
    """Seconds from the first request to the last answer; AssertionError where an answer has not the marker."""
    shared = iter(requests)
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: Client(shared, marker), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    began = time.perf_counter()
    try:
        for client in clients:
            client.next()
        await asyncio.gather(*(client.done for client in clients))
        return time.perf_counter() - began
    finally:
        for client in clients:
            client.close()


async def fetch(port: int, path: str, header: str) -> str:
    """The value of a header of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get(path, "connection: close"))
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    writer.close()
    found = re.search(rf"^{header}: *(.*?)\r$", head, re.IGNORECASE | re.MULTILINE)
    assert found, head
    return found[1]


def get(path: str, *headers: str) -> bytes:
    """A GET request as it goes on the wire."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: benchmark", *headers, "", ""]).encode()
