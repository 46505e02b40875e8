"""A shape is which members of a payload a slot shows, and what they are called."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Raw

from aggregator.model.keys import canonical

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class ShapeMistake(ValueError):
    """There is no such shape, with the text that is wrong; or a payload nests too deep to be shaped."""


@dataclass(frozen=True, slots=True)
class _Members:
    """What becomes of an object's members. only: those that are shown, None = all. names: their new names by the old.
    below: those that are changed inside."""

    only: frozenset[str] | None
    dropped: frozenset[str]
    names: Mapping[str, str]
    below: Mapping[str, "_Members"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Its paths are names parted by dots, such as "avatar.url"; each leads through objects, and through lists to every
    element. text: decides the shape, injectively; "" for the one that leaves everything as it is."""

    text: str = ""
    _members: _Members | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, pick: Sequence[str], omit: Sequence[str], rename: Mapping[str, str]) -> "Shape":
        """pick: the only members shown, if they are there; none = all. omit: members left out. rename: new last names
        by path, the path as the MBU writes it. ShapeMistake where these contradict or repeat each other."""
        _check_paths("pick", pick)
        _check_paths("omit", omit)
        _check_paths("rename", rename, nested=True)
        _check_omit(omit, pick)
        _check_rename(rename, omit, pick)
        members = _members(pick, omit, rename)
        parts = sorted(pick), sorted(omit), [text for pair in sorted(rename.items()) for text in pair]
        return cls(canonical(canonical(part).decode() for part in parts).decode(), members) if members else PLAIN

    @property
    def empty(self) -> bool:
        """Does it leave everything as it is?"""
        return self._members is None

    def apply(self, payload: bytes) -> bytes:
        """The JSON text in this shape: members in the MBU's order, values byte for byte, what is neither object nor
        list as it is. Of members of one name the last counts, and a renamed one replaces what has its new name.

        ShapeMistake if it nests too deep, which is hundreds of levels.
        """
        if self._members is None:
            return payload
        try:
            return bytes(_shaped(Raw(payload.lstrip()), self._members))
        except RecursionError:
            raise ShapeMistake("the payload nests too deep to be shaped") from None


PLAIN = Shape()


def _check_paths(what: str, paths: Collection[str], nested: bool = False) -> None:
    for place, path in enumerate(paths):
        if not all(map(_NAME.fullmatch, path.split("."))):
            raise _mistake(what, path, 'it is no path of members; write it like "avatar.url"')
        if not nested and _in_any(path, [*paths][:place] + [*paths][place + 1 :]):
            raise _mistake(what, path, "it is named twice, or what it lies in is named too; take one of the two out")


def _check_omit(omit: Iterable[str], pick: Collection[str]) -> None:
    for path in omit:
        if pick and not _in_any(path.rpartition(".")[0], pick):
            raise _mistake("omit", path, "it lies inside nothing that is picked; take it out of omit, or of pick")


def _check_rename(rename: Mapping[str, str], omit: Collection[str], pick: Collection[str]) -> None:
    taken: set[tuple[str, str]] = set()
    for path, name in rename.items():
        if not _NAME.fullmatch(name):
            raise _mistake("rename", path, f'"{name}" is no name; write the new last name alone, such as "href"')
        if _in_any(path, omit):
            raise _mistake("rename", path, "it is omitted; take one of the two out")
        if pick and not _in_any(path, pick) and not any(_in_any(picked, [path]) for picked in pick):
            raise _mistake("rename", path, "it is not picked; pick it as well, under the name that it has now")
        if (new := (path.rpartition(".")[0], name)) in taken:
            raise _mistake("rename", path, f'another member becomes "{name}" already; choose another name')
        taken.add(new)


def _in_any(path: str, others: Iterable[str]) -> bool:
    return any(f"{path}.".startswith(f"{other}.") for other in others)


def _mistake(what: str, path: str, why: str) -> ShapeMistake:
    return ShapeMistake(f'{what} "{path}": {why}')


def _members(pick: Collection[str], omit: Collection[str], rename: Mapping[str, str]) -> _Members | None:
    if not (pick or omit or rename):
        return None
    below = {}
    for head in dict.fromkeys(_head(path) for path in (*pick, *omit, *rename)):
        names = {path: rename[f"{head}.{path}"] for path in _in(head, rename)}
        if inner := _members(_in(head, pick), _in(head, omit), names):
            below[head] = inner
    only = frozenset(map(_head, pick)) if pick else None
    dropped = frozenset(path for path in omit if "." not in path)
    return _Members(only, dropped, {path: name for path, name in rename.items() if "." not in path}, below)


def _head(path: str) -> str:
    return path.partition(".")[0]


def _in(head: str, paths: Iterable[str]) -> list[str]:
    return [path.removeprefix(f"{head}.") for path in paths if path.startswith(f"{head}.")]


def _shaped(value: Raw, members: _Members) -> Raw:
    match bytes(memoryview(value)[:1]):
        case b"{":
            return Raw(msgspec.json.encode(_shown(msgspec.json.decode(value, type=dict[str, Raw]), members)))
        case b"[":
            elements = msgspec.json.decode(value, type=list[Raw])
            return Raw(msgspec.json.encode([_shaped(element, members) for element in elements]))
        case _:
            return value


def _shown(found: Mapping[str, Raw], members: _Members) -> dict[str, Raw]:
    only = found.keys() if members.only is None else members.only
    kept = {name: value for name, value in found.items() if name in only and name not in members.dropped}
    replaced = {new for old, new in members.names.items() if old in kept}
    shown = {}
    for name, value in kept.items():
        if name in members.names or name not in replaced:
            below = members.below.get(name)
            shown[members.names.get(name, name)] = _shaped(value, below) if below else value
    return shown
