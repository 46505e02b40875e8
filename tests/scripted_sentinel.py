"""A sentinel that says what a test has it say."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from hiredis import Reader

from tests.listening import end
from tests.sentinels import SERVICE


class ScriptedSentinel:
    """epoch, address: of its configuration; no address: it does not know the service. answers: else it says nothing.
    after: seconds that each answer takes."""

    def __init__(
        self,
        address: tuple[str, int] | None = None,
        epoch: int | str = 1,
        answers: bool = True,
        after: float = 0.0,
    ) -> None:
        self.address = address
        self.epoch = epoch
        self.answers = answers
        self.after = after
        self.port = 0
        self._talks: set[asyncio.Task[None]] = set()
        self._opened: list[asyncio.StreamWriter] = []

    @property
    def connections(self) -> int:
        """How many there have been."""
        return len(self._opened)

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["ScriptedSentinel"]:
        """Listen on a port of its own until the block ends."""
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await end(server, self._talks, self._opened)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened.append(writer)
        self._talks.add(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls = Reader()
        with suppress(OSError):
            while piece := await reader.read(65_536):
                calls.feed(piece)
                while self.answers and (call := calls.gets()):
                    await asyncio.sleep(self.after)
                    writer.write(self._reply(call))
        writer.close()

    def _reply(self, call: list[bytes]) -> bytes:
        assert call[2] == SERVICE.encode()
        if self.address is None:
            return b"-ERR No such master with that name\r\n"
        host, port = self.address
        if call[1] == b"MASTER":
            return _array("name", SERVICE, "flags", "master", "config-epoch", self.epoch)
        return _array(host, port)


def _array(*words: Any) -> bytes:
    texts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%b\r\n" % (len(text), text) for text in texts)
