"""A screen is a declared composite; its slots are filled by fragments, each one answer of one MBU."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aggregator.model.keys import Key, canonical, make_key
from aggregator.model.payload_path import PayloadPath
from aggregator.model.route import Route
from aggregator.model.tags import EVERYTHING, implicit_tags, screen_tag
from aggregator.model.template import Template
from cache_policies.policy import Lifetime


@dataclass(frozen=True)
class Fragment:
    """One cacheable answer of one MBU, used by any number of screens.

    absent_for: seconds that "there is nothing" is kept.
    jitter: the share (0 to 1) by which lifetimes are shortened at random, so that what was loaded together does
        not expire together. early_refresh: XFetch's beta; 0 refreshes nothing before it expires.
    tags_from, tags_from_prefix: where in the payload further tags are found, and what stands before each.
    """

    name: str
    mbu: str
    path: Template
    tags: tuple[Template, ...]
    lifetime: Lifetime
    absent_for: float
    jitter: float = 0.0
    early_refresh: float = 0.0
    tags_from: PayloadPath | None = None
    tags_from_prefix: str = ""

    @cached_property
    def definition(self) -> tuple[str, ...]:
        """What decides payload and tags: part of the key, so that a changed declaration reads no older entry."""
        learned = self.tags_from.text if self.tags_from else ""
        tags = canonical(tag.text for tag in self.tags).decode()
        return (self.name, self.mbu, self.path.text, tags, learned, self.tags_from_prefix)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of all declared inputs: those of the path and of the tags."""
        named = [*self.path.names, *(name for tag in self.tags for name in tag.names)]
        return tuple(dict.fromkeys(named))

    def key(self, namespace: str, values: Mapping[str, str]) -> Key:
        """The key for these inputs; nothing but definition and declared inputs goes into it."""
        inputs = [text for name in self.inputs for text in (name, values[name])]
        return make_key(namespace, "fragment", self.name, canonical([*self.definition, *inputs]))

    def known_tags(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The tags known before anything is loaded."""
        declared = [tag.render(values) for tag in self.tags]
        return tuple(dict.fromkeys([*declared, *implicit_tags(self.name, self.mbu)]))


@dataclass(frozen=True)
class Slot:
    """A place in a screen. A required one that fails fails the screen."""

    name: str
    fragment: Fragment
    required: bool = False


@dataclass(frozen=True)
class Screen:
    """client_max_age: seconds for which a client may use a whole, fresh answer unasked; None = it always asks."""

    name: str
    route: Route
    slots: tuple[Slot, ...]
    client_max_age: float | None = None

    @cached_property
    def definition(self) -> str:
        """What decides the composed bytes, fragments' definitions included.

        The parameters' names are in it as an identity has only their values, in the order of the path.
        """
        names = canonical(parameter.name for parameter in self.route.parameters).decode()
        parts = [text for slot in self.slots for text in (slot.name, str(slot.required), *slot.fragment.definition)]
        return canonical([self.name, names, *parts]).decode()

    def identity(self, values: Mapping[str, str]) -> bytes:
        """The identity of the view for these inputs, in whatever order they come."""
        prefix, names = self._identified
        return prefix + canonical([values[name] for name in names])

    @cached_property
    def _identified(self) -> tuple[bytes, tuple[str, ...]]:
        names = tuple(parameter.name for parameter in self.route.parameters)
        return canonical([self.definition]), names

    def key(self, namespace: str, identity: bytes) -> Key:
        """The key of the view with this identity."""
        return make_key(namespace, "view", self.name, identity)

    @property
    def own_tags(self) -> tuple[str, ...]:
        """The tags that a view has besides its fragments'."""
        return (screen_tag(self.name), EVERYTHING)
