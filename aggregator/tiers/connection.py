"""A connection to a Redis-protocol server: calls go out as they come, and replies come back in the same order."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from hiredis import ProtocolError, Reader, ReplyError, pack_command

from aggregator.tiers.server import Call

# What becomes of calls that were sent together: all their replies, an error reply being a `hiredis.ReplyError` among
# them, or why there are none.
Back = Callable[[list[Any] | OSError], None]

_SLICES = 10
_NOT_YET = object()


class Connection(asyncio.Protocol):
    """reply_within: seconds that the server may say nothing while it owes a reply; then the connection is given up.

    A server that says it is a replica is left, for where the master is may be known when connecting anew.
    Nothing is sent twice. What had no reply when the connection ended may have been done or not.
    """

    def __init__(self, reply_within: float) -> None:
        self.open = False
        self._reply_within = reply_within
        self._reader = Reader(notEnoughData=_NOT_YET)
        self._owed: deque[tuple[int, list[Any], Back]] = deque()
        self._silent = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def send(self, calls: Sequence[Call], back: Back) -> None:
        """Send calls, at least one; `back` is called once, later."""
        self._owed.append((len(calls), [], back))
        # Its stub says that it takes one word; it takes any number.
        self._transport.write(b"".join([pack_command(call) for call in calls]))  # type: ignore[arg-type]
        if self._timer is None:
            self._silent = 0
            self._look_again()

    def data_received(self, data: bytes) -> None:
        self._silent = 0
        try:
            self._reader.feed(data)
            while self.open and (reply := self._reader.gets()) is not _NOT_YET:
                self._take(reply)
        except ProtocolError as error:
            self.end(ConnectionError(f"what the server said is no reply: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(exc if isinstance(exc, OSError) else ConnectionError("the server closed the connection"))

    def end(self, why: OSError) -> None:
        """Give it up; who waits for a reply is told why."""
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        while self._owed:
            _, _, back = self._owed.popleft()
            back(why)

    def _take(self, reply: object) -> None:
        if not self._owed:
            self.end(ConnectionError(f"the server said what nobody asked for: {reply!r:.100}"))
            return
        calls, replies, back = self._owed[0]
        replies.append(reply)
        if len(replies) == calls:
            self._owed.popleft()
            back(replies)
            if any(isinstance(reply, ReplyError) and str(reply).startswith("READONLY") for reply in replies):
                self.end(ConnectionError("the server is a replica now"))

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._reply_within / _SLICES, self._look)

    def _look(self) -> None:
        """Count the silence in slices: a timer of the whole would fire, after a moment in which this process was held
        up, before the replies are read that have long been there."""
        self._timer = None
        self._silent += 1
        if self._silent > _SLICES:
            self.end(TimeoutError(f"the server said nothing for {self._reply_within:g} s"))
        elif self._owed:
            self._look_again()
