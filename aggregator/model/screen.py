"""A screen is a declared composite: slots filled by fragments, whose inputs come from the request or other slots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from aggregator.model.fragment import CLAIM, FORWARDED, Fragment
from aggregator.model.graph import waves
from aggregator.model.inputs import Inputs, Query
from aggregator.model.keys import Key, canonical, make_key
from aggregator.model.layout import Layout
from aggregator.model.position import MIN_POSITION
from aggregator.model.route import Route
from aggregator.model.shape import PLAIN, Shape
from aggregator.model.source import Source
from aggregator.model.tags import EVERYTHING, screen_tag, viewer_tag

Sources = Mapping[str, Source]
_NO_SOURCES: Sources = MappingProxyType({})


@dataclass(frozen=True)
class Slot:
    """A place in a screen. A required one that fails, and for which nothing stands in, fails the screen.

    given: where inputs of the fragment come from; those not named have the name of a request's input.
    each: the same, from lists: the slot is then a list, with one answer for each of their elements.
    max_items: elements at most. place: where it is in `data`; None = under its name.
    fallback_fragment, fallback: what is shown where it cannot be had: another fragment's answer, a JSON text.
    """

    name: str
    fragment: Fragment
    required: bool = False
    given: Sources = field(default_factory=lambda: _NO_SOURCES)
    each: Sources = field(default_factory=lambda: _NO_SOURCES)
    max_items: int = 100
    place: tuple[str, ...] | None = None
    shape: Shape = PLAIN
    fallback_fragment: Fragment | None = None
    fallback: bytes | None = None

    @property
    def at(self) -> tuple[str, ...]:
        """Its place in `data`, as member names."""
        return self.place or (self.name,)

    @property
    def has_fallback(self) -> bool:
        """Is anything shown where it cannot be had?"""
        return self.fallback_fragment is not None or self.fallback is not None

    @cached_property
    def needs(self) -> frozenset[str]:
        """The slots whose payloads it reads, or may have to."""
        instead = self.reads(self.fallback_fragment) if self.fallback_fragment else frozenset()
        return self.reads(self.fragment) | instead

    def reads(self, fragment: Fragment) -> frozenset[str]:
        """The slots whose payloads `fragment` reads in this slot."""
        return frozenset(source.slot for source in self.sources(fragment).values() if source.slot)

    def sources(self, fragment: Fragment) -> Sources:
        """Where each input of `fragment` comes from in this slot."""
        named = {**self.given, **self.each}
        return {name: named.get(name) or Source.of_request(name) for name in fragment.inputs}

    @cached_property
    def definition(self) -> tuple[str, ...]:
        """What decides what it shows."""
        sources = [text for name, source in (*self.given.items(), *self.each.items()) for text in (name, source.text)]
        instead = self.fallback_fragment.definition if self.fallback_fragment else ()
        rest = (str(self.required), str(self.max_items), self.shape.text, ".".join(self.at))
        lists = canonical([*sources, "each", *self.each]).decode()
        literal = (self.fallback or b"").decode()
        return (self.name, *self.fragment.definition, lists, *rest, literal, canonical(instead).decode())


@dataclass(frozen=True)
class Screen:
    """client_max_age: seconds for which a client may use a whole, fresh answer unasked; None = it always asks.

    queries, headers, cookies: what it declares to see of a request besides its path. deadline: seconds in which it is
    composed; None = as long as its MBUs may take. tells_slots: does each answer have `Aggregator-Slots`?
    tells_cache: does it have `Cache-Status` and `Age`?
    cross_origin: may pages of other origins read it, so that it depends on whose asks?
    """

    name: str
    route: Route
    slots: tuple[Slot, ...]
    client_max_age: float | None = None
    queries: tuple[Query, ...] = ()
    headers: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    deadline: float | None = None
    tells_slots: bool = True
    tells_cache: bool = True
    cross_origin: bool = False

    @cached_property
    def layout(self) -> Layout:
        """How its slots' payloads become one text."""
        return Layout.of([slot.at for slot in self.slots])

    @cached_property
    def waves(self) -> tuple[tuple[Slot, ...], ...]:
        """Its slots by the number of steps before they can run."""
        named = {slot.name: slot for slot in self.slots}
        by_depth = waves({slot.name: slot.needs for slot in self.slots})
        return tuple(tuple(named[name] for name in wave) for wave in by_depth)

    @cached_property
    def used(self) -> frozenset[str]:
        """The request's inputs that some slot uses."""
        fragments = [(slot, fragment) for slot in self.slots for fragment in (slot.fragment, slot.fallback_fragment)]
        sources = [source for slot, one in fragments if one for source in slot.sources(one).values()]
        return frozenset(source.text for source in sources if source.slot is None)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of what decides a view: all parameters of the path, and what else of the request is used."""
        names = [parameter.name for parameter in self.route.parameters]
        return (*names, *sorted(self.used - set(names)))

    @cached_property
    def claims(self) -> tuple[str, ...]:
        """The inputs that are claims of the viewer's token; a screen that has any is private to viewers."""
        return tuple(name for name in self.inputs if name.startswith(CLAIM))

    @cached_property
    def forwarded(self) -> tuple[str, ...]:
        """The request's headers that are handed on to some MBU."""
        return tuple(name.removeprefix(FORWARDED) for name in self.inputs if name.startswith(FORWARDED))

    @cached_property
    def deciding_headers(self) -> tuple[str, ...]:
        """The request's headers that decide what is shown."""
        seen = [name.removeprefix("header.") for name in self.inputs if name.startswith("header.")]
        cookie = ["cookie"] if any(name.startswith("cookie.") for name in self.inputs) else []
        viewer = ["authorization"] if self.claims else []
        return tuple(dict.fromkeys([*viewer, *self.forwarded, *cookie, *seen]))

    @cached_property
    def varies(self) -> str:
        """The Vary field: the request's headers that decide the answer (RFC 9110, section 12.5.5)."""
        # What a client may use unasked answers nobody who wants to read their own write.
        written = [MIN_POSITION] if self.client_max_age is not None else []
        origin = ["origin"] if self.cross_origin else []
        return ", ".join(dict.fromkeys(["accept", "accept-encoding", *self.deciding_headers, *written, *origin]))

    @cached_property
    def definition(self) -> str:
        """What decides the composed bytes, fragments' definitions included.

        The inputs' names are in it as an identity has only their values, in order.
        """
        names = canonical(self.inputs).decode()
        parts = [text for slot in self.slots for text in (str(len(slot.definition)), *slot.definition)]
        return canonical([self.name, names, *parts]).decode()

    def identity(self, inputs: Inputs) -> bytes:
        """The identity of the view for these inputs, in whatever order they come."""
        return self._prefix + canonical([inputs.mark(name) for name in self.inputs])

    @cached_property
    def _prefix(self) -> bytes:
        return canonical([self.definition])

    def key(self, namespace: str, identity: bytes) -> Key:
        """The key of the view with this identity."""
        return make_key(namespace, "view", self.name, identity)

    @cached_property
    def common_tags(self) -> frozenset[str]:
        """The tags of all its views, but for those of which a part failed."""
        implicit = [tag for slot in self.slots for tag in slot.fragment.implicit_tags]
        return frozenset([screen_tag(self.name), EVERYTHING, *implicit])

    def own_tags(self, inputs: Inputs) -> tuple[str, ...]:
        """The tags that a view has besides its fragments'."""
        private = (viewer_tag(inputs.subject),) if inputs.subject else ()
        return (screen_tag(self.name), *private, EVERYTHING)
