"""An MBU made of a bare socket, so that it can misbehave in every way the protocol forbids."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.listening import end

OK = b"HTTP/1.1 200 OK\r\n"


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A well-formed answer."""
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


@dataclass
class Exchange:
    """One request as it came in, and how to answer it."""

    head: bytes
    connection: int  # counted from 1
    turn: int  # of the request on its connection, counted from 1
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    closed: asyncio.Event

    @property
    def target(self) -> bytes:
        return self.head.split(b" ")[1]

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return dict(line.split(": ", 1) for line in lines)

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def hang(self) -> None:
        """Say nothing until the other side closes."""
        try:
            while await self.reader.read(100):
                pass
        except ConnectionError:
            pass
        self.closed.set()


Script = Callable[[Exchange], Awaitable[bytes | None]]  # what to send; None, or a hang: then close


@dataclass
class RawMbu:
    """What it has seen. `closed` is set when a hanging exchange saw the other side close."""

    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def raw_mbu(script: Script | bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawMbu]:
    """Runs one on loopback. Bytes as a script: sent as the answer to every request, then the connection is closed."""
    mbu = RawMbu()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mbu.connections += 1
        connection, turn = mbu.connections, 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                turn += 1
                exchange = Exchange(head, connection, turn, reader, writer, mbu.closed)
                mbu.exchanges.append(exchange)
                mbu.asked.set()
                said = script if isinstance(script, bytes) else await script(exchange)
                writer.write(said or b"")
                await writer.drain()
                if said is None or isinstance(script, bytes):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(reader, writer))
        tasks.add(task)
        writers.append(writer)
        task.add_done_callback(tasks.discard)
        # Not in the task: one that is cancelled before its first step has no end to close anything at.
        task.add_done_callback(lambda _: writer.close())

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    mbu.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield mbu
    finally:
        await end(server, tasks, writers)
