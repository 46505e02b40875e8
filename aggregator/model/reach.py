"""The reach of a tag: which fragments and screens are declared so that what is kept of them may have it."""

import re
from typing import NamedTuple

from aggregator.model.catalogue import Catalogue
from aggregator.model.fragment import Fragment
from aggregator.model.screen import Screen
from aggregator.model.tags import VIEWER, screen_tag
from aggregator.model.template import Template


class Reach(NamedTuple):
    """Names, as declared. Those of fragments whose tags are learned are in it wherever their prefix allows."""

    fragments: tuple[str, ...]
    screens: tuple[str, ...]


def reach(tag: str, catalogue: Catalogue) -> Reach:
    """What an invalidation of the tag may overtake."""
    fragments = {name for name, fragment in catalogue.fragments.items() if _may_have(fragment, tag)}
    screens = (name for name, screen in catalogue.screens.items() if _shows(screen, fragments, tag))
    return Reach(tuple(name for name in catalogue.fragments if name in fragments), tuple(screens))


def _may_have(fragment: Fragment, tag: str) -> bool:
    return (
        tag in fragment.implicit_tags
        or any(_may_be(template, tag) for template in fragment.tags)
        or (fragment.tags_from is not None and tag.startswith(fragment.tags_from_prefix))
        or (fragment.is_private and tag.startswith(VIEWER))
    )


def _may_be(template: Template, tag: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, template.parts[::2])), tag, re.DOTALL) is not None


def _shows(screen: Screen, fragments: set[str], tag: str) -> bool:
    shown = {one.name for slot in screen.slots for one in (slot.fragment, slot.fallback_fragment) if one}
    return bool(shown & fragments) or tag == screen_tag(screen.name) or (bool(screen.claims) and tag.startswith(VIEWER))
