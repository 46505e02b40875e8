"""A connection without a socket: the test plays its client, and the protocol sees what asyncio's transports show."""

import asyncio
from typing import Any

# So much of what a client has sent is read at a time.
_READ = 65_536


class ScriptedTransport(asyncio.Transport):
    """said: what the client has read so far. reads: does it read? Else at most about 64 KiB are taken
    from the protocol before it is asked to pause. closed: has the protocol closed it?
    taken: bytes that the protocol took.
    most_unsent: bytes that it had written and the client had not read, at most. peer: the client's address."""

    def __init__(self, protocol: asyncio.Protocol, peer: str = "") -> None:
        super().__init__()
        self.said = bytearray()
        self.reads = True
        self.closed = self.lost = self.reading_paused = False
        self.taken = self.most_unsent = 0
        self._protocol, self._peer = protocol, peer
        self._unsent, self._unread = bytearray(), bytearray()
        self._writing_paused = self._delivering = False
        self._high_water = 65_536
        protocol.connection_made(self)

    def send(self, data: bytes) -> None:
        """The client sends; what the protocol is not ready for waits."""
        self._unread += data
        self._deliver()

    def read(self, count: int | None = None) -> None:
        """The client reads so many bytes, or all from now on."""
        self.reads = count is None
        taken = len(self._unsent) if count is None else count
        self.said += self._unsent[:taken]
        del self._unsent[:taken]
        if self._writing_paused and len(self._unsent) <= self._high_water // 4:
            self._writing_paused = False
            self._protocol.resume_writing()
        self._end_when_sent()

    def leave(self) -> None:
        """The client is gone."""
        if not self.lost:
            self.closed = self.lost = True
            self._protocol.connection_lost(ConnectionResetError())

    def write(self, data: Any) -> None:
        if self.lost:
            return
        self._unsent += data
        self.most_unsent = max(self.most_unsent, len(self._unsent))
        if self.reads:
            self.read()
        elif len(self._unsent) > self._high_water and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def abort(self) -> None:
        self.leave()

    def close(self) -> None:
        self.closed = True
        self._end_when_sent()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False
        if self._unread and not self._delivering:
            self._delivering = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._peer, 1) if name == "peername" else default

    def _deliver(self) -> None:
        self._delivering = False
        if self.closed or self.reading_paused or not self._unread:
            return
        data = bytes(self._unread[:_READ])
        del self._unread[:_READ]
        self.taken += len(data)
        self._protocol.data_received(data)
        if not self.reading_paused:
            self.resume_reading()

    def _end_when_sent(self) -> None:
        if self.closed and not self._unsent and not self.lost:
            self.lost = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)
