"""A template says of a hit what the ordinary path says, byte by byte."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.engine.answer import Answer
from aggregator.http import heads
from aggregator.http.forms import FORMS
from aggregator.http.heads import Template, head_of
from aggregator.http.responses import respond
from aggregator.model.entry import SlotState
from aggregator.model.held import Form, Held, hold
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Screen, Slot
from aggregator.model.view import View, digest_of
from cache_policies.policy import Lifetime, Timing, plain_moments
from tests.world import fragment, screen

# No deadline of its own: a busy machine is no counterexample. The blob repeats a failure.
LAW = settings(deadline=None, print_blob=True)
AT = 1_750_000_000
BODY = b'{"data":{"feed":null}}'
# Seconds in the microseconds that a clock has, which doubles tell apart.
moments = st.integers(0, 10**9).map(lambda micros: micros / 10**6)
# Also longer than there are texts of numbers that are remembered.
lifetimes = st.sampled_from([0.0, 1.0, 4_096.0, 4_097.5]) | st.integers(0, 10**11).map(lambda micros: micros / 10**6)


def screen_of(slots: int, **more: Any) -> Screen:
    """A screen of so many slots."""
    return screen(*(Slot(f"slot{n}", fragment(f"f{n}")) for n in range(slots)), **more)


silent = st.builds(screen_of, st.integers(1, 4), tells_slots=st.just(False), tells_cache=st.just(False))
screens = silent | st.builds(
    screen_of,
    st.integers(1, 4),
    client_max_age=st.none() | st.sampled_from([0.0, 0.5, 10.0, 59.9, 600.0]),
    tells_slots=st.booleans(),
)


def ordinary(one: Screen, at: float, fresh_for: float, made: list[float]) -> View:
    """A view whose slots were made so long after its oldest part."""
    timing = Timing(at, Lifetime(fresh_for))
    until = plain_moments(timing)
    slots = [SlotState(s.name, "fresh", at + n, until.fresh_until) for s, n in zip(one.slots, made, strict=True)]
    return View(200, BODY, digest_of(BODY), tuple(one.common_tags), ORIGIN, timing, until, at, tuple(slots))


def offsets(one: Screen) -> st.SearchStrategy[list[float]]:
    """How long after its oldest part each slot was made: all with it, all about then, or some later."""
    count = len(one.slots)
    about, later = st.floats(0, 1).map(lambda n: round(n, 6)), st.just(0.0) | moments
    return st.just([0.0] * count) | st.lists(about | later, min_size=count, max_size=count)


def whole(template: Template, held: Held, form: str, second: int, length: int) -> bytes:
    """A head in one piece."""
    return b"".join(template.head(held, form, second, length))


def said(one: Screen, view: View, now: float, form: str, body: bytes, had: str | None = None) -> bytes:
    """What the ordinary path says of what L1 holds."""
    ttl = plain_moments(view.timing).fresh_until - now
    answer = Answer(view, "l1", now, ttl, ttl <= 0, False)
    return head_of(respond(one, answer, Form(form, body) if form else None, lambda *_: had))


@LAW
@given(screens, st.data())
def test_it_says_what_the_ordinary_path_says(one: Screen, data: st.DataObject) -> None:
    """Of any ordinary view, whenever it is fresh, in each form, to who has a copy in any and to who has none.

    As it is put or as it is held; also of what was made a little ahead of this process's clock; and whatever was
    asked for before.
    """
    template, forms = heads.template(one), st.sampled_from(sorted(FORMS))
    for _ in range(data.draw(st.integers(1, 4))):
        at, fresh_for = AT + data.draw(moments), data.draw(lifetimes)
        put = ordinary(one, at, fresh_for, data.draw(offsets(one)))
        held = hold(one, b"/home/42", put, 64)
        now = at + data.draw(st.floats(-3, fresh_for))
        if now >= held.fresh_until:
            continue
        assert held.ordinary
        form, had, body = data.draw(forms), data.draw(forms), b"x" * data.draw(st.integers(0, 9_000))
        for view in (put, held.view()):
            view = replace(view, body=BODY if form else body)
            assert whole(template, held, form, int(now), len(body)) == said(one, view, now, form, body)
            assert template.short(held, had, int(now)) == said(one, view, now, form, body, had)


@pytest.mark.parametrize(("made", "age"), [(1.5, 3), (0.5, 4), (0.0, 4)])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_head_in_full(form: str, made: float, age: int) -> None:
    """As clients see it, behind the request id; of slots that are as old as the whole, in whole seconds, or not."""
    one = screen_of(2, client_max_age=10.0)
    held = hold(one, b"a", ordinary(one, AT + 0.5, 60.0, [0.0, made]), 64)
    packed, coding = form.startswith("msgpack"), form.removeprefix("msgpack").removeprefix("-")
    told = [
        b"cache-control: private, max-age=14",
        b'cache-status: aggregator;hit;ttl=54;detail="L1"',
        b"vary: accept, accept-encoding, aggregator-min-position",
        b"age: 4",
        b'aggregator-slots: "slot0";state=fresh;age=4, "slot1";state=fresh;age=%d' % age,
        b'etag: "%b%b"' % (digest_of(BODY), f"-{form}".encode() if form else b""),
        b"content-type: application/" + (b"msgpack" if packed else b"json"),
        *([b"content-encoding: " + coding.encode()] if coding else []),
        b"content-length: 7",
        b"\r\n",
    ]
    assert whole(Template(one), held, form, AT + 5, 7) == b"\r\n".join(told)


@pytest.mark.parametrize("made", [0.0, 2.5])
@pytest.mark.parametrize(
    ("longest", "second", "told"),
    [
        (None, 0, (b"no-cache", b"59", b"0")),
        (10.0, -2, (b"max-age=10", b"61", b"0")),
        (10.0, 0, (b"max-age=10", b"59", b"0")),
        (10.0, 1, (b"max-age=10", b"58", b"0")),
        (10.9, 5, (b"max-age=14", b"54", b"4")),
        (0.0, 5, (b"max-age=4", b"54", b"4")),
        (600.0, 5, (b"max-age=58", b"54", b"4")),
        (600.0, 59, (b"max-age=58", b"0", b"58")),
        (10.0, 60, (b"max-age=59", b"0", b"59")),
    ],
)
def test_a_client_may_keep_what_is_left_or_what_is_declared(
    made: float, longest: float | None, second: int, told: tuple[bytes, bytes, bytes]
) -> None:
    """Whichever is less, beside the age; what was made ahead of this clock is of age 0, and so are its slots."""
    one = screen_of(2, client_max_age=longest)
    held = hold(one, b"a", ordinary(one, AT + 0.25, 60.0, [0.0, made]), 64)
    kept, ttl, age = told
    lines = whole(Template(one), held, "", AT + second, 2).split(b"\r\n")
    assert lines[0] == b"cache-control: private, " + kept
    assert lines[1] == b'cache-status: aggregator;hit;ttl=%b;detail="L1"' % ttl
    assert lines[3] == b"age: " + age
    ages = (int(age), max(0, second - 3) if made else int(age))
    assert lines[4] == b'aggregator-slots: "slot0";state=fresh;age=%d, "slot1";state=fresh;age=%d' % ages


@pytest.mark.parametrize("made", [0.0, 2.5])
@pytest.mark.parametrize("longest", [None, 10.0, 86_400.0])
def test_numbers_without_a_text_are_told_all_the_same(longest: float | None, made: float) -> None:
    """About the last one that has a text: how long it is left, how old it is, how long its body is."""
    one, most = screen_of(2, client_max_age=longest), heads._MOST
    template, fresh_for = Template(one), 3.0 * most
    view = ordinary(one, AT, fresh_for, [0.0, made])
    held = hold(one, b"a", view, 64)
    for number in (most - 2, most - 1, most, most + 1, 2 * most):
        for second in (AT + number, AT + int(fresh_for) - 1 - number):
            view.body = b"x" * number
            assert whole(template, held, "", second, number) == said(one, view, second, "", b"")


def test_texts_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of as many ages and lengths as come, and they are right whatever was forgotten."""
    monkeypatch.setattr(heads, "_MOST", 8)
    one = screen_of(2)
    template, view = Template(one), ordinary(one, AT, 1_000.0, [0.0, 0.0])
    held, ages, lengths = hold(one, b"a", view, 64), 0, 0
    for number in [*range(20), *range(20)]:
        view.body = b"x" * number
        assert whole(template, held, "", AT + number, number) == said(one, view, AT + number, "", b"")
        ages, lengths = max(ages, len(template._by_age)), max(lengths, len(template._by_length[""]))
    assert (ages, lengths) == (8, 8)


@pytest.mark.parametrize("made", [[0.0], [1.5]])
@pytest.mark.parametrize("name", ["x-50%", "x-%d", "%", "x-%%s"])
def test_a_name_with_a_percent_sign_stays_as_it_is(name: str, made: list[float]) -> None:
    """RFC 9110 lets the name of a header hold one, and Vary names it."""
    one = screen(Slot("feed", fragment("feed", forward=(name,))))
    held = hold(one, b"a", ordinary(one, AT, 60.0, made), 64)
    assert f"vary: accept, accept-encoding, authorization, {name}\r\n".encode() in whole(Template(one), held, "", AT, 2)
    assert Template(one).short(held, "br", AT) == said(one, held.view(), AT, "", b"", "br")
