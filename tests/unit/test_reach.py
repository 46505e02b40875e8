"""Which fragments and screens a tag may be one of, by what is declared."""

import pytest

from aggregator.model.catalogue import Catalogue
from aggregator.model.payload_path import PayloadPath
from aggregator.model.reach import reach
from aggregator.model.screen import Slot
from aggregator.model.template import Template
from tests.world import fragment, screen

USER = fragment("user", tags=(Template.parse("user:{id}"), Template.parse("team:{id}:{other}")))
POSTS = fragment("posts", mbu="feeds", tags=(), tags_from=PayloadPath.parse("[*].id"), tags_from_prefix="post:")
CART = fragment("cart", path=Template.parse("/carts/{viewer.sub}"), tags=())
INSTEAD = fragment("instead")
SCREENS = (
    screen(Slot("user", USER), Slot("posts", POSTS, fallback_fragment=INSTEAD)),
    screen(Slot("user", USER), Slot("cart", CART), name="shop"),
)
CATALOGUE = Catalogue({}, {one.name: one for one in (USER, POSTS, CART, INSTEAD)}, {s.name: s for s in SCREENS}, {})


@pytest.mark.parametrize(
    ("tag", "fragments", "screens"),
    [
        ("user:42", ["user"], ["home", "shop"]),
        ("user:", ["user"], ["home", "shop"]),
        ("user:4\n2", ["user"], ["home", "shop"]),
        ("xuser:42", [], []),
        ("team:1:2", ["user"], ["home", "shop"]),
        ("team:1", [], []),
        ("post:7", ["posts"], ["home"]),
        ("fragment:posts", ["posts"], ["home"]),
        ("mbu:feeds", ["posts"], ["home"]),
        ("instead:1", ["instead"], ["home"]),
        ("viewer:anna", ["cart"], ["shop"]),
        ("screen:home", [], ["home"]),
        ("screen:nothing", [], []),
        ("*", ["user", "posts", "cart", "instead"], ["home", "shop"]),
    ],
)
def test_a_tag_reaches_what_may_have_it(tag: str, fragments: list[str], screens: list[str]) -> None:
    """Declared, learned, implicit, a viewer's; a screen is reached through its slots and what stands in for them."""
    found = reach(tag, CATALOGUE)
    assert ([*found.fragments], [*found.screens]) == (fragments, screens)
