"""Aggregator-Slots tells the state of every slot, at most a second late; a screen may switch it off."""

import http_sf
import pytest

from aggregator.engine.answer import Answer, Refused
from aggregator.http.responses import respond
from aggregator.http.slots import HEADER, slots_field
from aggregator.model.entry import SlotState
from aggregator.model.part import Part, Piece
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Slot
from aggregator.model.view import Stamp, View, compose
from loaders.loader import Failed, Reason
from tests.world import fragment, screen

TOLD = (
    SlotState("feed", "fresh", 97.0, 200.0),
    SlotState("owner", "stale", 29.0, 80.0),
    SlotState("articles", "partial", 99.5, 200.0, 1, 2),
    SlotState("gone", "failed"),
)


def view(*slots: SlotState) -> View:
    """A view with these states."""
    made = compose(screen(Slot("a", fragment("a"))), [Part(Slot("a", fragment("a")), (Piece(None),))], STAMP)
    made.slots = slots
    return made


STAMP = Stamp((), ORIGIN, 100.0)


def test_it_is_a_structured_list() -> None:
    """Of strings with parameters (RFC 9651)."""
    field = slots_field(TOLD, 100.0)
    assert field == (
        '"feed";state=fresh;age=3, "owner";state=stale;age=71, "articles";state=partial;age=0;missing=1;absent=2, '
        '"gone";state=failed'
    )
    parsed = http_sf.parse(field.encode(), tltype="list")
    assert [member[0] for member in parsed] == ["feed", "owner", "articles", "gone"]
    assert str(parsed[2][1]["state"]) == "partial"


@pytest.mark.parametrize(
    ("later", "unproven", "expected"),
    [
        (0.0, False, '"feed";state=fresh;age=3'),
        (99.5, False, '"feed";state=fresh;age=102'),
        (100.0, False, '"feed";state=stale;age=103'),
        (0.0, True, '"feed";state=unproven;age=3'),
    ],
)
def test_it_is_true_when_it_is_told(later: float, unproven: bool, expected: str) -> None:
    """What was fresh when the view was made may be so no longer."""
    held = view(TOLD[0])
    home = screen(Slot("feed", fragment("feed")))
    for moment in (100.0, 100.0 + later):
        answer = Answer(held, "l1", moment, 200.0 - moment, moment >= 200.0, unproven)
        headers = respond(home, answer).headers
    assert headers[HEADER] == expected


def test_a_screen_may_switch_it_off() -> None:
    """Of answers and of failures."""
    quiet = screen(Slot("feed", fragment("feed")), tells_slots=False)
    answer = Answer(view(TOLD[0]), "l1", 100.0, 100.0, False, False)
    refused = Refused(quiet.slots[0], Failed(Reason.CONNECT, "down"), 100.0, TOLD)
    assert HEADER not in respond(quiet, answer).headers
    assert HEADER not in respond(quiet, refused).headers
    assert HEADER in respond(screen(*quiet.slots), refused).headers


def test_what_is_of_a_moment_ahead_of_ours_has_no_age() -> None:
    """Clocks of a fleet differ by a little; an age is never below nothing."""
    assert slots_field([SlotState("feed", "fresh", 100.5, 200.0)], 100.0) == '"feed";state=fresh;age=0'
