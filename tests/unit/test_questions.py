"""The parent asks a worker by name: answers find their questions, and nothing that goes wrong ends the worker."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from aggregator.process.channel import Channel
from aggregator.process.questions import Answering, Asker, Unanswered, answer_all


@asynccontextmanager
async def asked(**answers: Answering) -> AsyncIterator[tuple[Asker, "asyncio.Task[None]"]]:
    """The asker, and the worker's task that answers with these."""
    ours, theirs = socket.socketpair()
    asker = Asker(await Channel.on(ours))
    channel = await Channel.on(theirs)
    answering = asyncio.create_task(answer_all(channel, answers))
    try:
        yield asker, answering
    finally:
        asker.close()
        await asyncio.wait_for(answering, 5)
        channel.close()


async def echo(argument: Any) -> Any:
    return argument


async def never(_: Any) -> None:
    await asyncio.Event().wait()


def test_an_answer_is_given_to_its_question_in_whatever_order_they_come() -> None:
    async def main() -> None:
        turn = asyncio.Event()

        async def second(argument: Any) -> Any:
            await turn.wait()
            return argument

        async def first(argument: Any) -> Any:
            turn.set()
            return argument

        async with asked(first=first, second=second) as (asker, _):
            answers = await asyncio.gather(asker.ask("second", {"a": [1]}), asker.ask("first", "b"))
            assert answers == [{"a": [1]}, "b"]

    asyncio.run(main())


def test_one_question_that_takes_long_keeps_no_other_waiting_and_its_late_answer_is_dropped() -> None:
    async def main() -> None:
        late = asyncio.Event()

        async def slow(_: Any) -> str:
            await late.wait()
            return "late"

        async with asked(slow=slow, echo=echo) as (asker, _):
            with pytest.raises(Unanswered, match=r"it does not answer within 0\.01 s"):
                await asker.ask("slow", within=0.01)
            late.set()
            assert [await asker.ask("echo", number) for number in range(3)] == [0, 1, 2]

    asyncio.run(main())


async def _fails(_: Any) -> None:
    raise KeyError("user-secret")


async def _cannot_be_sent(_: Any) -> object:
    return object()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nothing", 'it knows no question "nothing"'),
        ("fails", "this is a defect of the aggregator: KeyError"),
        ("cannot_be_sent", "this is a defect of the aggregator: TypeError"),
    ],
)
def test_what_cannot_be_answered_is_told_and_does_not_end_the_worker(name: str, why: str) -> None:
    async def main() -> None:
        async with asked(fails=_fails, cannot_be_sent=_cannot_be_sent, echo=echo) as (asker, answering):
            with pytest.raises(Unanswered) as told:
                await asker.ask(name)
            assert str(told.value) == why
            assert await asker.ask("echo", 1) == 1
            assert not answering.done()

    asyncio.run(main())


def test_an_argument_that_cannot_be_sent_takes_no_place() -> None:
    async def main() -> None:
        async with asked(echo=echo) as (asker, _):
            for _ in range(200):
                with pytest.raises(TypeError):
                    await asker.ask("echo", object())
            assert await asker.ask("echo", 1) == 1

    asyncio.run(main())


def test_a_worker_that_hangs_is_not_asked_for_ever() -> None:
    async def main() -> None:
        async with asked(never=never) as (asker, _):
            for _ in range(100):
                with pytest.raises(Unanswered, match="does not answer within"):
                    await asker.ask("never", within=0.0)
            with pytest.raises(Unanswered, match="it has yet to answer 100 questions"):
                await asker.ask("never")

    asyncio.run(main())


def test_the_worker_stops_answering_when_the_parent_is_gone() -> None:
    async def main() -> None:
        async with asked(never=never) as (asker, answering):
            asking = asyncio.create_task(asker.ask("never"))
            await asyncio.sleep(0)
            asker.close()
            with pytest.raises(Unanswered, match="it is gone"):
                await asking
            await asyncio.wait_for(answering, 5)
            with pytest.raises(Unanswered, match="it is gone"):
                await asker.ask("never")

    asyncio.run(main())


def test_who_asks_is_told_when_the_worker_is_gone() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        asker = Asker(await Channel.on(ours))
        asking = asyncio.create_task(asker.ask("report"))
        await asyncio.sleep(0)
        theirs.close()
        with pytest.raises(Unanswered, match="it is gone"):
            await asking
        asker.close()

    asyncio.run(main())
