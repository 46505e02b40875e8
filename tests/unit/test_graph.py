"""The graph of a screen: waves, circles, what cannot be reached, and the longest chain."""

import pytest

from aggregator.model.graph import cycle_in, longest_chain, unreachable, waves

SERIAL = {"a": set(), "b": {"a"}, "c": {"b"}}
TREE = {"a": set(), "b": {"a"}, "c": {"a"}}
LOOP = {"d": {"b", "c"}, "b": {"a"}, "c": set(), "a": set()}


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({}, []),
        ({"a": set(), "b": set()}, [["a", "b"]]),
        (SERIAL, [["a"], ["b"], ["c"]]),
        (TREE, [["a"], ["b", "c"]]),
        (LOOP, [["c", "a"], ["b"], ["d"]]),
    ],
)
def test_waves_hold_what_can_run_together_in_declared_order(
    needs: dict[str, set[str]], expected: list[list[str]]
) -> None:
    """A slot is in the wave after the last one that it needs."""
    assert waves(needs) == expected


@pytest.mark.parametrize(
    ("needs", "circles"),
    [
        (SERIAL, [None]),
        ({"a": {"a"}}, [["a", "a"]]),
        ({"a": {"b"}, "b": {"a"}}, [["a", "b", "a"], ["b", "a", "b"]]),
        (
            {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()},
            [["a", "b", "c", "a"], ["b", "c", "a", "b"], ["c", "a", "b", "c"]],
        ),
    ],
)
def test_a_circle_is_told_in_the_direction_of_need(needs: dict[str, set[str]], circles: list[list[str] | None]) -> None:
    """Each slot of it needs the next."""
    assert cycle_in(needs) in circles


def test_what_lies_behind_a_circle_or_nothing_is_unreachable() -> None:
    """A slot that needs what cannot be had cannot be had."""
    needs = {"a": {"b"}, "b": {"a"}, "c": {"b"}, "d": {"nowhere"}, "e": {"d"}, "f": set(), "g": {"f"}}
    assert unreachable(needs) == ["a", "b", "c", "d", "e"]


def test_the_longest_chain_ends_in_the_deepest_slot() -> None:
    """Each of it is needed by the next."""
    assert longest_chain({"x": set(), **SERIAL}) == ["a", "b", "c"]
