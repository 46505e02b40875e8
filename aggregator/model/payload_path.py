"""A payload path points into a JSON payload: `[*].id`, `feed.items[*].author.id`."""

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|(\[\*\])")
_EACH = "[*]"


class PathMistake(ValueError):
    """The text is not a payload path; the message says where it stops being one."""


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
            steps.append(match[1] or _EACH)
            at = match.end()
        return cls(text, tuple(steps))

    def select(self, payload: Any) -> list[Any]:
        """What the path points at, in order; None where a member is missing or its holder has another type."""
        found = [payload]
        for step in self.steps:
            found = _elements(found) if step == _EACH else [_member(holder, step) for holder in found]
        return found


def _elements(found: list[Any]) -> list[Any]:
    return [element for holder in found if isinstance(holder, list) for element in holder]


def _member(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None
