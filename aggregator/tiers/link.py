"""A link keeps one connection to a server: made when something is to be sent, and made anew after it was lost."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hiredis import ReplyError

from aggregator.tiers.connection import Back, Connection
from aggregator.tiers.server import Call, Server

_CLOSED = ConnectionError("it is closed")


class Link:
    """What is sent while there is no connection waits for it, and fails if it cannot be made; the next one tries
    again. Once it is closed whatever is sent fails."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = Connection(server.reply_within)
        self._waiting: list[tuple[Sequence[Call], Back]] = []
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    def send(self, calls: Sequence[Call], back: Back) -> None:
        """Send calls, at least one, and call `back` with their replies, or with why there are none."""
        if self._connection.open and self._connecting is None:
            self._connection.send(calls, back)
            return
        if self._closed:
            asyncio.get_running_loop().call_soon(back, _CLOSED)
            return
        self._waiting.append((calls, back))
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def close(self) -> None:
        """Give up what is under way, and the connection."""
        self._closed = True
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        self._ready(_CLOSED)  # also where connecting was cancelled before its first step

    async def _connect(self) -> None:
        why: OSError | None = _CLOSED
        try:
            async with asyncio.timeout(self._server.connect_within):
                self._connection = await _connected(self._server)
                await self._greet()
            why = None
        except TimeoutError:
            why = TimeoutError(f"no connection within {self._server.connect_within:g} s")
        except OSError as error:
            why = error
        except UnicodeError as error:
            why = ConnectionError(f"{self._server.host!r} is no name of a host: {error}")
        finally:
            self._ready(why)

    def _ready(self, why: OSError | None) -> None:
        """Send what has waited; or tell it why there is no connection."""
        self._connecting, waiting, self._waiting = None, self._waiting, []
        if why and self._connection.open:
            self._connection.end(why)
        for calls, back in waiting:
            if self._connection.open:
                self._connection.send(calls, back)
            else:
                back(why or ConnectionError("the server closed the connection"))

    async def _greet(self) -> None:
        """Say who we are, and which database is meant: sent on the wrong one, a command would do harm."""
        if greeting := self._server.greeting:
            said: asyncio.Future[list[Any] | OSError] = asyncio.get_running_loop().create_future()
            self._connection.send(greeting, lambda replies: None if said.done() else said.set_result(replies))
            replies = await said
            if isinstance(replies, OSError):
                raise replies
            for reply in replies:
                if isinstance(reply, ReplyError):
                    raise ConnectionError(f"the server does not let us in: {reply}")


async def _connected(server: Server) -> Connection:
    loop = asyncio.get_running_loop()

    def protocol() -> Connection:
        return Connection(server.reply_within)

    if server.path is not None:
        _, connection = await loop.create_unix_connection(protocol, server.path)
    else:
        host, port = await server.finder.find() if server.finder else (server.host, server.port)
        _, connection = await loop.create_connection(protocol, host, port, ssl=server.tls)
    return connection
