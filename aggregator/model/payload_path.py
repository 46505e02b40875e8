"""A payload path points into a JSON payload: `[*].id`, `feed.items[*].author.id`."""

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|(\[\*\])")
EACH = "[*]"


class PathMistake(ValueError):
    """The text is not a payload path; the message says where it stops being one."""


class Misfit(ValueError):
    """A payload is shaped otherwise than a path into it says; the message says where, without the payload."""


@dataclass(frozen=True, slots=True)
class PayloadPath:
    """`steps` are member names, or "[*]" for every element of a list."""

    text: str
    steps: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "PayloadPath":
        """Read names parted by dots, each with `[*]` behind it where it is a list; PathMistake otherwise."""
        steps, at = [], 0
        while at < len(text):
            match = _STEP.match(text, at)
            if match is None or (at == 0 and text[0] == "."):
                raise PathMistake(f'"{text}" is no payload path from character {at + 1} on; write it like "[*].id"')
            steps.append(match[1] or EACH)
            at = match.end()
        return cls(text, tuple(steps))

    def select(self, payload: Any) -> list[Any]:
        """What the path points at, in order; None where a member is missing or its holder has another type."""
        found = [payload]
        for step in self.steps:
            found = _elements(found) if step == EACH else [_member(holder, step) for holder in found]
        return found

    def follow(self, payload: Any) -> Any:
        """The value that the path leads to: None where it, or what it lies in, is null. With `[*]` in the path the list
        of what it leads to in each element, in order: None also for an element that has no such member, and a Misfit
        in the place of one that is shaped otherwise.

        Misfit, raised, where a member is missing, or something is no object or no list.
        """
        return _follow(payload, self.steps, "")


def _follow(found: Any, steps: tuple[str, ...], at: str, in_list: bool = False) -> Any:
    if found is None or not steps:
        return found
    step, rest = steps[0], steps[1:]
    if step == EACH:
        return _follow_each(found, rest, at)
    if not isinstance(found, dict):
        raise Misfit(f"{at or 'the payload'} is no object, and so has no member {step}")
    if step not in found and not in_list:
        raise Misfit(f"{at or 'the payload'} has no member {step}")
    return _follow(found.get(step), rest, f"{at}.{step}" if at else step, in_list)


def _follow_each(found: Any, steps: tuple[str, ...], at: str) -> list[Any]:
    if not isinstance(found, list):
        raise Misfit(f"{at or 'the payload'} is no list")
    inner = [_element(element, steps, f"{at}[{index}]") for index, element in enumerate(found)]
    if EACH not in steps:
        return inner
    return [value for values in inner for value in (values if isinstance(values, list) else [values])]


def _element(element: Any, steps: tuple[str, ...], at: str) -> Any:
    try:
        return _follow(element, steps, at, in_list=True)
    except Misfit as misfit:
        return misfit


def _elements(found: list[Any]) -> list[Any]:
    return [element for holder in found if isinstance(holder, list) for element in holder]


def _member(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None
