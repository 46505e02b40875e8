"""A small asyncio HTTP client for proofs with hundreds of requests at once: kept-alive connections and no more."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from tests.running import Got

# The service closes what is idle for 5 s; what has been idle for nearly as long is not used again (seconds).
_IDLE = 3.0

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    """Use it as an async context manager. A request takes a free connection to the listener, or opens one."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._free: list[tuple[float, Wire]] = []

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        for _since, wire in self._free:
            await _closed(wire[1])

    async def open(self, count: int) -> None:
        """Have `count` connections ready, so that as many requests can leave at once."""
        wires = await asyncio.gather(*(self._connect() for _ in range(count)))
        self._free += [(asyncio.get_running_loop().time(), wire) for wire in wires]

    async def ask(
        self, path: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Got:
        """One request and its response."""
        wire = await self._taken()
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}"]
        lines += [f"content-length: {len(body)}"] if body or method != "GET" else []
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        wire[1].write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        try:
            got = await _response(wire[0])
        except BaseException:
            wire[1].close()
            raise
        if got.headers.get("connection") == "close":
            await _closed(wire[1])
        else:
            self._free.append((asyncio.get_running_loop().time(), wire))
        return got

    async def _taken(self) -> Wire:
        while self._free:
            since, wire = self._free.pop()
            if asyncio.get_running_loop().time() - since < _IDLE:
                return wire
            await _closed(wire[1])
        return await self._connect()

    async def _connect(self) -> Wire:
        return await asyncio.open_connection(self._host, self._port)


async def _response(reader: asyncio.StreamReader) -> Got:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")[:-2]
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Got(int(status.split(" ")[1]), headers, body)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):  # the other side was quicker
        await writer.wait_closed()
