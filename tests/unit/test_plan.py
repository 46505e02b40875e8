"""A plan says what each slot needs, as far as its inputs are known; what is shaped otherwise is a failure, named."""

from typing import Any

import pytest

from aggregator.model.inputs import Inputs
from aggregator.model.plan import Want, needs_of, plan
from aggregator.model.screen import Slot
from aggregator.model.template import Template
from loaders.loader import Failed, Reason
from tests.world import fragment, listing, reading, screen

FEED = Slot("feed", fragment("feed"))
OWNER = reading("user", {"id": "feed.owner.id"})
ARTICLES = listing("article", "feed.items[*].id", max_items=3)
INPUTS = Inputs({"id": "42"})


def needs(slot: Slot, payload: Any) -> Any:
    """What the slot needs where the feed has this payload."""
    return needs_of(slot, slot.fragment, INPUTS, {"feed": payload}, "n")


def targets(found: Any) -> Any:
    """The targets of what is needed; a failure's text; None for nothing."""
    if isinstance(found, list):
        return [targets(one) for one in found]
    return found.target if isinstance(found, Want) else found.detail if isinstance(found, Failed) else None


@pytest.mark.parametrize(
    ("payload", "target"),
    [
        ({"owner": {"id": "7"}}, "/user/7"),
        ({"owner": {"id": 7}}, "/user/7"),
        ({"owner": {"id": "a/b?c"}}, "/user/a%2Fb%3Fc"),
        ({"owner": {"id": None}}, None),
        ({"owner": None}, None),
        (None, None),
    ],
)
def test_an_input_is_read_from_a_payload(payload: Any, target: str | None) -> None:
    """A number is the same input as its digits; where it is null there is nothing to load."""
    assert targets(needs(OWNER, payload)) == target


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"owner": {}}, "needs feed.owner.id, but in feed owner has no member id"),
        ({}, "needs feed.owner.id, but in feed the payload has no member owner"),
        ({"owner": 3}, "needs feed.owner.id, but in feed owner is no object, and so has no member id"),
        ([], "needs feed.owner.id, but in feed the payload is no object, and so has no member owner"),
        ({"owner": {"id": [7]}}, "not a list"),
        ({"owner": {"id": {}}}, "not an object"),
        ({"owner": {"id": True}}, "not true or false"),
        ({"owner": {"id": 7.5}}, "not a number with a fraction"),
        ({"owner": {"id": ""}}, "not such a text"),
        ({"owner": {"id": "x" * 201}}, "not such a text"),
        ({"owner": {"id": "a\nb"}}, "not such a text"),
        ({"owner": {"id": ".."}}, "its inputs cannot stand in the MBU's path"),
    ],
)
def test_a_payload_that_does_not_fit_is_a_failure_that_says_where(payload: Any, why: str) -> None:
    """And not what stands there, which may be anybody's."""
    found = needs(OWNER, payload)
    assert isinstance(found, Failed)
    assert found.reason is Reason.INPUT
    assert why in found.detail


def test_a_slot_that_failed_leaves_nothing_to_read() -> None:
    """Its readers say whom they needed."""
    assert targets(needs_of(OWNER, OWNER.fragment, INPUTS, {}, "n")) == "needs feed, which could not be had"


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"items": []}, []),
        ({"items": [{"id": 1}, {"id": "b"}, {"id": 1}]}, ["/article/1", "/article/b", "/article/1"]),
        ({"items": [{"id": None}, {}, {"id": 2}]}, [None, None, "/article/2"]),
        ({"items": [None, {"id": 2}]}, [None, "/article/2"]),
        ({"items": None}, None),
        (None, None),
    ],
)
def test_each_gives_a_list_in_the_lists_order(payload: Any, found: Any) -> None:
    """What is null, and what has no such member, keeps its place."""
    assert targets(needs(ARTICLES, payload)) == found


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"items": {"id": 1}}, "items is no list"),
        ({}, "has no member items"),
        ({"items": [{"id": n} for n in range(4)]}, "feed.items[*].id has 4 elements, more than max_items = 3"),
    ],
)
def test_a_list_that_is_none_or_too_long_fails_as_a_whole(payload: Any, why: str) -> None:
    """Nothing of it is asked for."""
    assert why in targets(needs(ARTICLES, payload))


def test_an_element_that_does_not_fit_fails_in_its_place() -> None:
    """The others are asked for."""
    first, second, third = targets(needs(ARTICLES, {"items": [{"id": 1}, 5, {"id": [2]}]}))
    assert first == "/article/1"
    assert "items[1] is no object" in second
    assert "not a list" in third


def test_a_nested_list_is_walked_in_order() -> None:
    """Every [*] on the way."""
    slot = listing("article", "feed.shelves[*].books[*].id")
    payload = {"shelves": [{"books": [{"id": 1}, {}]}, {"books": None}, {"books": [{"id": 2}]}]}
    assert targets(needs(slot, payload)) == ["/article/1", None, None, "/article/2"]


def test_the_first_wave_needs_no_payload() -> None:
    """The others are planned when what they read is there."""
    home = screen(OWNER, FEED, ARTICLES)
    assert list(plan(home, INPUTS, "n") or ()) == ["feed"]
    assert [[slot.name for slot in wave] for wave in home.waves] == [["feed"], ["user", "article"]]


def test_there_is_no_screen_for_inputs_that_cannot_be_put_to_an_mbu() -> None:
    """A dot segment, or a tag that is none."""
    assert plan(screen(FEED), Inputs({"id": ".."}), "n") is None


def test_a_header_is_sent_where_a_fragment_names_it_and_decides_its_key() -> None:
    """An empty one is not sent; a value that cannot be a header's makes no request."""
    one = fragment("feed", headers={"accept-language": Template.parse("{header.accept-language}")})
    slot = Slot("feed", one)

    def wanted(language: str) -> Any:
        return needs_of(slot, one, Inputs({"id": "1", "header.accept-language": language}), {}, "n")

    assert wanted("de").headers == {"accept-language": "de"}
    assert wanted("").headers == {}
    assert len({wanted(language).key for language in ("", "de", "en")}) == 3
    assert isinstance(wanted("é"), Failed)


def test_what_is_handed_on_is_in_the_key_as_a_mark_only() -> None:
    """And with it the viewer, who can be forgotten."""
    one = fragment("cart", forward=("authorization",))
    inputs = Inputs(
        {"id": "1", "viewer.sub": "anna", "forward.authorization": "Bearer t0ken"},
        {"forward.authorization": "m4rk"},
        "anna",
    )
    found = needs_of(Slot("cart", one), one, inputs, {}, "n")
    assert found.headers == {"authorization": "Bearer t0ken"}
    assert b"t0ken" not in found.key.identity
    assert b"m4rk" in found.key.identity
    assert "viewer:anna" in found.tags


def test_a_bound_secret_keeps_its_mark() -> None:
    """Under whatever name the fragment knows it."""
    slot = reading("user", {"id": "cookie.session"})
    inputs = Inputs({"cookie.session": "s3cret"}, {"cookie.session": "m4rk"})
    found = needs_of(slot, slot.fragment, inputs, {}, "n")
    assert found.target == "/user/s3cret"
    assert b"s3cret" not in found.key.identity
