"""A link that follows redirects: every call has its reply, in order, whichever node gave it."""

from collections.abc import Sequence
from typing import Any

from hiredis import ReplyError

from aggregator.servers.slots import Redirect
from aggregator.tiers.connection import Back
from aggregator.tiers.redirected import Redirected
from aggregator.tiers.server import Call

MOVED, ASK = ReplyError("MOVED 1 b:2"), ReplyError("ASK 1 b:2")


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


class Two:
    """A node, and the one that it redirects to."""

    def __init__(self, first: Scripted, other: Scripted) -> None:
        self.redirects: list[Redirect] = []
        self.lost = 0
        self.other = other
        self._link = Redirected(first, ("a", 1), self._elsewhere, self._lose)

    def replies(self, *calls: Call) -> list[Any] | OSError:
        """What the calls come to."""
        came: list[list[Any] | OSError] = []
        self._link.send(calls, came.append)
        assert len(came) == 1
        return came[0]

    def _elsewhere(self, redirect: Redirect) -> Scripted:
        self.redirects.append(redirect)
        return self.other

    def _lose(self) -> None:
        self.lost += 1


def test_r44_what_has_moved_is_asked_where_it_is() -> None:
    two = Two(Scripted([b"1", MOVED, b"3"]), Scripted([b"2"]))
    assert two.replies(("GET", "x"), ("GET", "y"), ("GET", "z")) == [b"1", b"2", b"3"]
    assert two.other.calls == [[("GET", "y")]]
    assert two.redirects == [Redirect(True, 1, ("b", 2))]


def test_r44_what_is_just_moving_is_asked_behind_asking() -> None:
    two = Two(Scripted([ASK]), Scripted([b"OK", b"1"]))
    assert two.replies(("GET", "x")) == [b"1"]
    assert two.other.calls == [[("ASKING",), ("GET", "x")]]


def test_r44_redirects_of_redirects_are_followed_and_not_for_ever() -> None:
    """The map was old, and its slot is moving; nodes that send one in circles are nobody's."""
    two = Two(Scripted([MOVED]), Scripted([ASK], [b"OK", b"1"]))
    assert two.replies(("GET", "x")) == [b"1"]
    two = Two(Scripted([MOVED]), Scripted([MOVED], [MOVED], [MOVED]))
    assert two.replies(("GET", "x")) == [MOVED]
    assert len(two.redirects) == 3


def test_r44_only_what_was_redirected_suffers_from_where_it_lies() -> None:
    """Its reply is why there is none."""
    why = ConnectionError("down")
    assert Two(Scripted([b"1", MOVED]), Scripted(why)).replies(("GET", "x"), ("GET", "y")) == [b"1", why]


def test_r44_a_node_that_is_lost_is_told_of() -> None:
    why = ConnectionError("down")
    two = Two(Scripted(why), Scripted())
    assert two.replies(("GET", "x")) is why
    assert two.lost == 1
