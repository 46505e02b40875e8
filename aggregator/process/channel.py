"""The channel between parent and worker: msgpack messages over a socket pair; its end means that the other is gone."""

import asyncio
import socket
import struct
from typing import Any

import msgpack

_LENGTH = struct.Struct(">I")


def pack(message: Any) -> bytes:
    """The bytes of a message; TypeError or ValueError for what has none."""
    packed: bytes = msgpack.packb(message)
    return packed


class Channel:
    """One end. Messages are msgpack-able values, of either side's making."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def on(cls, end: socket.socket) -> "Channel":
        """The channel whose end is this socket."""
        return cls(*await asyncio.open_connection(sock=end))

    async def send(self, message: Any) -> None:
        """Send a message; ConnectionError if the other side is gone."""
        await self.send_packed(pack(message))

    async def send_packed(self, packed: bytes) -> None:
        """The same for a message that was packed before, as not every value can be."""
        if self._writer.is_closing():
            raise ConnectionError("the other process is gone")  # uvloop would call it a RuntimeError
        self._writer.write(_LENGTH.pack(len(packed)) + packed)
        await self._writer.drain()

    async def receive(self) -> Any:
        """The next message; EOFError once the other side is gone."""
        try:
            length = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))[0]
            return msgpack.unpackb(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError("the other process is gone") from error

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
