"""A trip that follows redirects: every command has its reply, whichever node gave it, and waits for no other."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from hiredis import ReplyError

from aggregator.servers.slots import Redirect
from aggregator.tiers.command import Command
from aggregator.tiers.connection import Back
from aggregator.tiers.pipeline import Pipeline, Sending
from aggregator.tiers.redirected import RedirectedTrip
from aggregator.tiers.scripts import Script
from aggregator.tiers.server import Call
from aggregator.tiers.tier import TierUnavailable
from tests.virtual_time import run

MOVED, ASK = ReplyError("MOVED 1 b:2"), ReplyError("ASK 1 b:2")
NOSCRIPT = ReplyError("NOSCRIPT No matching script.")


class Scripted:
    """Answers at once, each time with the next of these."""

    def __init__(self, *turns: list[Any] | OSError) -> None:
        self.turns = list(turns)
        self.calls: list[list[Call]] = []

    def send(self, calls: Sequence[Call], back: Back) -> None:
        self.calls.append([*calls])
        back(self.turns.pop(0))

    async def close(self) -> None:
        pass


class Late:
    """Answers when told to."""

    def __init__(self) -> None:
        self.backs: list[Back] = []

    def send(self, calls: Sequence[Call], back: Back) -> None:
        self.backs.append(back)

    async def close(self) -> None:
        pass


class Two:
    """A trip to a node, and the one that it redirects to."""

    def __init__(self, other: Sending) -> None:
        self.redirects: list[Redirect] = []
        self.lost = 0
        self._other = other

    def dealt(self, replies: list[Any], *commands: Command) -> list[Command]:
        """Deal what the node says to these."""
        return self.trip(*commands).deal(replies)

    def trip(self, *commands: Command) -> RedirectedTrip:
        return RedirectedTrip(("a", 1), self._elsewhere, self._lose, commands)

    def _elsewhere(self, redirect: Redirect) -> Sending:
        self.redirects.append(redirect)
        return self._other

    def _lose(self) -> None:
        self.lost += 1


@pytest.fixture
def future() -> Iterator[Callable[[], "asyncio.Future[Any]"]]:
    """Makes one of a loop that does not run."""
    loop = asyncio.new_event_loop()
    yield loop.create_future
    loop.close()


Futures = Callable[[], "asyncio.Future[Any]"]


def reading(future: Futures, *keys: str) -> Command:
    """A command whose result is the reply."""
    return Command(future(), keys, lambda reply: reply)


def running(future: Futures) -> Command:
    """Likewise."""
    return Command(future(), ["x"], lambda reply: reply, Script("return 1"))


def test_r44_what_has_moved_is_asked_where_it_is(future: Futures) -> None:
    other = Scripted([[b"2"]])
    two, read = Two(other), reading(future, "x", "y", "z")
    two.dealt([[b"1"], MOVED, [b"3"]], read)
    assert read.future.result() == [b"1", b"2", b"3"]
    assert other.calls == [[("MGET", "y")]]
    assert two.redirects == [Redirect(True, 1, ("b", 2))]


def test_r44_what_is_just_moving_is_asked_behind_asking(future: Futures) -> None:
    other = Scripted([b"OK", [b"1"]])
    read = reading(future, "x")
    Two(other).dealt([ASK], read)
    assert read.future.result() == [b"1"]
    assert other.calls == [[("ASKING",), ("MGET", "x")]]


def test_r44_redirects_of_redirects_are_followed_and_not_for_ever(future: Futures) -> None:
    """The map was old, and its slot is moving; nodes that send one in circles are nobody's."""
    read = reading(future, "x")
    Two(Scripted([ASK], [b"OK", [b"1"]])).dealt([MOVED], read)
    assert read.future.result() == [b"1"]
    two, read = Two(Scripted([MOVED], [MOVED], [MOVED])), reading(future, "x")
    two.dealt([MOVED], read)
    assert "MOVED" in str(read.future.exception())
    assert len(two.redirects) == 3


def test_r44_a_script_is_run_where_it_is_and_sent_there_if_need_be(future: Futures) -> None:
    """Be it sent by name or, the node not knowing it, by text."""
    other = Scripted([b"OK", NOSCRIPT], [b"OK", b"1"], [NOSCRIPT], [b"2"])
    two, one, another = Two(other), running(future), running(future)
    assert two.dealt([ASK, NOSCRIPT], one, another) == [another]
    assert one.future.result() == b"1"
    two.trip(another).settle(another, MOVED)
    assert another.future.result() == b"2"
    assert [[call[0] for call in calls] for calls in other.calls] == [
        ["ASKING", "EVALSHA"],
        ["ASKING", "EVAL"],
        ["EVALSHA"],
        ["EVAL"],
    ]


def test_r44_what_was_not_redirected_waits_for_nothing(future: Futures) -> None:
    """While the node that a redirect leads to says nothing; and what lies there fails where that is lost."""
    late, why = Late(), ConnectionError("down")
    here, there, run = reading(future, "x"), reading(future, "y", "z"), running(future)
    Two(late).dealt([[b"1"], [b"2"], MOVED, b"3"], here, there, run)
    assert (here.future.result(), run.future.result(), there.future.done()) == ([b"1"], b"3", False)
    late.backs[0](why)
    error = there.future.exception()
    assert error
    assert error.__cause__ is why


def test_r44_a_slot_that_moves_to_a_node_that_hangs_leaves_the_places_of_others() -> None:
    """However many of its keys are asked for, what lies on the source is read at once."""

    async def steps() -> None:
        pipeline = Pipeline(Source(), trip=partial(RedirectedTrip, ("a", 1), lambda redirect: Late(), lambda: None))
        moving = []
        for _ in range(20):
            moving.append(pipeline.get(["moving"], lambda reply: reply))
            assert await pipeline.get(["here"], lambda reply: reply) == [b"1"]
        assert asyncio.get_running_loop().time() == 1_000.0
        assert not any(one.done() for one in moving)
        failures = await asyncio.gather(*moving, return_exceptions=True)
        assert all(isinstance(one, TierUnavailable) for one in failures)

    run(steps())


class Source:
    """Has all keys but those that are moving, and answers at once."""

    def send(self, calls: Sequence[Call], back: Back) -> None:
        replies = [ASK if call[1] == "moving" else [b"1"] for call in calls]
        asyncio.get_running_loop().call_soon(back, replies)

    async def close(self) -> None:
        pass


def test_r44_a_node_that_is_lost_is_told_of(future: Futures) -> None:
    two, read = Two(Late()), reading(future, "x")
    two.trip(read).fail(ConnectionError("down"))
    assert two.lost == 1
    assert "down" in str(read.future.exception())
