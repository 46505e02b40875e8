"""A plan shows slots wave by wave: what each reads of others, what stands in for it, and how long all may take."""

from pathlib import Path

import pytest

from aggregator.declaration.read import declare
from aggregator.model.inputs import Inputs
from tests.planning import plan, shown, story
from tests.samples.waves import WAVES


def test_slots_are_shown_wave_by_wave(tmp_path: Path) -> None:
    """Each after those that it reads."""
    heads = [line.split("  ")[0] for line in shown(story(tmp_path)) if line.startswith(("wave", "slot"))]
    first = ["slot feed (required)", "slot theme", "slot cart (required)"]
    assert heads == ["wave 1", *first, "wave 2", "slot owner", "slot articles", "wave 3", "slot badge"]


@pytest.mark.parametrize(
    ("slot", "line"),
    [
        ("feed", "  URL       GET http://127.0.0.1:9001/v2/feeds/42?page=1"),
        ("feed", "  at        main.feed"),
        ("feed", "  shape     pick items, owner; rename items.id → key"),
        ("feed", "  fallback  stale_if_error 10m, then fails the screen"),
        ("cart", "  fallback  fails the screen"),
        ("owner", "  inputs    user_id from feed.owner_id"),
        ("owner", "  tags      user:{user_id}, fragment:user, mbu:users, *"),
        ("owner", "  URL       GET http://127.0.0.1:9002/users/{user_id}?for=42"),
        ("owner", '  fallback  stale_if_error 10m or serve_overtaken_on_error 5m, then {"name":"?"}'),
        ("articles", "  each      article_id from feed.items[*].id, at most 20"),
        ("articles", "  URL       GET http://127.0.0.1:9003/articles/{article_id}"),
        ("articles", "  batch     GET http://127.0.0.1:9003/articles?ids={ids}, at most 50 ids a call"),
        ("articles", "  fallback  null in its place; as a whole: fragment popular, then null"),
        ("badge", "  inputs    badge_id from owner.badge_id"),
    ],
)
def test_a_slot_shows_what_it_reads_asks_for_and_falls_back_to(tmp_path: Path, slot: str, line: str) -> None:
    """What is known of the request is in URLs and tags; what other slots tell is named."""
    assert line in shown(story(tmp_path), slot)


def test_a_slot_that_reads_others_has_no_key_yet(tmp_path: Path) -> None:
    """Its inputs decide it, and are not there; what it does not have is not shown."""
    labels = [line.split()[0] for line in shown(story(tmp_path), "badge")]
    assert labels == ["slot", "inputs", "tags", "URL", "lifetime", "fallback"]


def test_a_slot_whose_fallback_alone_reads_others_has_its_key(tmp_path: Path) -> None:
    """It runs behind what it reads, with inputs that are known; if they cannot be put to its MBU, it falls back."""
    path = tmp_path / "screens.toml"
    slots = """[screens.other]
path = "/others/{user_id}/{feed_id}"
query = { page = {} }
[screens.other.slots]
feed = "feed"
user = { fragment = "theme_of", fallback_fragment = "badge", with = { badge_id = "feed.badge_id" } }
[fragments.theme_of]
mbu = "users"
path = "/themes-of/{user_id}"
"""
    path.write_text(WAVES + slots)
    found = plan("other", "user_id=1", "feed_id=2", "query.page=3", file=str(path))
    key = declare(str(path), None).catalogue.fragments["theme_of"].key("aggregator", Inputs({"user_id": "1"}))
    assert shown(found, "user")[1:3] == ["  inputs    badge_id from feed.badge_id", f"  key       {key.name}"]
    found = plan("other", "user_id=..", "feed_id=2", "query.page=3", file=str(path))
    assert "  fails     its inputs cannot stand in the MBU's path" in shown(found, "user")


@pytest.mark.parametrize(
    ("deadline", "cut"),
    [
        ("1500ms", ", cut at the screen's deadline of 1.5s"),
        ("1799ms", ", cut at the screen's deadline of 1.799s"),
        ("1800ms", ""),
    ],
)
def test_the_worst_case_is_the_sum_of_the_slowest_of_each_wave(tmp_path: Path, deadline: str, cut: str) -> None:
    """Cut where the screen waits no longer than that."""
    text = WAVES.replace('deadline = "1500ms"', f'deadline = "{deadline}"').replace('fallback_fragment = "popular"', "")
    expected = f"worst case  feed 800ms + owner 500ms + badge 500ms = 1.8s{cut}"
    assert shown(story(tmp_path, text=text))[-1] == expected


def test_what_stands_in_is_waited_for_too(tmp_path: Path) -> None:
    """A fallback fragment is loaded when the slot's own has failed."""
    last = shown(story(tmp_path))[-1]
    assert last.startswith("worst case  feed 800ms + articles 400ms + its fallback popular 400ms + badge 500ms = 2.1s,")
