"""A fragment is one cacheable answer of one MBU; it depends on the inputs that it names, and on nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from aggregator.model.batch import Batch
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key, canonical, make_key
from aggregator.model.payload_path import PayloadPath
from aggregator.model.tags import implicit_tags
from aggregator.model.template import Template
from cache_policies.policy import Lifetime

CLAIM = "viewer."
SUBJECT = "viewer.sub"
FORWARDED = "forward."


@dataclass(frozen=True)
class Fragment:
    """Used by any number of screens.

    absent_for: seconds that "there is nothing" is kept.
    jitter: the share (0 to 1) by which lifetimes are shortened at random, so that what was loaded together does
        not expire together. early_refresh: XFetch's beta; 0 refreshes nothing before it expires.
    refresh_before: seconds before it expires, the same whatever loading costs.
    tags_from, tags_from_prefix: where in the payload further tags are found, and what stands before each.
    headers: sent with its loads, by name. forward: the request's own headers that are handed on, and make it private
        to who sent them. batch: how many are asked for in one call. serves_overtaken: is what was invalidated
        served, as long as what is stale, while it is loaded again behind the answer?
    """

    name: str
    mbu: str
    path: Template
    tags: tuple[Template, ...]
    lifetime: Lifetime
    absent_for: float
    jitter: float = 0.0
    early_refresh: float = 0.0
    refresh_before: float = 0.0
    tags_from: PayloadPath | None = None
    tags_from_prefix: str = ""
    headers: Mapping[str, Template] = field(default_factory=lambda: MappingProxyType({}))
    forward: tuple[str, ...] = ()
    batch: Batch | None = None
    serves_overtaken: bool = False

    @cached_property
    def definition(self) -> tuple[str, ...]:
        """What decides payload and tags: part of the key, so that a changed declaration reads no older entry."""
        learned = self.tags_from.text if self.tags_from else ""
        tags = canonical(tag.text for tag in self.tags).decode()
        headers = canonical(text for name, value in self.headers.items() for text in (name, value.text)).decode()
        batch = self.batch.text if self.batch else ""
        return (self.name, self.mbu, self.path.text, tags, learned, self.tags_from_prefix, headers, batch)

    @cached_property
    def _canonical_definition(self) -> bytes:
        return canonical(self.definition)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of all declared inputs: those of path, tags and headers, and what is handed on."""
        templates = (self.path, *self.tags, *self.headers.values())
        named = [name for template in templates for name in template.names]
        private = [SUBJECT, *(f"{FORWARDED}{name}" for name in self.forward)] if self.forward else []
        return tuple(dict.fromkeys([*named, *private]))

    def key(self, namespace: str, inputs: Inputs) -> Key:
        """The key for these inputs; nothing but definition and declared inputs goes into it."""
        texts = [text for name in self.inputs for text in (name, inputs.mark(name))]
        return make_key(namespace, "fragment", self.name, self._canonical_definition + canonical(texts))

    def declared_tags(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The tags that these inputs give it, before anything is loaded."""
        return tuple(dict.fromkeys([tag.render(values) for tag in self.tags]))

    def has_nothing(self, values: Mapping[str, str]) -> bool:
        """Is a value in its path empty, as of a header that was not sent? Then there is nothing to ask for: without it
        the path would be another one's."""
        return "" in map(values.__getitem__, self._in_path)

    @cached_property
    def _in_path(self) -> tuple[str, ...]:
        return self.path.in_path

    @cached_property
    def is_private(self) -> bool:
        """Does it name a claim of the viewer among its inputs?"""
        return any(name.startswith(CLAIM) for name in self.inputs)

    @property
    def is_tagged(self) -> bool:
        """Is it declared what an invalidation names its entries by?"""
        return bool(self.tags) or self.tags_from is not None

    @cached_property
    def implicit_tags(self) -> tuple[str, ...]:
        """The tags that every entry of it has."""
        return implicit_tags(self.name, self.mbu)

    def sent_headers(self, values: Mapping[str, str]) -> dict[str, str]:
        """The headers that its load is sent with; those without a value are left out."""
        if not (self.headers or self.forward):
            return {}
        named = {name: template.render(values) for name, template in self.headers.items()}
        handed_on = {name: values[f"{FORWARDED}{name}"] for name in self.forward}
        return {name: value for name, value in (named | handed_on).items() if value}
