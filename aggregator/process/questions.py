"""Questions of the parent to a worker over their channel, any number at a time: each answer names its question."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import structlog

from aggregator.process.channel import Channel, pack

# Arguments and answers are msgpack-able values.
Answering = Callable[[Any], Awaitable[Any]]

# A worker that hangs leaves questions unanswered; beyond so many nothing more is written to it.
_UNANSWERED_AT_MOST = 100
_GONE = "it is gone"
_log = structlog.get_logger()


class Unanswered(Exception):
    """A question has no answer: the worker is gone, late, or says why it has none."""


class Asker:
    """The parent's end. Answers are matched to questions by number, so that a late one is taken for no other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = count()
        self._open: dict[int, asyncio.Future[tuple[bool, Any]]] = {}
        self._gone = False
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def ask(self, name: str, argument: Any = None, within: float | None = None) -> Any:
        """The answer; Unanswered if there is none, or none within so many seconds."""
        if self._gone:
            raise Unanswered(_GONE)
        if len(self._open) >= _UNANSWERED_AT_MOST:
            raise Unanswered(f"it has yet to answer {_UNANSWERED_AT_MOST} questions")
        number = next(self._numbers)
        packed = pack([number, name, argument])
        # One that is given up keeps its place until it is answered, so that it counts.
        waiting = self._open[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await self._channel.send_packed(packed)
                answered, answer = await waiting
        except TimeoutError:
            raise Unanswered(f"it does not answer within {within:g} s") from None
        except ConnectionError:
            raise Unanswered(_GONE) from None
        if not answered:
            raise Unanswered(answer)
        return answer

    def close(self) -> None:
        """Close the channel: the worker stops."""
        self._reading.cancel()
        self._end()
        self._channel.close()

    async def _read(self) -> None:
        with suppress(EOFError):
            while True:
                number, *answer = await self._channel.receive()
                if (waiting := self._open.pop(number, None)) and not waiting.done():
                    waiting.set_result(tuple(answer))
        self._end()

    def _end(self) -> None:
        self._gone = True
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_result((False, _GONE))
        self._open.clear()


async def answer_all(channel: Channel, answers: Mapping[str, Answering]) -> None:
    """The worker's end: answer every question, by its name, until the parent is gone.

    One that nobody answers, or whose answering fails, is told so.
    """
    answering: set[asyncio.Task[None]] = set()
    try:
        while True:
            number, name, argument = await channel.receive()
            task = asyncio.create_task(_answer(channel, number, name, answers.get(name), argument))
            answering.add(task)
            task.add_done_callback(answering.discard)
    except EOFError:
        pass
    finally:
        for task in answering:
            task.cancel()


async def _answer(channel: Channel, number: int, name: str, answering: Answering | None, argument: Any) -> None:
    try:
        answer = (True, await answering(argument)) if answering else (False, f'it knows no question "{name}"')
        packed = pack([number, *answer])
    except Exception as error:
        _log.exception("question failed", question=name)
        packed = pack([number, False, f"this is a defect of the aggregator: {type(error).__name__}"])
    with suppress(ConnectionError):  # the parent is gone, which whoever reads the channel sees
        await channel.send_packed(packed)
