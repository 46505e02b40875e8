"""The checks of slots: every input of theirs has a source, each source is there, and none writes another's place."""

from collections.abc import Iterator

from aggregator.declaration.available import missing_input
from aggregator.declaration.written import Use, Written, inputs_of
from aggregator.mistakes import Mistake, near, quoted
from aggregator.model.layout import collision
from aggregator.model.shape import Shape, ShapeMistake
from aggregator.model.template import Template

Found = Iterator[Mistake]


def check_slots(written: Written) -> list[Mistake]:
    """All mistakes in slots but those in their graph."""
    checks = (_fragments, _bound, _sources, _secrets, _lists, _inputs, _shapes)
    return [*(mistake for use in written.uses() for one in checks for mistake in one(written, use)), *_places(written)]


def mistake_at(written: Written, use: Use, key: str, message: str, near_miss: str | None = None) -> Mistake:
    """A mistake in a slot; `key` is its key there, "" for the slot itself."""
    return written.mistake("screens", use.screen, f"slots.{use.name}{key and f'.{key}'}", message, near_miss)


def _named(use: Use) -> list[tuple[str, str]]:
    """The fragments that a slot names, each with its key."""
    other = use.slot.fallback_fragment
    return [("", use.slot.fragment), *([("fallback_fragment", other)] if other else [])]


def _fragments(written: Written, use: Use) -> Found:
    known = written.names("fragments")
    for key, fragment in _named(use):
        if fragment not in known:
            place = f"slots.{use.name}{key and f'.{key}'}"
            yield written.unknown(("screens", use.screen, place), "fragment", fragment, known)
    if use.slot.fallback_fragment == use.slot.fragment:
        yield mistake_at(written, use, "fallback_fragment", "is the slot's own fragment; expected: another one")


def _known_inputs(written: Written, use: Use) -> list[str] | None:
    """The inputs of the slot's fragments; None where one of these cannot be told."""
    tables = written.sound("fragments", "path")
    if not all(fragment in tables for _, fragment in _named(use)):
        return None
    return [name for _, fragment in _named(use) for name in inputs_of(tables[fragment])]


def _bound(written: Written, use: Use) -> Found:
    """What is given is an input of the fragment, and given once."""
    known = _known_inputs(written, use)
    for key in use.sources():
        name = key.partition(".")[2]
        if "." in name:
            message = f"{name} is a part of the request, and nothing else stands for it; expected: a plain input"
            yield mistake_at(written, use, key, message)
        elif known is not None and name not in known:
            inputs = ", ".join(known) or "none"
            message = f"{quoted(use.slot.fragment)} has no input of this name; expected one of: {inputs}"
            yield mistake_at(written, use, key, message, near(name, known))
        if key.startswith("each.") and name in use.slot.given:
            yield mistake_at(written, use, key, "is given by with, too; expected: one of the two")


def _sources(written: Written, use: Use) -> Found:
    """Where it comes from is there."""
    slots = written.slots(use.screen)
    for key, source in use.sources().items():
        if source.slot is None:
            if source.text in slots:
                message = f"{source.text} is both a slot and a parameter of the path; expected: another name for one"
                yield mistake_at(written, use, key, message)
            elif why := missing_input(written, use.screen, use.table, source.text):
                yield mistake_at(written, use, key, why)
        elif source.slot not in slots:
            others = [*(slot for slot in slots if slot != use.name), *use.parameters]
            message = (
                f"no slot is called {quoted(source.slot)}; expected one of: {', '.join(others) or 'none is there'}"
            )
            yield mistake_at(written, use, key, message, near(source.slot, others))


def _secrets(written: Written, use: Use) -> Found:
    """No cookie gets into tags under another name."""
    tables = written.sound("fragments", "path")
    tags = [tag for _, fragment in _named(use) if fragment in tables for tag in tables[fragment].tags]
    tagged = {name for tag in tags for name in Template.parse(tag).names}
    for key, source in use.sources().items():
        if source.text.startswith("cookie.") and key.partition(".")[2] in tagged:
            message = f"{source.text} may be a secret, and would stand in tags, which are seen by all who read the log"
            yield mistake_at(written, use, key, message)


def _lists(written: Written, use: Use) -> Found:
    """A list is taken apart by `each`, one list a slot."""
    sources = use.sources()
    for key, source in sources.items():
        if key.startswith("with.") and source.is_list:
            yield mistake_at(written, use, key, f"{source.text} is a list where one value is meant; expected: each")
        if key.startswith("each.") and not source.is_list:
            yield mistake_at(written, use, key, f'{source.text} is no list; expected: a path with "[*]", or with')
    lists = {source.list_text for key, source in sources.items() if key.startswith("each.")}
    if len(lists) > 1:
        yield mistake_at(written, use, "each", f"walks {len(lists)} lists; expected: inputs of the same elements")
    if use.slot.max_items is not None and not use.slot.each:
        yield mistake_at(written, use, "max_items", "bounds a list; expected: each, which makes the slot one")


def _inputs(written: Written, use: Use) -> Found:
    """Every input has a source; what stands in for a list as a whole has no single element to go by."""
    tables, sound = written.sound("fragments", "path"), written.sound("screens", "path")
    for key, fragment in _named(use):
        for name in inputs_of(tables[fragment]) if fragment in tables and use.screen in sound else ():
            if key and name in use.slot.each:
                message = f"{{{name}}} is one of many here; expected: a fragment that stands in for the whole list"
                yield mistake_at(written, use, key, message)
            elif name not in use.bound and (why := missing_input(written, use.screen, use.table, name)):
                known = [*use.parameters]
                message = (
                    f"{{{name}}} is filled by no input of [screens.{quoted(use.screen)}], which uses it as {use.name}"
                )
                yield written.mistake("fragments", fragment, "path", f"{message}: {why}", near(name, known))


def _shapes(written: Written, use: Use) -> Found:
    try:
        Shape.parse(use.slot.pick, use.slot.omit, use.slot.rename)
    except ShapeMistake as mistake:
        yield mistake_at(written, use, "", str(mistake))


def _places(written: Written) -> Found:
    by_screen: dict[str, list[Use]] = {}
    for use in written.uses():
        by_screen.setdefault(use.screen, []).append(use)
    for uses in by_screen.values():
        places = [tuple((use.slot.at or use.name).split(".")) for use in uses]
        if found := collision(places):
            earlier, later = (uses[at] for at in found)
            message = (
                f"{'.'.join(places[found[1]])} is written by slots.{earlier.name} too, at {'.'.join(places[found[0]])}"
            )
            yield mistake_at(written, later, "at" if later.slot.at else "", message)
