"""Asking by a schedule: answers are timed from when they were due, over connections that are kept."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar, cast

from benchmarks.ask import Answer, get

BEFORE = 0.2  # seconds until the first event, so that it is not late


class Event(Protocol):
    """Something that happens `at` so many seconds after the beginning."""

    @property
    def at(self) -> float: ...


E = TypeVar("E", bound=Event)


class Wire(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self) -> None:
        self.open = True
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed before it answered"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not (found and self._answer):
            return
        answer = Answer(int(head[9:12]), head.lower() + b"\r\n", body)
        if len(body) >= int(answer.header(b"content-length")):
            self._received = b""
            self._answer.set_result(answer)

    def ask(self, path: str) -> "asyncio.Future[Answer]":
        """The answer; ConnectionError if there will be none."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(get(path))
        return self._answer

    def close(self) -> None:
        """Ask no more."""
        self._transport.close()


class Asker:
    """Asks a port of this machine; there are as many connections as there were ever requests under way at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: deque[Wire] = deque()

    async def ask(self, path: str) -> Answer:
        """The answer to a GET; AssertionError unless it is a 200."""
        wire = await self._taken()
        answer = await wire.ask(path)
        self._free.append(wire)
        assert answer.status == 200, (path, answer)
        return answer

    async def all(self, paths: Iterable[str], at_once: int = 32) -> list[Answer]:
        """The answers to all, asked for as fast as they come."""
        rest = enumerate(paths)
        answers: dict[int, Answer] = {}

        async def some() -> None:
            for number, path in rest:
                answers[number] = await self.ask(path)

        await asyncio.gather(*(some() for _ in range(at_once)))
        return [answer for _, answer in sorted(answers.items())]

    def close(self) -> None:
        """Give back the connections."""
        for wire in self._free:
            wire.close()

    async def _taken(self) -> Wire:
        # That which has rested longest, as a server closes what rests for some seconds.
        while self._free:
            if (wire := self._free.popleft()).open:
                return wire
        return (await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", self._port))[1]


async def play(events: Sequence[E], act: Callable[[E, float], Awaitable[None]]) -> float:
    """Begin `act(event, due)` of each when it is due, whatever became of those before, and wait for all. Gives the
    instant from which they count."""
    loop, began = asyncio.get_running_loop(), time.monotonic() + BEFORE
    async with asyncio.TaskGroup() as group:

        def begin(event: E) -> None:
            group.create_task(cast("asyncio._CoroutineLike[None]", act(event, began + event.at)))

        def clock() -> None:
            for event in events:
                time.sleep(max(0.0, began + event.at - time.monotonic()))
                loop.call_soon_threadsafe(begin, event)

        # In a thread, as the timers of an event loop are late by up to a millisecond.
        await asyncio.to_thread(clock)
    return began
