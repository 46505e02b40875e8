"""Two views of a screen differ in slots, by what these show and not by how it is written."""

from typing import Any

import orjson
import pytest

from aggregator.model.difference import Difference, differences, still
from aggregator.model.entry import Entry
from aggregator.model.part import Part, Piece
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Screen
from aggregator.model.view import Stamp, View, compose
from cache_policies.policy import Lifetime, Timing
from tests.world import Slot, fragment, reading, screen

FEED, USER = Slot("feed", fragment("feed")), Slot("user", fragment("user"), place=("page", "user"))
HOME = screen(FEED, USER)
ALL = frozenset(["feed", "user"])


def view(of: Screen, *payloads: bytes | None, at: float = 5.0) -> View:
    """A view of these payloads, loaded at that time; None = absent."""
    timing = Timing(at, Lifetime(60.0), 0.1)
    entries = [Entry(b"", one or b"null", (), timing, ORIGIN, absent=one is None) for one in payloads]
    parts = [Part(slot, (Piece(entry),)) for slot, entry in zip(of.slots, entries, strict=True)]
    return compose(of, parts, Stamp((), ORIGIN, at))


def found(of: Screen, kept: View, said: View, slots: frozenset[str] = ALL) -> set[str]:
    return set(differences(of, kept, said, slots))


@pytest.mark.parametrize(
    ("kept", "said", "differs"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, True),
        (True, 1, True),
        (1, 1.0, True),
        (None, 0, True),
        ("é", "é", False),
    ],
)
def test_values_are_compared(kept: Any, said: Any, differs: bool) -> None:
    """In nested places, too."""
    before = view(HOME, b"1", orjson.dumps(kept, option=orjson.OPT_INDENT_2))
    assert found(HOME, before, view(HOME, b"1", orjson.dumps(said))) == ({"user"} if differs else set())


def test_what_is_not_promised_is_passed_over() -> None:
    assert found(HOME, view(HOME, b"1", b"1"), view(HOME, b"2", b"2"), frozenset(["user"])) == {"user"}


def test_of_slots_that_read_one_another_the_first_is_named() -> None:
    home = screen(FEED, reading("user", {"id": "feed.id"}))
    assert found(home, view(home, b"1", b"1"), view(home, b"2", b"2")) == {"feed"}
    assert found(home, view(home, b"1", b"1"), view(home, b"1", b"2")) == {"user"}


def test_a_view_that_is_not_there_differs_in_what_it_cannot_be_without() -> None:
    home = screen(Slot("feed", fragment("feed"), required=True), Slot("user", fragment("user")))
    there, absent = view(home, b"1", b"1"), view(home, None, b"2")
    assert (there.status, absent.status) == (200, 404)
    assert found(home, there, absent) == found(home, absent, there) == {"feed"}
    assert found(home, absent, view(home, None, b"3")) == set()


def test_the_same_wrong_view_and_the_same_other_answer_are_looked_at_again() -> None:
    one = {"feed": Difference(5, b"k", b"s")}
    assert still(None, one) == ("differs", one)
    assert still(one, one) == ("differs", one)
    assert still(one, {}) == ("consistent", {})
    assert still(one, {"feed": Difference(5, b"k", b"t")}) == ("unsteady", {})
    assert still(one, {"feed": Difference(6, b"k", b"s")}) == ("replaced", {})
    assert still(one, {"feed": Difference(5, b"l", b"s")}) == ("replaced", {})
    assert still(one, {"user": Difference(5, b"k", b"s")}) == ("replaced", {})
    assert still(one, {**one, "user": Difference(5, b"k", b"s")}) == ("differs", one)


def test_a_load_is_known_by_its_second() -> None:
    """L1 keeps no more of it than L2's whole seconds, rounded up."""
    [difference] = differences(HOME, view(HOME, b"1", b"1", at=5.2), view(HOME, b"2", b"1"), ALL).values()
    assert difference.loaded == 6
