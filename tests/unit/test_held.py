"""A held view gives back the view that was held, and is nothing to the garbage collector."""

import dataclasses
import gc
from math import ceil, floor, inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.entry import SlotState
from aggregator.model.held import LEVEL, TOLD, Form, Held, hold, made
from aggregator.model.part import State
from aggregator.model.position import position_of
from aggregator.model.screen import Screen, Slot
from aggregator.model.tags import tag_mistake
from aggregator.model.view import View
from cache_policies.policy import Lifetime, Moments, Timing, fresh_until
from tests.world import fragment, screen

# No deadline of its own: a busy machine is no counterexample. The blob repeats a failure.
LAW = settings(deadline=None, print_blob=True, max_examples=60)
SCREENS = [screen(*(Slot(f"slot{n}", fragment(f"f{n}")) for n in range(count))) for count in (1, 2, 8)]
AT = 1_750_000_000.0
# Fleet seconds as a clock tells them, in microseconds; and lifetimes, also one without an end.
times = st.integers(0, (2**32 - 1) * 10**6).map(lambda micros: micros / 10**6)
seconds = st.sampled_from([0.0, 0.1, 60.1, 86_400.3, 31_536_000.7, inf]) | st.floats(0, 1e9)
tags = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64).filter(
    lambda tag: not tag_mistake(tag)
)
FLAGS = dict.fromkeys(("whole", "stale", "unproven", "kept", "late"), st.booleans())
ORDINARY = {"status": 200, "whole": True, "stale": False, "unproven": False, "kept": True, "late": False}


def slots_of(one: Screen) -> st.SearchStrategy[tuple[SlotState, ...]]:
    """What there may be to tell of the slots of a screen: all of them fresh, or anything."""
    none = st.just(0)
    fresh = [st.builds(SlotState, st.just(slot.name), st.just("fresh"), times, times, none, none) for slot in one.slots]
    states, counts = st.sampled_from([*map(str, State)]), st.just(0) | st.integers(0, 100)
    told = [st.builds(SlotState, st.just(slot.name), states, times, times, counts, counts) for slot in one.slots]
    return st.tuples(*fresh) | st.tuples(*told)


def views_of(one: Screen) -> st.SearchStrategy[tuple[Screen, View]]:
    """The screen, and a view of it with whatever a view may have."""
    others = tags.filter(lambda tag: tag not in one.common_tags)
    own = st.lists(others, max_size=4, unique=True).map(lambda found: (*one.common_tags, *found))
    flags = st.just(ORDINARY) | st.fixed_dictionaries({"status": st.sampled_from([200, 404]), **FLAGS})
    view = st.builds(
        View,
        status=st.just(200),
        body=st.binary(max_size=9),
        digest=st.binary(min_size=16, max_size=16).map(lambda raw: raw.hex().encode()),
        tags=own,
        position=st.builds(position_of, *[st.integers(0, 2**64 - 1)] * 3),
        timing=st.builds(Timing, times, st.builds(Lifetime, *[seconds] * 4), seconds),
        until=st.builds(Moments, *[times | st.just(inf)] * 3),
        at=times,
        slots=slots_of(one),
    )
    view = st.builds(levelled, view, st.booleans())
    view = st.builds(lambda view, flags: dataclasses.replace(view, **flags), view, flags)
    return st.tuples(st.just(one), view)


def levelled(view: View, level: bool) -> View:
    """The view, all of whose slots are as old as the whole if it is level."""
    slots = [slot._replace(at=view.timing.at) if level else slot for slot in view.slots]
    return dataclasses.replace(view, slots=tuple(slots))


cases = st.sampled_from(SCREENS).flatmap(views_of)


def view(one: Screen, **more: Any) -> View:
    """An ordinary view of a screen: fresh for 60.1 s, whole, and kept."""
    slots = tuple(SlotState(slot.name, "fresh", AT + 0.25, AT + 60.1) for slot in one.slots)
    given: dict[str, Any] = {"tags": tuple(one.common_tags), "slots": slots, **more}
    timing, until = Timing(AT, Lifetime(60.1)), Moments(AT + 60.1, AT + 60.1, AT + 60.1)
    return View(200, b"{}", b"0f" * 16, given.pop("tags"), position_of(1, 2, 3), timing, until, AT, **given)


@LAW
@given(cases)
def test_every_field_comes_back(case: tuple[Screen, View]) -> None:
    """But for the order of tags, and the times of slots that are all fresh."""
    one, put = case
    held = hold(one, b"/home/42", put, 64)
    got = held.view()
    assert held.loading_took == put.timing.cost
    assert (set(got.tags), held.own_tags) == (set(put.tags), [tag for tag in put.tags if tag not in one.common_tags])
    assert len(got.tags) == len(put.tags)
    got.tags = put.tags
    for told, there in zip(got.slots, put.slots, strict=True):
        assert told.at in (there.at, ceil(there.at))
        assert told[:2] + told[4:] == there[:2] + there[4:]
    got.slots = put.slots
    assert got == put
    assert (held.key, held.cost, held.digest, held.body) == (b"/home/42", 64, put.digest, put.body)
    assert held.fresh_until == put.until.fresh_until


@LAW
@given(st.sampled_from(SCREENS), st.data())
def test_a_slot_is_never_told_to_be_stale_before_it_is(one: Screen, data: st.DataObject) -> None:
    """Though its end takes four bytes; nor much later than it is. Whether it is as old as the whole or not."""
    lasting = data.draw(st.lists(st.floats(0, 1e9), min_size=len(one.slots), max_size=len(one.slots)))
    at = AT + data.draw(st.sampled_from([0.0, 0.25, 3.0]))
    slots = tuple(SlotState(s.name, "fresh", at, AT + end) for s, end in zip(one.slots, lasting, strict=True))
    for told, there in zip(hold(one, b"a", view(one, slots=slots), 64).view().slots, slots, strict=True):
        late = told.fresh_until - there.fresh_until
        assert 0 <= late <= 1e-6 + (there.fresh_until - AT) * 2.0**-22


@LAW
@given(cases)
def test_what_is_told_at_once_is_what_the_view_says(case: tuple[Screen, View]) -> None:
    """Of an ordinary one, whose bytes are read in one step, or in two where its slots are not level."""
    one, put = case
    held = hold(one, b"a", put, 64)
    if held.ordinary:
        flags, at, until, digest = TOLD.unpack_from(held.rest)
        assert (at, until, digest) == (ceil(put.timing.at), floor(fresh_until(put.timing)), put.digest)
        ages = [ceil(slot.at) for slot in put.slots]
        assert (flags >= LEVEL) is (ages == [at] * len(ages))
        assert flags >= LEVEL or [*made(len(one.slots)).unpack_from(held.rest)] == ages
        assert [slot.at for slot in held.view().slots] == ages


def later(*seconds: float) -> tuple[SlotState, ...]:
    """The slots of an ordinary view of two, made so long after its time."""
    return tuple(slot._replace(at=AT + one) for slot, one in zip(view(SCREENS[1]).slots, seconds, strict=True))


@pytest.mark.parametrize(
    ("at", "seconds", "level"),
    [
        (0.0, (0.0, 0.0), True),
        (0.0, (0.0, 0.001), False),
        (0.0, (-0.999, 0.0), True),
        (0.001, (0.001, 1.0), True),
        (0.001, (0.001, 1.001), False),
        (0.001, (0.0, 1.0), False),
        (0.001, (1.001, 1.001), False),
    ],
)
def test_level_is_as_old_as_the_whole_in_whole_seconds(at: float, seconds: tuple[float, ...], level: bool) -> None:
    """All slots; it is then as ordinary as any other."""
    put = view(SCREENS[1], slots=later(*seconds))
    put.timing = put.timing._replace(at=AT + at)
    held = hold(SCREENS[1], b"a", put, 64)
    assert (held.rest[0] >= LEVEL, held.ordinary) == (level, True)
    assert [slot.at for slot in held.view().slots] == [ceil(AT + one) for one in seconds]


@pytest.mark.parametrize(
    ("end", "ordinary"), [(2**32 - 1.5, True), (2**32 - 1.0, False), (2**32 + 0.5, False), (inf, False)]
)
def test_what_is_told_of_has_an_end_that_four_bytes_can_tell(end: float, ordinary: bool) -> None:
    """Whatever lasts longer is kept all the same, and told of by the ordinary path."""
    put = view(SCREENS[1], slots=later(0.0, 0.0))
    put.timing = Timing(AT, Lifetime(end - AT))
    held = hold(SCREENS[1], b"a", put, 64)
    assert held.ordinary is ordinary
    assert held.view().timing == put.timing


def worse(**fields: Any) -> tuple[SlotState, ...]:
    """The slots of an ordinary view of two, the second one changed."""
    first, second = view(SCREENS[1]).slots
    return first, second._replace(**fields)


@pytest.mark.parametrize(
    ("more", "ordinary"),
    [
        ({}, True),
        ({"whole": False}, False),
        ({"stale": True}, False),
        ({"unproven": True}, False),
        ({"kept": False}, False),
        ({"late": True}, False),
        ({"status": 404}, False),
        *[({"slots": worse(state=str(state))}, state is State.FRESH) for state in State],
        ({"slots": worse(missing=1)}, False),
        ({"slots": worse(absent=1)}, False),
        ({"slots": worse(at=0.0)}, False),
        ({"slots": worse()[:1]}, False),
        ({"slots": ()}, False),
    ],
)
def test_ordinary_is_what_is_whole_and_kept_and_fresh(more: dict[str, Any], ordinary: bool) -> None:
    """And there; whatever else there is to tell, the ordinary path tells."""
    put = view(SCREENS[1])
    for name, value in more.items():
        setattr(put, name, value)
    assert hold(SCREENS[1], b"a", put, 64).ordinary is ordinary


@pytest.mark.parametrize(("level", "size"), [(False, 8), (True, 4)])
def test_what_is_told_of_slots_that_are_fresh_takes_few_bytes(level: bool, size: int) -> None:
    """Eight for each, whatever their names; four where they are level."""
    views = [(one, levelled(view(one), level)) for one in (SCREENS[0], SCREENS[2])]
    small, large = (hold(one, b"a", put, 64).rest for one, put in views)
    assert len(large) - len(small) == size * 7


def test_a_tag_has_no_line_break() -> None:
    """Which is what parts them here; a line separator of another kind may be in one."""
    assert tag_mistake("a\nb")
    own = ("a\u2028b", "c", "\u2029", " ", "\u00a0")
    held = hold(SCREENS[0], b"a", view(SCREENS[0], tags=(*own, *SCREENS[0].common_tags)), 64)
    assert held.own_tags == list(own)


def test_a_view_without_a_common_tag_has_it_all_the_same() -> None:
    """As of which a part failed: it is expelled with the others, and no less."""
    held = hold(SCREENS[0], b"a", view(SCREENS[0], tags=("t",)), 64)
    assert set(held.tags) == {"t", *SCREENS[0].common_tags}


def test_the_garbage_collector_sees_none_of_it() -> None:
    """Neither views nor forms, nor what holds forms: it does not walk over a million of them."""
    held = hold(SCREENS[0], b"a", view(SCREENS[0], tags=("t",)), 64)
    form = Form("zstd", b"body", b"head")
    held.forms = {"zstd": form}
    assert not any(map(gc.is_tracked, (held, form, held.forms, held.rest, held.key)))


def test_two_views_are_never_equal() -> None:
    """They are known by which they are, as an index holds them."""
    held = hold(SCREENS[0], b"a", view(SCREENS[0]), 64)
    other: Held = replace(held)
    assert held != other
    assert len({held, other}) == 2
