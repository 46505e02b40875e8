"""A TCP proxy in a thread, told synchronously what to do to the connections that go through it."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.listening import end

_REMEMBERED = 4_096


@dataclass(frozen=True)
class Fault:
    """What happens to what passes. delay: seconds that each piece is held, in each direction.

    requests, replies: do they pass at all? What does not waits, as TCP would send it again, and passes late.
    gone: the other end has vanished, which the client is not told. refused: connections are cut as they are made.
    saying: only connections on which the client has said this, within its first 4 KiB: b"XREAD" is the log's reader.
    """

    delay: float = 0.0
    requests: bool = True
    replies: bool = True
    gone: bool = False
    refused: bool = False
    saying: bytes = b""


NONE = Fault()


class Talk:
    """One connection through the proxy: its two ends, and how it began."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.said = b""

    def note(self, piece: bytes) -> None:
        """The client has said this."""
        self.said = (self.said + piece)[:_REMEMBERED]

    def cut(self) -> None:
        """End both ways at once; what was under way is lost."""
        for writer in (self.client, self.server):
            writer.transport.abort()


class TcpProxy:
    """Use it as a context manager. A fault lasts until the next one, or until `heal`, for connections there are and to
    come.

    upstream: a URL of a server, `unix://` or with host and port. tls: ended here, spoken with clients.
    url: the same server by way of this proxy, `rediss:` or `https:` where there is TLS; userinfo and path are kept.
    """

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = ""
        self._upstream = urlsplit(upstream)
        self._tls = tls
        self._fault = NONE
        self._talks: set[Talk] = set()
        self._opened: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Condition()
        self._stop = asyncio.Event()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "TcpProxy":
        self._thread.start()
        assert self._listens.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    @property
    def connections(self) -> int:
        """How many go through it now."""
        return len(self._talks)

    def cut(self, saying: bytes = b"") -> None:
        """End the connections there are; new ones pass."""
        self._do(lambda: self._cut(saying))

    def refuse(self) -> None:
        """End the connections there are, and new ones as they come."""
        self.put(Fault(refused=True))
        self.cut()

    def drop(self, saying: bytes = b"", *, requests: bool = True, replies: bool = True) -> None:
        """Let nothing pass, or nothing in one direction: connections stay, and are silent."""
        self.put(Fault(requests=not requests, replies=not replies, saying=saying))

    def delay(self, seconds: float, saying: bytes = b"") -> None:
        """Hold each piece so long."""
        self.put(Fault(delay=seconds, saying=saying))

    def half_open(self, saying: bytes = b"") -> None:
        """Close the connections to the server, and do not tell the clients; what they say is lost."""
        self.put(Fault(gone=True, saying=saying))

    def heal(self) -> None:
        """Let everything pass; clients of half-open connections learn of it."""
        self.put(NONE)

    def put(self, fault: Fault) -> None:
        """Have any fault from now on; returns once it is in force."""
        self._do(lambda: self._turn(fault))

    def _do(self, what: Callable[[], None]) -> None:
        async def done() -> None:
            async with self._changed:
                what()
                self._changed.notify_all()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(5)

    def _cut(self, saying: bytes) -> None:
        for talk in self._talks:
            if saying in talk.said:
                talk.cut()

    def _turn(self, fault: Fault) -> None:
        before, self._fault = self._fault, fault
        for talk in self._talks:
            if before.gone and not fault.gone and talk.server.is_closing():
                talk.client.transport.abort()
            elif self._of(talk).gone:
                talk.server.transport.abort()

    def _of(self, talk: Talk) -> Fault:
        return self._fault if self._fault.saying in talk.said else NONE

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0, ssl=self._tls)
        self.url = self._address(server.sockets[0].getsockname()[1])
        self._listens.set()
        await self._stop.wait()
        await end(server, self._tasks, self._opened)

    def _address(self, port: int) -> str:
        scheme, path = self._upstream.scheme, self._upstream.path
        if scheme == "unix":
            scheme, path = "redis", ""
        user, at, _ = self._upstream.netloc.rpartition("@")
        return f"{scheme}{'s' if self._tls else ''}://{user}{at}127.0.0.1:{port}{path}"

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened.append(writer)
        task = self._loop.create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._opened.remove(writer))
        # Not in the task: one that is cancelled before its first step has no end to close anything at.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault.refused:
            return
        with suppress(OSError):
            answers, server = await self._connected()
            talk = Talk(writer, server)
            self._talks.add(talk)
            try:
                await asyncio.gather(self._requests(reader, talk), self._replies(answers, talk))
            finally:
                self._talks.discard(talk)
                talk.cut()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream.scheme == "unix":
            return await asyncio.open_unix_connection(self._upstream.path)
        return await asyncio.open_connection(self._upstream.hostname, self._upstream.port)

    async def _requests(self, reader: asyncio.StreamReader, talk: Talk) -> None:
        while piece := await reader.read(65_536):
            talk.note(piece)
            fault = await self._held(talk, lambda fault: fault.requests)
            if not fault.gone:
                talk.server.write(piece)
                await talk.server.drain()
        talk.cut()

    async def _replies(self, reader: asyncio.StreamReader, talk: Talk) -> None:
        with suppress(OSError):
            while piece := await reader.read(65_536):
                await self._held(talk, lambda fault: fault.replies)
                talk.client.write(piece)
                await talk.client.drain()
        if not self._of(talk).gone:
            talk.cut()

    async def _held(self, talk: Talk, passes: Callable[[Fault], bool]) -> Fault:
        """Return once a piece may pass, with the fault that it meets."""
        await asyncio.sleep(self._of(talk).delay)
        async with self._changed:
            await self._changed.wait_for(lambda: passes(self._of(talk)))
        return self._of(talk)
