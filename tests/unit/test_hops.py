"""Hops tell a screen that would wait for itself from one that is only asked for by another."""

import pytest

from aggregator.model.hops import MAX_HOPS, Hops
from aggregator.model.screen import Slot
from tests.world import fragment, screen

DECLARED = {(screen, fragment) for screen in ("home", "card") for fragment in ("user", "feed", "posts")}
HOME = screen(Slot("user", fragment("user")), Slot("feed", fragment("feed")))


@pytest.mark.parametrize(
    ("field", "loops"),
    [
        ("", False),
        ("other", False),
        ("other;screen=home;fragment=user", False),
        ("us;screen=home;fragment=posts", True),
        ("us ; screen = home ; fragment=posts", True),
        ("us;screen=card;fragment=feed", True),
        ("us;screen=card;fragment=posts", False),
        ("other, us;screen=card;fragment=posts, us;screen=home;fragment=posts", True),
        ("us;screen=home;fragment=nowhere", False),
        ("us;screen=" + "x" * 9_000 + ";fragment=user", False),
        (", ".join(["us;screen=card;fragment=posts"] * MAX_HOPS), False),
        (", ".join(["us;screen=card;fragment=posts"] * (MAX_HOPS + 1)), True),
        (";;;,,,us,=;us;=", False),
    ],
)
def test_a_loop_is_a_screen_or_fragment_of_ours_that_is_under_way(field: str, loops: bool) -> None:
    """Members of other services are theirs to judge."""
    assert bool(Hops.read("us", "home", field, DECLARED).loop(HOME)) is loops


def test_a_load_says_where_it_comes_from() -> None:
    """Its own member is added behind those of ours that came in (RFC 8586); foreign ones are not handed on."""
    hops = Hops.read(
        "us", "home", "cdn.example;x=1, us;screen=card;fragment=posts;x=y, us;screen=a;fragment=b", DECLARED
    )
    assert hops.header("user") == "us;screen=card;fragment=posts, us;screen=home;fragment=user"
    assert Hops.read("us", "user-screen", hops.header("user"), DECLARED).loop(HOME)
