"""A plan is what one request needs: for every slot what to ask which MBU, as far as its inputs are known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from aggregator.model.fragment import CLAIM, Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.payload_path import Misfit
from aggregator.model.route import is_value
from aggregator.model.screen import Screen, Slot
from aggregator.model.source import Source
from aggregator.model.tags import tag_mistake, union, viewer_tag
from loaders.loader import Failed, Reason


class Want(msgspec.Struct, frozen=True):
    """One entry that is needed. target: path and query at the MBU. headers: what it is asked with.
    tags: those known before anything is loaded, each once. values: the fragment's inputs."""

    fragment: Fragment
    key: Key
    target: str
    headers: Mapping[str, str]
    tags: tuple[str, ...]
    values: Mapping[str, str]


# One entry, nothing to ask for, or why it cannot be asked for.
Need = Want | Failed | None
# A slot's one need, or of a list one for each place.
Needs = Need | list[Need]
# Decoded payloads of slots, by name; a slot that failed has none.
Payloads = Mapping[str, Any]


def plan(screen: Screen, inputs: Inputs, namespace: str) -> dict[str, Needs] | None:
    """What the slots of the first wave need; None if the inputs cannot be put to an MBU, so that there is no such
    screen."""
    first = screen.waves[0]
    needs = {slot.name: needs_of(slot, slot.fragment, inputs, {}, namespace) for slot in first}
    return None if any(isinstance(need, Failed) for need in needs.values()) else needs


def needs_of(slot: Slot, fragment: Fragment, inputs: Inputs, payloads: Payloads, namespace: str) -> Needs:
    """What `fragment` needs in the slot; the payloads are of all slots that it reads."""
    if not slot.given and not slot.each:
        public = inputs if fragment.is_private or inputs.subject is None else replace(inputs, subject=None)
        return _asked(fragment, public, namespace)
    sources = slot.sources(fragment)
    lost = next((source.slot for source in sources.values() if source.slot and source.slot not in payloads), None)
    if lost is not None:
        return _unfit(f"needs {lost}, which could not be had")
    try:
        read = {name: _read(source, inputs, payloads) for name, source in sources.items()}
    except Misfit as misfit:
        return _unfit(str(misfit))
    lists = [name for name in sources if name in slot.each]
    if not lists:
        return _need(fragment, read, sources, inputs, namespace)
    if any(read[name] is None for name in lists):
        return None
    return _each(slot, fragment, read, lists, inputs, namespace)


def _read(source: Source, inputs: Inputs, payloads: Payloads) -> Any:
    if source.slot is None:
        return inputs.values[source.text]
    try:
        return source.path.follow(payloads[source.slot])
    except Misfit as misfit:
        raise Misfit(f"needs {source.text}, but in {source.slot} {misfit}") from None


def _each(
    slot: Slot, fragment: Fragment, read: Mapping[str, Any], lists: Sequence[str], inputs: Inputs, namespace: str
) -> Needs:
    length = len(read[lists[0]])
    if length > slot.max_items:
        return _unfit(f"{slot.each[lists[0]].text} has {length} elements, more than max_items = {slot.max_items}")
    sources = slot.sources(fragment)
    return [
        _need(fragment, {**read, **{name: read[name][index] for name in lists}}, sources, inputs, namespace)
        for index in range(length)
    ]


def _need(
    fragment: Fragment, read: Mapping[str, Any], sources: Mapping[str, Source], inputs: Inputs, namespace: str
) -> Need:
    """The need for these inputs: nothing where one of them is null."""
    values: dict[str, str] = {}
    for name, value in read.items():
        if value is None:
            return None
        text = value if sources[name].slot is None else _text(value)
        if text is None:
            return _unfit(f"needs {sources[name].text} to be {WANTED}{_why(value)}")
        values[name] = text
    asked = {name: source.text for name, source in sources.items() if source.slot is None}
    marks = {name: mark for name, text in asked.items() if (mark := inputs.marks.get(text))}
    subject = inputs.subject if any(text.startswith(CLAIM) for text in asked.values()) else None
    return _asked(fragment, Inputs(values, marks, subject), namespace)


def _asked(fragment: Fragment, inputs: Inputs, namespace: str) -> Need:
    if fragment.has_nothing(inputs.values):
        return None
    return want(fragment, inputs, namespace) or _unfit(NO_PLACE)


NO_PLACE = "its inputs cannot stand in the MBU's path"
WANTED = "a text of 1 to 200 bytes without control characters, or a whole number"


def _text(value: Any) -> str | None:
    """How an MBU is told a value; a number and its decimal text are the same input."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and is_value(value) else None


def _why(value: Any) -> str:
    if isinstance(value, Misfit):
        return f": {value}"
    kinds = {
        "list": "a list",
        "dict": "an object",
        "bool": "true or false",
        "float": "a number with a fraction or beyond 64 bits",
    }
    return f", not {kinds.get(type(value).__name__, 'such a text')}"


def _unfit(why: str) -> Failed:
    return Failed(Reason.INPUT, why)


def _is_field(value: str) -> bool:
    return value.isascii() and value.isprintable()


def want(fragment: Fragment, inputs: Inputs, namespace: str) -> Want | None:
    """What to ask for these inputs; None if they cannot be put to an MBU. Their subject is whose it is then."""
    target, declared = fragment.path.render_target(inputs.values), fragment.declared_tags(inputs.values)
    headers = fragment.sent_headers(inputs.values)
    if target is None or any(map(tag_mistake, declared)) or not all(map(_is_field, headers.values())):
        return None
    private = (viewer_tag(inputs.subject),) if inputs.subject else ()
    tags = union([declared, private, fragment.implicit_tags])
    values = {name: inputs.values[name] for name in fragment.inputs}
    return Want(fragment, fragment.key(namespace, inputs), target, headers, tags, values)
