"""A template says of a hit what the ordinary path says, byte by byte."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.engine.answer import Answer
from aggregator.http.forms import FORMS
from aggregator.http.heads import Template, head_of
from aggregator.http.responses import respond
from aggregator.model.entry import SlotState
from aggregator.model.held import Form, hold
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


def screen_of(slots: int, **more: Any) -> Screen:
    """A screen of so many slots."""
    return screen(*(Slot(f"slot{n}", fragment(f"f{n}")) for n in range(slots)), **more)


screens = st.builds(
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


def said(one: Screen, view: View, now: float, form: str, body: bytes, had: str | None = None) -> bytes:
    """What the ordinary path says of what L1 holds."""
    ttl = plain_moments(view.timing).fresh_until - now
    answer = Answer(view, "l1", now, ttl, ttl <= 0, False)
    return head_of(respond(one, answer, Form(form, body) if form else None, lambda _: had))


@LAW
@given(screens, moments, moments, st.data())
def test_it_says_what_the_ordinary_path_says(one: Screen, at: float, fresh_for: float, data: st.DataObject) -> None:
    """Of any ordinary view, whenever it is fresh, in each form, to who has a copy in any and to who has none.

    Also of what was made a little ahead of this process's clock.
    """
    made = data.draw(st.lists(moments, min_size=len(one.slots), max_size=len(one.slots)))
    held = hold(one, b"/home/42", ordinary(one, AT + at, fresh_for, made), 64)
    now = AT + at + data.draw(st.floats(-3, fresh_for))
    if now >= held.fresh_until:
        return
    assert held.ordinary
    form, had, body = data.draw(st.sampled_from(sorted(FORMS))), data.draw(st.sampled_from(sorted(FORMS))), b"x" * 321
    template, view = Template(one), held.view()
    view.body = BODY if form else body
    assert template.head(held, form, int(now), 321) == said(one, view, now, form, body)
    assert template.short(held, had, int(now)) == said(one, view, now, form, body, had)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_head_in_full(form: str) -> None:
    """As clients see it, between the date and the value of the request id."""
    one = screen_of(2, client_max_age=10.0)
    held = hold(one, b"a", ordinary(one, AT + 0.5, 60.0, [0.0, 1.5]), 64)
    packed, coding = form.startswith("msgpack"), form.removeprefix("msgpack").removeprefix("-")
    told = [
        b"cache-control: private, max-age=14",
        b'cache-status: aggregator;hit;ttl=54;detail="L1"',
        b"vary: accept, accept-encoding",
        b"age: 4",
        b'aggregator-slots: "slot0";state=fresh;age=4, "slot1";state=fresh;age=3',
        b'etag: "%b%b"' % (held.digest.hex().encode(), f"-{form}".encode() if form else b""),
        b"content-type: application/" + (b"msgpack" if packed else b"json"),
        *([b"content-encoding: " + coding.encode()] if coding else []),
        b"content-length: 7",
        b"x-request-id: ",
    ]
    assert Template(one).head(held, form, AT + 5, 7) == b"\r\n".join(told)


@pytest.mark.parametrize("name", ["x-50%", "x-%d", "%", "x-%%s"])
def test_a_name_with_a_percent_sign_stays_as_it_is(name: str) -> None:
    """RFC 9110 lets the name of a header hold one, and Vary names it."""
    one = screen(Slot("feed", fragment("feed", forward=(name,))))
    held = hold(one, b"a", ordinary(one, AT, 60.0, [0.0]), 64)
    assert f"vary: accept, accept-encoding, authorization, {name}\r\n".encode() in Template(one).head(held, "", AT, 2)
    assert Template(one).short(held, "br", AT) == said(one, held.view(), AT, "", b"", "br")
