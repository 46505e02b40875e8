"""A layout splices payloads into nested objects, each byte for byte, and tells places that collide."""

from itertools import permutations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.layout import Layout, collision

NAMES = st.sampled_from(["a", "b", "c"])
PLACES = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), min_size=1, max_size=8)


def test_slots_stand_where_they_are_placed() -> None:
    """An object comes where the first slot in it is declared."""
    layout = Layout.of([("feed",), ("profile", "user"), ("x",), ("profile", "deep", "er")])
    assert (
        layout.splice([b"1", b'{ "a":2}', b"3", b"4"])
        == b'{"feed":1,"profile":{"user":{ "a":2},"deep":{"er":4}},"x":3}'
    )


@given(PLACES)
def test_whatever_does_not_collide_can_be_read_back(places: list[tuple[str, ...]]) -> None:
    """Every payload is found at its place, and nothing else is there; two that collide are named."""
    if found := collision(places):
        first, second = (places[index] for index in found)
        assert first[: len(second)] == second or second[: len(first)] == first
        return
    read = orjson.loads(Layout.of(places).splice([b"%d" % index for index in range(len(places))]))
    for index, place in enumerate(places):
        at = read
        for name in place:
            at = at[name]
        assert at == index
    assert leaves(read) == len(places)


def leaves(tree: object) -> int:
    """How many values a tree of objects has."""
    return sum(map(leaves, tree.values())) if isinstance(tree, dict) else 1


@pytest.mark.parametrize("places", [*permutations([("a",), ("b", "c"), ("b", "c", "d")])])
def test_one_place_inside_another_collides(places: tuple[tuple[str, ...], ...]) -> None:
    """In every order, and the earlier is named first."""
    earlier, later = collision(places) or (0, 0)
    assert {places[earlier], places[later]} == {("b", "c"), ("b", "c", "d")}
    assert earlier < later
