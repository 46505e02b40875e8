"""The lines of a plan about one slot: where its inputs come from, what is asked for, and what stands in for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from aggregator.commands.asked import depends_on_secrets
from aggregator.commands.check import lifetimes
from aggregator.commands.shown_shape import shape_words
from aggregator.commands.spoken import exact
from aggregator.model.catalogue import Mbu
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.plan import Want, needs_of
from aggregator.model.screen import Slot
from loaders.loader import Failed

NO_KEY = "depends on the service's hash key"


def line(label: str, text: str) -> str:
    """A line of a plan below its heading."""
    return f"  {label:<8}  {text}"


@dataclass(frozen=True)
class SlotLines:
    """What is said of a slot in a request with these inputs."""

    slot: Slot
    mbu: Mbu
    inputs: Inputs
    namespace: str

    def __iter__(self) -> Iterator[str]:
        fragment = self.slot.fragment
        yield f"slot {self.slot.name}{' (required)' if self.slot.required else ''}  fragment {fragment.name}"
        yield from self._sources()
        yield from self._asked()
        if fragment.batch:
            path = fragment.batch.path.render({**self._in_url, "ids": "{ids}"})
            yield line("batch", f"{self._place(path)[1]}, at most {fragment.batch.max} ids a call")
        yield line("lifetime", lifetimes(fragment))
        yield line("fallback", ladder(self.slot))
        if self.slot.place:
            yield line("at", ".".join(self.slot.place))
        if not self.slot.shape.empty:
            yield line("shape", shape_words(self.slot.shape))

    def _sources(self) -> Iterator[str]:
        if self.slot.given:
            yield line("inputs", ", ".join(f"{name} from {source.text}" for name, source in self.slot.given.items()))
        if self.slot.each:
            lists = ", ".join(f"{name} from {source.text}" for name, source in self.slot.each.items())
            yield line("each", f"{lists}, at most {self.slot.max_items}")

    def _asked(self) -> Iterator[str]:
        """Its key, tags and URL; where inputs come from other slots, no key, and their names in place of them."""
        fragment = self.slot.fragment
        sources = self.slot.sources(fragment).values()
        of_request = all(source.slot is None for source in sources)
        needs = needs_of(self.slot, fragment, self.inputs, {}, self.namespace) if of_request else None
        if isinstance(needs, Want):
            secret = depends_on_secrets(source.text for source in sources)
            yield line("key", NO_KEY if secret else needs.key.name)
        known = [*fragment.declared_tags(self._values), *fragment.implicit_tags]
        tags = needs.tags if isinstance(needs, Want) else known
        yield line("tags", f"{', '.join(tags)}{_learned(fragment)}")
        yield line(*self._place(needs.target if isinstance(needs, Want) else fragment.path.render(self._in_url)))
        if isinstance(needs, Failed):
            yield line("fails", needs.detail)

    def _place(self, target: str) -> tuple[str, str]:
        return ("URL", f"GET {self.mbu.url}{target}") if self.mbu.url else ("MBU", f"{self.mbu.place}  GET {target}")

    @property
    def _values(self) -> dict[str, str]:
        """The fragment's inputs: what they are, or "{name}" where another slot tells."""
        sources = self.slot.sources(self.slot.fragment)
        return {
            name: self.inputs.values[one.text] if one.slot is None else f"{{{name}}}" for name, one in sources.items()
        }

    @property
    def _in_url(self) -> dict[str, str]:
        sources = self.slot.sources(self.slot.fragment)
        return {name: quote(text, safe="{}" if sources[name].slot else "") for name, text in self._values.items()}


def _learned(fragment: Fragment) -> str:
    return f", and {fragment.tags_from_prefix}… from {fragment.tags_from.text}" if fragment.tags_from else ""


def ladder(slot: Slot) -> str:
    """What is tried, one after another, where the slot's fragment cannot be loaded."""
    lifetime = slot.fragment.lifetime
    allowed = {
        "stale_if_error": lifetime.stale_if_error,
        "serve_overtaken_on_error": lifetime.overtaken_if_error,
    }
    kept = " or ".join(f"{name} {exact(seconds)}" for name, seconds in allowed.items() if seconds)
    whole = [*([f"fragment {slot.fallback_fragment.name}"] if slot.fallback_fragment else []), _end(slot)]
    if not slot.each:
        return _then(kept, *whole)
    return f"{_then(kept, 'null in its place')}; as a whole: {_then(*whole)}"


def _then(*steps: str) -> str:
    return ", then ".join(step for step in steps if step)


def _end(slot: Slot) -> str:
    if slot.fallback is not None:
        text = slot.fallback.decode()
        return text if len(text) <= 60 else f"{text[:59]}…"
    return "fails the screen" if slot.required else "null"
