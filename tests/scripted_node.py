"""A node of a Cluster that says what a test has it say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from hiredis import Reader

from tests.listening import end


class ScriptedNode:
    """says: its reply to whatever it is asked, as bytes of the protocol; None: it says nothing.
    when_asked: called whenever it is."""

    def __init__(self, says: bytes | None = None) -> None:
        self.says = says
        self.when_asked: Callable[[], None] = lambda: None
        self.port = 0
        self.asked: list[list[bytes]] = []
        self._talks: set[asyncio.Task[None]] = set()
        self._opened: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["ScriptedNode"]:
        """Listen on a port of its own until the block ends."""
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await end(server, self._talks, self._opened)

    @property
    def connections(self) -> int:
        """How many were made to it so far."""
        return len(self._opened)

    def reply(self, call: list[bytes]) -> bytes | None:
        """What it says to this call."""
        return self.says

    def say(self, what: bytes) -> None:
        """Say it to everybody who has connected."""
        for writer in self._opened:
            writer.write(what)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened.append(writer)
        self._talks.add(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls = Reader()
        with suppress(OSError):
            while piece := await reader.read(65_536):
                calls.feed(piece)
                while call := calls.gets():
                    self.asked.append(call)
                    self.when_asked()
                    if (reply := self.reply(call)) is not None:
                        writer.write(reply)
        writer.close()


def slots_of(*owners: tuple[int, int, int]) -> bytes:
    """CLUSTER SLOTS of (first slot, last slot, port on 127.0.0.1); of none, where nobody has any."""
    ranges = [b"*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % owner for owner in owners]
    return b"*%d\r\n" % len(ranges) + b"".join(ranges)
