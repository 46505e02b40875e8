"""A real MBU over HTTP for tests: a server in a thread, told synchronously what to answer, and how to misbehave."""

import asyncio
import socket
import struct
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from tests.listening import end


class Seen(NamedTuple):
    """A request as it came in; header names in lower case."""

    target: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Says:
    """An answer. latency: seconds. late: its value is read when they are over, not when the request arrives.

    raw: the bytes sent instead, after which the connection is closed. reset: it is closed by RST.
    hang: nothing more is sent until the client leaves. A request that names its ETag gets 304.
    """

    body: bytes = b"null"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    latency: float = 0.0
    late: bool = False
    raw: bytes | None = None
    reset: bool = False
    hang: bool = False

    def wire(self, seen: Seen) -> bytes:
        """The answer's bytes."""
        if self.raw is not None:
            return self.raw
        named = {name.lower(): value for name, value in self.headers.items()}
        unchanged = "etag" in named and seen.headers.get("if-none-match") == named["etag"]
        status, body = (304, b"") if unchanged else (self.status, self.body)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if status not in (204, 304):
            lines += [f"content-length: {len(body)}"]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head if status in (204, 304) else head + body


class Mbu:
    """Use it as a context manager. By target (path and query): `answers`, `calls`; `seen`: all requests, in order.

    A target that nothing was put under is answered 404.
    """

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Says] = {}
        self.calls: Counter[str] = Counter()
        self._flights: dict[str, set[int]] = defaultdict(set)
        self.seen: list[Seen] = []
        self._held: dict[str, asyncio.Event] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._listens = threading.Event()
        self._refusing = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Mbu":
        self._thread.start()
        assert self._listens.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def put(self, target: str, value: Any, **how: Any) -> None:
        """What a target answers from now on: bytes as they are, anything else as JSON; `how` as in `Says`."""
        self.answers[target] = Says(value if isinstance(value, bytes) else orjson.dumps(value), **how)

    def change(self, target: str, **how: Any) -> None:
        """Change a part of what a target answers."""
        self.answers[target] = replace(self.answers[target], **how)

    def hold(self, target: str) -> None:
        """Let requests for the target wait from now on, until `release`; what they answer is settled already unless
        the answer is `late`."""
        self._held[target] = asyncio.Event()

    def release(self, target: str) -> None:
        """Let those that wait go on."""
        self._loop.call_soon_threadsafe(self._held.pop(target).set)

    def flights(self, target: str) -> frozenset[int]:
        """Which calls of the target have their value, while their answer is not sent yet."""
        return frozenset(self._flights[target])

    def refuse(self) -> None:
        """Cut every connection from now on as soon as it is used, as if nobody were there."""
        self._refusing = True

    def accept(self) -> None:
        """Be there again."""
        self._refusing = False

    def forget(self) -> None:
        """Begin counting anew."""
        self.calls.clear()
        self.seen.clear()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0, backlog=1_024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listens.set()
        await self._stop.wait()
        await end(server, self._open, self._writers)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._talk(reader, writer))
        self._open.add(task)
        self._writers.append(writer)
        task.add_done_callback(self._open.discard)
        # Not in the task: one that is cancelled before its first step has no end to close anything at.
        task.add_done_callback(lambda _: writer.close())

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(_read(await reader.readuntil(b"\r\n\r\n")), reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def _answer(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False if the connection is over."""
        if self._refusing:
            return False
        self.calls[seen.target] += 1
        self.seen.append(seen)
        says = await self._settled(seen.target)
        if says.hang:
            writer.write(says.raw or b"")
            await reader.read()
            return False
        writer.write(says.wire(seen))
        if says.reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            await writer.drain()
        return says.raw is None and not says.reset

    async def _settled(self, target: str) -> Says:
        """What a target answers, once its time has come."""
        says = self._says(target)
        flight = self.calls[target]
        self._flights[target].add(flight)
        if held := self._held.get(target):
            await held.wait()
        await asyncio.sleep(says.latency)
        self._flights[target].remove(flight)
        return self._says(target) if says.late else says

    def _says(self, target: str) -> Says:
        return self.answers.get(target) or Says(b'{"no":"such thing"}', 404)


def _read(head: bytes) -> Seen:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = dict(line.split(": ", 1) for line in lines)
    return Seen(first.split(" ")[1], {name.lower(): value for name, value in headers.items()})
