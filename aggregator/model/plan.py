"""A plan is what one request needs: for every slot the entry's key, its known tags, and what to ask which MBU."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.model.keys import Key
from aggregator.model.screen import Screen, Slot
from aggregator.model.tags import tag_mistake


@dataclass(frozen=True, slots=True)
class Want:
    """One slot's need. target: path and query at the MBU. tags: those known before anything is loaded."""

    slot: Slot
    key: Key
    target: str
    tags: tuple[str, ...]
    values: Mapping[str, str]


def plan(screen: Screen, values: Mapping[str, str], namespace: str) -> tuple[Want, ...] | None:
    """What the screen needs for these inputs; None if they cannot be put to an MBU, so that there is no such screen."""
    wants = [_want(slot, values, namespace) for slot in screen.slots]
    return tuple(want for want in wants if want) if all(wants) else None


def _want(slot: Slot, values: Mapping[str, str], namespace: str) -> Want | None:
    fragment = slot.fragment
    target = fragment.path.render_target(values)
    tags = fragment.known_tags(values)
    if target is None or any(map(tag_mistake, tags)):
        return None
    return Want(slot, fragment.key(namespace, values), target, tags, {name: values[name] for name in fragment.inputs})
