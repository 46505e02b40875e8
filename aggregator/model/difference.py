"""A difference is what a slot of a kept view shows, and what its MBUs say instead."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import orjson

from aggregator.model.part import Part, State
from aggregator.model.screen import Screen, Slot
from aggregator.model.tags import VIEWER
from aggregator.model.view import View, digest_of


class Difference(NamedTuple):
    """loaded: the whole second in which the oldest answer in the slot was loaded (fleet's clock): L1 keeps no more of
    it. kept, said: digests of what is shown and of what would be."""

    loaded: int
    kept: bytes
    said: bytes


# By slot.
Differences = Mapping[str, Difference]


def promised(screen: Screen, parts: Sequence[Part]) -> frozenset[str]:
    """The slots that are promised to follow their MBUs: an invalidation names each, and all that it reads. The others
    are right until their lifetime ends, whatever their MBUs say meanwhile."""
    tagged = {part.slot.name for part in parts if _is_tagged(part)}
    found: set[str] = set()
    for wave in screen.waves:
        found |= {slot.name for slot in wave if slot.name in tagged and slot.needs <= found}
    return frozenset(found)


def _is_tagged(part: Part) -> bool:
    fragment = part.slot.fragment
    tags = (tag for entry in part.entries for tag in entry.tags)
    return fragment.is_tagged or any(tag not in fragment.implicit_tags and not tag.startswith(VIEWER) for tag in tags)


def differences(screen: Screen, kept: View, said: View, slots: frozenset[str]) -> dict[str, Difference]:
    """Of these slots those that show another value, white space and the order of members aside; without those that
    read another one of these, as that is then the reason."""
    if kept.body == said.body:
        return {}
    found, shown = dict(_differences(screen, kept, said)), {slot.name: slot for slot in screen.slots}
    return {name: one for name, one in found.items() if name in slots and not shown[name].needs & found.keys()}


def _differences(screen: Screen, kept: View, said: View) -> Iterator[tuple[str, Difference]]:
    loaded = {slot.name: ceil(slot.at) for slot in kept.slots}
    before, now = _values(screen, kept), _values(screen, said)
    for name in before.keys() & now.keys():
        if before[name] != now[name]:
            yield name, Difference(loaded[name], digest_of(before[name]), digest_of(now[name]))


def _values(screen: Screen, view: View) -> dict[str, bytes]:
    """What is comparable of a view, by slot: of one that is not there, only that the required slots are absent."""
    if view.status == 404:
        absent = {slot.name for slot in view.slots if slot.state == State.ABSENT}
        return {slot.name: b"absent" for slot in screen.slots if slot.required and slot.name in absent}
    data = orjson.loads(view.body)["data"]
    return {slot.name: orjson.dumps(_at(slot, data), option=orjson.OPT_SORT_KEYS) for slot in screen.slots}


def _at(slot: Slot, data: Any) -> Any:
    for step in slot.at:
        data = data[step]
    return data


def still(before: Differences | None, now: Differences) -> tuple[str, Differences]:
    """What a look says, and the differences that are to be looked at again. before: those of the look before.

    "differs": what was kept then is still kept, and the MBUs still say the same other thing. "unsteady": they say yet
    another thing. "replaced": something else is kept; its invalidation was under way. "consistent": nothing differs.
    """
    if not now:
        return "consistent", {}
    if before is None:
        return "differs", now
    if same := {name: one for name, one in now.items() if before.get(name) == one}:
        return "differs", same
    unsteady = any((was := before.get(name)) and was[:2] == one[:2] for name, one in now.items())
    return "unsteady" if unsteady else "replaced", {}
